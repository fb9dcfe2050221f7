//! Plays the demonstration on a real cluster, and lets people into it afterwards.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::error::Error as _;
use std::process::ExitCode;
use std::time::Duration;

use bursar_tests::{
    BuildDir, Cluster, Error, Host, Kept, Output, Result, SlurmVersion, Story, World, install_bursar, remove_remains,
};

/// The name of the demo's run under `target/hosts`.
const SITE: &str = "demo";

const USAGE: &str = "usage: bursar-demo [run | shell [COMMAND ...] | stop | clean | roots]";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.first().map(String::as_str) {
        None | Some("run") => run(),
        Some("shell") => shell(args.get(1..).unwrap_or_default()),
        Some("stop") => stop(),
        Some("roots") => roots(),
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

/// Makes what the tests on other Slurms need, all versions at once: much of it is waiting for a mirror.
fn roots() -> Result<()> {
    let build = BuildDir::debug()?;
    let make = |version: SlurmVersion| version.root().and_then(|_| build.plugin(version)).map(drop);
    std::thread::scope(|scope| {
        let makers: Vec<_> = SlurmVersion::ALL.map(|version| scope.spawn(move || make(version))).into();
        let panicked = |_| Err(Error::Machine("a maker of root directories panicked".into()));
        makers.into_iter().try_for_each(|maker| maker.join().unwrap_or_else(panicked))
    })
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
    story.narrate(
        "One host runs munge, MariaDB, slurmdbd, slurmctld, two slurmd and sshd; bursard has just been started.",
    )?;
    story.show(host, &["sinfo"])?;
    host.wait_for("everybody's account and association", Duration::from_secs(60), || {
        let told = told_text(host.run(&["sacctmgr", "-nP", "show", "assoc", "user=ana,ben,kim", "format=user"]))?;
        if told.lines().count() == 3 { Ok(()) } else { Err(told) }
    })?;
    people(story, host)?;
    logins(story, cluster, world)?;
    jobs(story, cluster)?;
    report(story, cluster)
}

fn people(story: &mut Story<std::io::Stdout>, host: &Host) -> Result<()> {
    story.chapter("People in a directory file become accounts and associations")?;
    story.show(host, &["bursar", "check", "config"])?;
    story.show(host, &["bursar", "show", "user", "format=User%8,Uid,Kind%8,State,Roles%27"])?;
    story.show(host, &["getent", "passwd", "ana", "ben", "eva", "kim"])?;
    story.show(host, &["sacctmgr", "show", "assoc", "cluster=demo", "format=account,user,share,maxjobs"])?;
    story.narrate("A second pass finds nothing to do.")?;
    story.show(host, &["bursar", "sync", "--dry-run"])?;
    Ok(())
}

fn logins(story: &mut Story<std::io::Stdout>, cluster: &Cluster, world: &World) -> Result<()> {
    let host = cluster.host();
    let login = |name: &str| world.login(name).ok_or_else(|| Error::Machine(format!("{name} has no key")));
    story.chapter("Every login is judged from the same grants")?;
    story.show_ssh(host, login("ana")?, "ana", &["id"])?;
    let chi = login("chi")?;
    story.narrate("Chi is a guest. She gets access for a few seconds, which is noted, and loses it by itself.")?;
    story.show(
        host,
        &[
            "bursar",
            "-i",
            "add",
            "grant",
            "user=chi",
            "role=compute-user",
            "account=physics",
            "until=now+10seconds",
            "reason=a visit",
        ],
    )?;
    host.wait_for("chi's account", Duration::from_secs(10), || {
        told(host.run(&["test", "-e", "/var/lib/bursar-node/keys/chi"]))
    })?;
    story.show_ssh(host, chi, "chi", &["id"])?;
    host.wait_for("the end of chi's grant", Duration::from_secs(30), || {
        match told(host.run(&["bursar", "explain", "login", "user=chi"])) {
            Err(_) => Ok(()),
            Ok(()) => Err("she would still be let in".to_owned()),
        }
    })?;
    story.show_ssh(host, chi, "chi", &["id"])?;
    story.show(host, &["bursar", "show", "login", "where", "user=chi"])?;
    Ok(())
}

fn jobs(story: &mut Story<std::io::Stdout>, cluster: &Cluster) -> Result<()> {
    let host = cluster.host();
    story.chapter("Every job is judged before it enters")?;
    story.narrate("Ana may use ten CPU-hours a day. What a job may come to counts from the moment it is accepted.")?;
    let short = "--time=30";
    story.show_as(host, "ana", &["sbatch", short, "--ntasks=2", "--wrap", "srun sleep 6"])?;
    story.show_as(host, "ana", &["sbatch", short, "--array=1-4%2", "--wrap", "sleep 3"])?;
    story.show_as(host, "ana", &["sbatch", "--time=480", "--ntasks=2", "--wrap", "sleep 1"])?;
    story.show_as(host, "eva", &["sbatch", short, "--wrap", "true"])?;
    story.show_as(host, "ben", &["sbatch", short, "--account=science", "--wrap", "true"])?;
    host.wait_for("bursard to have seen ana's jobs", Duration::from_secs(10), || {
        match in_flight(host, "ana")?.as_str() {
            "3:00:00" => Ok(()),
            other => Err(other.to_owned()),
        }
    })?;
    story.show(host, &["bursar", "explain", "job", "user=ana", "cpus=2", "time-limit=480"])?;
    story.narrate("Ben's jobs end in every way a job can.")?;
    story.show_as(host, "ben", &["sbatch", short, "--wrap", "sleep 2; exit 3"])?;
    let cancelled = cluster.submit("ben", &[short, "--wrap", "sleep 600"])?;
    let requeued = cluster.submit("ben", &[short, "--requeue", "--wrap", "sleep 6"])?;
    let running = |job: u32| cluster.wait_for_job_state(job, "RUNNING", Duration::from_secs(30));
    running(cancelled)?;
    running(requeued)?;
    host.wait_for("bursard to have seen ben's jobs", Duration::from_secs(10), || {
        match in_flight(host, "ben")?.as_str() {
            "1:00:00" | "1:00:02" => Ok(()),
            other => Err(other.to_owned()),
        }
    })?;
    story.show_as(host, "ben", &["squeue"])?;
    story.show_as(host, "ben", &["bursar", "balance"])?;
    story.show_as(host, "ben", &["scancel", &cancelled.to_string()])?;
    story.show(host, &["scontrol", "requeue", &requeued.to_string()])?;
    // Slurm would let it wait for two minutes.
    host.wait_for("the requeued job's next start", Duration::from_secs(30), || {
        // While it is still ending Slurm says no, and the next look tries again.
        let asked = told(host.run(&["scontrol", "update", &format!("jobid={requeued}"), "starttime=now"]));
        match cluster.job_state(&requeued.to_string()).map_err(|error| error.to_string())?.as_str() {
            waits @ ("PENDING" | "COMPLETING") => Err(format!("{waits}; {asked:?}")),
            _ => Ok(()),
        }
    })?;
    Ok(())
}

fn report(story: &mut Story<std::io::Stdout>, cluster: &Cluster) -> Result<()> {
    let host = cluster.host();
    story.chapter("A report says who used what, equal to sacct to the second")?;
    host.wait_for("the end of all jobs", Duration::from_secs(240), || {
        match told_text(host.run(&["squeue", "--noheader", "--states=PD,R,CG,S"]))?.lines().next() {
            None => Ok(()),
            Some(job) => Err(job.to_owned()),
        }
    })?;
    host.wait_for("bursar and sacct to agree", Duration::from_secs(30), || {
        let (ours, slurms) = (from_bursar(host)?, from_sacct(host)?);
        let idle = in_flight(host, "ben")? == "0:00:00";
        if ours == slurms && !ours.is_empty() && idle {
            Ok(())
        } else {
            Err(format!("bursar says {ours:?}, sacct {slurms:?}"))
        }
    })?;
    let fields = "--format=JobID%8,User%6,Account%8,State%12,AllocCPUS,ElapsedRaw,CPUTimeRAW";
    story.show(host, &["sacct", "--allusers", "--allocations", "--duplicates", "--starttime=today", fields])?;
    story.show(host, &["bursar", "-t", "Seconds", "report", "usage", "start=today"])?;
    for (user, seconds) in from_sacct(host).map_err(Error::Machine)? {
        story.narrate(&format!("{user}: {seconds} CPU-seconds, by bursar and by sacct."))?;
    }
    story.show_as(host, "ana", &["bursar", "balance"])?;
    story.show(host, &["bursar", "status"])?;
    Ok(())
}

/// An answer as a step that is waited for sees it.
fn told(output: Result<Output>) -> std::result::Result<(), String> {
    told_text(output).map(drop)
}

fn told_text(output: Result<Output>) -> std::result::Result<String, String> {
    output.and_then(|output| output.ok()).map_err(|error| error.to_string())
}

/// What a person's jobs may still use today, as `bursar balance` says.
fn in_flight(host: &Host, user: &str) -> std::result::Result<String, String> {
    let user = format!("user={user}");
    let text = told_text(host.run(&["bursar", "-nP", "balance", &user, "format=user,limit,in-flight"]))?;
    let day = text.lines().find_map(|line| line.split_once("|cpu-hours-per-day|"));
    day.map(|(_, held)| held.to_owned()).ok_or(text)
}

/// CPU-seconds of everybody today, as bursar reports them.
fn from_bursar(host: &Host) -> std::result::Result<BTreeMap<String, u64>, String> {
    let command = ["bursar", "-nP", "-t", "Seconds", "report", "usage", "start=today", "format=user,used"];
    sums(&told_text(host.run(&command))?, |fields| Some((*fields.first()?, fields.get(1)?.parse().ok()?)))
}

/// The same from slurmdbd: every run's seconds times its CPUs.
fn from_sacct(host: &Host) -> std::result::Result<BTreeMap<String, u64>, String> {
    let command = ["sacct", "-aDXnP", "--starttime=today", "--format=User,ElapsedRaw,AllocCPUS"];
    sums(&told_text(host.run(&command))?, |fields| {
        let (elapsed, cpus): (u64, u64) = (fields.get(1)?.parse().ok()?, fields.get(2)?.parse().ok()?);
        Some((*fields.first()?, elapsed * cpus))
    })
}

/// Adds up lines of `user|…` by user; users without any second are left out.
fn sums<'t>(
    text: &'t str,
    read: impl Fn(&[&'t str]) -> Option<(&'t str, u64)>,
) -> std::result::Result<BTreeMap<String, u64>, String> {
    let mut sums = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('|').collect();
        let (user, seconds) = read(&fields).ok_or_else(|| format!("unreadable: {line}"))?;
        if !user.is_empty() && seconds > 0 {
            *sums.entry(user.to_owned()).or_default() += seconds;
        }
    }
    Ok(sums)
}
