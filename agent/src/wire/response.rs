//! What the daemon answers.

use serde::{Deserialize, Serialize};

use super::import::Imported;
use super::table::Table;

/// The answer to a request; its kind decides the exit code of the command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Response {
    /// Data, for stdout.
    Table {
        /// The rows.
        table: Table,
        /// Sentences about them, for stderr.
        notes: Vec<String>,
    },
    /// Data about something that was judged or stopped: rows for stdout, and whether it ended in a no.
    Judged {
        /// The rows.
        table: Table,
        /// Sentences about them, for stderr.
        notes: Vec<String>,
        /// The no, as a sentence; nothing is a yes.
        refusal: Option<String>,
    },
    /// A part of a dump is in the ledger.
    Imported(Imported),
    /// A change was made, or for a dry run would be.
    Done {
        /// How many objects changed.
        changed: u64,
        /// A line for each change.
        lines: Vec<String>,
    },
    /// The caller may not, the object is not there, or a judge says no.
    Refused {
        /// The stable code of the reason, when it has one.
        code: Option<String>,
        /// One sentence.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// The request makes no sense, or the configuration does not.
    Usage {
        /// One sentence.
        message: String,
    },
    /// The daemon, or something it needs, cannot answer now.
    Unavailable {
        /// One sentence.
        message: String,
    },
}

impl Response {
    /// A table without notes.
    pub const fn table(table: Table) -> Self {
        Self::Table { table, notes: Vec::new() }
    }

    /// A refusal without code and hint.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::Refused { code: None, message: message.into(), hint: None }
    }
}
