//! Queues of `policy.toml` on a real cluster: QOS and who may use them, preemption, and what stays as it was.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bursar_tests::{Citizen, Cluster, Governed, Result, directory};

const SOON: Duration = Duration::from_secs(60);

const POLICY: &str = "\
time-zone = \"Europe/Berlin\"
week-start = \"monday\"
contact = \"Ask the HPC team.\"

[[account]]
name = \"physics\"
description = \"Physics\"

[[account]]
name = \"optics\"
description = \"Optics\"

[[mapping]]
group = \"g-physics\"
role = \"compute-user\"
account = \"physics\"

[[mapping]]
group = \"g-optics\"
role = \"compute-user\"
account = \"optics\"

[[queue]]
name = \"low\"
default = true
";

const HIGH: &str = "
[[queue]]
name = \"high\"
qos = \"urgent\"
priority = 1000
accounts = [\"physics\"]
preempts = [\"low\"]
fair-share-factor = \"2\"
[queue.limits]
running-jobs = 3
queued-jobs = 10
cpus = 16
memory-gb = 64
max-time = \"1-00\"
";

struct Realm(Governed);

impl Realm {
    fn up() -> Result<Self> {
        let people = [Citizen::new("ana", "g-physics"), Citizen::new("ben", "g-optics")];
        // A requeued job waits until its old credential has run out, by default two minutes.
        let lines =
            ["PreemptType=preempt/qos", "PreemptMode=REQUEUE", "PriorityWeightQOS=10000", "PriorityCalcPeriod=1"];
        let builder = lines.iter().fold(Cluster::builder(), |builder, line| builder.slurm_conf(line));
        let builder = builder.slurm_conf("AuthInfo=cred_expire=5");
        let governed = Governed::up(builder, &format!("{POLICY}{HIGH}"), &directory(&people), "ana")?;
        governed.wait_until_submitting("ben")?;
        Ok(Self(governed))
    }

    fn sh(&self, text: &str) -> Result<String> {
        self.0.cluster().host().sh(text)?.ok()
    }

    /// Waits until a command prints just this.
    fn wait_for(&self, what: &str, command: &str, wanted: &str) -> Result<()> {
        self.0.wait_for(what, 60, || {
            let seen = self.sh(command)?;
            Ok(if seen.trim() == wanted.trim() { Ok(()) } else { Err(seen) })
        })
    }

    fn sync(&self) -> Result<String> {
        self.sh("bursar -nP sync")
    }

    /// Restarts bursard, and waits until it answers.
    fn restart(&self) -> Result<()> {
        self.sh("systemctl restart bursard")?;
        self.0.wait_for("bursard to answer", 60, || {
            let tried = self.0.cluster().host().sh("bursar -nP status")?;
            Ok(if tried.stderr.contains("cannot reach") { Err(tried.stderr) } else { Ok(()) })
        })
    }

    fn transactions(&self) -> Result<String> {
        self.sh("sacctmgr -nP list transactions format=TimeStamp,Action,Actor,Where,Info")
    }
}

/// One cluster for the whole file, and one test at a time on it.
fn realm() -> (&'static Realm, MutexGuard<'static, ()>) {
    static ALONE: Mutex<()> = Mutex::new(());
    static REALM: OnceLock<Result<Realm>> = OnceLock::new();
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    (REALM.get_or_init(Realm::up).as_ref().unwrap_or_else(|error| panic!("{error}")), alone)
}

const QOS: &str = "sacctmgr -nP show qos urgent,low format=name,priority,preempt,preemptmode,gracetime,usagefactor,\
                   maxjobspu,maxsubmitpu,maxtrespu,maxwall,description | sort";
const LISTS: &str = "sacctmgr -nP show association user=ana,ben WOPLimits format=user,account,qos,defaultqos | sort";

const QOS_OF_BOTH: &str = "\
low|0||requeue|00:00:00|1.000000|||||queue low, made by bursar
urgent|1000|low|cluster|00:00:00|2.000000|3|13|cpu=16,mem=64G|1-00:00:00|queue urgent, made by bursar
";

#[test]
fn given_queues_then_their_qos_are_there_for_those_who_may_and_further_passes_change_nothing() -> Result<()> {
    let (realm, _alone) = realm();
    realm.wait_for("both QOS", QOS, QOS_OF_BOTH)?;
    realm.wait_for("who may use them", LISTS, "ana|physics|low,urgent|low\nben|optics|low|low")?;
    realm.sh("sacctmgr -i add qos gold priority=7; sacctmgr -i modify user ana account=physics set qos+=gold")?;
    realm.sh("sacctmgr -i modify qos low set maxtresperjob=cpu=99")?;
    let before = realm.transactions()?;
    realm.sync()?;
    realm.restart()?;
    realm.0.wait_until_submitting("ana")?;
    realm.sync()?;
    assert_eq!(realm.transactions()?, before);
    assert_eq!(realm.sh("sacctmgr -nP show qos gold format=name,priority,description")?.trim(), "gold|7|gold");

    // What somebody changes of a queue's own values is put right; the rest stays.
    realm.sh("sacctmgr -i modify qos urgent set priority=1 preempt= maxtresperuser=cpu=1,mem=-1")?;
    realm.sh("sacctmgr -i modify user ana account=physics set qos=gold,low")?;
    realm.restart()?;
    realm.wait_for("both QOS again", QOS, QOS_OF_BOTH)?;
    realm.wait_for("hers again", LISTS, "ana|physics|gold,low,urgent|low\nben|optics|low|low")?;
    assert_eq!(realm.sh("sacctmgr -nP show qos low format=maxtresperjob")?.trim(), "cpu=99");
    let status = realm.sh("bursar -nP status format=part,state,detail | grep ^slurm.conf")?;
    assert_eq!(status.trim(), "slurm.conf|ok|has all that policy.toml asks of Slurm");
    realm.sh("bursar check slurm").map(drop)
}

#[test]
fn given_a_queue_for_one_account_then_others_are_refused_until_policy_opens_it_and_it_goes_without_a_trace()
-> Result<()> {
    let (realm, _alone) = realm();
    realm.wait_for("both QOS", QOS, QOS_OF_BOTH)?;
    let submit =
        |user: &str| realm.0.cluster().sbatch(user, &["--time=1", "--qos=urgent", "--test-only", "--wrap", "true"]);
    assert_eq!(submit("ana")?.status, 0);
    let refused = submit("ben")?;
    assert!(refused.stderr.contains("Invalid qos specification"), "{}", refused.stderr);
    realm.0.write_policy(&format!("{POLICY}{}", HIGH.replace("accounts = [\"physics\"]", "")))?;
    realm.0.wait_for("ben to be let in", 30, || {
        let tried = submit("ben")?;
        Ok(if tried.success() { Ok(()) } else { Err(tried.stderr) })
    })?;
    realm.0.write_policy(POLICY)?;
    realm.wait_for("nobody in the QOS", LISTS, "ana|physics|low|low\nben|optics|low|low")?;
    // Gone, or empty as long as slurmctld still lists a job of another test in it.
    let left =
        "sacctmgr -nP show qos urgent format=priority,preempt,usagefactor,maxjobspu,maxtrespu | sed s/^0..1.000000..//";
    realm.wait_for("the QOS to be empty or gone", left, "")?;
    realm.0.write_policy(&format!("{POLICY}{HIGH}"))?;
    realm.wait_for("both QOS", QOS, QOS_OF_BOTH)
}

#[test]
fn given_a_job_that_is_preempted_then_it_waits_and_runs_again_from_its_beginning() -> Result<()> {
    let (realm, _alone) = realm();
    realm.wait_for("both QOS", QOS, QOS_OF_BOTH)?;
    let cluster = realm.0.cluster();
    let low = cluster.submit("ana", &["--time=10", "--ntasks=16", "--wrap", "sleep 600"])?;
    cluster.wait_for_job_state(low, "RUNNING", SOON)?;
    let high = cluster.submit("ana", &["--time=1", "--ntasks=16", "--qos=urgent", "--wrap", "sleep 2"])?;
    cluster.wait_for_job_state(high, "COMPLETED", SOON)?;
    cluster.wait_for_job_state(low, "RUNNING", Duration::from_secs(120))?;
    let job = cluster.scontrol("root", &["show", "job", "--oneliner", &low.to_string()])?.ok()?;
    assert!(job.contains(" Restarts=1 "), "{job}");
    let runs = format!("sacct -nPXD -j {low} --format=State,QOS");
    realm.wait_for("two runs on record", &runs, "PREEMPTED|low\nRUNNING|low")?;
    cluster.slurm_as("ana", "scancel", &[&low.to_string()])?.ok().map(drop)
}

#[test]
fn given_all_that_bursar_does_then_fair_share_keeps_its_usage() -> Result<()> {
    let (realm, _alone) = realm();
    realm.wait_for("both QOS", QOS, QOS_OF_BOTH)?;
    let cluster = realm.0.cluster();
    let job = cluster.submit("ana", &["--time=1", "--ntasks=16", "--wrap", "sleep 10"])?;
    cluster.wait_for_job_state(job, "COMPLETED", SOON)?;
    let usage = || realm.sh("sshare -nP --accounts=physics --users=ana --format=User,RawUsage | grep ^ana");
    let number = |text: &str| text.trim().rsplit('|').next().and_then(|raw| raw.parse::<u64>().ok()).unwrap();
    let before = realm.0.wait_for("the job in fair-share", 90, || {
        let seen = usage()?;
        Ok(if number(&seen) >= 150 { Ok(number(&seen)) } else { Err(seen) })
    })?;
    realm.0.write_policy(&format!("{POLICY}{}", HIGH.replace("1000", "2000")))?;
    realm.wait_for("the new priority", "sacctmgr -nP show qos urgent format=priority", "2000")?;
    realm.restart()?;
    realm.0.write_policy(&format!("{POLICY}{HIGH}"))?;
    realm.wait_for("the old priority", "sacctmgr -nP show qos urgent format=priority", "1000")?;
    // Slurm's own decay goes on: with a week's half-life less than a hundredth in some minutes.
    let after = number(&usage()?);
    assert!(after * 100 >= before * 99, "{before} became {after}");
    Ok(())
}
