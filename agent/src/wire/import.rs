//! What travels when a dump is imported: its lines, part by part, and what came of each part.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// What is said of a dump with each of its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dump {
    /// The file's name, for the record.
    pub name: String,
    /// What the file is known again by, when its import goes on after an interruption.
    pub digest: String,
    /// sacct's names of its columns.
    pub columns: Vec<String>,
    /// What stands between them.
    pub separator: char,
    /// The cluster, where no column names it.
    pub cluster: Option<String>,
    /// The IANA name of the zone of its times; nothing is the site's.
    pub zone: Option<String>,
}

/// Some lines of a dump; without any it only asks how far the dump was imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Where the first line begins: bytes from the start of the file.
    pub from: u64,
    /// Each line without its line break, and the bytes that it takes in the file with it.
    pub lines: Vec<(u64, String)>,
    /// Whether nothing follows.
    pub last: bool,
}

/// What came of a part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imported {
    /// How far the file is imported now: bytes from its start. What follows has to come again.
    pub bytes: u64,
    /// Rows.
    pub rows: u64,
    /// Runs that were not known.
    pub added: u64,
    /// Runs that were told otherwise before.
    pub changed: u64,
    /// Runs that were known as they are, or that slurmdbd has the last word on.
    pub known: u64,
    /// Rows of jobs that had not ended.
    pub not_ended: u64,
    /// Rows of steps.
    pub steps: u64,
    /// Rows that cannot be read, kept aside.
    pub set_aside: u64,
}

impl AddAssign for Imported {
    fn add_assign(&mut self, other: Self) {
        self.bytes = other.bytes;
        for (slot, count) in [
            (&mut self.rows, other.rows),
            (&mut self.added, other.added),
            (&mut self.changed, other.changed),
            (&mut self.known, other.known),
            (&mut self.not_ended, other.not_ended),
            (&mut self.steps, other.steps),
            (&mut self.set_aside, other.set_aside),
        ] {
            *slot = slot.saturating_add(count);
        }
    }
}
