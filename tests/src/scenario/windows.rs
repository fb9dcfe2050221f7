//! Windows: jobs outside of them are refused or put off, those that still wait are moved, partitions go out of service.
//!
//! slurmctld's clock is the machine's, so windows are written around the present instant.

use std::time::Instant;

use super::{assert_sbatch_refused, cancel_all, host_now, policy, sbatch, wait_for_list_after};
use crate::{Error, Governed, Result};

/// A window with daily hours between two instants, whole minutes less than a day apart, as `policy.toml` has it.
pub fn daily(name: &str, governs: &str, from: i64, to: i64, more: &str) -> String {
    let clock = |at: i64| format!("{:02}:{:02}", at.rem_euclid(86_400) / 3_600, at.rem_euclid(3_600) / 60);
    format!(
        "[[window]]\nname = \"{name}\"\n{governs}\nopen = \"daily {}-{}\"\ntime-zone = \"UTC\"\n{more}\n",
        clock(from),
        clock(to)
    )
}

/// The minute so many after the one that the instant lies in.
pub fn minute(at: i64, more: i64) -> i64 {
    at - at.rem_euclid(60) + 60 * more
}

/// Puts these windows, and no others, in force beside `policy`, and waits until the plugin has them by their names.
pub fn rule(site: &Governed, policy: &str, windows: &[String]) -> Result<()> {
    site.write_policy(&format!("{policy}{}", windows.concat()))?;
    let wanted: Vec<&str> = windows.iter().map(|text| text.split('"').nth(1).unwrap_or_default()).collect();
    site.judges_by("the windows", 30, |snapshot| {
        let found: Vec<&str> = snapshot.windows().map(|window| window.name()).collect();
        if found == wanted { Ok(()) } else { Err(format!("{found:?}")) }
    })
}

/// What slurmctld says of a key of a job's first record, instants in seconds.
pub fn shown(site: &Governed, job: &str, key: &str) -> Result<String> {
    let line = site.cluster().host().sh(&format!("SLURM_TIME_FORMAT=%s scontrol -o show job {job}"))?.ok()?;
    let prefix = format!("{key}=");
    let value = line.split_whitespace().find_map(|word| word.strip_prefix(prefix.as_str()));
    Ok(value.unwrap_or_default().to_owned())
}

/// Waits until the job waits for `at`.
pub fn wait_for_begin(site: &Governed, job: &str, at: i64, seconds: u64) -> Result<()> {
    site.wait_for(&format!("job {job} to begin at {at}"), seconds, || {
        let (begin, state) = (shown(site, job, "StartTime")?, shown(site, job, "JobState")?);
        let fits = begin == at.to_string() && state == "PENDING";
        Ok(if fits { Ok(()) } else { Err(format!("{state}, {begin}")) })
    })
}

/// A partition's state as slurmctld has it.
pub fn partition_state(site: &Governed, name: &str) -> Result<String> {
    let line = site.cluster().scontrol("root", &["-o", "show", "partition", name])?.ok()?;
    let state = line.split_whitespace().find_map(|word| word.strip_prefix("State="));
    state.map(str::to_owned).ok_or_else(|| Error::Machine(format!("partition {name} has no state: {line}")))
}

/// Waits until the partition is in `state`.
pub fn wait_for_partition(site: &Governed, name: &str, state: &str) -> Result<()> {
    site.wait_for(&format!("partition {name} to be {state}"), 60, || {
        let seen = partition_state(site, name)?;
        Ok(if seen == state { Ok(()) } else { Err(seen) })
    })
}

/// A window that is closed refuses or puts off jobs, has those moved that wait already, and closes its partition.
pub fn a_closed_window_refuses_puts_off_and_moves(site: &Governed) -> Result<()> {
    let (cluster, user, lean) = (site.cluster(), "milo", "--partition=lean");
    let now = host_now(site)?;
    let (opens, closes) = (minute(now, 180), minute(now, 240));
    let window = |name, more| daily(name, "partition = \"lean\"", opens, closes, more);
    let another = format!("--dependency=afterany:{}", sbatch(site, "ben", 1, &["--hold"])?.ok()?.trim());
    let before = sbatch(site, user, 5, &[lean, &another])?.ok()?.trim().to_owned();
    let array = sbatch(site, user, 5, &[lean, &another, "--array=1-20"])?.ok()?.trim().to_owned();

    rule(site, &policy(), &[window("shut", "outside = \"refuse\"")])?;
    let sentence = "window shut of partition lean is closed now: this job could begin 20";
    assert_sbatch_refused(site, user, &["--time=5", lean], "BSR-180", sentence)?;
    for job in [&before, &array] {
        wait_for_begin(site, job, opens, 30)?;
    }

    rule(site, &policy(), &[window("later", "outside = \"wait\"\ndrain = true")])?;
    let output = sbatch(site, user, 5, &[lean])?;
    assert!(output.stderr.contains("at the earliest, when window later of partition lean opens"), "{}", output.stderr);
    let waits = output.ok()?.trim().to_owned();
    wait_for_begin(site, &waits, opens, 10)?;
    wait_for_list_after(site, host_now(site)?)?;
    let start = Instant::now();
    cluster.scontrol(user, &["update", &format!("jobid={waits}"), "starttime=now"])?.ok()?;
    println!("an edit that is put off took {:?}", start.elapsed());
    wait_for_begin(site, &waits, opens, 10)?;
    let records = cluster.squeue(user, &["--me", "--noheader", "--format=%i"])?.ok()?;
    assert_eq!(records.lines().count(), 3, "the array is still one record: {records}");
    wait_for_partition(site, "lean", "DOWN")?;
    cancel_all(site, user)?;
    cancel_all(site, "ben")?;
    rule(site, &policy(), &[])?;
    wait_for_partition(site, "lean", "UP")
}
