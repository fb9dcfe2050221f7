//! Plays the demonstration on a real cluster, and lets people into it afterwards.
#![forbid(unsafe_code)]

use std::error::Error as _;
use std::process::ExitCode;

use bursar_tests::{BuildDir, Cluster, Error, Kept, Result, Story, World, install_bursar, remove_remains};

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
    let mut world = None;
    let cluster = Cluster::builder().site_name(SITE).cpus_per_node(8).with_bursar_plugin().up_with(|host| {
        let new = World::new(host)?;
        install_bursar(host, &build, &new.files())?;
        world = Some(new);
        Ok(())
    })?;
    cluster.authorise_bursar()?;
    let world = world.ok_or_else(|| Error::Machine("the cluster came up without its people".into()))?;
    play(&mut story, &cluster, &world)?;
    cluster.host().site().keep()?;
    story.finish(&cluster)
}

/// The steps of the story.
fn play(story: &mut Story<std::io::Stdout>, cluster: &Cluster, world: &World) -> Result<()> {
    let host = cluster.host();
    story.narrate("One host runs munge, MariaDB, slurmdbd, slurmctld, two slurmd and sshd.")?;
    story.show(host, &["sinfo"])?;
    story.show(host, &["sh", "-c", "sleep 8; journalctl -u bursard -u bursar-node --no-pager | tail -50; ls -la /var/lib/bursar /var/lib/bursar/publish /var/lib/bursar-node; getent passwd ana; id bursar; sacctmgr -nP show assoc format=account,user,maxjobs; tail -20 /var/log/slurm/slurmctld.log"])?;
    let ana = world.login("ana").unwrap();
    story.show_ssh(host, ana, "ana", &["id"])?;
    story.show_ssh(host, world.login("chi").unwrap(), "chi", &["id"])?;
    story.show_as(host, "ana", &["sbatch", "--time=60", "--wrap", "sleep 5"])?;
    story.show_as(host, "ana", &["sbatch", "--time=660", "--wrap", "sleep 5"])?;
    story.show_as(host, "eva", &["sbatch", "--time=660", "--wrap", "sleep 5"])?;
    story.show(host, &["sh", "-c", "sleep 8; journalctl -u bursard -u bursar-node --no-pager | tail -50; squeue -a; grep -i bursar /var/log/slurm/slurmctld.log"])?;
    Ok(())
}
