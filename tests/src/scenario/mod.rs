//! What must hold under every Slurm: scenarios over a cluster that bursar governs, for tests to call by name.
//!
//! Each scenario uses people of its own and leaves no job of theirs behind, so that many of them can follow each other
//! on one cluster, in any order.

mod charges;
mod controller;
mod edits;
mod holes;
mod logins;
mod passes;
mod shapes;
mod submissions;
pub mod windows;

pub use charges::{Fates, jobs_of_every_fate_are_charged_as_sacct_has_them, settled, used};
pub use controller::{
    a_broken_plugin_does_not_end_the_judging, a_reconfigured_slurmctld_goes_on_judging,
    a_restarted_slurmctld_goes_on_judging, a_wrong_plugin_is_told_before_slurmctld_starts,
    the_plugin_is_checked_and_loaded,
};
pub use edits::{
    an_edit_in_a_jobs_first_second_waits_for_the_list, holds_and_releases_pass, only_edits_that_enlarge_are_refused,
};
pub use holes::{
    a_held_job_cannot_be_enlarged, a_hold_outlives_no_grant, a_throttle_hides_no_task, cost_centres_are_known,
    gpu_seconds_are_charged_as_sacct_has_them, gpus_bring_the_cpus_that_were_asked_for,
    gpus_count_however_they_are_asked_for, holes_cluster, holes_world, limits_by_account_and_by_hand_are_told,
    no_job_expands_another, of_several_places_the_dearest_counts, requeues_are_counted_again,
    what_can_never_run_is_refused, what_is_not_named_is_written_into_the_job,
};
pub use logins::a_person_logs_in_until_they_are_disabled;
pub use passes::{a_further_pass_changes_nothing, accounts_and_associations_are_there, wait_for_passes};
pub use shapes::{a_shape_of_more_than_one_cpu_needs_room_for_more_than_one, a_shape_that_fits_exactly_is_let_in};
pub use submissions::{
    a_burst_beyond_the_room_gets_exactly_the_room, a_thousand_jobs_that_come_to_nothing_leave_nothing,
    cron_jobs_are_judged, each_way_to_submit_is_counted_whole, everybody_without_a_usable_grant_is_told_why,
    root_and_slurm_are_not_judged, trials_and_refused_jobs_leave_no_booking,
};

pub use windows::a_closed_window_refuses_puts_off_and_moves;

use std::time::{Duration, Instant};

use crate::{
    Citizen, Cluster, ClusterBuilder, Error, Governed, Output, Result, SlurmVersion, directory, in_the_morning,
};

/// The rules under which the scenarios play, without their zone.
const RULES: &str = "\
week-start = \"monday\"
contact = \"Ask the HPC team.\"

[limits.default]
queued-jobs = 1000
cpu-hours-per-month = 1000

[limits.person.ana]
cpu-hours-per-day = 10

[limits.person.trish]
cpu-hours-per-day = 1000
queued-jobs = \"unlimited\"

[limits.person.rufus]
cpu-hours-per-day = 1000
queued-jobs = \"unlimited\"

[limits.person.helen]
cpu-hours-per-day = 1000
queued-jobs = \"unlimited\"

[limits.person.carla]
cpu-hours-per-day = 1000
queued-jobs = \"unlimited\"

[limits.person.queen]
queued-jobs = 3

[limits.person.array]
cpu-hours-per-day = 2

[limits.person.hetty]
cpu-hours-per-day = 2

[limits.person.tess]
cpu-hours-per-day = 2

[limits.person.quinn]
cpu-hours-per-day = 2

[limits.person.uma]
cpu-hours-per-day = 4

[limits.person.newt]
cpu-hours-per-day = 2

[limits.person.shawn]
cpu-hours-per-day = 1

[limits.person.fitz]
cpu-hours-per-day = 1

[limits.person.cron]
cpu-hours-per-day = 2

[limits.person.liv]
cpu-hours-per-day = 3

[limits.person.lou]
cpu-hours-per-day = 3

[[account]]
name = \"science\"
description = \"Science\"
cost-center = \"CC-1\"

[[account]]
name = \"physics\"
parent = \"science\"
description = \"Physics\"
cost-center = \"CC-2\"

[[account]]
name = \"optics\"
parent = \"science\"
description = \"Optics\"
cost-center = \"CC-3\"
limits = { cpu-hours-per-month = 1000000 }

[[account]]
name = \"lasers\"
parent = \"optics\"
description = \"Lasers\"
cost-center = \"CC-4\"
limits = { cpu-hours-per-month = 1000000 }

[[mapping]]
group = \"g-physics\"
role = \"compute-user\"
account = \"physics\"

[[mapping]]
group = \"g-optics\"
role = \"compute-user\"
account = \"optics\"

[[mapping]]
group = \"g-lasers\"
role = \"compute-user\"
account = \"lasers\"

[[mapping]]
group = \"g-brief\"
role = \"compute-user\"
account = \"physics\"
until = 2030-06-30

[[mapping]]
group = \"g-audit\"
role = \"observer\"
scope = \"cluster\"
";

/// The `policy.toml` under which the scenarios play: limits of a day count all of a job, at whatever hour it is tried.
pub fn policy() -> String {
    in_the_morning(RULES)
}

