//! What the store says that everybody used is what slurmdbd says, to the second.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bursar_policy::snapshot::LinesRef;
use bursar_policy::{Measure, PeriodKind, Resource};
use bursar_tests::{CONTROLLER_SNAPSHOT, Citizen, Cluster, Governed, Result, directory};

const POLICY: &str = "\
time-zone = \"UTC\"
week-start = \"monday\"
contact = \"Ask the HPC team.\"

[limits.default]
cpu-hours-per-month = 1000
running-jobs = 1000

[[account]]
name = \"physics\"
description = \"Physics\"
cost-center = \"CC-2\"
limits = { cpu-hours-per-month = 1000000 }

[[account]]
name = \"optics\"
parent = \"physics\"
description = \"Optics\"
cost-center = \"CC-3\"
limits = { cpu-hours-per-month = 1000000 }

[[mapping]]
group = \"g-physics\"
role = \"compute-user\"
account = \"physics\"

[[mapping]]
group = \"g-optics\"
role = \"compute-user\"
account = \"optics\"
";

const SOON: Duration = Duration::from_secs(40);

/// One cluster for the whole file, and one test at a time on it.
fn governed() -> (&'static Governed, MutexGuard<'static, ()>) {
    static ALONE: Mutex<()> = Mutex::new(());
    static GOVERNED: OnceLock<Result<Governed>> = OnceLock::new();
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let governed = GOVERNED.get_or_init(|| {
        let people = [("ana", "g-physics"), ("ben", "g-optics"), ("zoe", "g-optics")]
            .map(|(name, group)| Citizen::new(name, group));
        let cluster = Cluster::builder()
            .slurm_conf("PartitionName=short Nodes=n[1-2] DefaultTime=1 OverTimeLimit=0 DefMemPerCPU=100 State=UP")
            .slurm_conf("OverTimeLimit=0");
        Governed::up(cluster, POLICY, &directory(&people), "zoe")
    });
    (governed.as_ref().unwrap_or_else(|error| panic!("{error}")), alone)
}

/// A run's elapsed seconds and CPUs, by job number and submit time.
type Runs = BTreeMap<(u32, i64), (String, String, u64, u64)>;

/// What sacct says of every run; by number, since a job that never was eligible lies in no window of time.
fn accounted(site: &Governed) -> Result<Runs> {
    let command = "SLURM_TIME_FORMAT=%s sacct -aDX -n -P --noconvert --jobs $(seq -s, 1 200) \
                   -o JobIDRaw,Submit,User,Account,ElapsedRaw,AllocCPUS,End,State";
    let output = site.cluster().host().sh(command)?;
    let rows = output.rows();
    output.ok()?;
    let mut runs = Runs::new();
    for row in rows {
        let [job, submit, user, account, elapsed, cpus, end, state] = row.try_into().unwrap();
        assert!(!["RUNNING", "PENDING", "SUSPENDED"].contains(&state.as_str()), "{job} is {state}");
        assert!(end.parse::<i64>().is_ok(), "job {job} has not ended: {end} {state}");
        let key = (job.parse().unwrap(), submit.parse().unwrap());
        let elapsed = elapsed.parse().unwrap();
        // Of a job that never ran sacct shows the CPUs it asked for, as if it had got them.
        let cpus = if elapsed == 0 { 0 } else { cpus.parse().unwrap() };
        let before = runs.insert(key, (user, account, elapsed, cpus));
        assert_eq!(before, None, "sacct shows {key:?} twice");
    }
    Ok(runs)
}

/// What the store says.
fn stored(site: &Governed) -> Result<Runs> {
    let query = "select jobid, submitted_at, user_name, account_name, elapsed_s, alloc_cpus * (elapsed_s > 0) from run";
    let runs = site.store(query)?.into_iter().map(|row| {
        let [job, submit, user, account, elapsed, cpus] = row.try_into().unwrap();
        (
            (job.parse().unwrap(), submit.parse().unwrap()),
            (user, account, elapsed.parse().unwrap(), cpus.parse().unwrap()),
        )
    });
    Ok(runs.collect())
}

fn cpu_seconds(runs: &Runs, counts: impl Fn(&str, &str) -> bool) -> u64 {
    runs.values().filter(|(user, account, ..)| counts(user, account)).map(|(.., elapsed, cpus)| elapsed * cpus).sum()
}

/// What a limit of the plugin's snapshot says is used of it.
fn used_of(lines: LinesRef<'_>, measure: Measure) -> u64 {
    lines.iter().find(|line| line.measure == measure).expect("a limit to count by").used
}

/// CPU-seconds of this month, settled, in the plugin's snapshot.
fn settled(site: &Governed, owner: &str, is_account: bool) -> Result<u64> {
    let snapshot = site.snapshot(CONTROLLER_SNAPSHOT)?;
    let lines = if is_account {
        snapshot.account(owner).map(|account| account.lines)
    } else {
        snapshot.person_named(owner).map(|person| person.lines())
    };
    Ok(used_of(lines.unwrap(), Measure::Within(PeriodKind::Month, Resource::Cpu)))
}

