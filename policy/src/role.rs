//! Who may do what: roles, scopes and the states a person can be in.

/// What a grant lets its subject do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// May look, may not submit.
    Observer,
    /// May submit jobs in the accounts of the grant's scope.
    ComputeUser,
    /// Slurm administrator; may submit in every account.
    ClusterAdmin,
}

impl Role {
    /// All roles, weakest first.
    pub const ALL: [Self; 3] = [Self::Observer, Self::ComputeUser, Self::ClusterAdmin];

    /// The spelling in configuration, commands and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observer => "observer",
            Self::ComputeUser => "compute-user",
            Self::ClusterAdmin => "cluster-admin",
        }
    }

    /// The role with this spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether the role lets its subject submit jobs.
    pub const fn may_submit(self) -> bool {
        matches!(self, Self::ComputeUser | Self::ClusterAdmin)
    }
}

/// Whether somebody belongs to the house or is its guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubjectKind {
    /// Belongs to the organisation.
    Member,
    /// A guest or contractor.
    Guest,
}

impl SubjectKind {
    /// The spelling in configuration and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Guest => "guest",
        }
    }
}

/// What the sources say of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PersonState {
    /// Present and enabled.
    Active,
    /// Present and disabled: nothing of theirs is removed, nothing is allowed.
    Disabled,
    /// Gone from the source: a tombstone that keeps name and uid for ever.
    Removed,
}
