//! The exit codes of `bursar`, decided by what happened and not by its text.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// It was carried out.
    Done = 0,
    /// It was refused, found nothing of the name, or was given up at the question.
    Refused = 1,
    /// The command line or a configuration makes no sense.
    Usage = 2,
    /// The daemon could not be reached or could not answer.
    Unavailable = 3,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status as u8)
    }
}
