//! Jobs that really were requeued, resized, suspended and lost with their node, moved into the past as they were.

use std::time::Duration;

use bursar_tests::scenario::{cancel_all, host_now};
use bursar_tests::{Cluster, Error, Result};

use crate::past::{HOUR, Past, past};

const SOON: Duration = Duration::from_secs(60);

/// Moves all jobs from number @first on, so that the middle of the suspension lies at @middle.
const MOVE: &str = "\
set @by = (select round((time_start + time_end) / 2) from demo_suspend_table where job_db_inx =
    (select max(job_db_inx) from demo_job_table where id_job = @paused)) - @middle;
update demo_suspend_table set time_start = time_start - @by, time_end = time_end - @by where job_db_inx in
    (select job_db_inx from demo_job_table where id_job between @first and @last);
update demo_job_table set time_submit = time_submit - @by, time_start = if(time_start = 0, 0, time_start - @by),
    time_end = time_end - @by, time_eligible = if(time_eligible in (0, 4294967295), time_eligible, time_eligible - @by)
    where id_job between @first and @last;
";

/// Lets the host's clock go on for `seconds`.
fn pass(past: &Past, seconds: i64) -> Result<()> {
    let until = host_now(&past.site)? + seconds;
    past.site.wait_for("some seconds to pass", 30, || {
        let now = host_now(&past.site)?;
        Ok(if now >= until { Ok(()) } else { Err(format!("{} s are left", until - now)) })
    })
}

/// Lives of all kinds, all over at the end: the first and last number, and the one that was suspended.
fn live(past: &Past, cluster: &Cluster) -> Result<(u32, u32, u32)> {
    let scontrol = |args: &[&str]| cluster.scontrol("root", args)?.ok();
    let text = |job: u32| job.to_string();
    let submit = |user: &str, args: &[&str]| cluster.submit(user, &[&["--time=5"], args].concat());
    let resized = submit("ana", &["--nodes=2", "--ntasks=2", "--wrap", "sleep 300"])?;
    let suspended = submit("ben", &["--ntasks=3", "--nodelist=n1", "--wrap", "sleep 300"])?;
    let requeued = submit("ana", &["--requeue", "--nodelist=n1", "--wrap", "sleep 300"])?;
    let stranded = submit("ben", &["--requeue", "--nodelist=n2", "--gpus=2", "--wrap", "sleep 300"])?;
    let waiting = submit("ben", &["--hold", "--wrap", "true"])?;
    let array = submit("ana", &["--array=1-3%2", "--nodelist=n1", "--wrap", "sleep 1"])?;
    let het = "#!/bin/sh\n#SBATCH --time=5 --output=/dev/null\n#SBATCH hetjob\n\
               #SBATCH --time=5 --ntasks=2\nsleep 2\n";
    let het = cluster.host().run_as_with("ben", &["sbatch", "--parsable"], het.as_bytes())?.ok()?;
    let het: u32 = het.trim().parse().map_err(|_| Error::Machine(format!("sbatch answered {het:?}")))?;
    for job in [resized, suspended, requeued, stranded] {
        cluster.wait_for_job_state(job, "RUNNING", SOON)?;
    }
    cluster.slurm_as("ben", "scancel", &[&text(waiting)])?.ok()?;
    // Each has run for some seconds before something befalls it.
    pass(past, 3)?;
    scontrol(&["suspend", &text(suspended)])?;
    scontrol(&["update", &format!("jobid={resized}"), "numnodes=1"])?;
    scontrol(&["requeue", &text(requeued)])?;
    scontrol(&["update", "nodename=n2", "state=down", "reason=test"])?;
    pass(past, 4)?;
    scontrol(&["resume", &text(suspended)])?;
    past.site.wait_for("n2 to be back", 30, || {
        // It may be back by itself, and then this is refused.
        cluster.scontrol("root", &["update", "nodename=n2", "state=resume"])?;
        let state = cluster.slurm_as("root", "sinfo", &["--noheader", "--nodes=n2", "--format=%T"])?.ok()?;
        let back = ["idle", "mixed", "allocated"].contains(&state.lines().next().unwrap_or_default());
        Ok(if back { Ok(()) } else { Err(state) })
    })?;
    // slurmctld begins a requeued job two minutes later unless it is told; the stranded one is ended while it waits.
    past.site.wait_for("the second run to be told when to start", 20, || {
        let told = cluster.scontrol("root", &["update", &format!("jobid={requeued}"), "starttime=now"])?;
        Ok(if told.success() { Ok(()) } else { Err(told.stderr) })
    })?;
    cluster.wait_for_job_state(requeued, "RUNNING", SOON)?;
    pass(past, 3)?;
    for user in ["ana", "ben"] {
        cancel_all(&past.site, user)?;
    }
    // Tasks of the array get numbers of their own.
    let last = het + 20;
    past.site.wait_for("every end in slurmdbd", 40, || {
        let jobs: Vec<String> = (resized..=last).map(|job| job.to_string()).collect();
        let args = ["-D", "-X", "-n", "-P", "--jobs", &jobs.join(","), "-o", "JobID,State,End"];
        let rows = cluster.sacct("root", &args)?.ok()?;
        let open: Vec<&str> = rows.lines().filter(|row| row.ends_with("|Unknown")).collect();
        let over = rows.contains(&format!("{array}_3|")) && open.is_empty();
        Ok(if over { Ok(()) } else { Err(rows) })
    })?;
    Ok((resized, last, suspended))
}

#[test]
fn given_jobs_that_lived_so_then_no_second_is_unexplained_wherever_time_is_cut() -> Result<()> {
    let (past, _alone) = past();
    let cluster = past.site.cluster();
    let (first, last, suspended) = live(past, cluster)?;
    let cut = past.from - 2 * HOUR;
    past.sql(&format!("set @first = {first}, @last = {last}, @paused = {suspended}, @middle = {cut};\n{MOVE}"))?;
    past.roll_up()?;
    cluster.restart("bursard")?;
    let moved = format!(
        "select distinct state from posting where jobid between {first} and {last} \
         and submitted_at < {} order by 1",
        past.from
    );
    past.site.wait_for("the moved jobs in the ledger", 30, || {
        let states = past.site.store(&moved)?.concat().join(" ");
        let all = "CANCELLED COMPLETED NODE_FAIL REQUEUED RESIZING";
        Ok(if states == all { Ok(()) } else { Err(states) })
    })?;
    let whole = past.verify(cut - HOUR, cut + HOUR)?;
    println!("{}{}", whole.output.stdout, whole.output.stderr);
    whole.assert_explained();
    assert!(whole.of("physics", "ana", "cpu", "resize") > 0, "{}", whole.output.stdout);
    assert_eq!(whole.of("optics", "ben", "cpu", "suspended"), 0, "{}", whole.output.stdout);
    let before = past.verify(cut - HOUR, cut)?;
    let after = past.verify(cut, cut + HOUR)?;
    before.assert_explained();
    after.assert_explained();
    let [before, after] = [before, after].map(|part| part.of("optics", "ben", "cpu", "suspended"));
    assert!(before < 0 && before + after == 0, "suspended around the cut: {before} and {after}");
    Ok(())
}
