//! The cluster of the harness works like one that an administrator set up.

use std::fs;
use std::time::Duration;

use bursar_tests::{Cluster, Result};

const SOON: Duration = Duration::from_secs(30);

/// A cluster on which alice may use the account physics.
fn cluster_with_alice() -> Result<Cluster> {
    let cluster = Cluster::builder().up()?;
    cluster.add_user("alice")?.ok()?;
    cluster.sacctmgr(&["add", "account", "physics"])?.ok()?;
    cluster.sacctmgr(&["add", "user", "alice", "account=physics"])?.ok()?;
    Ok(cluster)
}

#[test]
fn given_an_association_then_a_job_runs_and_is_accounted_and_others_are_refused() -> Result<()> {
    let cluster = cluster_with_alice()?;
    let job = cluster.submit("alice", &["--ntasks=3", "--wrap", "exit 0"])?;
    cluster.wait_for_accounted_state(job, "COMPLETED", SOON)?;

    let job = job.to_string();
    let args = ["-X", "-n", "-P", "--format=User,Account,AllocCPUS,State,ExitCode", "--jobs", &job];
    let seen = cluster.sacct("alice", &args)?;
    assert_eq!(seen.rows(), [["alice", "physics", "3", "COMPLETED", "0:0"]]);

    cluster.add_user("mallory")?.ok()?;
    let refused = cluster.sbatch("mallory", &["--wrap", "true"])?;
    assert_eq!(refused.status, 1);
    assert!(refused.stderr.contains("Invalid account"), "{}", refused.stderr);
    Ok(())
}

#[test]
fn given_a_restart_of_slurmctld_then_a_running_job_goes_on() -> Result<()> {
    let cluster = cluster_with_alice()?;
    let job = cluster.submit("alice", &["--wrap", "sleep 300"])?;
    cluster.wait_for_job_state(job, "RUNNING", SOON)?;
    cluster.restart("slurmctld")?;
    assert_eq!(cluster.job_state(&job.to_string())?, "RUNNING");
    cluster.slurm_as("alice", "scancel", &[&job.to_string()])?.ok()?;
    cluster.wait_for_accounted_state(job, "CANCELLED", SOON)?;
    assert!(cluster.slurmctld_log()?.contains("Recovered state of 2 nodes"));
    Ok(())
}

#[test]
fn given_a_key_then_ssh_lets_its_owner_in_and_nobody_else() -> Result<()> {
    let cluster = cluster_with_alice()?;
    let host = cluster.host();
    let alice = host.new_login("alice")?;
    let other = host.new_login("other")?;
    host.write_file_as("alice:alice", "/home/alice/.ssh/authorized_keys", alice.public().as_bytes(), 0o600)?;

    let inside = host.ssh(&alice, "alice", &["bash", "-c", "hostname; whoami; pwd; exit 7"])?;
    assert_eq!((inside.status, inside.stdout.as_str()), (7, "hpc\nalice\n/home/alice\n"), "{}", inside.stderr);
    let refused = host.ssh(&other, "alice", &["true"])?;
    assert_eq!(refused.status, 255);
    assert!(refused.stderr.contains("Permission denied (publickey"), "{}", refused.stderr);
    Ok(())
}

#[test]
fn given_choices_for_slurm_conf_then_slurmctld_has_them() -> Result<()> {
    let cluster = Cluster::builder()
        .cpus_per_node(64)
        .max_array_size(20_001)
        .max_job_count(30_000)
        .min_job_age(2)
        .slurm_conf("TrackWCKey=yes")
        .up()?;
    let conf = cluster.scontrol("root", &["show", "config"])?.ok()?;
    for line in ["MaxArraySize=20001", "MaxJobCount=30000", "MinJobAge=2sec", "TrackWCKey=Yes", "ClusterName=demo"] {
        let (key, value) = line.split_once('=').unwrap();
        let set = conf.lines().filter_map(|line| line.split_once('=')).find(|(name, _)| name.trim() == key);
        assert_eq!(set.map(|(_, set)| set.trim().replace(' ', "")), Some(value.to_owned()), "{key}");
    }
    let cpus = cluster.slurm_as("root", "sinfo", &["--noheader", "--format=%C"])?.ok()?;
    assert_eq!(cpus.trim(), "0/128/0/128");
    Ok(())
}

#[test]
fn given_accounts_made_inside_then_the_machine_has_none_of_them_and_the_host_has_none_of_its_people() -> Result<()> {
    let files = ["/etc/passwd", "/etc/group", "/etc/shadow", "/etc/hosts", "/etc/hostname"];
    let before = files.map(|file| fs::read(file).unwrap());
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();

    let cluster = cluster_with_alice()?;
    assert!(cluster.host().read_file("/etc/passwd")?.contains("\nalice:"));
    assert_eq!(files.map(|file| fs::read(file).unwrap()), before);
    assert_eq!(fs::read_to_string("/proc/self/mountinfo").unwrap(), mounts);

    let host = cluster.host();
    let mine = String::from_utf8(before[0].clone()).unwrap();
    for person in mine.lines().filter(|line| line.split(':').nth(2).is_some_and(|uid| uid == "1000")) {
        assert!(!host.read_file("/etc/passwd")?.contains(person));
    }
    let tree = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    assert!(!host.run(&["test", "-e", tree])?.success(), "the build tree can be seen inside");
    Ok(())
}
