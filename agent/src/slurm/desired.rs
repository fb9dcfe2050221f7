//! What bursar wants slurmdbd to hold: accounts, people, their associations, and how far bursar's ownership goes.
//!
//! Ownership is narrow: the accounts listed here and the people listed here. An association belongs to bursar only
//! when both its person and its account do; everything else in slurmdbd is somebody else's and stays as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bursar_policy::{AccountName, UserName};
use thiserror::Error;

use super::native::{NativeLimits, Place};
use super::qos::{QosName, QosSettings};

/// Why a text cannot be given to Slurm.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TextError {
    /// There is nothing in it.
    #[error("is empty: give at least one character")]
    Empty,
    /// It is longer than Slurm's columns and files carry.
    #[error("is longer than {0} bytes: shorten it")]
    TooLong(usize),
    /// A character would end a field or a line in Slurm's files and listings.
    #[error("contains {0:?}: quotes, `:`, `|`, `=`, backslashes and control characters cannot be given to Slurm")]
    BadCharacter(char),
}

/// A description or cost centre as Slurm can keep it: one line without quotes, `:`, `|`, `=` or backslash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(String);

impl Label {
    /// Accepts `text` as it stands or says why not.
    pub fn new(text: &str) -> Result<Self, TextError> {
        if text.trim().is_empty() {
            return Err(TextError::Empty);
        }
        if text.len() > 200 {
            return Err(TextError::TooLong(200));
        }
        match text.chars().find(|c| c.is_control() || matches!(c, '\'' | '"' | '`' | ':' | '|' | '=' | '\\')) {
            Some(bad) => Err(TextError::BadCharacter(bad)),
            None => Ok(Self(text.trim().to_owned())),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether slurmdbd's `stored` text is this one; slurmdbd folds ASCII capitals.
    pub fn is_stored_as(&self, stored: &str) -> bool {
        self.0.eq_ignore_ascii_case(stored.trim())
    }
}

impl From<&AccountName> for Label {
    /// An account without a description is described by its name, as `sacctmgr` does.
    fn from(name: &AccountName) -> Self {
        Self(name.as_str().to_owned())
    }
}

/// The name of a cluster in slurmdbd: `[a-z0-9_][a-z0-9_.-]{0,39}` (Slurm folds capitals).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterName(String);

impl ClusterName {
    /// Accepts `text` in lower case or says why not.
    pub fn new(text: &str) -> Result<Self, TextError> {
        let fits = |(at, c): (usize, char)| {
            let inner = c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            !(inner || (at > 0 && matches!(c, '-' | '.')))
        };
        match (text.len(), text.char_indices().find(|&pair| fits(pair))) {
            (0, _) => Err(TextError::Empty),
            (41.., _) => Err(TextError::TooLong(40)),
            (_, Some((_, bad))) => Err(TextError::BadCharacter(bad)),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a person may do in Slurm itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum AdminLevel {
    /// Nothing special; Slurm prints "None" or "Not Set".
    #[default]
    None,
    /// May see and change everybody's jobs.
    Operator,
    /// May change Slurm's database and daemons.
    Administrator,
}

impl AdminLevel {
    /// The word `sacctmgr` takes.
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Operator => "Operator",
            Self::Administrator => "Administrator",
        }
    }
}

/// The job limits of one association; `None` is no limit of its own, and a limit set by hand is then cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct JobLimits {
    /// Jobs running at once (MaxJobs).
    pub max_jobs: Option<u32>,
    /// Jobs running and waiting at once (MaxSubmitJobs).
    pub max_submit: Option<u32>,
}

impl JobLimits {
    /// The limits of a revoked association: nothing starts, nothing is accepted, history and fair share stay.
    pub const REVOKED: Self = Self { max_jobs: Some(0), max_submit: Some(0) };
}

/// Whether a person may use an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssociationState {
    /// They may, within these limits.
    Active(JobLimits),
    /// They may not any more. An association that never was is not made for it.
    Revoked,
}

impl AssociationState {
    /// The limits that slurmdbd should hold for it.
    pub const fn limits(self) -> JobLimits {
        match self {
            Self::Active(limits) => limits,
            Self::Revoked => JobLimits::REVOKED,
        }
    }
}

/// An account that policy lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredAccount {
    /// Its name.
    pub name: AccountName,
    /// The account above it; `None` is Slurm's root.
    pub parent: Option<AccountName>,
    /// Slurm's Description.
    pub description: Label,
    /// Slurm's Organization, where bursar keeps the cost centre.
    pub organization: Label,
}

