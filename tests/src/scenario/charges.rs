//! What the store says that people used, against what sacct says.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use bursar_policy::{Measure, PeriodKind, Resource};

use crate::{CONTROLLER_SNAPSHOT, Error, Governed, Result};

const SOON: Duration = Duration::from_secs(40);

/// Who plays, and where: `first` in the account `parent`, `second` in its child `child`, and nobody else in either.
#[derive(Debug, Clone, Copy)]
pub struct Fates<'a> {
    /// A member of `parent`.
    pub first: &'a str,
    /// A member of `child`.
    pub second: &'a str,
    /// An account.
    pub parent: &'a str,
    /// The account below it.
    pub child: &'a str,
}

/// A run's user, account, elapsed seconds and CPUs, by job number and submit time.
type Runs = BTreeMap<(u32, i64), (String, String, u64, u64)>;

fn number<T: FromStr>(text: &str) -> Result<T> {
    text.trim().parse().map_err(|_| Error::Machine(format!("{text:?} is no number")))
}

fn row<const N: usize>(row: Vec<String>) -> Result<[String; N]> {
    row.try_into().map_err(|row| Error::Machine(format!("{row:?} has not {N} fields")))
}

/// What sacct says of every run of these users; by number, since a job that never was eligible lies in no window of time.
fn accounted(site: &Governed, users: &str, last: u32) -> Result<Runs> {
    let command = format!(
        "SLURM_TIME_FORMAT=%s sacct -DX -n -P --noconvert --user={users} --jobs $(seq -s, 1 {last}) \
         -o JobIDRaw,Submit,User,Account,ElapsedRaw,AllocCPUS,End,State"
    );
    let output = site.cluster().host().sh(&command)?;
    let rows = output.rows();
    output.ok()?;
    let mut runs = Runs::new();
    for fields in rows {
        let [job, submit, user, account, elapsed, cpus, end, state] = row(fields)?;
        assert!(!["RUNNING", "PENDING", "SUSPENDED"].contains(&state.as_str()), "{job} is {state}");
        assert!(end.parse::<i64>().is_ok(), "job {job} has not ended: {end} {state}");
        let elapsed = number(&elapsed)?;
        // Of a job that never ran sacct shows the CPUs it asked for, as if it had got them.
        let cpus = if elapsed == 0 { 0 } else { number(&cpus)? };
        let before = runs.insert((number(&job)?, number(&submit)?), (user, account, elapsed, cpus));
        assert_eq!(before, None, "sacct shows {job} of {submit} twice");
    }
    Ok(runs)
}

/// What the store says.
fn stored(site: &Governed, fates: Fates<'_>) -> Result<Runs> {
    let query = format!(
        "select jobid, submitted_at, user_name, account_name, elapsed_s, alloc_cpus * (elapsed_s > 0) from run \
         where user_name in ('{}', '{}')",
        fates.first, fates.second
    );
    let runs = site.store(&query)?.into_iter().map(|fields| {
        let [job, submit, user, account, elapsed, cpus] = row(fields)?;
        Ok(((number(&job)?, number(&submit)?), (user, account, number(&elapsed)?, number(&cpus)?)))
    });
    runs.collect()
}

fn cpu_seconds(runs: &Runs, counts: impl Fn(&str, &str) -> bool) -> u64 {
    runs.values().filter(|(user, account, ..)| counts(user, account)).map(|(.., elapsed, cpus)| elapsed * cpus).sum()
}

/// CPU-seconds of this month, settled, in the plugin's snapshot.
pub fn settled(site: &Governed, owner: &str, is_account: bool) -> Result<u64> {
    used(site, owner, is_account, Measure::Within(PeriodKind::Month, Resource::Cpu))
}

/// What the plugin's snapshot says is used of a person's or an account's limit; without one nothing is counted.
pub fn used(site: &Governed, owner: &str, is_account: bool, measure: Measure) -> Result<u64> {
    let snapshot = site.snapshot(CONTROLLER_SNAPSHOT)?;
    let lines = if is_account {
        snapshot.account(owner).map(|account| account.lines)
    } else {
        snapshot.person_named(owner).map(|person| person.lines())
    };
    let line = lines.and_then(|lines| lines.iter().find(|line| line.measure == measure));
    line.map(|line| line.used)
        .ok_or_else(|| Error::Machine(format!("{owner} has no limit on {measure:?} in the snapshot")))
}

