//! Windows on a real cluster: jobs refused or put off, edits, jobs that still wait at closing, partitions out of service,
//! emergencies.
//!
//! slurmctld's clock is the machine's, so each test writes windows that lie around the present instant.

mod doors;

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bursar_tests::scenario::windows::{daily as window, minute, rule as put_in_force, shown, wait_for_begin};
use bursar_tests::scenario::{host_now, wait_for_list_after};
use bursar_tests::{Citizen, Cluster, Governed, Output, Result, directory};

const POLICY: &str = "\
time-zone = \"UTC\"
week-start = \"monday\"
contact = \"Ask the HPC team.\"

[limits.person.lena]
running-jobs = 1
queued-jobs = 0

[[account]]
name = \"science\"
description = \"Science\"

[[account]]
name = \"physics\"
parent = \"science\"
description = \"Physics\"

[[mapping]]
group = \"g-physics\"
role = \"compute-user\"
account = \"physics\"
";

/// One cluster for the whole file, and one test at a time on it.
fn governed() -> (&'static Governed, MutexGuard<'static, ()>) {
    static ALONE: Mutex<()> = Mutex::new(());
    static GOVERNED: OnceLock<Result<Governed>> = OnceLock::new();
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let governed = GOVERNED.get_or_init(|| {
        let people = ["ana", "ben", "lena", "zoe"].map(|name| Citizen::new(name, "g-physics"));
        let cluster = Cluster::builder()
            .slurm_conf("SuspendProgram=/bin/true")
            .slurm_conf("ResumeProgram=/bin/true")
            .slurm_conf("SuspendTime=86400")
            .slurm_conf("NodeName=c1 NodeHostname=hpc NodeAddr=127.0.0.1 Port=17009 CPUs=2 RealMemory=1000")
            .slurm_conf("PartitionName=night Nodes=n[1-2] DefaultTime=10 DefMemPerCPU=100 State=UP")
            .slurm_conf("PartitionName=strict Nodes=n[1-2] DefaultTime=10 DefMemPerCPU=100 State=UP")
            .slurm_conf("PartitionName=cloud Nodes=c1 DefaultTime=10 DefMemPerCPU=100 State=UP");
        Governed::up(cluster, POLICY, &directory(&people), "zoe")
    });
    (governed.as_ref().unwrap_or_else(|error| panic!("{error}")), alone)
}

const SLEEPER: [&str; 4] = ["--parsable", "--output=/dev/null", "--wrap", "sleep 3000"];

