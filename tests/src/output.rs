//! What a command answered: status, stdout, stderr, and the question whether that was a success.

use std::os::unix::process::ExitStatusExt;
use std::process;

use crate::{Error, Result};

/// What a finished command left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The command line, as a person would type it.
    pub command: String,
    /// The exit status; 128 + n for a command ended by signal n.
    pub status: i32,
    /// Everything it wrote to standard output.
    pub stdout: String,
    /// Everything it wrote to standard error.
    pub stderr: String,
}

impl Output {
    pub(crate) fn new(command: String, raw: &process::Output) -> Self {
        let status = raw.status.code().or_else(|| raw.status.signal().map(|n| 128 + n)).unwrap_or(-1);
        Self {
            command,
            status,
            stdout: String::from_utf8_lossy(&raw.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&raw.stderr).into_owned(),
        }
    }

    /// Whether the command ended with status 0.
    pub fn success(&self) -> bool {
        self.status == 0
    }

    /// The standard output of a successful command, or an error with all it said.
    pub fn ok(self) -> Result<String> {
        if self.success() {
            Ok(self.stdout)
        } else {
            Err(Error::Command { command: self.command.clone(), output: self })
        }
    }

    /// Lines of standard output that are not empty, each cut into fields at `|`, as Slurm's `-P` prints them.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let lines = self.stdout.lines().filter(|line| !line.trim().is_empty());
        lines.map(|line| line.split('|').map(str::to_owned).collect()).collect()
    }
}

/// A command line for people: arguments quoted only where a shell would need it.
pub(crate) fn line(args: &[&str]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    let quoted = args.iter().map(|arg| {
        if !arg.is_empty() && arg.chars().all(plain) {
            (*arg).to_owned()
        } else {
            format!("'{}'", arg.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_arguments_with_spaces_then_the_line_can_be_pasted_into_a_shell() {
        assert_eq!(line(&["sbatch", "--wrap", "sleep 1", "it's"]), r"sbatch --wrap 'sleep 1' 'it'\''s'");
    }

    #[test]
    fn given_a_failed_command_then_ok_is_an_error_that_shows_what_it_said() {
        let raw = process::Command::new("sh").args(["-c", "echo no >&2; exit 3"]).output().unwrap();
        let error = Output::new("sh".into(), &raw).ok().unwrap_err().to_string();
        assert_eq!(error, "sh ended with status 3\nno\n");
    }
}