/// Arrays, timeouts, failures, cancellations, requeues, suspensions and heterogeneous jobs are charged to the second as sacct
/// has them, to the person, the account and the one above.
pub fn jobs_of_every_fate_are_charged_as_sacct_has_them(site: &Governed, fates: Fates<'_>) -> Result<()> {
    let cluster = site.cluster();
    let Fates { first, second, parent, child } = fates;
    let users = format!("{first},{second}");
    let root = |args: &[&str]| cluster.host().run(args)?.ok();

    let timeout = cluster.submit(second, &["--time=1", "--wrap", "sleep 300"])?;
    let array = cluster.submit(first, &["--time=5", "--array=1-5%2", "--wrap", "sleep 2"])?;
    let cancelled = cluster.submit(first, &["--time=5", "--ntasks=2", "--wrap", "sleep 300"])?;
    let waiting = cluster.submit(second, &["--time=5", "--hold", "--wrap", "true"])?;
    let failed = cluster.submit(second, &["--time=5", "--cpus-per-task=3", "--wrap", "sleep 1; exit 3"])?;
    let requeued = cluster.submit(first, &["--time=5", "--requeue", "--wrap", "sleep 6"])?;
    let suspended = cluster.submit(second, &["--time=5", "--wrap", "sleep 8"])?;
    let het = "#!/bin/sh\n#SBATCH --time=5 --output=/dev/null\n#SBATCH hetjob\n#SBATCH --time=5 --ntasks=2\nsleep 3\n";
    let het: u32 = number(&cluster.host().run_as_with(second, &["sbatch", "--parsable"], het.as_bytes())?.ok()?)?;

    cluster.slurm_as(second, "scancel", &[&waiting.to_string()])?.ok()?;
    for job in [cancelled, requeued, suspended, timeout] {
        cluster.wait_for_job_state(job, "RUNNING", SOON)?;
    }
    root(&["scontrol", "suspend", &suspended.to_string()])?;
    root(&["scontrol", "requeue", &requeued.to_string()])?;
    cluster.wait_for_accounted_state(failed, "FAILED", SOON)?;
    root(&["scancel", &cancelled.to_string()])?;
    root(&["scontrol", "resume", &suspended.to_string()])?;
    // slurmctld begins a requeued job two minutes later unless it is released.
    root(&["scontrol", "update", &format!("jobid={requeued}"), "starttime=now"])?;
    for job in [array, suspended, het, requeued] {
        cluster.wait_for_accounted_state(job, "COMPLETED", Duration::from_secs(150))?;
    }
    cluster.wait_for_accounted_state(cancelled, "CANCELLED", SOON)?;
    cluster.wait_for_accounted_state(timeout, "TIMEOUT", Duration::from_secs(120))?;
    site.wait_for("every run in slurmdbd and the store", 40, || {
        let user = format!("--user={users}");
        let left = cluster.squeue("root", &["--noheader", "--states=PD,R,S,CG", &user])?;
        if !left.stdout.is_empty() {
            return Ok(Err(left.stdout));
        }
        // Each task and component of the jobs above has a number of its own, and others may submit meanwhile.
        let (wanted, seen) = (accounted(site, &users, het + 100)?, stored(site, fates)?);
        Ok(if wanted == seen { Ok(()) } else { Err(format!("sacct {wanted:?}\nstore {seen:?}")) })
    })?;

    let runs = stored(site, fates)?;
    println!("{} runs: {runs:?}", runs.len());
    // Five tasks, the cancelled one and twice the requeued one of the first; four and two components of the second.
    let of = |id: u32| runs.keys().filter(|(job, _)| *job == id).count();
    assert_eq!((of(requeued), of(waiting), of(het), of(het + 1)), (2, 1, 1, 1));
    assert_eq!(runs.len(), 5 + 3 + 4 + 2);
    for user in [first, second] {
        let sum = cpu_seconds(&runs, |owner, _| owner == user);
        assert!(sum > 0);
        assert_eq!(settled(site, user, false)?, sum, "{user}");
    }
    assert_eq!(settled(site, child, true)?, cpu_seconds(&runs, |_, account| account == child));
    assert_eq!(settled(site, parent, true)?, cpu_seconds(&runs, |_, _| true), "the parent has its child's too");
    let states = format!("select distinct state from run where user_name in ('{first}', '{second}') order by 1");
    assert_eq!(site.store(&states)?.concat(), ["CANCELLED", "COMPLETED", "FAILED", "REQUEUED", "TIMEOUT"]);
    Ok(())
}
