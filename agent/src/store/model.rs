//! The records of the store, built from checked names and numbers.
//!
//! Instants are UTC seconds, CPU time is CPU-seconds, job counts are jobs.

use std::fmt;

use bursar_policy::{AccountName, Gid, GrantId, Timestamp, Uid, UserName};
pub use bursar_policy::{Lifts, PersonState, Role, SubjectKind};
use serde_json::{Value, json};

pub use super::limit_kind::{GpuType, LimitKind, Over, Thing, Unit};
use super::word::words;

/// The number of a subject in the store; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectId(pub i64);

/// The number of a group in the store; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub i64);

words! {
    /// Whether a group or an account is still there.
    Presence {
        /// It is.
        Active = "active",
        /// It is a tombstone.
        Removed = "removed",
    }
}

words! {
    /// Who put a record there: `policy.toml` or a person.
    Origin {
        /// `policy.toml`; changed and revoked only through that file.
        Policy = "policy",
        /// A person, through a command.
        Manual = "manual",
    }
}

/// Who changes something, when, and why; every audit record carries it.
#[derive(Debug, Clone, Copy)]
pub struct Cause<'a> {
    /// The person or part that acts, as in `ana` or `bursard`.
    pub actor: &'a str,
    /// The instant of the change.
    pub now: Timestamp,
    /// Why, in the actor's words; may be empty.
    pub reason: &'a str,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The store's number.
    pub id: SubjectId,
    /// The uid, and the gid of the private group; given out once.
    pub uid: Uid,
    /// The POSIX and Slurm user name; never changes.
    pub name: UserName,
    /// The full name.
    pub display_name: String,
    /// The mail address.
    pub mail: Option<String>,
    /// Member or guest.
    pub kind: SubjectKind,
    /// Active, disabled, or a tombstone.
    pub state: PersonState,
    /// When the store first saw the person.
    pub first_seen: Timestamp,
    /// When the record last changed.
    pub changed_at: Timestamp,
}

/// What a source calls a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The source's name in `bursar.toml`.
    pub source: String,
    /// The source's own id, which never changes.
    pub immutable_id: String,
    /// Whom it means.
    pub subject: SubjectId,
    /// The user name at the source now; differs from the POSIX name after a rename.
    pub source_name: String,
}

/// A group that a source brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The store's number.
    pub id: GroupId,
    /// The source's name.
    pub source: String,
    /// The source's own id.
    pub immutable_id: String,
    /// The POSIX name; never changes.
    pub name: UserName,
    /// The gid, when one was given out.
    pub gid: Option<Gid>,
    /// What the group is for.
    pub description: String,
    /// Whether the source still has it.
    pub state: Presence,
}

/// A Slurm account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The account's name.
    pub name: AccountName,
    /// The account above; nothing means Slurm's `root`.
    pub parent: Option<AccountName>,
    /// What the account is for.
    pub description: String,
    /// The cost centre (wckey); may be empty.
    pub cost_center: String,
    /// The name of the zone that its periods are counted in; empty is the site's.
    pub time_zone: String,
    /// The gid of the account's shared group, when one was given out.
    pub gid: Option<Gid>,
    /// Who put it there.
    pub origin: Origin,
    /// Whether it is still there.
    pub state: Presence,
}

impl Account {
    /// The record as the audit trail keeps it.
    pub fn to_json(&self) -> Value {
        json!({
            "name": self.name.as_str(),
            "parent": self.parent.as_ref().map(AccountName::as_str),
            "description": self.description,
            "cost-center": self.cost_center,
            "time-zone": self.time_zone,
            "origin": self.origin.word(),
            "state": self.state.word(),
        })
    }
}

/// Who holds a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// One person.
    Subject(SubjectId),
    /// Everybody in a group.
    Group(GroupId),
}

/// Where a grant applies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The whole cluster.
    Cluster,
    /// One account.
    Account(AccountName),
}

