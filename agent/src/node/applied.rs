//! How far a host is: written by `bursar-node` after its work, read by bursard before it makes associations.

use std::path::{Path, PathBuf};

use bursar_policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::TakenOver;

/// How far a host is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Applied {
    /// The generation of the snapshot that the host's accounts follow.
    pub generation: u64,
    /// When it was brought in step, UTC seconds.
    pub at: i64,
    /// Accounts that were added.
    pub accounts_added: usize,
    /// Who was not brought in step, and why.
    pub refusals: Vec<String>,
}

impl Applied {
    pub(super) fn new(taken: &TakenOver, now: Timestamp) -> Self {
        let refusals = taken.outcome.refusals.iter().map(ToString::to_string);
        Self {
            generation: taken.generation,
            at: now.0,
            accounts_added: taken.outcome.accounts_added,
            refusals: refusals.chain(taken.unreadable.iter().cloned()).collect(),
        }
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// Reads what the host last wrote; `None` where it has not, or not yet whole.
    pub fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }
}

/// Where it lies: beside the snapshot that PAM reads.
pub fn path(node_snapshot: &Path) -> PathBuf {
    node_snapshot.with_file_name("applied.json")
}
