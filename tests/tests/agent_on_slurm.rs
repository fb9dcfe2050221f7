//! The agent's own tests that need real Slurm daemons, run inside a throwaway host.

use std::process::Command;

use bursar_tests::{Cluster, Result};

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

#[test]
fn given_a_real_cluster_then_the_agents_tests_of_its_slurm_parts_pass_on_it() -> Result<()> {
    let program = test_program();
    let cluster = Cluster::builder().up()?;
    let host = cluster.host();
    host.copy_in(program.as_ref(), "/usr/local/bin/slurm_real", 0o755)?;
    // Something in every list that is read.
    for command in ["sbatch --wrap true", "sbatch --wrap 'exit 3'", "sbatch --array=1-3 --hold --wrap true"] {
        host.sh(&format!("{command} --output=/dev/null"))?.ok()?;
    }
    let run = format!("BURSAR_TEST_CLUSTER=demo slurm_real --ignored --test-threads=1 --skip {LEFT_OUT} --nocapture");
    let output = host.sh(&run)?;
    println!("{}", output.stdout);
    assert!(output.success(), "{}{}", output.stdout, output.stderr);
    assert!(output.stdout.contains(" 3 passed; 0 failed"), "{}", output.stdout);
    Ok(())
}
