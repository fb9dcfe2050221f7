//! What a reader gets to see of a snapshot: records with their texts, borrowed from its bytes.

use std::fmt;

use super::decode::Snapshot;
use super::layout::{GrantRecord, HomeRecord, PersonRecord, Section};
use super::wire::Text;
use crate::job::Shape;
use crate::limit::{Limits, Usage};
use crate::role::{PersonState, Role, SubjectKind};
use crate::time::{Period, Timestamp};

/// A calendar period with its end as people read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrentPeriod<'s> {
    /// Its instants.
    pub period: Period,
    /// How many edges lie between the period that was current when the snapshot was made and this one.
    pub ordinal: usize,
    /// The end in the site's own zone.
    pub end_text: &'s str,
}

/// A partition; see [`super::Partition`] for the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `Partition`")]
pub struct PartitionRef<'s> {
    pub name: &'s str,
    pub default: bool,
    pub whole_nodes: bool,
    pub default_minutes: Option<u32>,
    pub max_minutes: Option<u32>,
    pub over_minutes: Option<u32>,
    pub max_nodes: u32,
    pub cpus_per_node: u32,
    pub max_mem_per_cpu: Option<u64>,
}

/// An account; see [`super::Account`] for the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `Account`")]
pub struct AccountRef<'s> {
    pub position: u32,
    pub name: &'s str,
    pub parent: Option<u32>,
    pub limits: Limits,
    pub usage: Usage,
}

/// A grant; see [`super::Grant`] for the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `Grant`")]
pub struct GrantRef<'s> {
    pub id: u64,
    pub role: Role,
    pub account: Option<u32>,
    pub from: Timestamp,
    pub until: Timestamp,
    pub revoked: bool,
    pub until_text: &'s str,
}

impl GrantRef<'_> {
    /// Whether it holds at `now`.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

/// A live job; see [`super::LiveJob`] for the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `LiveJob`")]
pub struct LiveJobRef<'s> {
    pub job_id: u32,
    pub uid: u32,
    pub account: &'s str,
    pub partition: &'s str,
    pub running: bool,
    pub begin_at: Timestamp,
    pub minutes: Option<u32>,
    pub tasks: u32,
    pub shape: Shape,
}

/// A group; members by name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `Group`")]
pub struct GroupRef<'s> {
    pub gid: u32,
    pub name: &'s str,
    pub members: Vec<&'s str>,
}

/// What a host needs of a person; see [`super::Home`] for the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `Home`")]
pub struct HomeRef<'s> {
    pub gecos: &'s str,
    pub directory: &'s str,
    pub shell: &'s str,
    pub keys: Vec<&'s str>,
}

/// A person of the snapshot.
#[derive(Clone, Copy)]
pub struct PersonRef<'s> {
    pub(super) snapshot: &'s Snapshot,
    pub(super) position: usize,
    pub(super) record: PersonRecord,
}

impl fmt::Debug for PersonRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.uid())
    }
}

impl<'s> PersonRef<'s> {
    /// The uid.
    pub fn uid(&self) -> u32 {
        self.record.uid
    }

    /// The gid of the private group.
    pub fn gid(&self) -> u32 {
        self.record.gid
    }

    /// The POSIX name.
    pub fn name(&self) -> &'s str {
        self.snapshot.text(self.record.name)
    }

    /// What the sources say.
    pub fn state(&self) -> PersonState {
        self.record.state
    }

    /// Member or guest.
    pub fn kind(&self) -> SubjectKind {
        self.record.kind
    }

    /// The account of jobs that name none.
    pub fn default_account(&self) -> Option<AccountRef<'s>> {
        self.record.default_account.and_then(|at| self.snapshot.account_at(at))
    }

    /// The limits over all accounts.
    pub fn limits(&self) -> Limits {
        self.record.limits
    }

    /// The usage over all accounts.
    pub fn usage(&self) -> Usage {
        self.record.usage
    }

    /// Every grant that holds, will hold or has ended not too long ago.
    pub fn grants(&self) -> impl Iterator<Item = GrantRef<'s>> + use<'s> {
        let snapshot = self.snapshot;
        snapshot.span::<GrantRecord>(Section::Grants, self.record.grants).map(|record| GrantRef {
            id: record.id,
            role: record.role,
            account: record.account,
            from: record.from,
            until: record.until,
            revoked: record.revoked,
            until_text: snapshot.text(record.until_text),
        })
    }

    /// What a host needs; only in a snapshot for nodes.
    pub fn home(&self) -> Option<HomeRef<'s>> {
        let snapshot = self.snapshot;
        let record = snapshot.record::<HomeRecord>(Section::Homes, self.position)?;
        Some(HomeRef {
            gecos: snapshot.text(record.gecos),
            directory: snapshot.text(record.directory),
            shell: snapshot.text(record.shell),
            keys: snapshot.span::<Text>(Section::Keys, record.keys).map(|key| snapshot.text(key)).collect(),
        })
    }
}
