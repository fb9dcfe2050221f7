//! Edits of waiting jobs: only what enlarges a job beyond the room for it is refused.

use std::time::Instant;

use super::{assert_update_refused, cancel_all, host_now, sbatch, wait_for_list_after};
use crate::{Governed, Result};

/// An argument of sbatch with which a job waits even when it is released: for one of another person's that is held.
fn wait_for_another(site: &Governed) -> Result<String> {
    Ok(format!("--dependency=afterany:{}", sbatch(site, "ben", 1, &["--hold"])?.ok()?.trim()))
}

/// Of all edits of a waiting job only those that enlarge it beyond the quota are refused.
pub fn only_edits_that_enlarge_are_refused(site: &Governed) -> Result<()> {
    let cluster = site.cluster();
    let another = wait_for_another(site)?;
    let job = sbatch(site, "uma", 60, &["--hold", &another])?.ok()?.trim().to_owned();
    let update = |user: &str, change: &str| cluster.scontrol(user, &["update", &format!("jobid={job}"), change]);
    for change in ["comment=x", "nice=10", "name=other"] {
        update("uma", change)?.ok()?;
    }
    cluster.scontrol("uma", &["release", &job])?.ok()?;
    cluster.scontrol("uma", &["hold", &job])?.ok()?;
    wait_for_list_after(site, host_now(site)?)?;

    for change in ["timelimit=300", "numcpus=8"] {
        let start = Instant::now();
        let output = update("uma", change)?;
        assert_update_refused(site, &output, start.elapsed(), "BSR-150", "you may use 4.00 CPU-hours today");
    }
    update("uma", "timelimit=30")?.ok()?;
    update("root", "timelimit=600")?.ok()?;
    let shown = cluster.scontrol("uma", &["show", "job", "--oneliner", &job])?.ok()?;
    assert!(shown.contains("TimeLimit=10:00:00"), "{shown}");
    cancel_all(site, "uma")?;
    cancel_all(site, "ben")
}

/// A job that no list has shown yet cannot be enlarged.
pub fn an_edit_in_a_jobs_first_second_waits_for_the_list(site: &Governed) -> Result<()> {
    let cluster = site.cluster();
    let job = sbatch(site, "newt", 60, &["--hold"])?.ok()?.trim().to_owned();
    let update =
        |minutes: u32| cluster.scontrol("newt", &["update", &format!("jobid={job}"), &format!("timelimit={minutes}")]);
    let start = Instant::now();
    // Usually there was no list yet; if there was one already, the quota speaks.
    let output = update(600)?;
    let code = if output.stderr.contains("BSR-150") { "BSR-150" } else { "BSR-160" };
    assert_update_refused(site, &output, start.elapsed(), code, "");
    wait_for_list_after(site, host_now(site)?)?;
    let start = Instant::now();
    assert_update_refused(site, &update(600)?, start.elapsed(), "BSR-150", "you may use 2.00 CPU-hours today");
    update(90)?.ok()?;
    cancel_all(site, "newt")
}

/// Holding and releasing what fills the quota passes: a job, an array, and a heterogeneous job.
pub fn holds_and_releases_pass(site: &Governed) -> Result<()> {
    let cluster = site.cluster();
    let user = "array";
    let another = wait_for_another(site)?;
    let het = "#!/bin/sh\n#SBATCH --time=30 --output=/dev/null --hold WAIT\n#SBATCH hetjob\n#SBATCH --time=30\ntrue\n";
    let het = het.replace("WAIT", &another);
    let submissions = [
        sbatch(site, user, 30, &["--hold", &another])?,
        sbatch(site, user, 15, &["--hold", "--array=1-2%1", &another])?,
        cluster.host().run_as_with(user, &["sbatch", "--parsable"], het.as_bytes())?,
    ];
    wait_for_list_after(site, host_now(site)?)?;
    for submitted in submissions {
        let job = submitted.ok()?.trim().to_owned();
        for action in ["release", "hold", "uhold", "release"] {
            let done = cluster.scontrol(user, &[action, &job])?;
            assert!(done.success() && !done.stderr.contains("BSR-"), "{} {}", done.command, done.stderr);
        }
    }
    cancel_all(site, user)?;
    cancel_all(site, "ben")
}
