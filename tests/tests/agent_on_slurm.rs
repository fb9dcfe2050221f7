//! The agent's own tests that need real Slurm daemons, run inside a throwaway host.

use std::process::Command;
use std::time::Duration;

use bursar_tests::{Cluster, Result, SlurmVersion};

/// Takes a minute, and is measured elsewhere.
const LEFT_OUT: &str = "given_ten_thousand_people";

/// Where cargo puts the test program when it is asked to build it.
fn test_program() -> String {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let args = ["test", "--package", "bursar-agent", "--test", "slurm_real", "--no-run", "--message-format=json"];
    let built = Command::new(cargo).args(args).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let lines = String::from_utf8(built.stdout).unwrap();
    let artifacts = lines.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let programs = artifacts.filter(|artifact| artifact["target"]["name"] == "slurm_real");
    programs.filter_map(|artifact| artifact["executable"].as_str().map(str::to_owned)).next_back().unwrap()
}

/// Jobs that go on waiting, of shapes that the lists tell in different ways.
const JOBS: [&str; 6] = [
    "--array=1-3 --hold --wrap true",
    "--partition=whole --hold --wrap true",
    "--exclusive=user --hold --wrap true",
    "--oversubscribe --hold --wrap true",
    "--nodes=1-2 --hint=nomultithread --ntasks-per-core=1 --hold --wrap true",
    "--mem=0 --partition=open --hold --wrap true",
];

fn the_agents_tests_pass_on(version: SlurmVersion) -> Result<()> {
    let program = test_program();
    let cluster = Cluster::builder()
        .slurm(version)
        .slurm_conf("AccountingStorageTRES=gres/gpu")
        .slurm_conf("GresTypes=gpu")
        .slurm_conf("PartitionName=whole Nodes=n[1-2] OverSubscribe=EXCLUSIVE MaxTime=60 State=UP")
        .slurm_conf("PartitionName=open Nodes=n[1-2] MaxTime=UNLIMITED State=UP")
        .up()?;
    let host = cluster.host();
    host.copy_in(program.as_ref(), "/usr/local/bin/slurm_real", 0o755)?;
    // Something in every list that is read; what ended is compared when slurmdbd has it too.
    for (script, state) in [("true", "COMPLETED"), ("exit 3", "FAILED")] {
        let job = cluster.submit("root", &["--wrap", script])?;
        cluster.wait_for_accounted_state(job, state, Duration::from_secs(30))?;
    }
    for job in JOBS {
        host.sh(&format!("sbatch --output=/dev/null {job}"))?.ok()?;
    }
    let run = format!("BURSAR_TEST_CLUSTER=demo slurm_real --ignored --test-threads=1 --skip {LEFT_OUT} --nocapture");
    let output = host.sh(&run)?;
    println!("{}", output.stdout);
    assert!(output.success(), "{}{}", output.stdout, output.stderr);
    assert!(output.stdout.contains(" 4 passed; 0 failed"), "{}", output.stdout);
    Ok(())
}

#[test]
fn given_a_real_cluster_then_the_agents_tests_of_its_slurm_parts_pass_on_it() -> Result<()> {
    the_agents_tests_pass_on(SlurmVersion::V22_05)
}

#[test]
fn given_slurm_24_11_then_the_agents_tests_of_its_slurm_parts_pass_on_it() -> Result<()> {
    the_agents_tests_pass_on(SlurmVersion::V24_11)
}

#[test]
fn given_slurm_26_05_then_the_agents_tests_of_its_slurm_parts_pass_on_it() -> Result<()> {
    the_agents_tests_pass_on(SlurmVersion::V26_05)
}
