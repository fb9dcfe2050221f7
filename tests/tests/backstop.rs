//! What slurmctld itself holds of policy's limits when the plugin is not there.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bursar_tests::{Citizen, Cluster, Governed, Result, directory, in_the_morning};

const SOON: Duration = Duration::from_secs(60);

/// Without a zone: what is left of a month must not be given back while a test looks at it.
const RULES: &str = "\
week-start = \"monday\"
contact = \"Ask the HPC team.\"

[limits.default]
cpu-hours-per-month = 1

[[account]]
name = \"physics\"
description = \"Physics\"
[account.limits]
running-jobs = 9
cpus = 12
cpu-hours-per-month = 500

[[account]]
name = \"optics\"
description = \"Optics\"

[[mapping]]
group = \"g-physics\"
role = \"compute-user\"
account = \"physics\"
";

fn policy() -> String {
    in_the_morning(RULES)
}

/// A cluster under bursar's rule whose slurmctld has lost the plugin.
struct Realm(Governed);

impl Realm {
    fn up() -> Result<Self> {
        let people = [Citizen::new("ana", "g-physics"), Citizen::new("ben", "g-physics")];
        let scheduler = "SchedulerParameters=batch_sched_delay=0,bf_interval=3,sched_interval=3";
        let builder = Cluster::builder().slurm_conf(scheduler).slurm_conf("PriorityCalcPeriod=1");
        let governed = Governed::up(builder, &policy(), &directory(&people), "ana")?;
        let realm = Self(governed);
        realm.wait_for("the backstop", LIMITS, AT_FIRST)?;
        realm.sh("sed -i /^JobSubmitPlugins/d /etc/slurm/slurm.conf")?;
        realm.0.cluster().restart("slurmctld")?;
        realm.0.cluster().wait_until_ready()?;
        Ok(realm)
    }

    fn sh(&self, text: &str) -> Result<String> {
        self.0.cluster().host().sh(text)?.ok()
    }

    /// Waits until a command prints just this.
    fn wait_for(&self, what: &str, command: &str, wanted: &str) -> Result<()> {
        self.0.wait_for(what, 90, || {
            let seen = self.sh(command)?;
            Ok(if seen.trim() == wanted.trim() { Ok(()) } else { Err(seen) })
        })
    }

    fn submit(&self, user: &str, minutes: u32, cpus: u32) -> Result<u32> {
        let (time, tasks) = (format!("--time={minutes}"), format!("--ntasks={cpus}"));
        self.0.cluster().submit(user, &[&time, &tasks, "--wrap", "sleep 900"])
    }

    fn wait_until_held_up(&self, job: u32, reason: &str) -> Result<()> {
        self.wait_for(
            &format!("job {job} to be held up"),
            &format!("squeue -h -j {job} -o '%T %r'"),
            &format!("PENDING {reason}"),
        )
    }

    fn cancel_all(&self) -> Result<()> {
        self.sh("scancel --user=ana; scancel --user=ben")?;
        self.wait_for("nobody's jobs", "squeue -h", "")
    }

    /// How often bursar wrote to slurmdbd.
    fn writes(&self) -> Result<usize> {
        let all = self.sh("sacctmgr -nP list transactions format=Actor,Action")?;
        Ok(all.lines().filter(|line| line.starts_with("bursar|")).count())
    }
}

/// One cluster for the whole file, and one test at a time on it.
fn realm() -> (&'static Realm, MutexGuard<'static, ()>) {
    static ALONE: Mutex<()> = Mutex::new(());
    static REALM: OnceLock<Result<Realm>> = OnceLock::new();
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    (REALM.get_or_init(Realm::up).as_ref().unwrap_or_else(|error| panic!("{error}")), alone)
}

const LIMITS: &str = "sacctmgr -nP show association where account=physics WOPLimits \
                      format=user,grpjobs,grptres,grptresrunmins | LC_ALL=C sort";

const AT_FIRST: &str = "ana|||cpu=60\nben|||cpu=60\n|9|cpu=12|cpu=30000";

