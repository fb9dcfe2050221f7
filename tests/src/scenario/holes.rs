//! The ways around a job_submit plugin that reviewers try first, each closed: the person who tries, and what they are told.
//!
//! The world has GPUs, prices, queues and cost centres; every person has a limit of their own to run against.

use std::time::{Duration, Instant};

use bursar_policy::{Measure, PeriodKind, Resource};

use super::{assert_refused, assert_update_refused, cancel_all, host_now, sbatch, used, wait_for_list_after};
use crate::{Citizen, Cluster, ClusterBuilder, Error, Governed, Result, SlurmVersion, directory, in_the_morning};

/// The rules of this world, without their zone.
const RULES: &str = "\
week-start = \"monday\"
contact = \"Ask the HPC team.\"
tell-cost = true

[prices]
currency = \"EUR\"
cpu-hour = \"1\"
a100-gpu-hour = \"10\"
[prices.partition.dear]
cpu-hour = \"3\"

[limits.person.hal]
cpu-hours-per-day = 2
gpu-hours-per-day = 0
memory-gb-hours-per-day = 1
node-hours-per-day = 1
money-per-month = \"2.5\"
[limits.person.gia]
gpu-hours-per-day = 1
[limits.person.ivy]
a100-gpu-hours-per-week = 1
[limits.person.mo]
money-per-month = \"2\"
[limits.person.una]
cpus = 2
a100-gpus = 1
memory-gb = \"0.5\"
nodes = 1
[limits.person.rex]
cpu-hours-per-day = 2
[limits.person.ron]
cpu-hours-per-day = 2
[limits.person.bo]
cpu-hours-per-day = 4
[limits.person.kim]
gpu-hours-per-month = 1000

