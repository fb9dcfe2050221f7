//! Runs one Slurm client command: checked arguments, a clean environment, a time limit, captured output.
//!
//! Arguments go by execve, never through a shell. The environment is built from nothing, because `SQUEUE_STATES`,
//! `SACCT_FORMAT` or `SLURM_CLUSTERS` of whoever started bursard would change what the commands print.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// A Slurm client command that bursar uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// Reads and changes slurmdbd.
    Sacctmgr,
    /// Reads finished jobs from slurmdbd.
    Sacct,
    /// Reads what slurmdbd has rolled up.
    Sreport,
    /// Reads live jobs from slurmctld.
    Squeue,
    /// Reads slurmctld's state and tells it to read its configuration again.
    Scontrol,
}

impl Tool {
    /// The file name of the command.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sacctmgr => "sacctmgr",
            Self::Sacct => "sacct",
            Self::Sreport => "sreport",
            Self::Squeue => "squeue",
            Self::Scontrol => "scontrol",
        }
    }

    const fn daemon(self) -> &'static str {
        match self {
            Self::Sacctmgr | Self::Sacct | Self::Sreport => "slurmdbd",
            Self::Squeue | Self::Scontrol => "slurmctld",
        }
    }
}

/// Why a command did not give its answer.
#[derive(Debug, Error)]
pub enum CommandError {
    /// The command could not be started.
    #[error("cannot start {tool}: install slurm-client, or set the directory of Slurm's commands")]
    Start {
        /// The command's name.
        tool: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Reading its output or writing its input failed.
    #[error("lost the connection to {tool} while it ran; run it again")]
    Pipe {
        /// The command's name.
        tool: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It did not end in time and was killed.
    #[error(
        "{tool} did not answer within {seconds} s: check that {daemon} is running and not locked by another writer"
    )]
    Timeout {
        /// The command's name.
        tool: &'static str,
        /// The time it was given.
        seconds: u64,
        /// The daemon that should have answered.
        daemon: &'static str,
    },
    /// It ended with an error.
    #[error("{command} failed ({status}): {said}; check that {daemon} is running and that bursar may do this")]
    Failed {
        /// The command and its first words.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// The first lines it printed.
        said: String,
        /// The daemon behind it.
        daemon: &'static str,
    },
}

/// Whether a change changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Slurm did it.
    Done,
    /// Slurm found nothing to do ("Nothing modified" and the like, exit 1).
    Nothing,
}

/// Where Slurm's commands are and how long they may take.
#[derive(Debug, Clone)]
pub struct SlurmCommands {
    /// The directory of the commands; by default they are looked up in the system's own directories.
    pub bin_dir: Option<PathBuf>,
    /// The slurm.conf to use; by default `SLURM_CONF` of this process, else Slurm's own default.
    pub conf: Option<PathBuf>,
    /// The time limit of a command that reads.
    pub read_timeout: Duration,
    /// The time limit of a command that changes slurmdbd; above the 900 s that sacctmgr itself waits.
    pub change_timeout: Duration,
}

impl Default for SlurmCommands {
    fn default() -> Self {
        Self {
            bin_dir: None,
            conf: std::env::var_os("SLURM_CONF").map(PathBuf::from),
            read_timeout: Duration::from_secs(120),
            change_timeout: Duration::from_secs(960),
        }
    }
}