#[test]
fn given_no_plugin_then_a_job_beyond_what_is_left_does_not_start_and_one_within_does() -> Result<()> {
    let (realm, _alone) = realm();
    realm.cancel_all()?;
    let cluster = realm.0.cluster();
    let (beyond, within) = (realm.submit("ana", 61, 1)?, realm.submit("ana", 40, 1)?);
    cluster.wait_for_job_state(within, "RUNNING", SOON)?;
    realm.wait_until_held_up(beyond, "AssocGrpCPURunMinutesLimit")?;
    // Alone it would fit, beside what runs it does not; that of somebody else does.
    let (beside, other) = (realm.submit("ana", 30, 1)?, realm.submit("ben", 30, 2)?);
    realm.wait_until_held_up(beside, "AssocGrpCPURunMinutesLimit")?;
    cluster.wait_for_job_state(other, "RUNNING", SOON)?;

    // What was consumed is not given back.
    realm.wait_for("some seconds of it", &format!("squeue -h -j {within} -o %M | grep -cv '^0:0[0-2]$'"), "1")?;
    cluster.slurm_as("ana", "scancel", &[&within.to_string()])?.ok()?;
    cluster.wait_for_job_state(beside, "RUNNING", SOON)?;
    cluster.slurm_as("ana", "scancel", &[&beside.to_string()])?.ok()?;
    realm.0.wait_for("less than an hour", 90, || {
        let limits = realm.sh(LIMITS)?;
        let minutes = limits.lines().find_map(|line| line.strip_prefix("ana|||cpu=")?.parse::<u32>().ok());
        let balance = realm.sh("bursar -nP balance user=ana format=limit,used,in-flight,left; squeue -h")?;
        Ok(if minutes.is_some_and(|left| left < 60) { Ok(()) } else { Err(format!("{limits}{balance}")) })
    })?;
    let sixty = realm.submit("ana", 60, 1)?;
    realm.wait_until_held_up(sixty, "AssocGrpCPURunMinutesLimit")?;
    realm.cancel_all()
}

#[test]
fn given_no_plugin_then_an_account_runs_no_more_at_once_than_it_may() -> Result<()> {
    let (realm, _alone) = realm();
    realm.cancel_all()?;
    let cluster = realm.0.cluster();
    let first = realm.submit("ben", 2, 10)?;
    cluster.wait_for_job_state(first, "RUNNING", SOON)?;
    let second = realm.submit("ana", 2, 3)?;
    realm.wait_until_held_up(second, "AssocGrpCpuLimit")?;
    let third = realm.submit("ana", 2, 2)?;
    cluster.wait_for_job_state(third, "RUNNING", SOON)?;
    realm.cancel_all()
}

#[test]
fn given_jobs_that_run_then_the_backstop_is_seldom_written() -> Result<()> {
    let (realm, _alone) = realm();
    realm.cancel_all()?;
    let job = realm.submit("ben", 20, 1)?;
    realm.0.cluster().wait_for_job_state(job, "RUNNING", SOON)?;
    let before = realm.writes()?;
    // Twenty seconds of a job that runs are five passes; the host's clock is all there is to go by.
    realm.wait_for("twenty seconds of it", &format!("squeue -h -j {job} -o %M | grep -c '^0:[2-5]'"), "1")?;
    let made = realm.writes()? - before;
    assert!(made <= 2, "{made} calls");
    realm.cancel_all()
}

#[test]
fn given_a_limit_that_policy_takes_back_then_slurm_no_longer_holds_it_and_what_was_set_by_hand_stays() -> Result<()> {
    let (realm, _alone) = realm();
    realm.cancel_all()?;
    realm.sh("sacctmgr -i modify account physics set grptres=node=2")?;
    realm.sh("sacctmgr -i modify account optics set grpwall=600")?;
    let waiting = realm.submit("ana", 300, 1)?;
    realm.wait_until_held_up(waiting, "AssocGrpCPURunMinutesLimit")?;
    let none = policy().replace("cpu-hours-per-month = 1\n", "").replace("cpus = 12\n", "");
    realm.0.write_policy(&none)?;
    realm.wait_for("the limits to go", LIMITS, "ana|||\nben|||\n|9|node=2|cpu=30000")?;
    realm.0.cluster().wait_for_job_state(waiting, "RUNNING", SOON)?;
    assert_eq!(realm.sh("sacctmgr -nP show association where account=optics format=grpwall")?.trim(), "10:00:00");
    realm.cancel_all()?;
    realm.0.write_policy(&policy())?;
    realm.wait_for("ben's limit again", &format!("{LIMITS} | grep ^ben | cut -c 1-10"), "ben|||cpu=")?;
    realm.sh("sacctmgr -i modify account physics set grptres=node=-1").map(drop)
}