/// A person whom bursar knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredUser {
    /// The POSIX and Slurm name.
    pub name: UserName,
    /// The level in Slurm.
    pub admin: AdminLevel,
    /// The account of jobs that name none; `None` lets a working default be, else takes the first active account.
    pub default_account: Option<AccountName>,
    /// The accounts; one that is owned and not listed is revoked.
    pub associations: BTreeMap<AccountName, AssociationState>,
}

/// A QOS that policy names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredQos {
    /// Its name.
    pub name: QosName,
    /// Its values.
    pub settings: QosSettings,
}

/// The QOS in which a person may submit to an account, beside those that somebody else gave them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QosAccess {
    /// Names of desired QOS; none closes all that are bursar's.
    pub allowed: BTreeSet<QosName>,
    /// The QOS of jobs that name none; without, such a job must name one unless only one is allowed.
    pub default: Option<QosName>,
}

/// All that bursar wants of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredCluster {
    /// The cluster in slurmdbd.
    pub cluster: ClusterName,
    /// The owned accounts, in any order.
    pub accounts: Vec<DesiredAccount>,
    /// The owned people with their roles.
    pub people: Vec<DesiredUser>,
    /// Owned people who should have nothing, tombstones among them; names that are in `people` too do not matter.
    pub former_people: BTreeSet<UserName>,
    /// The QOS of policy's queues; one that bursar kept and that is missing here is given up.
    pub qos: Vec<DesiredQos>,
    /// The QOS of owned associations; one that is missing here is in none of bursar's.
    pub access: BTreeMap<(UserName, AccountName), QosAccess>,
    /// Limits that slurmctld holds, of owned associations; what is missing here stays as it is.
    pub limits: BTreeMap<Place, NativeLimits>,
    /// Cost centres (wckeys) that owned people need; others that they have stay.
    pub wckeys: BTreeMap<UserName, BTreeSet<String>>,
}

impl DesiredCluster {
    /// Nothing yet of `cluster`.
    pub fn of(cluster: ClusterName) -> Self {
        Self {
            cluster,
            accounts: Vec::new(),
            people: Vec::new(),
            former_people: BTreeSet::new(),
            qos: Vec::new(),
            access: BTreeMap::new(),
            limits: BTreeMap::new(),
            wckeys: BTreeMap::new(),
        }
    }
}

/// How far bursar's ownership goes, for looking up.
#[derive(Debug)]
pub struct Owned<'a> {
    /// The accounts that policy lists.
    pub accounts: BTreeSet<&'a str>,
    /// The people whom the store knows.
    pub people: BTreeSet<&'a str>,
}

impl<'a> Owned<'a> {
    /// What is bursar's in `desired`.
    pub fn of(desired: &'a DesiredCluster) -> Self {
        let people = desired.people.iter().map(|person| &person.name).chain(&desired.former_people);
        Self {
            accounts: desired.accounts.iter().map(|account| account.name.as_str()).collect(),
            people: people.map(UserName::as_str).collect(),
        }
    }

    /// Whether a person's association is.
    pub fn association(&self, user: &str, account: &str) -> bool {
        self.people.contains(user) && self.accounts.contains(account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_text_that_would_end_a_field_then_it_is_refused() {
        for text in ["a'b", "a:b", "a|b", "a\nb", "a=b", "a\"b", "a\\b", " "] {
            assert!(Label::new(text).is_err(), "{text:?}");
        }
        let label = Label::new("Physik, (Ärzte) 12").unwrap();
        assert!(label.is_stored_as("physik, (Ärzte) 12"));
        assert!(!label.is_stored_as("physik"));
        assert_eq!(ClusterName::new("Lab"), Err(TextError::BadCharacter('L')));
        assert!(ClusterName::new("lab-1").is_ok());
        assert!(ClusterName::new("a,b").is_err());
    }
}
