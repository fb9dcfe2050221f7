//! Commands and files in a host, as root or as one of its users.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::io_error;
use crate::host::{Host, NAMESPACES};
use crate::output::{Output, line};
use crate::site::enter;
use crate::{Error, Result};

impl Host {
    /// A command as root in the host, not started yet; before boot it runs in the root directory only.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = match self.leader {
            Some(leader) => enter(leader, NAMESPACES, "env"),
            None => {
                let mut chroot = self.site().command("chroot");
                chroot.arg(self.root()).arg("env");
                chroot
            }
        };
        command.args(args);
        command
    }

    /// Runs a command as root.
    pub fn run(&self, args: &[&str]) -> Result<Output> {
        output_of(self.command(args), args, &[])
    }

    /// Runs a shell line as root.
    pub fn sh(&self, text: &str) -> Result<Output> {
        self.run(&["bash", "-c", text])
    }

    /// A command as `user` (of the host's own accounts), with the environment and directory of a login.
    pub fn command_as(&self, user: &str, args: &[&str]) -> Result<Command> {
        let passwd = self.read_file("/etc/passwd")?;
        let entry =
            passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|entry| entry.first() == Some(&user));
        let Some(&[_, _, uid, gid, _, home, _]) = entry.as_deref() else {
            return Err(Error::Machine(format!("{} has no user {user}", self.name())));
        };
        let (uid, gid) = (format!("--reuid={uid}"), format!("--regid={gid}"));
        let home = if self.run(&["test", "-d", home])?.success() { home } else { "/" };
        let mut all = vec![
            "setpriv",
            uid.as_str(),
            &gid,
            "--init-groups",
            "--reset-env",
            "--",
            "env",
            "-C",
            home,
            "LANG=C.UTF-8",
        ];
        all.extend(args);
        Ok(self.command(&all))
    }

    /// Runs a command as `user`.
    pub fn run_as(&self, user: &str, args: &[&str]) -> Result<Output> {
        output_of(self.command_as(user, args)?, args, &[])
    }

    /// Runs a command as `user` with this standard input.
    pub fn run_as_with(&self, user: &str, args: &[&str], input: &[u8]) -> Result<Output> {
        output_of(self.command_as(user, args)?, args, input)
    }

    /// Writes a root-owned file, by rename; parent directories are made.
    pub fn write_file(&self, path: &str, text: impl AsRef<[u8]>, mode: u32) -> Result<()> {
        self.write_file_as("root:root", path, text.as_ref(), mode)
    }

    /// Writes a file owned by `owner` (`user:group`), by rename; parent directories are made.
    pub fn write_file_as(&self, owner: &str, path: &str, text: &[u8], mode: u32) -> Result<()> {
        let script = r#"mkdir -p "$(dirname "$1")" && cat >"$1.new~" && chmod "$2" "$1.new~" && chown "$3" "$1.new~" && mv "$1.new~" "$1""#;
        let mode = format!("{mode:o}");
        let args = ["sh", "-c", script, "write", path, &mode, owner];
        output_of(self.command(&args), &["write", path, &mode, owner], text)?.ok().map(drop)
    }

    /// Copies a file of the machine into the host, root-owned.
    pub fn copy_in(&self, local: &Path, inside: &str, mode: u32) -> Result<()> {
        let bytes = fs::read(local).map_err(io_error(|| format!("read {}", local.display())))?;
        self.write_file(inside, bytes, mode)
    }

    /// The text of a file of the host.
    pub fn read_file(&self, path: &str) -> Result<String> {
        self.run(&["cat", path])?.ok()
    }
}

/// Runs `command` to its end with this input, and shows it as `args` in errors.
pub(crate) fn output_of(mut command: Command, args: &[&str], input: &[u8]) -> Result<Output> {
    let shown = line(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if !input.is_empty() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn().map_err(io_error(|| format!("start {shown}")))?;
    // Feeding and reading at once: a full pipe on one side must not block the other.
    let writer = child.stdin.take().map(|mut pipe| {
        let input = input.to_vec();
        std::thread::spawn(move || pipe.write_all(&input))
    });
    let raw = child.wait_with_output().map_err(io_error(|| format!("run {shown}")))?;
    if let Some(writer) = writer {
        // A command that ends without reading its input is judged by its status.
        let _ = writer.join();
    }
    Ok(Output::new(shown, &raw))
}
