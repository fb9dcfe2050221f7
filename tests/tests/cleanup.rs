//! Whatever ends a run, nothing of it stays on the machine.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bursar_tests::{Host, Result, Site, hosts_dir, wait_for};

/// One at a time, because each looks at what the others would make.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the tests below kill: boots a host, says where, and waits for ever.
#[test]
#[ignore = "started by the other tests of this file in a process of its own"]
fn victim() -> Result<()> {
    let host = Host::builder("victim").build()?.boot()?;
    println!("\nbooted {}", host.address());
    std::io::stdin().read_line(&mut String::new()).unwrap();
    Ok(())
}

struct Victim {
    process: Child,
    dir: PathBuf,
    groups: Vec<PathBuf>,
}

fn start_victim() -> Victim {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["victim", "--exact", "--ignored", "--nocapture"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(std::result::Result::ok);
    assert!(lines.any(|line| line.starts_with("booted")), "the victim did not boot");
    let dir = hosts_dir().unwrap().join(format!("{}-0", process.id()));
    let groups: Vec<PathBuf> = fs::read_to_string(dir.join("cgroups")).unwrap().lines().map(PathBuf::from).collect();
    assert!(!groups.is_empty() && groups.iter().all(|group| group.is_dir()));
    Victim { process, dir, groups }
}

/// Processes of a run carry its directory in their command line.
fn processes_of(dir: &Path) -> Vec<i32> {
    let wanted = dir.to_string_lossy().into_owned();
    let pids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains(&wanted)))
        .collect()
}

fn assert_nothing_left(victim: &Victim) -> Result<()> {
    wait_for("the end of all that the victim made", Duration::from_secs(10), || {
        let groups = victim.groups.iter().filter(|group| group.exists()).count();
        let processes = processes_of(&victim.dir);
        let dir = victim.dir.exists();
        if groups == 0 && processes.is_empty() && !dir {
            return Ok(());
        }
        Err(format!("{groups} control groups, processes {processes:?}, directory {dir}"))
    })
}

#[test]
fn given_a_run_killed_with_sigkill_then_its_guardian_removes_everything() -> Result<()> {
    let _alone = alone();
    let mut victim = start_victim();
    victim.process.kill().unwrap();
    victim.process.wait().unwrap();
    assert_nothing_left(&victim)
}

#[test]
fn given_a_run_killed_together_with_its_guardian_then_the_next_run_removes_everything() -> Result<()> {
    let _alone = alone();
    let mut victim = start_victim();
    for pid in processes_of(&victim.dir) {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
    }
    victim.process.kill().unwrap();
    victim.process.wait().unwrap();
    let lock = fs::File::open(victim.dir.join("lock")).unwrap();
    wait_for("the death of the guardian", Duration::from_secs(10), || lock.try_lock().map_err(|e| e.to_string()))?;
    drop(lock);
    assert!(victim.dir.exists(), "somebody else cleaned up, so this test tests nothing");
    let next = Site::new()?;
    assert_nothing_left(&victim)?;
    drop(next);
    Ok(())
}

#[test]
fn given_a_host_that_is_dropped_then_it_is_gone_when_drop_returns() -> Result<()> {
    let _alone = alone();
    // Those of this process: another run may be ending its own beside it.
    let own = format!("{}-", std::process::id());
    let names = || fs::read_dir(hosts_dir().unwrap()).unwrap().flatten().map(|entry| entry.file_name());
    let hosts = || names().filter(|name| name.to_string_lossy().starts_with(&own)).count();
    assert_eq!(hosts(), 0);
    let host = Host::builder("brief").build()?.boot()?;
    assert_eq!(hosts(), 1);
    drop(host);
    assert_eq!(hosts(), 0);
    Ok(())
}

#[test]
fn given_two_hosts_in_one_site_then_they_reach_each_other_and_end_one_by_one() -> Result<()> {
    let _alone = alone();
    let site = std::sync::Arc::new(Site::new()?);
    let login = Host::builder("login").in_site(&site).enable("ssh").build()?.boot()?;
    let node = Host::builder("n1").in_site(&site).build()?.boot()?;
    let address = login.address().to_owned();
    let dial = format!("exec 3<>/dev/tcp/{address}/22 && head -c 4 <&3");
    assert_eq!(node.sh(&dial)?.ok()?, "SSH-");
    assert_eq!(node.run(&["hostname"])?.ok()?, "n1\n");
    drop(login);
    assert!(!node.sh(&dial)?.success());
    assert_eq!(node.run(&["systemctl", "is-system-running"])?.ok()?, "running\n");
    Ok(())
}
