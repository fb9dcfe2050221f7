//! Every way around a job_submit plugin that a reviewer should try, tried on a real slurmctld of each Slurm.
//!
//! One cluster runs at a time and is kept from one test to the next, so tests of one version should follow each other.

use std::sync::{Mutex, PoisonError};

use bursar_tests::{Governed, Result, SlurmVersion, scenario};

/// Plays `scenario` on the cluster of `version`, which is booted if another one runs or none.
fn on(version: SlurmVersion, scenario: impl FnOnce(&Governed) -> Result<()>) -> Result<()> {
    // What could not be booted once is not tried again for every test.
    static RUNNING: Mutex<Option<(SlurmVersion, Result<Governed>)>> = Mutex::new(None);
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    if running.as_ref().is_none_or(|(other, _)| *other != version) {
        // The old one goes before the new one comes: two are too much for a small machine.
        *running = None;
        *running = Some((version, scenario::holes_world(scenario::holes_cluster().slurm(version))));
    }
    match &*running {
        Some((_, Ok(governed))) => scenario(governed),
        Some((_, Err(error))) => panic!("{error}"),
        None => unreachable!("it has just been booted, or tried"),
    }
}

macro_rules! holes {
    ($module:ident, $version:expr) => {
        holes! { $module, $version,
            given_a_held_job_then_it_cannot_be_enlarged: a_held_job_cannot_be_enlarged;
            given_nothing_named_then_the_defaults_are_written_into_the_job: what_is_not_named_is_written_into_the_job;
            given_a_throttled_array_then_every_task_counts: a_throttle_hides_no_task;
            given_several_places_then_the_dearest_counts: of_several_places_the_dearest_counts;
            given_a_requeued_job_then_it_is_counted_again: requeues_are_counted_again;
            given_a_cost_centre_then_it_is_known_or_refused: cost_centres_are_known;
            given_gpus_that_bring_cpus_then_these_count: gpus_bring_the_cpus_that_were_asked_for;
            given_gpus_in_any_spelling_then_they_count: gpus_count_however_they_are_asked_for;
            given_a_job_with_gpus_then_their_seconds_are_charged: gpu_seconds_are_charged_as_sacct_has_them;
            given_a_job_that_would_expand_another_then_it_is_refused: no_job_expands_another;
            given_a_job_that_can_never_run_then_it_is_refused: what_can_never_run_is_refused;
            given_limits_by_account_and_by_hand_then_they_are_told: limits_by_account_and_by_hand_are_told;
            given_access_that_has_ended_then_no_hold_comes_off: a_hold_outlives_no_grant;
        }
    };
    ($module:ident, $version:expr, $($name:ident: $scenario:ident;)*) => {
        mod $module {
            use super::*;

            $(
                #[test]
                fn $name() -> Result<()> {
                    on($version, scenario::$scenario)
                }
            )*
        }
    };
}

holes!(v22_05, SlurmVersion::V22_05);
holes!(v24_11, SlurmVersion::V24_11);
holes!(v26_05, SlurmVersion::V26_05);
