//! Logging in from outside, through a real sshd and a real key.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::error::io_error;
use crate::host::Host;
use crate::host::run::output_of;
use crate::output::{Output, line};

/// A key pair of a person, made for one run.
#[derive(Debug, Clone)]
pub struct Login {
    key: PathBuf,
    public: String,
}

impl Login {
    /// The public key, as one line of `authorized_keys`.
    pub fn public(&self) -> &str {
        &self.public
    }

    /// The private key's file, as seen from the machine.
    pub fn key(&self) -> &Path {
        &self.key
    }
}

impl Host {
    /// Makes an ed25519 key pair for `name`; where its public half goes is the caller's business.
    pub fn new_login(&self, name: &str) -> Result<Login> {
        let dir = self.site().dir().join("keys");
        fs::create_dir_all(&dir).map_err(io_error(|| format!("make {}", dir.display())))?;
        let key = dir.join(name);
        let path = key.to_string_lossy().into_owned();
        if !key.exists() {
            let args = ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", &path];
            let mut command = self.site().command("ssh-keygen");
            command.args(args);
            output_of(command, &["ssh-keygen", &path], &[])?.ok()?;
        }
        let file = key.with_extension("pub");
        let public = fs::read_to_string(&file).map_err(io_error(|| format!("read {}", file.display())))?;
        Ok(Login { key, public: public.trim().to_owned() })
    }

    /// Runs `args` on this host as `user` through ssh. The status is the command's, or 255 when the login was refused;
    /// what sshd tells the person is in `stderr`.
    pub fn ssh(&self, login: &Login, user: &str, args: &[&str]) -> Result<Output> {
        let known = self.site().dir().join("keys").join("known_hosts");
        let host_key = self.read_file("/etc/ssh/ssh_host_ed25519_key.pub")?;
        fs::write(&known, format!("{} {host_key}", self.address()))
            .map_err(io_error(|| format!("write {}", known.display())))?;
        let mut command = self.site().command("ssh");
        command.args(["-F", "/dev/null", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]);
        command.args(["-o", "StrictHostKeyChecking=yes", "-o"]).arg(format!("UserKnownHostsFile={}", known.display()));
        command.arg("-i").arg(&login.key).arg(format!("{user}@{}", self.address())).arg(line(args));
        let shown = format!("{user}@{}", self.name());
        let mut shown = vec!["ssh", shown.as_str()];
        shown.extend(args);
        output_of(command, &shown, &[])
    }
}
