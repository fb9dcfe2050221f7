//! Who may do what: roles, and the states a person can be in.

use std::fmt;

/// Gives an enumeration its words: one spelling for the store, files, commands and reports.
macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $name {
            /// Every value, in the order of the definition.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it in the store, in files, commands and reports.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value that `word` stands for.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

/// What a grant lets its subject do; the stronger role is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// May look, may not submit.
    Observer,
    /// May submit jobs in the accounts of the grant's scope.
    ComputeUser,
    /// Slurm administrator; may submit in every account.
    ClusterAdmin,
}

words!(Role { Observer = "observer", ComputeUser = "compute-user", ClusterAdmin = "cluster-admin" });

impl Role {
    /// Whether the role lets its subject submit jobs.
    pub const fn may_submit(self) -> bool {
        matches!(self, Self::ComputeUser | Self::ClusterAdmin)
    }
}

/// What an emergency grant lifts for its short life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lifts {
    /// Windows: its holder's jobs begin at any time.
    Windows,
    /// Limits: its holder's jobs are counted, but not refused for want of room.
    Limits,
    /// Both.
    All,
}

words!(Lifts { Windows = "windows", Limits = "limits", All = "windows,limits" });

impl Lifts {
    /// Whether windows are lifted.
    pub const fn windows(self) -> bool {
        matches!(self, Self::Windows | Self::All)
    }

    /// Whether limits are lifted.
    pub const fn limits(self) -> bool {
        matches!(self, Self::Limits | Self::All)
    }

    /// The value for these two answers; nothing when neither is lifted.
    pub const fn of(windows: bool, limits: bool) -> Option<Self> {
        match (windows, limits) {
            (true, true) => Some(Self::All),
            (true, false) => Some(Self::Windows),
            (false, true) => Some(Self::Limits),
            (false, false) => None,
        }
    }
}

/// Whether somebody belongs to the house or is its guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectKind {
    /// Belongs to the organisation.
    Member,
    /// A guest or contractor, under guest limits.
    Guest,
}

words!(SubjectKind { Member = "member", Guest = "guest" });

/// What the sources say of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PersonState {
    /// Present and enabled.
    Active,
    /// Present and disabled: nothing of theirs is removed, nothing is allowed.
    Disabled,
    /// Gone from the source: a tombstone that keeps name and uid for ever.
    Removed,
}

words!(PersonState { Active = "active", Disabled = "disabled", Removed = "removed" });
