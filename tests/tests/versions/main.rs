//! The newer Slurms judge, count and follow as the machine's own does: the same scenarios, each on a cluster of its own.
//!
//! One cluster runs at a time and is kept from one test to the next, so tests of one version should follow each other.

use std::sync::{Mutex, PoisonError};

use bursar_tests::{Governed, Result, SlurmVersion, scenario};

/// Plays `scenario` on the cluster of `version`, which is booted if another one runs or none.
fn on(version: SlurmVersion, scenario: impl FnOnce(&Governed) -> Result<()>) -> Result<()> {
    static RUNNING: Mutex<Option<(SlurmVersion, Governed)>> = Mutex::new(None);
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((other, _)) = &*running
        && *other != version
    {
        *running = None;
    }
    if running.is_none() {
        let cluster = scenario::cluster().slurm(version).slurm_conf("ScronParameters=enable");
        *running = Some((version, scenario::govern(cluster)?));
    }
    let Some((_, governed)) = &*running else { unreachable!("it has just been booted") };
    scenario(governed)
}

/// Tests of one version: each name is a sentence, each body a scenario.
macro_rules! tests {
    ($module:ident, $version:expr, $($name:ident: $scenario:expr;)*) => {
        mod $module {
            use super::*;

            $(
                #[test]
                fn $name() -> Result<()> {
                    on($version, $scenario)
                }
            )*
        }
    };
}

/// The scenarios that hold on every version alike.
macro_rules! tests_of_all {
    ($module:ident, $version:expr) => {
        tests! { $module, $version,
            given_its_headers_then_the_plugins_own_tests_pass: |_| $version.test_plugin();
            given_an_installed_plugin_then_the_check_finds_it_sound_and_slurmctld_has_it_loaded:
                scenario::the_plugin_is_checked_and_loaded;
            given_the_policy_then_accounts_and_associations_are_there: scenario::accounts_and_associations_are_there;
            given_nothing_new_then_further_passes_change_nothing: scenario::a_further_pass_changes_nothing;
            given_each_way_to_submit_then_it_enters_and_is_counted_whole: scenario::each_way_to_submit_is_counted_whole;
            given_somebody_without_a_usable_grant_then_every_submission_says_why_not:
                scenario::everybody_without_a_usable_grant_is_told_why;
            given_trials_and_jobs_that_slurm_itself_refuses_then_no_lasting_booking_is_left:
                scenario::trials_and_refused_jobs_leave_no_booking;
            given_a_shape_that_gets_more_than_one_cpu_then_room_for_one_is_not_enough:
                scenario::a_shape_of_more_than_one_cpu_needs_room_for_more_than_one;
            given_a_shape_that_fits_into_the_room_exactly_then_it_is_let_in:
                scenario::a_shape_that_fits_exactly_is_let_in;
            given_root_and_slurms_own_user_then_they_are_not_judged: scenario::root_and_slurm_are_not_judged;
            given_500_submissions_at_once_against_room_for_10_then_exactly_10_enter_and_no_more_later:
                scenario::a_burst_beyond_the_room_gets_exactly_the_room;
            given_an_edit_beyond_the_quota_then_its_owner_reads_why_and_unrelated_edits_pass:
                scenario::only_edits_that_enlarge_are_refused;
            given_an_edit_in_a_jobs_first_second_then_it_waits_for_the_list:
                scenario::an_edit_in_a_jobs_first_second_waits_for_the_list;
            given_jobs_that_fill_the_quota_then_they_can_be_held_and_released: scenario::holds_and_releases_pass;
            given_a_key_then_a_person_logs_in_until_they_are_disabled: scenario::a_person_logs_in_until_they_are_disabled;
            given_a_cron_job_then_it_is_judged_like_any_other: scenario::cron_jobs_are_judged;
            given_a_window_that_is_closed_then_jobs_are_refused_put_off_or_moved:
                scenario::a_closed_window_refuses_puts_off_and_moves;
            given_a_restart_of_slurmctld_then_the_limit_still_holds: scenario::a_restarted_slurmctld_goes_on_judging;
            given_a_reconfiguration_then_the_limit_still_holds: scenario::a_reconfigured_slurmctld_goes_on_judging;
            given_the_plugin_of_another_slurm_then_the_reconfiguration_fails_and_the_loaded_one_goes_on_judging:
                scenario::a_broken_plugin_does_not_end_the_judging;
            given_the_plugin_of_another_slurm_then_slurmctld_is_not_started_and_the_journal_says_why:
                scenario::a_wrong_plugin_is_told_before_slurmctld_starts;
            given_jobs_of_every_fate_then_the_store_agrees_with_sacct_to_the_second: |site| {
                let fates = scenario::Fates { first: "olga", second: "luis", parent: "optics", child: "lasers" };
                scenario::jobs_of_every_fate_are_charged_as_sacct_has_them(site, fates)
            };
        }
    };
}

tests_of_all!(v24_11, SlurmVersion::V24_11);
tests_of_all!(v26_05, SlurmVersion::V26_05);
