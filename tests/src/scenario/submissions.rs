//! Submissions: whoever may is let in and counted, whoever may not is told why.

use std::time::Instant;

use super::{assert_refused, assert_sbatch_refused, cancel_all, host_now, sbatch, wait_for_list_after};
use crate::{CONTROLLER_SNAPSHOT, Governed, Result};

/// Of 500 submissions at once against room for 10, exactly 10 enter, and none later.
pub fn a_burst_beyond_the_room_gets_exactly_the_room(site: &Governed) -> Result<()> {
    let began = host_now(site)?;
    let burst = "seq 500 | xargs -P 500 -I{} sbatch --parsable --time=60 --output=/dev/null --wrap 'sleep 3000'";
    let start = Instant::now();
    let output = site.cluster().host().run_as("ana", &["bash", "-c", burst])?;
    println!("500 submissions took {:?}", start.elapsed());
    let accepted = output.stdout.lines().filter(|line| line.parse::<u32>().is_ok()).count();
    let refused = output.stderr.lines().filter(|line| line.contains("BSR-150: ")).count();
    assert_eq!((accepted, refused), (10, 490), "{}", output.stderr.lines().take(20).collect::<Vec<_>>().join("\n"));

    // While the list is taken in, and beyond the time in which a booking may go without its job.
    let mut tried = 0;
    site.wait_for("a list of a minute later", 90, || {
        let output = sbatch(site, "ana", 60, &[])?;
        assert!(output.stderr.contains("10.00 CPU-hours today"), "{} {}", output.stdout, output.stderr);
        tried += 1;
        let as_of = site.snapshot(CONTROLLER_SNAPSHOT)?.as_of().0;
        Ok(if as_of > began + 60 { Ok(()) } else { Err(format!("as of {as_of}")) })
    })?;
    println!("{tried} more were refused one by one");
    let output = site.cluster().host().run_as("ana", &["bash", "-c", &burst.replace("seq 500", "seq 50")])?;
    assert_eq!(output.stdout, "");
    let mine = site.cluster().squeue("ana", &["--me", "--noheader", "--array", "--format=%A"])?.ok()?;
    assert_eq!(mine.lines().count(), 10);
    cancel_all(site, "ana")
}

/// Each kind of missing access has a sentence of its own, in sbatch, srun and salloc.
pub fn everybody_without_a_usable_grant_is_told_why(site: &Governed) -> Result<()> {
    assert_sbatch_refused(site, "nora", &["--time=1"], "BSR-110", "you hold no grant on this cluster")?;
    assert_sbatch_refused(site, "eva", &["--time=1"], "BSR-120", "you are an observer here")?;
    let other = "you hold no grant for account science, but you do for physics";
    assert_sbatch_refused(site, "ben", &["--time=1", "--account=science"], "BSR-121", other)?;
    assert_sbatch_refused(site, "ben", &["--time=1", "--account=nosuch"], "BSR-121", "account nosuch")?;
    let late = ["--time=1", "--begin=2030-07-02"];
    assert_sbatch_refused(site, "brie", &late, "BSR-123", "begin after your access ends, 2030-07-01 00:00")?;
    let open = ["--partition=open"];
    assert_sbatch_refused(site, "ben", &open, "BSR-130", "name a time limit with -t: partition open has none")?;

    // srun and salloc are told the same.
    for (command, args) in [("srun", ["--time=1", "true"]), ("salloc", ["--time=1", "true"])] {
        let start = Instant::now();
        let output = site.cluster().slurm_as("nora", command, &args)?;
        assert_refused(&output, start.elapsed(), "BSR-110", "you hold no grant on this cluster");
    }
    Ok(())
}

/// srun, salloc, arrays and heterogeneous jobs enter, and their whole size counts.
pub fn each_way_to_submit_is_counted_whole(site: &Governed) -> Result<()> {
    let cluster = site.cluster();
    cluster.slurm_as("ben", "srun", &["--time=1", "true"])?.ok()?;
    cluster.slurm_as("ben", "salloc", &["--time=1", "true"])?.ok()?;
    sbatch(site, "ben", 1, &["--account=PHYSICS", "--hold"])?.ok()?;
    cancel_all(site, "ben")?;

    // Two hours a day: an array of three one-hour tasks is too much, one of two fills the day.
    let asks_three = "this job may use 3.00";
    assert_sbatch_refused(site, "array", &["--time=60", "--array=1-3%1"], "BSR-150", asks_three)?;
    sbatch(site, "array", 60, &["--hold", "--array=1-2"])?.ok()?;
    assert_sbatch_refused(site, "array", &["--time=1"], "BSR-150", "2.00 are in flight")?;
    wait_for_list_after(site, host_now(site)?)?;
    assert_sbatch_refused(site, "array", &["--time=1"], "BSR-150", "2.00 are in flight")?;
    cancel_all(site, "array")?;

    let script = "#!/bin/sh\n#SBATCH --time=60 --output=/dev/null --hold\n#SBATCH hetjob\n#SBATCH --time=MORE\ntrue\n";
    let submit = |minutes: &str| {
        let script = script.replace("MORE", minutes);
        cluster.host().run_as_with("hetty", &["sbatch", "--parsable"], script.as_bytes())
    };
    let start = Instant::now();
    assert_refused(&submit("61")?, start.elapsed(), "BSR-150", "2.00 CPU-hours today");
    // The component of the refused job that was let in holds its room until it is clear that it never came.
    wait_for_list_after(site, host_now(site)? + 31)?;
    submit("60")?.ok()?;
    assert_sbatch_refused(site, "hetty", &["--time=1"], "BSR-150", "2.00 are in flight")?;
    cancel_all(site, "hetty")
}