[cost-centers]
required = true
listed = [\"CC-9\"]

[[queue]]
name = \"normal\"
default = true
[[queue]]
name = \"high\"
priority = 100
charge-factor = \"2\"
roles = [\"cluster-admin\"]
[[queue]]
name = \"express\"
charge-factor = \"4\"
[queue.limits]
max-time = \"0:30:00\"
cpus = 4

[[account]]
name = \"physics\"
description = \"Physics\"
cost-center = \"CC-2\"
[account.limits-each]
cpu-hours-per-quarter = 100

[[account]]
name = \"bare\"
description = \"No cost centre\"

[[mapping]]
group = \"g-physics\"
role = \"compute-user\"
account = \"physics\"
[[mapping]]
group = \"g-bare\"
role = \"compute-user\"
account = \"bare\"
";

const PHYSICISTS: [&str; 12] = ["hal", "gia", "ivy", "mo", "una", "rex", "ron", "bo", "kim", "sam", "tag", "zoe"];

/// Boots `cluster` as such a world.
pub fn holes_world(cluster: ClusterBuilder) -> Result<Governed> {
    let people = PHYSICISTS.iter().map(|name| Citizen::new(name, "g-physics"));
    let people: Vec<Citizen> = people.chain([Citizen::new("bea", "g-bare")]).collect();
    Governed::up(cluster, &in_the_morning(RULES), &directory(&people), "zoe")
}

/// A cluster with four GPUs on each node, and a partition where everything costs more.
pub fn holes_cluster() -> ClusterBuilder {
    Cluster::builder()
        .gpus("a100", 4)
        .slurm_conf("PartitionName=dear Nodes=n[1-2] DefaultTime=10 DefMemPerCPU=100 State=UP")
}

fn refused(site: &Governed, user: &str, minutes: u32, more: &[&str], code: &str, sentence: &str) -> Result<()> {
    let start = Instant::now();
    let output = sbatch(site, user, minutes, more)?;
    assert_refused(&output, start.elapsed(), code, sentence);
    Ok(())
}

/// Lets in, and ends the job.
fn admitted(site: &Governed, user: &str, minutes: u32, more: &[&str]) -> Result<()> {
    sbatch(site, user, minutes, &[more, &["--hold"]].concat())?.ok()?;
    cancel_all(site, user)?;
    wait_for_list_after(site, host_now(site)?)
}

fn field(site: &Governed, job: &str, key: &str) -> Result<String> {
    let shown = site.cluster().scontrol("root", &["show", "job", "--oneliner", job])?.ok()?;
    let value = shown.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    value.map(str::to_owned).ok_or_else(|| Error::Machine(format!("no {key} in {shown}")))
}

/// Hole 1: a held job cannot be enlarged in any direction, nor moved where it does not belong.
pub fn a_held_job_cannot_be_enlarged(site: &Governed) -> Result<()> {
    let cluster = site.cluster();
    let job = sbatch(site, "hal", 60, &["--hold", "--mem-per-cpu=100"])?.ok()?.trim().to_owned();
    wait_for_list_after(site, host_now(site)?)?;
    let before = field(site, &job, "TimeLimit")?;
    for (change, code, sentence) in [
        ("timelimit=180", "BSR-150", "you may use 2.00 CPU-hours today"),
        ("numcpus=8", "BSR-150", "you may use 2.00 CPU-hours today"),
        ("gres=gpu:1", "BSR-200", "you may use 0.00 GPU-hours today"),
        ("minmemorycpu=4000", "BSR-210", "you may use 1.00 GB-hours of memory today"),
        ("timelimit=100", "BSR-220", "you may use 1.00 node-hours today"),
        ("account=bare", "BSR-121", "you hold no grant for account bare"),
        ("qos=high", "BSR-190", "queue high is not yours to use; you may use: express, normal"),
        ("wckey=nonsense", "BSR-196", "cost centre nonsense cannot be charged here"),
    ] {
        let start = Instant::now();
        let output = cluster.scontrol("hal", &["update", &format!("jobid={job}"), change])?;
        if site.cluster().host().slurm() == SlurmVersion::V22_05 {
            assert!(!output.success(), "{change} passed: {}{}", output.stdout, output.stderr);
            assert!(start.elapsed() < Duration::from_secs(5), "{change}: the client tried again");
        } else {
            assert_update_refused(site, &output, start.elapsed(), code, sentence);
        }
    }
    // A dearer place and a dearer queue cost more than there is, though they take no more.
    for change in ["partition=dear", "qos=express"] {
        let output = cluster.scontrol("hal", &["update", &format!("jobid={job}"), change, "timelimit=60"])?;
        assert!(!output.success(), "{change} passed");
    }
    assert_eq!(field(site, &job, "TimeLimit")?, before);
    assert_eq!((field(site, &job, "Account")?, field(site, &job, "QOS")?), ("physics".into(), "normal".into()));
    cluster.scontrol("hal", &["update", &format!("jobid={job}"), "timelimit=30"])?.ok()?;
    cancel_all(site, "hal")
}

/// Hole 2: what is not named is the site's default, and it is written into the job.
pub fn what_is_not_named_is_written_into_the_job(site: &Governed) -> Result<()> {
    let output = site.cluster().sbatch("tag", &["--parsable", "--hold", "--output=/dev/null", "--wrap", "true"])?;
    let job = output.stdout.trim().to_owned();
    assert!(output.success(), "{}", output.stderr);
    assert!(output.stderr.contains("this job may cost 0.16 EUR and use 0.16 CPU-hours"), "{}", output.stderr);
    assert_eq!(field(site, &job, "Account")?, "physics");
    assert_eq!(field(site, &job, "QOS")?, "normal");
    assert_eq!(field(site, &job, "WCKey")?.to_ascii_lowercase(), "cc-2");
    cancel_all(site, "tag")
}

/// Hole 4: all tasks of an array count, and raising its throttle changes nothing.
pub fn a_throttle_hides_no_task(site: &Governed) -> Result<()> {
    refused(site, "ron", 60, &["--array=1-3%1"], "BSR-150", "this job may use 3.00")?;
    let job = sbatch(site, "ron", 60, &["--array=1-2%1", "--hold"])?.ok()?.trim().to_owned();
    wait_for_list_after(site, host_now(site)?)?;
    site.cluster().scontrol("ron", &["update", &format!("jobid={job}"), "arraytaskthrottle=2"])?.ok()?;
    wait_for_list_after(site, host_now(site)?)?;
    refused(site, "ron", 1, &[], "BSR-150", "2.00 are in flight")?;
    cancel_all(site, "ron")
}

/// Hole 8: of several partitions or queues the dearest counts, and each must be open.
pub fn of_several_places_the_dearest_counts(site: &Governed) -> Result<()> {
    admitted(site, "mo", 60, &[])?;
    refused(site, "mo", 60, &["--partition=main,dear"], "BSR-232", "this job may use 3.00")?;
    refused(site, "mo", 30, &["--qos=high"], "BSR-190", "you may use: express, normal")?;
    refused(site, "mo", 31, &["--qos=express"], "BSR-191", "may run for 30 minutes at most")?;
    refused(site, "zoe", 10, &["--qos=express", "--ntasks=5"], "BSR-142", "you in queue express may have 4 CPUs")?;
    if site.cluster().host().slurm() != SlurmVersion::V22_05 {
        refused(site, "mo", 30, &["--qos=normal,high"], "BSR-190", "queue high is not yours")?;
    }
    Ok(())
}

/// Hole 9: a hold cannot be taken off when access has ended meanwhile.
pub fn a_hold_outlives_no_grant(site: &Governed) -> Result<()> {
    let cluster = site.cluster();
    let job = sbatch(site, "sam", 10, &["--hold"])?.ok()?.trim().to_owned();
    wait_for_list_after(site, host_now(site)?)?;
    let people = PHYSICISTS.iter().map(|name| Citizen { enabled: *name != "sam", ..Citizen::new(name, "g-physics") });
    let people: Vec<Citizen> = people.chain([Citizen::new("bea", "g-bare")]).collect();
    site.write_directory(&directory(&people))?;
    site.wait_for("the end of sam's access", 30, || {
        let output = sbatch(site, "sam", 1, &["--hold"])?;
        Ok(if output.stderr.contains("BSR-114") { Ok(()) } else { Err(output.stderr) })
    })?;
    let start = Instant::now();
    let output = cluster.scontrol("sam", &["release", &job])?;
    assert!(!output.success(), "the hold of a job came off: {}", output.stdout);
    assert!(start.elapsed() < Duration::from_secs(5), "the client tried again");
    assert_eq!(field(site, &job, "JobState")?, "PENDING");
    cancel_all(site, "sam")
}

/// Hole 11: a job that is requeued again and again stays within what is counted.
pub fn requeues_are_counted_again(site: &Governed) -> Result<()> {
    let cluster = site.cluster();
    let job = cluster.submit("rex", &["--time=60", "--requeue", "--wrap", "sleep 3000"])?;
    cluster.wait_for_job_state(job, "RUNNING", Duration::from_secs(30))?;
    cluster.scontrol("rex", &["requeue", &job.to_string()])?.ok()?;
    cluster.wait_for_job_state(job, "PENDING", Duration::from_secs(30))?;
    // An hour is in flight again, so what is left is at most an hour. Until
    // slurmdbd has told of the first run, all that it might have used counts beside the second.
    site.wait_for("the first run to be settled", 60, || {
        let output = sbatch(site, "rex", 61, &[])?;
        assert!(
            output.stderr.contains("BSR-150: "),
            "let in beside a requeued job: {}{}",
            output.stdout,
            output.stderr
        );
        Ok(if output.stderr.contains("1.00 are in flight") { Ok(()) } else { Err(output.stderr) })
    })?;
    cancel_all(site, "rex")
}

/// Hole 12: a job's cost centre is one that is known, at submission and afterwards; without one there is no job.
pub fn cost_centres_are_known(site: &Governed) -> Result<()> {
    refused(site, "tag", 1, &["--wckey=nonsense"], "BSR-196", "cost centre nonsense cannot be charged here")?;
    refused(site, "bea", 1, &[], "BSR-195", "name a cost centre with --wckey; known are: cc-9")?;
    for (user, args) in [("tag", vec!["--wckey=CC-9"]), ("tag", vec!["--wckey=cc-2"]), ("bea", vec!["--wckey=cc-9"])] {
        admitted(site, user, 1, &args)?;
    }
    Ok(())
}

/// Hole 13: GPUs count in every spelling and place, with and without a type.
pub fn gpus_count_however_they_are_asked_for(site: &Governed) -> Result<()> {
    let two: [&[&str]; 6] = [
        &["--gres=gpu:2"],
        &["--gres=gpu:a100:2"],
        &["--gpus=2"],
        &["--gpus-per-node=a100:2"],
        &["--gpus-per-task=1", "--ntasks=2"],
        &["--nodes=2", "--gres=gpu:1"],
    ];
    for args in two {
        refused(site, "gia", 60, args, "BSR-200", "this job may use 2.00")?;
        refused(site, "ivy", 60, args, "BSR-201", "you may use 1.00 a100 GPU-hours this week")?;
    }
    refused(site, "gia", 60, &["--exclusive"], "BSR-200", "this job may use 4.00")?;
    for (user, args) in [("gia", "--gres=gpu"), ("gia", "--gpus=a100:1"), ("ivy", "--gpus-per-node=1")] {
        admitted(site, user, 60, &[args])?;
    }
    Ok(())
}

/// A waiting job with GPUs counts the CPUs that these bring, no less and no more, when it is judged and once it is listed.
pub fn gpus_bring_the_cpus_that_were_asked_for(site: &Governed) -> Result<()> {
    let gpu = ["--nodes=1", "--gres=gpu:1", "--cpus-per-gpu=2", "--hold"];
    refused(site, "bo", 121, &gpu, "BSR-150", "this job may use 4.03")?;
    sbatch(site, "bo", 60, &gpu)?.ok()?;
    wait_for_list_after(site, host_now(site)?)?;
    refused(site, "bo", 121, &["--hold"], "BSR-150", "2.00 are in flight, and this job may use 2.01")?;
    sbatch(site, "bo", 120, &["--hold"])?.ok()?;
    cancel_all(site, "bo")
}

/// What a job has of GPUs is charged to the second, as sacct has it.
pub fn gpu_seconds_are_charged_as_sacct_has_them(site: &Governed) -> Result<()> {
    let cluster = site.cluster();
    let job = cluster.submit("kim", &["--time=10", "--gres=gpu:a100:2", "--wrap", "sleep 4"])?;
    cluster.wait_for_accounted_state(job, "COMPLETED", Duration::from_secs(60))?;
    let id = job.to_string();
    let args = ["-X", "--noheader", "--parsable2", "--format=ElapsedRaw,AllocTRES", "--jobs", id.as_str()];
    let row = cluster.sacct("root", &args)?.ok()?;
    assert!(row.contains("gres/gpu=2"), "{row}");
    let elapsed: u64 = row.split('|').next().and_then(|text| text.trim().parse().ok()).unwrap_or_default();
    assert!(elapsed >= 4, "{row}");
    site.wait_for("the charge", 30, || {
        let gpus = used(site, "kim", false, Measure::Within(PeriodKind::Month, Resource::Gpu))?;
        Ok(if gpus == 2 * elapsed { Ok(()) } else { Err(format!("{gpus} GPU-seconds, sacct has {row}")) })
    })
}

/// Hole 15: a job cannot lend its nodes to another one.
pub fn no_job_expands_another(site: &Governed) -> Result<()> {
    let job = sbatch(site, "zoe", 10, &["--hold"])?.ok()?.trim().to_owned();
    refused(site, "zoe", 10, &[&format!("--dependency=expand:{job}")], "BSR-170", "cannot expand another one here")?;
    cancel_all(site, "zoe")
}

/// What can never run within a limit on what runs at once is refused; what can, waits.
pub fn what_can_never_run_is_refused(site: &Governed) -> Result<()> {
    for (args, code, sentence) in [
        (&["--ntasks=3"][..], "BSR-142", "you may have 2 CPUs at the same time, and one job asks for 3"),
        (&["--gres=gpu:2"], "BSR-143", "you may have 1 a100 GPUs at the same time, and one job asks for 2"),
        (&["--mem=600M"], "BSR-144", "you may have 0.50 GB of memory at the same time, and one job asks for 0.58"),
        (&["--nodes=2", "--ntasks=2"], "BSR-145", "you may have 1 nodes at the same time, and one job asks for 2"),
    ] {
        refused(site, "una", 1, args, code, sentence)?;
    }
    for _ in 0..3 {
        sbatch(site, "una", 1, &["--ntasks=1", "--nodes=1", "--hold"])?.ok()?;
    }
    cancel_all(site, "una")
}

/// A limit of each person in an account, one over a quarter, and one set by hand are told as what they are.
pub fn limits_by_account_and_by_hand_are_told(site: &Governed) -> Result<()> {
    let sentence = "you in account physics may use 100.00 CPU-hours this quarter";
    // By many CPUs, not by a hundred hours of one: in its last days so much is not left of the quarter.
    refused(site, "zoe", 380, &["--ntasks=16"], "BSR-153", sentence)?;
    let set = "bursar -i modify limit where user=zoe in-account=physics set cpu-hours-per-quarter=1 reason=test";
    site.cluster().host().sh(set)?.ok()?;
    site.wait_for("the limit that was set", 10, || {
        let output = sbatch(site, "zoe", 61, &["--hold"])?;
        Ok(if output.stderr.contains("may use 1.00 CPU-hours this quarter") { Ok(()) } else { Err(output.stderr) })
    })?;
    let clear = "bursar -i modify limit where user=zoe in-account=physics set cpu-hours-per-quarter=-1 reason=test";
    site.cluster().host().sh(clear)?.ok()?;
    site.wait_for("the limit that was cleared", 10, || {
        let output = sbatch(site, "zoe", 61, &["--hold"])?;
        Ok(if output.success() { Ok(()) } else { Err(output.stderr) })
    })?;
    cancel_all(site, "zoe")
}
