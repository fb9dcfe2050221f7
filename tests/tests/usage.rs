//! What the store says that everybody used is what slurmdbd says, to the second.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bursar_policy::Measure;
use bursar_tests::scenario::{self, Fates, settled};
use bursar_tests::{Citizen, Cluster, Governed, Result, directory, in_the_morning};

/// Without a zone: what is settled is read of a month, which must not end in between.
const RULES: &str = "\
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

[[account]]
name = \"acoustics\"
description = \"Acoustics\"
cost-center = \"CC-4\"

[[mapping]]
group = \"g-acoustics\"
role = \"compute-user\"
account = \"acoustics\"

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
        let people = [("ana", "g-physics"), ("ben", "g-optics"), ("zoe", "g-acoustics")]
            .map(|(name, group)| Citizen::new(name, group));
        let cluster = Cluster::builder()
            .slurm_conf("PartitionName=short Nodes=n[1-2] DefaultTime=1 OverTimeLimit=0 DefMemPerCPU=100 State=UP")
            .slurm_conf("OverTimeLimit=0");
        Governed::up(cluster, &in_the_morning(RULES), &directory(&people), "zoe")
    });
    (governed.as_ref().unwrap_or_else(|error| panic!("{error}")), alone)
}

#[test]
fn given_jobs_of_every_fate_then_the_store_agrees_with_sacct_to_the_second() -> Result<()> {
    let (site, _alone) = governed();
    let fates = Fates { first: "ana", second: "ben", parent: "physics", child: "optics" };
    scenario::jobs_of_every_fate_are_charged_as_sacct_has_them(site, fates)
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
            let running = scenario::used(site, "zoe", false, Measure::RunningJobs)?;
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