/// Zoe is waited for, so that everybody is there before a scenario begins.
const PHYSICISTS: &[&str] = &[
    "ana", "ben", "queen", "array", "hetty", "tess", "quinn", "uma", "newt", "shawn", "liv", "lou", "lora", "milo",
    "dora", "fitz", "cron", "trish", "rufus", "helen", "carla", "zoe",
];
const OTHERS: &[(&str, &str)] =
    &[("brie", "g-brief"), ("eva", "g-audit"), ("tom", "g-temp"), ("olga", "g-optics"), ("luis", "g-lasers")];

/// Everybody in the directory.
pub fn people() -> Vec<Citizen> {
    let physicists = PHYSICISTS.iter().map(|name| Citizen::new(name, "g-physics"));
    physicists.chain(OTHERS.iter().map(|(name, group)| Citizen::new(name, group))).collect()
}

/// Boots `cluster` with these rules and people.
pub fn govern(cluster: ClusterBuilder) -> Result<Governed> {
    let governed = Governed::up(cluster, &policy(), &directory(&people()), "zoe")?;
    // Somebody of the host's own, with an association made by hand, is nobody to bursar.
    governed.cluster().add_user("nora")?.ok()?;
    governed.cluster().sacctmgr(&["add", "user", "nora", "account=root"])?.ok()?;
    Ok(governed)
}

/// A cluster with the partitions that the scenarios name.
pub fn cluster() -> ClusterBuilder {
    Cluster::builder()
        .slurm_conf("PartitionName=open Nodes=n[1-2] MaxTime=UNLIMITED DefMemPerCPU=100 State=UP")
        .slurm_conf("PartitionName=lean Nodes=n[1-2] DefaultTime=10 MaxMemPerCPU=1000 DefMemPerCPU=100 State=UP")
}

/// The end of every job that only has to be there.
const SLEEPER: [&str; 3] = ["--output=/dev/null", "--wrap", "sleep 3000"];

/// Submits a job of so many minutes with more arguments.
pub fn sbatch(site: &Governed, user: &str, minutes: u32, more: &[&str]) -> Result<Output> {
    let time = format!("--time={minutes}");
    site.cluster().sbatch(user, &[&["--parsable", time.as_str()], more, &SLEEPER].concat())
}

/// A refusal is final and tells the person two lines: why, and the code with whom to ask.
pub fn assert_refused(output: &Output, took: Duration, code: &str, sentence: &str) {
    let text = &output.stderr;
    assert_ne!(output.status, 0, "{} was let through: {}", output.command, output.stdout);
    assert!(text.contains(sentence), "{}: {sentence:?} is not in {text}", output.command);
    assert!(text.contains(&format!("{code}: Ask the HPC team.")), "{}: {text}", output.command);
    assert!(took < Duration::from_secs(5), "{} took {took:?}: the client tried again", output.command);
}

/// That sbatch refuses `user` this job, for this reason.
pub fn assert_sbatch_refused(site: &Governed, user: &str, args: &[&str], code: &str, sentence: &str) -> Result<()> {
    let start = Instant::now();
    let output = site.cluster().sbatch(user, &[args, &SLEEPER].concat())?;
    assert_eq!(output.status, 1);
    assert_refused(&output, start.elapsed(), code, sentence);
    Ok(())
}

/// That an update was refused. slurmctld 22.05 has no way to carry a plugin's words on an update, so that the number's own
/// sentence is all there is; later ones tell the whole of it.
fn assert_update_refused(site: &Governed, output: &Output, took: Duration, code: &str, sentence: &str) {
    if site.cluster().host().slurm() == SlurmVersion::V22_05 {
        let text = &output.stderr;
        assert!(!output.success() && text.contains("Job violates accounting/QOS policy"), "{}: {text}", output.command);
        assert!(took < Duration::from_secs(5), "{} took {took:?}: the client tried again", output.command);
    } else {
        assert_refused(output, took, code, sentence);
    }
}

/// Ends all jobs of `user`.
pub fn cancel_all(site: &Governed, user: &str) -> Result<()> {
    site.cluster().slurm_as("root", "scancel", &["--user", user])?.ok().map(drop)
}

/// Seconds since the epoch by the host's clock.
pub fn host_now(site: &Governed) -> Result<i64> {
    let text = site.cluster().host().run(&["date", "+%s"])?.ok()?;
    text.trim().parse().map_err(|_| Error::Machine(format!("date answered {text:?} instead of seconds")))
}

/// Waits for a list of jobs that slurmctld gave after `at`.
pub fn wait_for_list_after(site: &Governed, at: i64) -> Result<()> {
    site.judges_by("a later list of jobs", 75, |snapshot| {
        let as_of = snapshot.as_of().0;
        if as_of > at { Ok(()) } else { Err(format!("as of {as_of}, wanted {at}")) }
    })
}

/// Waits until slurmctld knows the jobs that it had, and judges `user`'s again after its start.
fn wait_until_counted(site: &Governed, user: &str) -> Result<()> {
    site.wait_for("the count after the restart", 40, || {
        let output = sbatch(site, user, 1, &["--hold"])?;
        let known = output.success() || output.stderr.contains("BSR-101: Ask the HPC team.");
        assert!(known, "{}", output.stderr);
        Ok(output.ok().map(drop).map_err(|error| error.to_string()))
    })?;
    cancel_all(site, user)
}