/// `--test-only` and jobs that Slurm itself refuses hold their room for a while only.
pub fn trials_and_refused_jobs_leave_no_booking(site: &Governed) -> Result<()> {
    let trials = "seq 200 | xargs -P 20 -I{} sbatch --test-only --time=60 --wrap true";
    site.cluster().host().run_as("tess", &["bash", "-c", trials])?;
    // Two hours a day are two bookings that have no job.
    for refused in ["--qos=nosuch", "--constraint=nosuch"] {
        let output = sbatch(site, "quinn", 60, &["--hold", refused])?;
        assert!(!output.success() && !output.stderr.contains("BSR-"), "{refused}: {}", output.stderr);
    }
    assert_sbatch_refused(site, "quinn", &["--time=1"], "BSR-150", "2.00 are in flight")?;
    let start = Instant::now();
    for user in ["tess", "quinn"] {
        site.wait_for(&format!("all of the room for {user}"), 50, || {
            let output = sbatch(site, user, 120, &["--hold"])?;
            Ok(output.ok().map(drop).map_err(|error| error.to_string()))
        })?;
        cancel_all(site, user)?;
    }
    println!("the bookings were gone after {:?}", start.elapsed());
    Ok(())
}

/// A thousand trials, jobs that Slurm refuses after bursar's yes, half-refused heterogeneous jobs, and arrays that are
/// cancelled: a minute later nothing of them is in flight, and all of the room can be had.
pub fn a_thousand_jobs_that_come_to_nothing_leave_nothing(site: &Governed) -> Result<()> {
    let host = site.cluster().host();
    // The second component is for an account that is not hers, so bursar refuses it after it has let in the first.
    let het = "#!/bin/sh\n#SBATCH --time=60 --output=/dev/null\n#SBATCH hetjob\n#SBATCH --account=optics\ntrue\n";
    host.write_file("/home/helen/het", het, 0o644)?;
    let thousand = |command: &str| format!("seq 1000 | xargs -P 16 -I{{}} {command} >/tmp/$USER.out 2>&1; true");
    let mut last = 0;
    for (user, command, expected) in [
        ("trish", "sbatch --test-only --time=60 --wrap true", "to start at"),
        ("rufus", "sbatch --hold --time=60 --qos=nosuch --wrap true", "Invalid qos specification"),
        ("helen", "sbatch /home/helen/het", "BSR-121"),
        ("carla", "sbatch --hold --time=30 --array=1-2 --output=/dev/null --wrap true", "Submitted"),
    ] {
        host.run_as(user, &["env", &format!("USER={user}"), "bash", "-c", &thousand(command)])?.ok()?;
        let told = host.run(&["grep", "--count", expected, &format!("/tmp/{user}.out")])?.stdout;
        assert_eq!(told.trim(), "1000", "{user}: {}", host.run(&["tail", &format!("/tmp/{user}.out")])?.stdout);
        last = host_now(site)?;
    }
    cancel_all(site, "carla")?;
    for user in ["trish", "rufus", "helen", "carla"] {
        let left = u64::try_from(last + 60 - host_now(site)?).unwrap_or(0).max(1);
        site.wait_for(&format!("all of the room for {user}"), left, || {
            let output = sbatch(site, user, 60, &["--hold", "--array=1-1000"])?;
            Ok(output.ok().map(drop).map_err(|error| error.to_string()))
        })?;
        cancel_all(site, user)?;
    }
    Ok(())
}

/// root and SlurmUser are let in without a grant.
pub fn root_and_slurm_are_not_judged(site: &Governed) -> Result<()> {
    site.cluster().sacctmgr(&["add", "user", "slurm", "account=root"])?.ok()?;
    for user in ["root", "slurm"] {
        site.wait_for(&format!("{user} to submit"), 10, || {
            let output = sbatch(site, user, 60, &["--hold"])?;
            assert!(!output.stderr.contains("BSR-"), "{}", output.stderr);
            Ok(output.ok().map(drop).map_err(|error| error.to_string()))
        })?;
        cancel_all(site, user)?;
    }
    Ok(())
}

/// The line of a crontab, which slurmctld gives to the plugin as a job of its own, is judged; it is the job's number only that
/// scrontab shows of a refusal.
pub fn cron_jobs_are_judged(site: &Governed) -> Result<()> {
    let cluster = site.cluster();
    let crontab = |minutes: u32| {
        let line = format!("#SCRON --time={minutes} --output=/dev/null\n0 4 1 1 * true\n");
        cluster.host().run_as_with("cron", &["scrontab", "-"], line.as_bytes())
    };
    let refused = crontab(180)?;
    assert!(!refused.success(), "a cron job of three hours was let in: {}", refused.stdout);
    println!("refused: {refused:?}");
    crontab(60)?.ok()?;
    let jobs = cluster.squeue("cron", &["--me", "--noheader", "--format=%A"])?.ok()?;
    assert_eq!(jobs.lines().count(), 1, "{jobs}");
    cluster.host().run_as("cron", &["scrontab", "-r"])?.ok()?;
    cancel_all(site, "cron")
}
