//! Puts bursar into a host the way its package does: binaries, plugin, PAM module, units, configuration.

use std::path::{Path, PathBuf};

use crate::host::Host;
use crate::version::PLUGIN;
use crate::{Error, Result, SlurmVersion, place};

/// Where cargo left the built parts.
#[derive(Debug, Clone)]
pub struct BuildDir(PathBuf);

/// What is built, where it goes, and whether it may be run.
const PARTS: &[(&str, &str, u32)] = &[
    ("bursard", "/usr/sbin/bursard", 0o755),
    ("bursar", "/usr/bin/bursar", 0o755),
    ("bursar-node", "/usr/sbin/bursar-node", 0o755),
    (PLUGIN, "/usr/lib/bursar/slurm/job_submit_bursar.so", 0o644),
    ("libpam_bursar.so", "/usr/lib/x86_64-linux-gnu/security/pam_bursar.so", 0o644),
];

/// The packaging files, and where they go.
const UNITS: &[(&str, &str)] = &[
    ("/usr/lib/systemd/system/bursard.service", include_str!("../../packaging/systemd/bursard.service")),
    ("/usr/lib/systemd/system/bursar-node.service", include_str!("../../packaging/systemd/bursar-node.service")),
    ("/usr/lib/systemd/system/bursar-node.path", include_str!("../../packaging/systemd/bursar-node.path")),
    (
        "/usr/lib/systemd/system/slurmctld.service.d/bursar.conf",
        include_str!("../../packaging/systemd/slurmctld-bursar.conf"),
    ),
    ("/usr/lib/sysusers.d/bursar.conf", include_str!("../../packaging/systemd/bursar.sysusers")),
    ("/usr/lib/tmpfiles.d/bursar.conf", include_str!("../../packaging/systemd/bursar.tmpfiles")),
    ("/etc/ssh/sshd_config.d/10-bursar.conf", SSHD_CONFIG),
];

/// sshd takes the first value it reads, and Debian's file reads this directory first.
const SSHD_CONFIG: &str = "AuthorizedKeysFile .ssh/authorized_keys /var/lib/bursar-node/keys/%u
UsePAM yes
PasswordAuthentication no
KbdInteractiveAuthentication no
";

/// The account phase: a yes goes on to the rest of the stack's checks, a person bursar does not know likewise.
const PAM_ACCOUNT: &str =
    "account [success=ok new_authtok_reqd=ok ignore=ignore user_unknown=ignore default=die] pam_bursar.so";
const PAM_SESSION: &str = "session optional pam_bursar.so";

impl BuildDir {
    /// The debug build of this workspace, which `make build` makes.
    pub fn debug() -> Result<Self> {
        Self::at(&place::target_dir().join("debug"))
    }

    /// The plugin for a Slurm; for another than the machine's own it is built now, if it was not before.
    pub fn plugin(&self, slurm: SlurmVersion) -> Result<PathBuf> {
        slurm.plugin(&self.0)
    }

    /// A directory with all parts in it.
    pub fn at(dir: &Path) -> Result<Self> {
        match PARTS.iter().find(|(name, _, _)| !dir.join(name).is_file()) {
            None => Ok(Self(dir.to_owned())),
            Some((name, _, _)) => {
                Err(Error::Machine(format!("{} is not built: run `make build` first", dir.join(name).display())))
            }
        }
    }
}

/// The files an administrator writes, as text.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// `bursar.toml`.
    pub bursar: String,
    /// `policy.toml`.
    pub policy: String,
    /// `directory.toml`.
    pub directory: String,
    /// The contact sentence in `node.conf`.
    pub contact: String,
}

/// Installs bursar into `host`, before or after its boot; a booted host gets its units started.
pub fn install_bursar(host: &Host, build: &BuildDir, files: &Files) -> Result<()> {
    for (name, path, mode) in PARTS {
        let built = if *name == PLUGIN { build.plugin(host.slurm())? } else { build.0.join(name) };
        host.copy_in(&built, path, *mode)?;
    }
    for (path, text) in UNITS {
        host.write_file(path, text, 0o644)?;
    }
    host.run(&["systemd-sysusers", "/usr/lib/sysusers.d/bursar.conf"])?.ok()?;
    host.run(&["systemd-tmpfiles", "--create", "/usr/lib/tmpfiles.d/bursar.conf"])?.ok()?;

    let uid = host.run(&["id", "--user", "bursar"])?.ok()?;
    host.write_file("/etc/bursar/node.conf", node_conf(uid.trim(), &files.contact), 0o644)?;
    host.write_file("/etc/bursar/bursar.toml", &files.bursar, 0o644)?;
    host.write_file("/etc/bursar/policy.toml", &files.policy, 0o644)?;
    host.write_file_as("root:bursar", "/etc/bursar/directory.toml", files.directory.as_bytes(), 0o640)?;

    let wired = wire_pam(&host.read_file("/etc/pam.d/sshd")?)?;
    host.write_file("/etc/pam.d/sshd", wired, 0o644)?;

    let units = ["bursard.service", "bursar-node.path", "bursar-node.service"];
    host.run(&[&["systemctl", "--quiet", "enable"], &units[..]].concat())?.ok()?;
    if host.is_booted() {
        host.run(&["systemctl", "daemon-reload"])?.ok()?;
        host.run(&["systemctl", "try-reload-or-restart", "ssh"])?.ok()?;
        host.run(&["systemctl", "restart", "bursar-node.path", "bursard.service"])?.ok()?;
    }
    Ok(())
}

/// `/etc/bursar/node.conf`.
fn node_conf(publisher: &str, contact: &str) -> String {
    format!(
        "managed-uid-min = 65536
managed-uid-max = 99999
snapshot = /var/lib/bursar-node/node.snap
controller-snapshot = /var/lib/bursar/publish/controller.snap
publisher-uid = {publisher}
contact = {contact}
"
    )
}

/// Debian's `/etc/pam.d/sshd` with bursar's two lines; text that has them already stays as it is.
fn wire_pam(sshd: &str) -> Result<String> {
    if sshd.contains("pam_bursar.so") {
        return Ok(sshd.to_owned());
    }
    let include = "@include common-account";
    if !sshd.lines().any(|line| line.trim() == include) {
        return Err(Error::Machine(format!("/etc/pam.d/sshd has no line `{include}` before which to check accounts")));
    }
    let mut wired = String::new();
    for line in sshd.lines() {
        if line.trim() == include {
            wired.push_str(PAM_ACCOUNT);
            wired.push('\n');
        }
        wired.push_str(line);
        wired.push('\n');
    }
    wired.push_str(PAM_SESSION);
    wired.push('\n');
    Ok(wired)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_debians_file_then_the_account_line_stands_before_the_common_ones() {
        let wired =
            wire_pam("account required pam_nologin.so\n@include common-account\n@include common-session\n").unwrap();
        let lines: Vec<&str> = wired.lines().collect();
        assert_eq!(lines[1], PAM_ACCOUNT);
        assert_eq!(lines[2], "@include common-account");
        assert_eq!(lines.last(), Some(&PAM_SESSION));
        assert_eq!(wire_pam(&wired).unwrap(), wired);
    }

    #[test]
    fn given_a_foreign_file_then_wiring_is_refused_instead_of_guessed() {
        assert!(wire_pam("account include system-auth\n").is_err());
    }
}
