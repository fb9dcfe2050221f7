//! A site that outlived its maker: looking into it, and ending it.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::error::io_error;
use crate::site::enter;
use crate::{Error, Result, place, wait_for};

/// A running site that was kept by [`crate::Site::keep`].
#[derive(Debug)]
pub struct Kept {
    dir: PathBuf,
    guardian: u32,
}

impl Kept {
    /// The kept site of this name, or None when there is none alive.
    pub fn find(name: &str) -> Result<Option<Self>> {
        let dir = place::hosts_dir()?.join(name);
        if !place::is_alive(&dir) {
            return Ok(None);
        }
        let path = dir.join("keep");
        let Ok(text) = fs::read_to_string(&path) else { return Ok(None) };
        let number = text.trim().parse();
        let guardian = number.map_err(|_| Error::Machine(format!("{} does not hold a number", path.display())))?;
        Ok(Some(Self { dir, guardian }))
    }

    /// Replaces this process by `args` (a shell when empty) in the named host. Returns only an error.
    pub fn enter_host(&self, host: &str, args: &[String]) -> Error {
        let path = self.dir.join(format!("{host}.leader"));
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Error::Io { what: format!("read {}", path.display()), source },
        };
        let Ok(leader) = text.trim().parse() else {
            return Error::Machine(format!("{} does not hold a number", path.display()));
        };
        let shell = ["bash".to_owned(), "--login".to_owned()];
        let args = if args.is_empty() { &shell[..] } else { args };
        let mut command = enter(leader, crate::host::NAMESPACES, "env");
        let term = std::env::var("TERM").unwrap_or_else(|_| "dumb".into());
        command.args(["-C", "/root"]).arg(format!("TERM={term}")).args(args);
        command.stdin(std::process::Stdio::inherit());
        Error::Io { what: format!("enter {host}"), source: command.exec() }
    }

    /// A command in the network of the site, with the machine's files.
    pub fn command(&self, program: &str) -> Command {
        enter(self.guardian, &["--mount", "--net", "--pid"], program)
    }

    /// Ends all hosts and waits until nothing of them is left.
    pub fn stop(self) -> Result<()> {
        let pid = i32::try_from(self.guardian).map(Pid::from_raw);
        let pid = pid.map_err(|_| Error::Machine(format!("{} is no process number", self.guardian)))?;
        kill(pid, Signal::SIGTERM).map_err(|errno| io_error(|| format!("stop guardian {pid}"))(errno.into()))?;
        wait_for("the kept hosts to end", Duration::from_secs(20), || {
            if place::is_alive(&self.dir) { Err(format!("{} is still locked", self.dir.display())) } else { Ok(()) }
        })
    }
}
