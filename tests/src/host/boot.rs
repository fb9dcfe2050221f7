//! Starting a host's systemd as process 1 of its own namespaces, and ending it.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::error::io_error;
use crate::host::{Host, output_of};
use crate::site::children;
use crate::{Result, SlurmVersion};

/// Joins the host's control groups, then becomes systemd-nspawn. `$1...` are the groups, then `--`, then nspawn.
const START: &str = r#"while [ "$1" != -- ]; do mkdir -p "$1" && echo 0 >"$1/cgroup.procs" || exit 1; shift; done
shift; exec "$@""#;

impl Host {
    /// Boots the host's systemd and waits until it has started everything that is enabled.
    pub fn boot(mut self) -> Result<Self> {
        for mounted in ["dev", "proc"] {
            let mut umount = self.site.command("umount");
            umount.arg(self.root.join(mounted));
            output_of(umount, &["umount", mounted], &[])?.ok()?;
        }
        let groups = self.control_groups()?;
        let console = self.site.dir().join(format!("{}.console", self.name));
        let log = File::create(&console).map_err(io_error(|| format!("make {}", console.display())))?;
        let error_log = log.try_clone().map_err(io_error(|| format!("open {}", console.display())))?;
        let mut command = self.site.command("bash");
        command.args(["-c", START, "start"]).args(&groups).args(["--", "systemd-nspawn", "--quiet", "--boot"]);
        command.args(["--register=no", "--keep-unit", "--console=pipe", "--link-journal=no", "--resolv-conf=off"]);
        command.args(["--timezone=off", "--settings=no", "--kill-signal=SIGRTMIN+3"]);
        // Root of a machine may ask for quotas; nspawn's own filter would say no before the unit's does.
        command.arg("--system-call-filter=quotactl");
        command.arg(format!("--machine={}", self.name));
        command.arg(format!("--network-namespace-path=/run/netns/{}", self.name));
        command.arg(format!("--directory={}", self.root.display()));
        // By itself nspawn gives the machine's own kind of hierarchy; systemd from 258 on knows the unified one only.
        if self.slurm != SlurmVersion::V22_05 {
            command.env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1");
        }
        // Its own process group, so that Ctrl-C reaches this process only, which then lets the guardian clean up.
        command.process_group(0).stdin(Stdio::null()).stdout(log).stderr(error_log);
        let child = command.spawn().map_err(io_error(|| "start systemd-nspawn".into()))?;
        let nsenter = child.id();
        self.nspawn = Some(child);
        let log_name = format!("{}.console", self.name);
        let leader = self.wait_for("systemd", Duration::from_secs(20), || {
            leader_below(nsenter).ok_or_else(|| format!("no process 1 yet; {}", self.site.log(&log_name)))
        })?;
        self.leader = Some(leader);
        let path = self.site.dir().join(format!("{}.leader", self.name));
        fs::write(&path, format!("{leader}\n")).map_err(io_error(|| format!("write {}", path.display())))?;
        self.wait_for("the end of the boot", Duration::from_secs(90), || {
            // Bounded, because --wait waits for ever when a unit never finishes starting.
            let args = ["timeout", "60", "systemctl", "is-system-running", "--wait"];
            let state = self.run(&args).map_err(|error| error.to_string())?;
            match state.stdout.trim() {
                "running" | "degraded" => Ok(()),
                other => Err(format!("{other} {}; {}", state.stderr.trim(), self.site.log(&log_name))),
            }
        })?;
        Ok(self)
    }

    /// Ends the host at once, as a power cut would.
    pub(crate) fn halt(&mut self) {
        let Some(mut child) = self.nspawn.take() else { return };
        // Errors below mean that the process is gone already, which is what is wanted.
        match self.leader.take().and_then(|pid| i32::try_from(pid).ok()) {
            Some(pid) => {
                let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
            }
            None => {
                let _ = child.kill();
            }
        }
        let _ = child.wait();
    }

    /// The control groups the host's systemd may rule, noted down first so that the guardian removes them.
    fn control_groups(&self) -> Result<Vec<PathBuf>> {
        let read = |path: &str| fs::read_to_string(path).map_err(io_error(|| format!("read {path}")));
        let run = self.site.dir().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let owner = std::process::id();
        let name = format!("bursar-{owner}-{run}-{}", self.name);
        let groups: Vec<PathBuf> = hierarchies(&read("/proc/self/mountinfo")?, &read("/proc/self/cgroup")?)
            .into_iter()
            .filter_map(|base| base.ancestors().find(|dir| dir.is_dir()).map(|dir| dir.join(&name)))
            .collect();
        let path = self.site.dir().join("cgroups");
        let list = File::options().create(true).append(true).open(&path);
        let mut list = list.map_err(io_error(|| format!("open {}", path.display())))?;
        for group in &groups {
            writeln!(list, "{}", group.display()).map_err(io_error(|| format!("write {}", path.display())))?;
        }
        Ok(groups)
    }
}

/// The directories, one per hierarchy that systemd uses, that stand for this process's own control group.
fn hierarchies(mountinfo: &str, cgroup: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for line in mountinfo.lines() {
        let Some((mount, kind)) = line.split_once(" - ") else { continue };
        let Some(point) = mount.split_whitespace().nth(4) else { continue };
        let unified = kind.starts_with("cgroup2 ");
        let named = kind.starts_with("cgroup ") && kind.contains("name=systemd");
        if !(unified || named) {
            continue;
        }
        let marker = if unified { "0::/" } else { ":name=systemd:/" };
        let own = cgroup.lines().find_map(|entry| entry.find(marker).map(|at| entry.split_at(at + marker.len()).1));
        found.push(Path::new(point).join(own.unwrap_or_default()));
    }
    found
}

/// The host's process 1: nsenter's child is nspawn, and nspawn's child becomes systemd.
fn leader_below(nsenter: u32) -> Option<u32> {
    let nspawn = *children(nsenter).first()?;
    let named = |pid: &u32| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == "systemd");
    children(nspawn).into_iter().find(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_both_hierarchies_then_each_yields_its_own_directory() {
        let mounts = "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n\
                      39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n\
                      41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let own = "9:name=systemd:/user.slice\n8:pids:/\n0::/user.slice/a.scope\n";
        let found = hierarchies(mounts, own);
        assert_eq!(
            found,
            [Path::new("/sys/fs/cgroup/systemd/user.slice"), Path::new("/sys/fs/cgroup/unified/user.slice/a.scope")]
        );
    }
}
