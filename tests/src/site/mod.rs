//! A site: the namespaces in which hosts live, held by one guardian process and gone with it.
//!
//! The guardian has its own mounts, network and process numbers, so that nothing in a site can be seen from the
//! machine and nothing has to be undone: when the process that made the site ends, even by SIGKILL, a pipe closes, the
//! guardian ends everything, and the kernel drops the rest.

mod kept;

pub use kept::Kept;

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::error::io_error;
use crate::{Error, Result, place, wait_for};

/// Distinguishes the sites of one process.
static SITES: AtomicU32 = AtomicU32::new(0);

/// A private network with room for hosts: `10.77.0.1` is the site's own end, hosts count up from `10.77.0.2`.
#[derive(Debug)]
pub struct Site {
    dir: PathBuf,
    guardian: u32,
    holder: Child,
    next_address: AtomicU32,
}

impl Site {
    /// Makes a site for this process.
    pub fn new() -> Result<Self> {
        let number = SITES.fetch_add(1, Ordering::Relaxed);
        Self::named(&format!("{}-{number}", std::process::id()), None)
    }

    /// Makes a site under a name of its own, for the demo; `lock` stays held until nothing of the site is left.
    pub fn named(name: &str, lock: Option<File>) -> Result<Self> {
        if !nix::unistd::Uid::effective().is_root() {
            return Err(Error::Machine("hosts need root: run this as root or through sudo".into()));
        }
        let guard = place::sweep()?;
        let dir = place::hosts_dir()?.join(name);
        let occupied = || format!("make {}", dir.display());
        fs::create_dir(&dir).map_err(io_error(occupied))?;
        fs::create_dir(dir.join("mnt")).map_err(io_error(occupied))?;
        let script = dir.join("guardian.sh");
        fs::write(&script, include_str!("guardian.sh")).map_err(io_error(|| format!("write {}", script.display())))?;
        let log = File::create(dir.join("guardian.log")).map_err(io_error(occupied))?;
        let mut command = Command::new("setsid");
        command.args(["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "bash"]);
        command.arg(&script).arg(&dir).stdin(Stdio::piped()).stderr(log);
        command.stdout(lock.map_or_else(Stdio::null, |file| Stdio::from(OwnedFd::from(file))));
        let holder = command.spawn().map_err(io_error(|| "start unshare".into()))?;
        let mut site = Self { dir, guardian: 0, holder, next_address: AtomicU32::new(2) };
        site.guardian = wait_for("the guardian of the hosts", Duration::from_secs(10), || {
            if !site.dir.join("ready").exists() {
                return Err(site.log("guardian.log"));
            }
            children(site.holder.id()).first().copied().ok_or_else(|| site.log("guardian.log"))
        })?;
        drop(guard);
        Ok(site)
    }

    /// The directory of this run under `target/hosts`.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The next free address.
    pub(crate) fn address(&self) -> String {
        format!("10.77.0.{}", self.next_address.fetch_add(1, Ordering::Relaxed))
    }

    /// The text of a log file of this run.
    pub(crate) fn log(&self, name: &str) -> String {
        fs::read_to_string(self.dir.join(name)).unwrap_or_default().trim().to_owned()
    }

    /// A command that runs beside the hosts: in their network and with their mounts, but with the machine's own files.
    pub fn command(&self, program: &str) -> Command {
        enter(self.guardian, &["--mount", "--net", "--pid"], program)
    }

    /// Whether [`Site::keep`] was called.
    pub(crate) fn is_kept(&self) -> bool {
        self.dir.join("keep").exists()
    }

    /// Lets the hosts outlive this process, until [`Kept::stop`].
    pub fn keep(&self) -> Result<()> {
        let path = self.dir.join("keep");
        fs::write(&path, format!("{}\n", self.guardian)).map_err(io_error(|| format!("write {}", path.display())))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        if !self.is_kept() {
            // The guardian bounds itself; an error here means that it is gone already.
            let _ = self.holder.wait();
        }
    }
}

/// A command in the namespaces of process `pid`, with a clean environment as a login would have it.
pub(crate) fn enter(pid: u32, namespaces: &[&str], program: &str) -> Command {
    let mut command = Command::new("nsenter");
    command.arg("--target").arg(pid.to_string()).args(namespaces).arg("--").arg(program);
    command.env_clear();
    command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    command.env("HOME", "/root").env("LANG", "C.UTF-8").env("TERM", "dumb").stdin(Stdio::null());
    command
}

/// The processes whose parent is `pid`.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let numbers = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = numbers.filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
    pids.filter(|child| parent(*child) == Some(pid)).collect()
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may itself hold spaces and brackets, so count from the last one.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
