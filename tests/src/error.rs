//! What can go wrong while a host or a cluster is made, in words that name the operation and its last output.

use std::io;
use std::time::Duration;

use crate::Output;

/// Why an operation of the harness failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or process operation of the machine failed.
    #[error("cannot {what}")]
    Io {
        /// Operation and object.
        what: String,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// A command ran and answered with a failure.
    #[error("{command} ended with status {}\n{}{}", .output.status, .output.stdout, .output.stderr)]
    Command {
        /// The command line.
        command: String,
        /// Status and text.
        output: Output,
    },
    /// A condition did not come true in time.
    #[error("waited {} s for {what}; last seen: {last}", .after.as_secs())]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long.
        after: Duration,
        /// The last reason why not.
        last: String,
    },
    /// The machine lacks something the harness needs.
    #[error("{0}")]
    Machine(String),
}

/// A result of the harness.
pub type Result<T> = std::result::Result<T, Error>;

/// Turns an I/O error into one that names the operation: `fs::read(p).map_err(io_error(|| format!("read {p}")))`.
pub(crate) fn io_error<W: FnOnce() -> String>(what: W) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { what: what(), source }
}