struct Ended {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

impl SlurmCommands {
    fn start(&self, tool: Tool, args: &[String], has_input: bool) -> Result<Child, CommandError> {
        let program = match &self.bin_dir {
            Some(dir) => dir.join(tool.name()).into_os_string(),
            None => OsString::from(tool.name()),
        };
        let mut command = Command::new(program);
        command
            .args(args)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin")
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .env("SLURM_TIME_FORMAT", "%s")
            // Without this squeue cuts long array expressions after 64 characters.
            .env("SLURM_BITSTR_LEN", "0")
            .stdin(if has_input { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(conf) = &self.conf {
            command.env("SLURM_CONF", conf);
        }
        command.spawn().map_err(|source| CommandError::Start { tool: tool.name(), source })
    }

    async fn capture(
        &self,
        tool: Tool,
        args: &[String],
        input: Option<&str>,
        limit: Duration,
    ) -> Result<Ended, CommandError> {
        let mut child = self.start(tool, args, input.is_some())?;
        let stdin = child.stdin.take();
        let feed = async {
            if let (Some(mut pipe), Some(text)) = (stdin, input) {
                // A command that ends early closes its input; its exit status tells why, better than the broken pipe.
                let _ = pipe.write_all(text.as_bytes()).await;
            }
        };
        let both = async { tokio::join!(feed, child.wait_with_output()).1 };
        let output = timeout(limit, both)
            .await
            .map_err(|_| timed_out(tool, limit))?
            .map_err(|source| CommandError::Pipe { tool: tool.name(), source })?;
        Ok(Ended {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs a command that only reads and gives its standard output; any exit but 0 is an error.
    pub async fn read(&self, tool: Tool, args: &[String]) -> Result<String, CommandError> {
        let ended = self.capture(tool, args, None, self.read_timeout).await?;
        if ended.status.success() {
            Ok(ended.stdout)
        } else {
            Err(failed(tool, args, ended.status, &ended.stdout, &ended.stderr))
        }
    }

    /// Runs a command that only reads and hands over each line as it comes, without its newline.
    ///
    /// Only after `Ok` may the lines be believed: a command that was killed has printed a part.
    pub async fn read_lines(
        &self,
        tool: Tool,
        args: &[String],
        limit: Duration,
        mut line: impl FnMut(&[u8]),
    ) -> Result<(), CommandError> {
        let pipe = |source| CommandError::Pipe { tool: tool.name(), source };
        let mut child = self.start(tool, args, false)?;
        let (Some(stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(pipe(std::io::Error::other("no output pipe")));
        };
        let lines = async {
            let mut reader = BufReader::new(stdout);
            let mut buffer = Vec::new();
            while reader.read_until(b'\n', &mut buffer).await? > 0 {
                line(buffer.strip_suffix(b"\n").unwrap_or(&buffer));
                buffer.clear();
            }
            Ok::<(), std::io::Error>(())
        };
        let mut said = Vec::new();
        let work = async {
            let (read, errors) = tokio::join!(lines, stderr.read_to_end(&mut said));
            read?;
            errors?;
            child.wait().await
        };
        let status = timeout(limit, work).await.map_err(|_| timed_out(tool, limit))?.map_err(pipe)?;
        if status.success() { Ok(()) } else { Err(failed(tool, args, status, "", &String::from_utf8_lossy(&said))) }
    }

    /// Runs a `sacctmgr` that changes slurmdbd; exit 1 with "Nothing ..." on standard output is [`Change::Nothing`].
    pub async fn change(&self, args: &[String], input: Option<&str>) -> Result<Change, CommandError> {
        let tool = Tool::Sacctmgr;
        let ended = self.capture(tool, args, input, self.change_timeout).await?;
        change_outcome(ended.status.code(), &ended.stdout, input.is_some())
            .ok_or_else(|| failed(tool, args, ended.status, &ended.stdout, &ended.stderr))
    }
}

/// What 24.11.5 says where other versions say "Nothing modified": the object to be modified is not there.
const NO_CHANGE: &str = "Error with request: Data has not changed since time specified";

/// What an ended `sacctmgr` change means; `None` is a failure.
///
/// A `load` with nothing to do exits 0. It exits 1 with "Nothing new added." when it stopped at a line, too.
fn change_outcome(code: Option<i32>, stdout: &str, is_load: bool) -> Option<Change> {
    let nothing = stdout.lines().any(|line| {
        let line = line.trim();
        let said = |text: &&str| line.starts_with(*text);
        ["Nothing new added", "Nothing modified", "Nothing deleted", NO_CHANGE].iter().any(said)
    });
    match code {
        Some(0) => Some(if nothing { Change::Nothing } else { Change::Done }),
        Some(1) if nothing && !is_load => Some(Change::Nothing),
        _ => None,
    }
}

fn timed_out(tool: Tool, limit: Duration) -> CommandError {
    CommandError::Timeout { tool: tool.name(), seconds: limit.as_secs(), daemon: tool.daemon() }
}

fn failed(tool: Tool, args: &[String], status: ExitStatus, stdout: &str, stderr: &str) -> CommandError {
    let said = if stderr.trim().is_empty() { stdout } else { stderr };
    let said: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).take(3).collect();
    let said = if said.is_empty() { "it said nothing".to_owned() } else { said.join("; ") };
    let words: Vec<String> = args.iter().take(6).map(|word| word.chars().take(60).collect()).collect();
    CommandError::Failed {
        command: format!("{} {}", tool.name(), words.join(" ")),
        status,
        said: said.chars().take(400).collect(),
        daemon: tool.daemon(),
    }
}

/// Turns words into an argument list.
pub(crate) fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|&word| word.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn fake(tool: &str, script: &str) -> (tempfile::TempDir, SlurmCommands) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(tool);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let commands = SlurmCommands { bin_dir: Some(dir.path().to_owned()), ..SlurmCommands::default() };
        (dir, commands)
    }

    #[test]
    fn given_sacctmgrs_exit_codes_then_only_nothing_to_do_is_forgiven() {
        assert_eq!(change_outcome(Some(0), " Adding User(s)\n", false), Some(Change::Done));
        assert_eq!(change_outcome(Some(1), " Nothing new added.\n", false), Some(Change::Nothing));
        assert_eq!(change_outcome(Some(1), "  Nothing modified\n", false), Some(Change::Nothing));
        let newer = " Error with request: Data has not changed since time specified\n";
        assert_eq!(change_outcome(Some(1), newer, false), Some(Change::Nothing));
        assert_eq!(change_outcome(Some(0), "For cluster lab\n Nothing new added.\n", false), Some(Change::Nothing));
        assert_eq!(change_outcome(Some(1), " Can't modify because these users aren't associated\n", false), None);
        assert_eq!(change_outcome(None, " Nothing modified\n", false), None);
        assert_eq!(change_outcome(Some(0), "For cluster lab\n Nothing new added.\n", true), Some(Change::Nothing));
        assert_eq!(change_outcome(Some(1), "For cluster lab\n Nothing new added.\n", true), None);
    }

    #[tokio::test]
    async fn given_a_command_that_hangs_then_it_is_killed_and_the_error_names_the_daemon() {
        let (_dir, mut commands) = fake("squeue", "exec sleep 600");
        commands.read_timeout = Duration::from_millis(200);
        let error = commands.read(Tool::Squeue, &[]).await.unwrap_err();
        assert!(error.to_string().contains("check that slurmctld is running"), "{error}");
    }

    #[tokio::test]
    async fn given_the_callers_environment_then_the_command_does_not_see_it() {
        let (_dir, commands) = fake("scontrol", "env | sort | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^SLURM_CONF=");
        let seen = commands.read(Tool::Scontrol, &[]).await.unwrap();
        let names: Vec<&str> = seen.lines().filter_map(|line| line.split('=').next()).collect();
        assert_eq!(names, ["LC_ALL", "PATH", "SLURM_BITSTR_LEN", "SLURM_TIME_FORMAT", "TZ"]);
    }

    #[tokio::test]
    async fn given_a_failing_command_then_the_error_says_what_it_said() {
        let (_dir, commands) = fake("sacct", "echo partial; echo 'connection refused' >&2; exit 1");
        let mut lines = Vec::new();
        let limit = Duration::from_secs(10);
        let read = commands.read_lines(Tool::Sacct, &words(&["-a"]), limit, |line| lines.push(line.to_vec())).await;
        assert!(read.unwrap_err().to_string().contains("connection refused"));
        assert_eq!(lines, [b"partial".to_vec()]);
    }

    #[tokio::test]
    async fn given_input_then_the_command_reads_it_and_a_missing_command_is_named() {
        let (_dir, commands) = fake("sacctmgr", "cat > /dev/null; echo ' Adding Account(s)'");
        let text = "x".repeat(1 << 20);
        assert_eq!(commands.change(&[], Some(&text)).await.unwrap(), Change::Done);
        let error = commands.read(Tool::Sacct, &[]).await.unwrap_err();
        assert!(error.to_string().starts_with("cannot start sacct: install slurm-client"), "{error}");
    }
}
