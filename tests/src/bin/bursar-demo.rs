//! Plays the demonstration on a real cluster, and lets people into it afterwards.
#![forbid(unsafe_code)]

use std::error::Error as _;
use std::process::ExitCode;
use std::time::Duration;

use bursar_tests::{BuildDir, Cluster, Error, Files, Kept, Result, Story, install_bursar, remove_remains};

/// The name of the demo's run under `target/hosts`.
const SITE: &str = "demo";

const USAGE: &str = "usage: bursar-demo [run | shell [COMMAND ...] | stop | clean]";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.first().map(String::as_str) {
        None | Some("run") => run(),
        Some("shell") => shell(args.get(1..).unwrap_or_default()),
        Some("stop") => stop(),
        Some("clean") => stop().and_then(|()| remove_remains()),
        Some(_) => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("bursar-demo: {error}");
            let mut cause = error.source();
            while let Some(inner) = cause {
                eprint!(": {inner}");
                cause = inner.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

fn stop() -> Result<()> {
    match Kept::find(SITE)? {
        Some(kept) => kept.stop(),
        None => Ok(()),
    }
}

fn shell(args: &[String]) -> Result<()> {
    match Kept::find(SITE)? {
        Some(kept) => Err(kept.enter_host("hpc", args)),
        None => Err(Error::Machine("no demo cluster is running: start one with `make demo`".into())),
    }
}

fn run() -> Result<()> {
    stop()?;
    let build = BuildDir::debug()?;
    let mut story = Story::on_stdout();
    story.chapter("A cluster comes up")?;
    let cluster = Cluster::builder().site_name(SITE).up_with(|host| install_bursar(host, &build, &Files::default()))?;
    cluster.authorise_bursar()?;
    play(&mut story, &cluster)?;
    cluster.host().site().keep()?;
    story.finish(&cluster)
}

/// The steps of the story.
fn play(story: &mut Story<std::io::Stdout>, cluster: &Cluster) -> Result<()> {
    let host = cluster.host();
    story.narrate("One host runs munge, MariaDB, slurmdbd, slurmctld, two slurmd and sshd.")?;
    story.show(host, &["sinfo"])?;
    story.show(host, &["useradd", "--create-home", "--shell", "/bin/bash", "alice"])?;
    story.show(host, &["sacctmgr", "--immediate", "add", "account", "physics"])?;
    story.show(host, &["sacctmgr", "--immediate", "add", "user", "alice", "account=physics"])?;
    story.show_as(host, "alice", &["sbatch", "--wrap", "echo hello from $(hostname)"])?;
    cluster.wait_for_accounted_state(1, "COMPLETED", Duration::from_secs(30))?;
    // Without --jobs, sacct leaves out what began in the current second.
    story.show_as(host, "alice", &["sacct", "--allocations", "--jobs=1"])?;
    Ok(())
}