/// The instant as a snapshot tells it.
fn text(at: i64) -> String {
    jiff::Timestamp::from_second(at).unwrap().strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Puts these windows in force beside the rules of this file.
fn rule(site: &Governed, windows: &[String]) -> Result<()> {
    put_in_force(site, POLICY, windows)
}

fn sbatch(site: &Governed, user: &str, args: &[&str]) -> Result<Output> {
    site.cluster().sbatch(user, &[args, &SLEEPER].concat())
}

fn submit(site: &Governed, user: &str, args: &[&str]) -> Result<String> {
    Ok(sbatch(site, user, args)?.ok()?.trim().to_owned())
}

fn cancel_all(site: &Governed) -> Result<()> {
    for user in ["ana", "ben", "zoe"] {
        site.cluster().slurm_as("root", "scancel", &["--user", user])?.ok()?;
    }
    Ok(())
}

/// A refusal is final, and tells why and with which code.
fn assert_refused(output: &Output, took: Duration, code: &str, sentence: &str, slurms: &str) {
    let text = &output.stderr;
    assert_ne!(output.status, 0, "{} was let through: {}", output.command, output.stdout);
    assert!(text.contains(sentence), "{}: {sentence:?} is not in {text}", output.command);
    assert!(text.contains(&format!("{code}: Ask the HPC team.")), "{}: {text}", output.command);
    assert!(text.contains(slurms), "{}: {text}", output.command);
    assert!(took < Duration::from_secs(5), "{} took {took:?}: the client tried again", output.command);
}

#[test]
fn given_a_closed_window_that_refuses_then_the_next_opening_is_told_and_a_begin_inside_is_let_in() -> Result<()> {
    let (site, _alone) = governed();
    let now = host_now(site)?;
    let (opens, closes) = (minute(now, 180), minute(now, 240));
    rule(site, &[window("shut", "partition = \"night\"", opens, closes, "outside = \"refuse\"")])?;
    let sentence = format!("window shut of partition night is closed now: this job could begin {}", text(opens));
    for partition in ["night", "main,night"] {
        let start = Instant::now();
        let output = sbatch(site, "ana", &["--time=5", "--partition", partition])?;
        assert_refused(&output, start.elapsed(), "BSR-180", &sentence, "Access/permission denied");
    }
    for command in ["srun", "salloc"] {
        let start = Instant::now();
        let output = site.cluster().slurm_as("ana", command, &["--time=5", "--partition=night", "true"])?;
        assert_refused(&output, start.elapsed(), "BSR-180", &sentence, "Access/permission denied");
    }
    submit(site, "ana", &["--time=5", "--partition=main"])?;
    let begin = format!("--begin=now+{}", opens - now + 60);
    submit(site, "ana", &["--time=5", "--partition=night", &begin])?;
    // Operators are not judged.
    sbatch(site, "root", &["--time=5", "--partition=night", "--hold"])?.ok()?;
    site.cluster().slurm_as("root", "scancel", &["--user", "root"])?.ok()?;
    cancel_all(site)
}

#[test]
fn given_a_closed_window_that_lets_jobs_wait_then_they_begin_at_the_opening_whatever_is_edited() -> Result<()> {
    let (site, _alone) = governed();
    let cluster = site.cluster();
    let now = host_now(site)?;
    let (opens, closes) = (minute(now, 180), minute(now, 240));
    rule(site, &[window("later", "partition = \"night\"", opens, closes, "outside = \"wait\"")])?;
    let output = sbatch(site, "ana", &["--time=5", "--partition=night"])?;
    let told =
        format!("this job can begin {} at the earliest, when window later of partition night opens", text(opens));
    assert!(output.stderr.contains(&told), "{}", output.stderr);
    let job = output.ok()?.trim().to_owned();
    assert!(job.parse::<u32>().is_ok(), "standard output stays a number: {job}");
    wait_for_begin(site, &job, opens, 10)?;
    let array = submit(site, "ana", &["--time=5", "--partition=night", "--array=1-20"])?;
    wait_for_begin(site, &array, opens, 10)?;
    let held = submit(site, "ana", &["--time=5", "--partition=main", "--hold"])?;
    wait_for_list_after(site, host_now(site)?)?;

    let update = |job: &str, change: &str| cluster.scontrol("ana", &["update", &format!("jobid={job}"), change]);
    for job in [&job, &array] {
        update(job, "starttime=now")?.ok()?;
        wait_for_begin(site, job, opens, 10)?;
    }
    update(&held, "partition=night")?.ok()?;
    wait_for_list_after(site, host_now(site)?)?;
    cluster.scontrol("ana", &["release", &held])?.ok()?;
    wait_for_begin(site, &held, opens, 10)?;
    let records = cluster.squeue("ana", &["--me", "--noheader", "--format=%i"])?.ok()?;
    assert_eq!(records.lines().count(), 3, "the array is still one record: {records}");
    cancel_all(site)
}

#[test]
fn given_jobs_that_must_end_inside_then_one_that_does_not_fit_is_refused_with_its_length() -> Result<()> {
    let (site, _alone) = governed();
    let now = host_now(site)?;
    let (opens, closes) = (minute(now, -60), minute(now, 60));
    let strict = "outside = \"refuse\"\nends-inside = true";
    rule(site, &[window("short", "account = \"science\"", opens, closes, strict)])?;
    submit(site, "ana", &["--time=50", "--hold"])?;
    let slurms = "Requested time limit is invalid";
    let sentence = format!("window short of account science closes {}", text(closes));
    let start = Instant::now();
    let output = sbatch(site, "ana", &["--time=110"])?;
    assert_refused(&output, start.elapsed(), "BSR-181", &sentence, slurms);
    let sentence =
        "this job may run for 4:00:00, and window short of account science is never open for so long: 2:00:00";
    let start = Instant::now();
    let output = sbatch(site, "ana", &["--time=240"])?;
    assert_refused(&output, start.elapsed(), "BSR-181", sentence, slurms);
    cancel_all(site)
}

#[test]
fn given_jobs_that_still_wait_when_their_window_closes_then_they_are_moved_and_running_ones_go_on() -> Result<()> {
    let (site, _alone) = governed();
    let cluster = site.cluster();
    let now = host_now(site)?;
    let closes = minute(now, 3);
    rule(
        site,
        &[
            window("day", "partition = \"night\"", minute(now, -120), closes, "outside = \"refuse\""),
            window(
                "pinned",
                "partition = \"cloud\"",
                minute(now, -120),
                closes,
                "outside = \"wait\"\nmove-pending = false",
            ),
            window(
                "tight",
                "partition = \"strict\"",
                minute(now, -120),
                closes,
                "outside = \"wait\"\nends-inside = true",
            ),
        ],
    )?;
    let reopens = minute(now, -120) + 86_400;
    // One task of this array runs, the others wait for it.
    let runs = submit(site, "ana", &["--time=60", "--partition=night", "--ntasks=16", "--array=1-3"])?;
    let first = format!("{runs}_1");
    site.wait_for("the first task to run", 30, || {
        let state = cluster.job_state(&first)?;
        Ok(if state == "RUNNING" { Ok(()) } else { Err(state) })
    })?;
    let waits = submit(site, "ben", &["--time=60", "--partition=night", "--ntasks=16"])?;
    let array = submit(site, "ben", &["--time=60", "--partition=night", "--ntasks=16", "--array=1-50"])?;
    let held = submit(site, "ben", &["--time=60", "--partition=night", "--hold"])?;
    let long = submit(site, "ben", &["--time=2", "--partition=strict", "--ntasks=16"])?;
    let elsewhere = submit(site, "ben", &["--time=60", "--partition=main", "--ntasks=16"])?;
    let pinned = submit(site, "ben", &["--time=60", "--partition=cloud", "--hold"])?;
    assert!(host_now(site)? < closes - 5, "the test was too slow to submit before the window closed");
    for job in [&waits, &array, &held] {
        assert_ne!(shown(site, job, "StartTime")?, reopens.to_string(), "moved before the window closed");
    }
    wait_for_begin(site, &long, reopens, 100)?;
    assert!(host_now(site)? < closes - 30, "what no longer fits before closing is moved when it does not, not later");
    for job in [&waits, &array, &held] {
        wait_for_begin(site, job, reopens, 200)?;
    }
    assert_eq!(cluster.job_state(&first)?, "RUNNING");
    let rest = "SLURM_TIME_FORMAT=%s squeue --noheader --states=PENDING --user=ana --format='%F %S'";
    assert_eq!(cluster.host().sh(rest)?.ok()?.trim(), format!("{runs} {reopens}"));
    for job in [&elsewhere, &pinned] {
        assert_ne!(shown(site, job, "EligibleTime")?, reopens.to_string(), "{job} is not the window's to move");
    }
    let records = cluster.squeue("ben", &["--me", "--noheader", "--format=%i"])?.ok()?;
    assert_eq!(records.lines().count(), 6, "the array is still one record: {records}");
    let status = cluster.host().run(&["bursar", "-nP", "status", "format=part,state,detail"])?.ok()?;
    assert!(status.contains("windows|ok|"), "{status}");
    let window = cluster.host().run(&["bursar", "-nP", "show", "window", "day", "format=names,state"])?.ok()?;
    assert_eq!(window.trim(), "night|closed");
    // An operator has the last word until the next edge.
    cluster.scontrol("root", &["update", &format!("jobid={waits}"), "starttime=now"])?.ok()?;
    wait_for_list_after(site, host_now(site)? + 5)?;
    assert_ne!(shown(site, &waits, "EligibleTime")?, reopens.to_string());
    cancel_all(site)
}

#[test]
fn given_an_emergency_grant_then_windows_and_limits_are_lifted_while_it_holds_and_the_log_says_so() -> Result<()> {
    let (site, _alone) = governed();
    let cluster = site.cluster();
    let now = host_now(site)?;
    let (opens, closes) = (minute(now, 180), minute(now, 240));
    rule(site, &[window("duty", "role = \"compute-user\"", opens, closes, "outside = \"refuse\"")])?;
    let night = ["--time=5", "--hold"];
    assert!(sbatch(site, "zoe", &night)?.stderr.contains("BSR-180"));
    let bursar = |words: &[&str]| cluster.host().run(&[&["bursar", "-i"], words].concat());
    let ask = ["add", "grant", "user=zoe,lena", "role=compute-user", "account=physics", "emergency=yes"];
    let told = bursar(&[&ask[..], &["until=now+2days", "reason=beam time"]].concat())?;
    assert!(told.stderr.contains("lasts at most 24 hours"), "{}", told.stderr);
    bursar(&[&ask[..], &["until=now+1hour", "reason=beam time"]].concat())?.ok()?;
    site.wait_for("zoe to be let in", 20, || {
        let output = sbatch(site, "zoe", &night)?;
        Ok(output.ok().map(drop).map_err(|error| error.to_string()))
    })?;
    let log = cluster.slurmctld_log()?;
    assert!(
        log.contains("enters by emergency grant G"),
        "{}",
        log.lines().rev().take(20).collect::<Vec<_>>().join("\n")
    );
    let lena = sbatch(site, "lena", &night)?.stderr;
    assert!(lena.contains("BSR-141"), "limits are not lifted: {lena}");
    assert!(sbatch(site, "ben", &night)?.stderr.contains("BSR-180"), "nor are others' windows");

    bursar(&["delete", "grant", "where", "emergency=yes", "reason=over"])?.ok()?;
    site.wait_for("zoe to be refused again", 20, || {
        let output = sbatch(site, "zoe", &night)?;
        Ok(if output.stderr.contains("BSR-180") { Ok(()) } else { Err(output.stdout + &output.stderr) })
    })?;
    bursar(&[&ask[..], &["lifts=windows,limits", "until=now+1hour", "reason=beam time"]].concat())?.ok()?;
    site.wait_for("lena to be let in, beyond slurmctld's own limit of one job, too", 30, || {
        let output = sbatch(site, "lena", &night)?;
        let jobs = cluster.squeue("lena", &["--me", "--noheader"])?.ok()?.lines().count();
        Ok(if jobs >= 3 { Ok(()) } else { Err(format!("{jobs} jobs; {}", output.stderr)) })
    })?;
    let audit = bursar(&["-nP", "show", "audit", "action=grant.add", "start=today", "format=reason,after"])?.ok()?;
    assert!(audit.contains("beam time") && audit.contains("windows,limits"), "{audit}");
    bursar(&["delete", "grant", "where", "emergency=yes", "reason=over"])?.ok()?;
    cluster.slurm_as("root", "scancel", &["--user", "lena"])?.ok()?;
    cancel_all(site)
}
