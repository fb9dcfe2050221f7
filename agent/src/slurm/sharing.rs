//! Who else may use a job's nodes, in the word of whichever squeue is installed.

use super::plugin_check::SlurmVersion;

/// How far others may use the job's nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Whole nodes for this job alone.
    WholeNodes,
    /// Nodes for this user, or this MCS label, alone; only the job's own CPUs are charged.
    OwnersNodes,
    /// CPUs may be used by others too; from 26.05 on this is told as `Normal`.
    Oversubscribed,
    /// CPUs of its own on nodes shared with others.
    Normal,
}

/// The field that tells whether others may use a job's nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharingColumn {
    /// `OverSubscribe`, up to 25.11.
    OverSubscribe,
    /// `Exclusive`, from 26.05 on.
    Exclusive,
}

impl SharingColumn {
    /// The field for the squeue that says this of its version.
    ///
    /// It is asked at every reading, since an update of the commands may come between two. A version that is not
    /// understood is taken for an older one, by which too much is held against limits rather than too little.
    pub(super) fn of_version(text: &str) -> Self {
        let has_exclusive = SlurmVersion::parse(text).is_some_and(|version| version.0 >= 0x1a_05_00);
        if has_exclusive { Self::Exclusive } else { Self::OverSubscribe }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::OverSubscribe => "OverSubscribe",
            Self::Exclusive => "Exclusive",
        }
    }

    pub(super) fn sharing(self, text: &str) -> Option<Sharing> {
        Some(match (self, text) {
            (Self::OverSubscribe, "NO") | (Self::Exclusive, "NODE") | (_, "TOPO") => Sharing::WholeNodes,
            (_, "USER" | "MCS") => Sharing::OwnersNodes,
            (Self::OverSubscribe, "YES") => Sharing::Oversubscribed,
            (Self::OverSubscribe, "OK") | (Self::Exclusive, "NO") => Sharing::Normal,
            _ => return None,
        })
    }
}
