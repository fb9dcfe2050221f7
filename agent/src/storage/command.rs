//! Runs the command that reads a place: no shell, a clean environment, and bounds on its time and its output.
//!
//! It runs as bursar's user in a process group of its own, which is killed whole when a bound is passed.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::time::timeout;

use super::format::{self, FormatError};
use super::reading::Usages;

/// The most bytes that a command may print.
pub const MOST_BYTES: u64 = 16 << 20;
/// How much is kept of what it says on its standard error.
const MOST_SAID: u64 = 4_096;
/// How much of that is told.
const SHOWN: usize = 200;

/// Why a command gave no reading.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It could not be started.
    #[error("cannot start {program}; check that it is there and that bursar's user may run it")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Its output could not be read.
    #[error("lost the connection to {program} while it ran; it is run again at the next interval")]
    Pipe {
        /// The program.
        program: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It took too long.
    #[error("{program} did not end within {seconds} s and was killed; make it faster or raise timeout-seconds")]
    Timeout {
        /// The program.
        program: String,
        /// The time it was given.
        seconds: u64,
    },
    /// It printed too much.
    #[error("{program} printed more than {MOST_BYTES} bytes and was killed; let it print one line for each owner")]
    TooMuch {
        /// The program.
        program: String,
    },
    /// It ended with an error.
    #[error("{program} failed ({status}): {said}")]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said, shortened.
        said: String,
    },
    /// What it printed is no reading.
    #[error("the output of {program} is not taken in")]
    Output {
        /// The program.
        program: String,
        /// Why not.
        #[source]
        source: FormatError,
    },
}

/// Runs `argv` and reads what it prints; only the output of a command that ended well is believed.
pub async fn read(argv: &[String], limit: Duration) -> Result<Usages, CommandError> {
    let program = argv.first().cloned().unwrap_or_default();
    let (status, printed, said) = match timeout(limit, run(argv)).await {
        Err(_) => return Err(CommandError::Timeout { program, seconds: limit.as_secs() }),
        Ok(ended) => ended?,
    };
    if !status.success() {
        return Err(CommandError::Failed { program, status, said: in_short(&said) });
    }
    format::parse(&printed).map_err(|source| CommandError::Output { program, source })
}

/// The process group of a command that has not ended; killed when it is dropped.
struct Group(Option<Pid>);

impl Group {
    fn has_ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // Its leader is not waited for yet, so that the number is still its own.
            let _ = killpg(leader, Signal::SIGKILL);
        }
    }
}

async fn run(argv: &[String]) -> Result<(ExitStatus, Vec<u8>, Vec<u8>), CommandError> {
    let program = || argv.first().cloned().unwrap_or_default();
    let pipe = |source| CommandError::Pipe { program: program(), source };
    let mut child = Command::new(program())
        .args(argv.iter().skip(1))
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C")
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| CommandError::Start { program: program(), source })?;
    let group = Group(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw));
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(pipe(std::io::Error::other("no output pipe")));
    };
    let printed = async {
        let mut printed = Vec::new();
        stdout.take(MOST_BYTES.saturating_add(1)).read_to_end(&mut printed).await.map_err(pipe)?;
        match u64::try_from(printed.len()) {
            Ok(length) if length <= MOST_BYTES => Ok(printed),
            _ => Err(CommandError::TooMuch { program: program() }),
        }
    };
    let said = async { beginning(stderr).await.map_err(pipe) };
    let (printed, said) = tokio::try_join!(printed, said)?;
    let status = child.wait().await.map_err(pipe)?;
    group.has_ended();
    Ok((status, printed, said))
}

/// The beginning of what comes; the rest is read and dropped, so that the command does not wait for a reader.
async fn beginning(mut from: impl AsyncRead + Unpin) -> std::io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    (&mut from).take(MOST_SAID).read_to_end(&mut kept).await?;
    tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
    Ok(kept)
}

/// One line of what a command said, without anything that a terminal would obey.
fn in_short(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    match words.is_empty() {
        true => "it said nothing; run it by hand as bursar's user".to_owned(),
        false => words.join(" ").chars().take(SHOWN).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn shell(script: &str) -> Vec<String> {
        ["/bin/sh", "-c", script].map(str::to_owned).to_vec()
    }

    #[tokio::test]
    async fn given_a_command_that_ends_well_then_its_lines_are_the_reading() {
        let usages = read(&shell("echo user ana 12 99; echo account physics 7"), PATIENCE).await.unwrap();
        assert_eq!((usages.people["ana"].used, usages.people["ana"].limit), (12, Some(99)));
        assert_eq!(usages.accounts["physics"].used, 7);
    }

    #[tokio::test]
    async fn given_arguments_and_an_environment_then_neither_is_more_than_was_written() {
        let script =
            "test \"$1\" = 'a b; rm' && test -z \"$HOME$CARGO$SLURM_CONF\" && test $(pwd) = / && echo user ana 1";
        let argv = [&shell(script)[..], &["sh".to_owned(), "a b; rm".to_owned()]].concat();
        assert_eq!(read(&argv, PATIENCE).await.unwrap().people.len(), 1);
    }

    #[tokio::test]
    async fn given_a_command_that_fails_then_its_lines_are_not_believed_and_its_words_are_told() {
        let error =
            read(&shell("echo user ana 1; printf 'no\\033[2J server\\n' >&2; exit 3"), PATIENCE).await.unwrap_err();
        assert_eq!(error.to_string(), "/bin/sh failed (exit status: 3): no [2J server");
        let killed = read(&shell("echo user ana 1; kill -9 $$"), PATIENCE).await.unwrap_err();
        assert!(matches!(killed, CommandError::Failed { .. }), "{killed}");
    }

    #[tokio::test]
    async fn given_a_command_that_does_not_end_then_it_and_its_children_are_killed() {
        let dir = tempfile::tempdir().unwrap();
        let pids = dir.path().join("pids");
        let script = format!("sleep 600 & echo $$ $! > {}; wait", pids.display());
        let error = read(&shell(&script), Duration::from_secs(2)).await.unwrap_err();
        assert!(error.to_string().contains("did not end within 2 s"), "{error}");
        let text = std::fs::read_to_string(pids).unwrap();
        let gone = |pid: &str| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.is_empty() || stat.contains(") Z ")
        };
        let deadline = std::time::Instant::now() + PATIENCE;
        while !text.split_whitespace().all(gone) {
            assert!(std::time::Instant::now() < deadline, "{text} still run");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn given_endless_output_then_reading_stops_at_its_bound() {
        let error = read(&shell("exec yes user ana 1"), PATIENCE).await.unwrap_err();
        assert!(matches!(error, CommandError::TooMuch { .. }), "{error}");
        // Endless talk beside a sound reading is only time.
        let error = read(&shell("yes >&2"), Duration::from_secs(1)).await.unwrap_err();
        assert!(matches!(error, CommandError::Timeout { .. }), "{error}");
    }

    #[tokio::test]
    async fn given_a_missing_command_or_a_bad_line_then_the_error_names_both_and_the_line() {
        let error = read(&["/nonexistent/usage".to_owned()], PATIENCE).await.unwrap_err();
        assert!(error.to_string().starts_with("cannot start /nonexistent/usage; check"), "{error}");
        let error = read(&shell("echo user ana 1; echo user ben 2K"), PATIENCE).await.unwrap_err();
        let text = crate::daemon::site::chain(&error);
        assert!(
            text.starts_with("the output of /bin/sh is not taken in: line 2 has bytes that are no whole"),
            "{text}"
        );
    }
}
