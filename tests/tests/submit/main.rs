//! Submissions and updates in a real slurmctld are judged before Slurm sees them, whatever their shape and number.

mod without_bursard;

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use bursar_tests::scenario::{
    self, assert_sbatch_refused, cancel_all, host_now, people, policy, sbatch, wait_for_list_after,
};
use bursar_tests::{Governed, Result, directory};

/// One cluster for the whole file, and one test at a time on it.
fn governed() -> (&'static Governed, MutexGuard<'static, ()>) {
    static ALONE: Mutex<()> = Mutex::new(());
    static GOVERNED: OnceLock<Result<Governed>> = OnceLock::new();
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let governed = GOVERNED.get_or_init(|| scenario::govern(scenario::cluster()));
    (governed.as_ref().unwrap_or_else(|error| panic!("{error}")), alone)
}

#[test]
fn given_a_grant_that_ends_or_a_person_who_is_disabled_then_the_next_submission_is_refused() -> Result<()> {
    let (site, _alone) = governed();
    let until = site.cluster().host().run(&["date", "--utc", "--date=+8 seconds", "+%FT%TZ"])?.ok()?;
    let temporary =
        format!("\n[[mapping]]\ngroup = \"g-temp\"\nrole = \"compute-user\"\naccount = \"physics\"\nuntil = {until}");
    site.write_policy(&format!("{}{temporary}", policy()))?;
    let mut was_let_in = false;
    site.wait_for("the end of tom's grant", 40, || {
        let output = sbatch(site, "tom", 1, &["--hold"])?;
        was_let_in |= output.success();
        Ok(if output.stderr.contains("BSR-112: ") { Ok(()) } else { Err(output.stderr) })
    })?;
    println!("tom was let in before: {was_let_in}");
    assert_sbatch_refused(site, "tom", &["--time=1"], "BSR-112", "your access ended 20")?;
    cancel_all(site, "tom")?;

    let mut people = people();
    people.iter_mut().filter(|person| person.name == "dora").for_each(|person| person.enabled = false);
    assert!(sbatch(site, "dora", 1, &["--hold"])?.success());
    site.write_directory(&directory(&people))?;
    site.wait_for("dora to be disabled", 20, || {
        let output = sbatch(site, "dora", 1, &["--hold"])?;
        Ok(if output.stderr.contains("BSR-114: ") { Ok(()) } else { Err(output.stderr) })
    })?;
    assert_sbatch_refused(site, "dora", &["--time=1"], "BSR-114", "disabled in the directory")?;
    cancel_all(site, "dora")
}

#[test]
fn given_a_queued_job_limit_then_jobs_beyond_it_are_refused_with_its_numbers() -> Result<()> {
    let (site, _alone) = governed();
    for _ in 0..3 {
        sbatch(site, "queen", 1, &["--hold"])?.ok()?;
    }
    let sentence = "you may have 3 jobs waiting: 3 wait already, and this asks for 1 more";
    assert_sbatch_refused(site, "queen", &["--time=1", "--hold"], "BSR-141", sentence)?;
    wait_for_list_after(site, host_now(site)?)?;
    assert_sbatch_refused(site, "queen", &["--time=1", "--hold"], "BSR-141", sentence)?;
    cancel_all(site, "queen")
}

#[test]
fn given_500_submissions_at_once_against_room_for_10_then_exactly_10_enter_and_no_more_later() -> Result<()> {
    let (site, _alone) = governed();
    scenario::a_burst_beyond_the_room_gets_exactly_the_room(site)
}

#[test]
fn given_somebody_without_a_usable_grant_then_every_submission_says_why_not() -> Result<()> {
    let (site, _alone) = governed();
    scenario::everybody_without_a_usable_grant_is_told_why(site)
}

#[test]
fn given_each_way_to_submit_then_it_enters_and_is_counted_whole() -> Result<()> {
    let (site, _alone) = governed();
    scenario::each_way_to_submit_is_counted_whole(site)
}

#[test]
fn given_trials_and_jobs_that_slurm_itself_refuses_then_no_lasting_booking_is_left() -> Result<()> {
    let (site, _alone) = governed();
    scenario::trials_and_refused_jobs_leave_no_booking(site)
}

#[test]
fn given_an_update_of_a_waiting_job_then_only_what_enlarges_it_beyond_the_quota_is_refused() -> Result<()> {
    let (site, _alone) = governed();
    scenario::only_edits_that_enlarge_are_refused(site)
}

#[test]
fn given_an_update_in_a_jobs_first_second_then_it_waits_for_the_list_instead_of_passing() -> Result<()> {
    let (site, _alone) = governed();
    scenario::an_edit_in_a_jobs_first_second_waits_for_the_list(site)
}

#[test]
fn given_jobs_that_fill_the_quota_then_they_can_be_held_and_released() -> Result<()> {
    let (site, _alone) = governed();
    scenario::holds_and_releases_pass(site)
}

#[test]
fn given_root_and_slurms_own_user_then_they_are_not_judged() -> Result<()> {
    let (site, _alone) = governed();
    scenario::root_and_slurm_are_not_judged(site)
}

#[test]
fn given_a_shape_that_gets_more_than_one_cpu_then_room_for_one_is_not_enough() -> Result<()> {
    let (site, _alone) = governed();
    scenario::a_shape_of_more_than_one_cpu_needs_room_for_more_than_one(site)
}

#[test]
fn given_an_installed_plugin_then_the_check_finds_it_sound_and_slurmctld_has_it_loaded() -> Result<()> {
    let (site, _alone) = governed();
    scenario::the_plugin_is_checked_and_loaded(site)
}

#[test]
fn given_a_restart_of_slurmctld_with_live_jobs_then_the_limit_still_holds() -> Result<()> {
    let (site, _alone) = governed();
    scenario::a_restarted_slurmctld_goes_on_judging(site)
}

#[test]
fn given_a_reconfiguration_with_live_jobs_then_the_limit_still_holds() -> Result<()> {
    let (site, _alone) = governed();
    scenario::a_reconfigured_slurmctld_goes_on_judging(site)
}

#[test]
fn given_a_thousand_jobs_of_each_kind_that_comes_to_nothing_then_a_minute_later_nothing_is_in_flight() -> Result<()> {
    let (site, _alone) = governed();
    scenario::a_thousand_jobs_that_come_to_nothing_leave_nothing(site)
}

#[test]
fn given_the_plugin_of_another_slurm_then_a_reconfiguration_leaves_the_loaded_one_judging() -> Result<()> {
    let (site, _alone) = governed();
    scenario::a_broken_plugin_does_not_end_the_judging(site)
}

#[test]
fn given_the_plugin_of_another_slurm_then_slurmctld_is_not_started_and_the_journal_says_why() -> Result<()> {
    let (site, _alone) = governed();
    scenario::a_wrong_plugin_is_told_before_slurmctld_starts(site)
}

#[test]
fn given_a_shape_that_fits_into_the_room_exactly_then_it_is_let_in() -> Result<()> {
    let (site, _alone) = governed();
    scenario::a_shape_that_fits_exactly_is_let_in(site)
}