impl Scope {
    /// The account, if the scope is one.
    pub fn account(&self) -> Option<&AccountName> {
        match self {
            Self::Cluster => None,
            Self::Account(name) => Some(name),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str("cluster"),
            Self::Account(name) => write!(f, "account {name}"),
        }
    }
}

/// When, by whom and why a grant was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// From this instant on it does not count.
    pub at: Timestamp,
    /// Who revoked it.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// A role for a holder on a scope, from an instant until another or for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The number people quote.
    pub id: GrantId,
    /// Who holds it.
    pub holder: Holder,
    /// What they may do.
    pub role: Role,
    /// Where.
    pub scope: Scope,
    /// What it lifts, when it is an emergency grant.
    pub lifts: Option<Lifts>,
    /// The first instant at which it counts.
    pub from: Timestamp,
    /// The first instant at which it no longer counts; nothing means no end.
    pub until: Option<Timestamp>,
    /// Why it was given.
    pub reason: String,
    /// Who put it there.
    pub origin: Origin,
    /// The person or part that granted it.
    pub granted_by: String,
    /// When it was granted.
    pub granted_at: Timestamp,
    /// How it was taken back, if it was.
    pub revocation: Option<Revocation>,
}

impl Grant {
    /// Whether it counts at `at`: begun, not ended, not revoked.
    pub fn is_in_force(&self, at: Timestamp) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until) && self.revocation.is_none()
    }

    /// The record as the audit trail keeps it.
    pub fn to_json(&self) -> Value {
        let (subject, group) = match self.holder {
            Holder::Subject(id) => (Some(id.0), None),
            Holder::Group(id) => (None, Some(id.0)),
        };
        json!({
            "subject": subject,
            "group": group,
            "role": self.role.word(),
            "scope": self.scope.to_string(),
            "lifts": self.lifts.map(Lifts::word),
            "from": self.from.0,
            "until": self.until.map(|at| at.0),
            "reason": self.reason,
            "origin": self.origin.word(),
            "revoked-at": self.revocation.as_ref().map(|r| r.at.0),
        })
    }
}

/// Whom or what a limit binds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LimitTarget {
    /// One person.
    Person(SubjectId),
    /// Everybody on an account together.
    Account(AccountName),
    /// One person in an account and below it.
    PersonIn(SubjectId, AccountName),
    /// Each person in an account and below it, unless the person has a limit of their own there.
    EachIn(AccountName),
    /// Each holder of a grant, by what they consume under it.
    Grant(GrantId),
    /// Each person with this role, unless something nearer speaks.
    DefaultRole(Role),
    /// Each guest, unless something nearer speaks.
    DefaultGuest,
    /// Each person, unless something nearer speaks.
    Default,
}

impl fmt::Display for LimitTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => write!(f, "person {}", id.0),
            Self::Account(name) => write!(f, "account {name}"),
            Self::PersonIn(id, name) => write!(f, "person {} in account {name}", id.0),
            Self::EachIn(name) => write!(f, "each person in account {name}"),
            Self::Grant(id) => write!(f, "grant {id}"),
            Self::DefaultRole(role) => write!(f, "default:{role}"),
            Self::DefaultGuest => f.write_str("default:guest"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// How much a limit allows, in the base unit of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Amount {
    /// At most this much.
    AtMost(u64),
    /// Any amount.
    Unlimited,
}

impl Amount {
    /// The number as JSON, or the word `unlimited`.
    pub fn to_json(self) -> Value {
        match self {
            Self::AtMost(amount) => json!(amount),
            Self::Unlimited => json!("unlimited"),
        }
    }
}

/// One limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Whom or what it binds.
    pub target: LimitTarget,
    /// What it counts.
    pub kind: LimitKind,
    /// How much it allows.
    pub amount: Amount,
    /// Who put it there; a manual limit wins over one from `policy.toml`.
    pub origin: Origin,
}