#[test]
fn given_jobs_of_every_fate_then_the_store_agrees_with_sacct_to_the_second() -> Result<()> {
    let (site, _alone) = governed();
    let cluster = site.cluster();
    let root = |args: &[&str]| cluster.slurm_as("root", args[0], &args[1..])?.ok();

    let timeout = cluster.submit("ben", &["--time=1", "--wrap", "sleep 300"])?;
    let array = cluster.submit("ana", &["--time=5", "--array=1-5%2", "--wrap", "sleep 2"])?;
    let cancelled = cluster.submit("ana", &["--time=5", "--ntasks=2", "--wrap", "sleep 300"])?;
    let waiting = cluster.submit("ben", &["--time=5", "--hold", "--wrap", "true"])?;
    let failed = cluster.submit("ben", &["--time=5", "--cpus-per-task=3", "--wrap", "sleep 1; exit 3"])?;
    let requeued = cluster.submit("ana", &["--time=5", "--requeue", "--wrap", "sleep 6"])?;
    let suspended = cluster.submit("ben", &["--time=5", "--wrap", "sleep 8"])?;
    let het = "#!/bin/sh\n#SBATCH --time=5 --output=/dev/null\n#SBATCH hetjob\n#SBATCH --time=5 --ntasks=2\nsleep 3\n";
    let het = cluster.host().run_as_with("ben", &["sbatch", "--parsable"], het.as_bytes())?.ok()?;
    let het: u32 = het.trim().parse().unwrap();

    cluster.slurm_as("ben", "scancel", &[&waiting.to_string()])?.ok()?;
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
        let left = cluster.squeue("root", &["--noheader", "--states=all"])?;
        let live = ["PD", "R", "S", "CG"]
            .iter()
            .any(|state| left.rows().iter().any(|row| row[0].contains(&format!(" {state} "))));
        if live {
            return Ok(Err(left.stdout));
        }
        let (wanted, seen) = (accounted(site)?, stored(site)?);
        Ok(if wanted == seen { Ok(()) } else { Err(format!("sacct {wanted:?}\nstore {seen:?}")) })
    })?;

    let runs = stored(site)?;
    println!("{} runs: {runs:?}", runs.len());
    // 5 tasks, ana's cancelled and twice her requeued one, 4 of ben's, 2 components.
    let of = |id: u32| runs.keys().filter(|(job, _)| *job == id).count();
    assert_eq!((of(requeued), of(waiting), of(het), of(het + 1)), (2, 1, 1, 1));
    assert_eq!(runs.values().filter(|(user, ..)| user != "zoe").count(), 5 + 3 + 4 + 2);
    for user in ["ana", "ben"] {
        let sum = cpu_seconds(&runs, |owner, _| owner == user);
        assert!(sum > 0);
        assert_eq!(settled(site, user, false)?, sum, "{user}");
    }
    assert_eq!(settled(site, "optics", true)?, cpu_seconds(&runs, |_, account| account == "optics"));
    assert_eq!(settled(site, "physics", true)?, cpu_seconds(&runs, |_, _| true), "the parent has its child's too");
    let states = site.store("select distinct state from run order by 1")?.concat();
    assert_eq!(states, ["CANCELLED", "COMPLETED", "FAILED", "REQUEUED", "TIMEOUT"]);
    Ok(())
}

#[test]
fn given_a_job_that_ends_then_its_charge_is_with_the_plugin_within_five_seconds() -> Result<()> {
    let (site, _alone) = governed();
    let cluster = site.cluster();
    let mut delays = Vec::new();
    for _ in 0..3 {
        let before = settled(site, "zoe", false)?;
        let job = cluster.submit("zoe", &["--time=5", "--ntasks=2", "--wrap", "sleep 300"])?;
        cluster.wait_for_job_state(job, "RUNNING", SOON)?;
        // A job that ends in its first second costs nothing, and then there is nothing to be published.
        site.wait_for("the job in flight for two seconds", 10, || {
            let used = cluster.squeue("zoe", &["--me", "--noheader", "--format=%M"])?.stdout;
            let running = site
                .snapshot(CONTROLLER_SNAPSHOT)?
                .person_named("zoe")
                .map_or(0, |zoe| used_of(zoe.lines(), Measure::RunningJobs));
            Ok(if running == 1 && used.trim() >= "0:02" { Ok(()) } else { Err(format!("{running} for {used}")) })
        })?;
        cluster.slurm_as("root", "scancel", &[&job.to_string()])?.ok()?;
        let ended = cluster.host().wait_for("the end in slurmctld", SOON, || {
            let state = cluster.job_state(&job.to_string()).map_err(|error| error.to_string())?;
            if state == "CANCELLED" { Ok(Instant::now()) } else { Err(state) }
        })?;
        let settled = site.wait_for("the charge with the plugin", 20, || {
            let now = settled(site, "zoe", false)?;
            Ok(if now > before { Ok(now - before) } else { Err(format!("still {now}")) })
        })?;
        let took = ended.elapsed();
        println!("{settled} CPU-seconds were published {took:?} after the end");
        delays.push(took);
    }
    // The middle one, because somebody else may have the machine for a moment.
    delays.sort_unstable();
    assert!(delays.get(1).is_some_and(|usual| *usual <= Duration::from_secs(5)), "{delays:?}");
    Ok(())
}
