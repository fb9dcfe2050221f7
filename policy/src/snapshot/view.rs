//! What a reader gets to see of a snapshot: records with their texts, borrowed from its bytes.

use std::fmt;

use super::decode::Snapshot;
use super::layout::{
    AssociationRecord, CostCenterRecord, GrantRecord, HomeRecord, LineRecord, PersonRecord, QueueRecord, Section,
    StorageRecord,
};
use super::wire::{Span, Text};
use crate::job::{Memory, Shape};
use crate::limit::Line;
use crate::role::{Lifts, PersonState, Role, SubjectKind};
use crate::time::{Period, Timestamp};
use crate::tres::{Gpus, Prices};

/// A calendar period with its end as people read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrentPeriod<'s> {
    /// Its instants.
    pub period: Period,
    /// How many edges lie between the period that was current when the snapshot was made and this one.
    pub ordinal: usize,
    /// The end in the calendar's own zone.
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
    pub default_memory: Memory,
    pub memory_per_node: u64,
    pub sockets_per_node: u32,
    pub gpus_per_node: Gpus,
    pub cpus_per_gpu: Option<u32>,
    pub memory_per_gpu: Option<u64>,
    pub prices: Prices,
}

/// The limits of one owner.
#[derive(Clone, Copy)]
pub struct LinesRef<'s> {
    pub(super) snapshot: &'s Snapshot,
    pub(super) span: Span,
}

impl<'s> LinesRef<'s> {
    /// Each limit with what is held against it.
    pub fn iter(&self) -> impl Iterator<Item = Line> + use<'s> {
        self.snapshot.span(Section::Lines, self.span).map(|record: LineRecord| Line {
            measure: record.measure,
            limit: record.limit,
            used: record.used,
            in_flight: record.in_flight,
            next: record.next,
            total: record.total,
        })
    }

    /// Whether there is no limit.
    pub fn is_empty(&self) -> bool {
        self.span.len == 0
    }
}

impl fmt::Debug for LinesRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Storage that is over its allocation; see [`super::OverStorage`] for the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `OverStorage`")]
pub struct OverStorageRef<'s> {
    pub place: &'s str,
    pub used: u64,
    pub limit: u64,
    pub refuses: bool,
}

/// What one owner stores beyond an allocation.
#[derive(Clone, Copy)]
pub struct StorageRef<'s> {
    pub(super) snapshot: &'s Snapshot,
    pub(super) span: Span,
}

impl<'s> StorageRef<'s> {
    /// Each allocation that is exceeded.
    pub fn iter(&self) -> impl Iterator<Item = OverStorageRef<'s>> + use<'s> {
        let snapshot = self.snapshot;
        snapshot.span(Section::Storage, self.span).map(|record: StorageRecord| OverStorageRef {
            place: snapshot.text(record.place),
            used: record.used,
            limit: record.limit,
            refuses: record.refuses,
        })
    }
}

impl fmt::Debug for StorageRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// A queue.
#[derive(Clone, Copy)]
pub struct QueueRef<'s> {
    pub(super) snapshot: &'s Snapshot,
    pub(super) record: QueueRecord,
}

impl fmt::Debug for QueueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "queue {}", self.name())
    }
}

impl<'s> QueueRef<'s> {
    /// What people call it.
    pub fn name(&self) -> &'s str {
        self.snapshot.text(self.record.name)
    }

    /// Its QOS in Slurm.
    pub fn qos(&self) -> &'s str {
        self.snapshot.text(self.record.qos)
    }

    /// Whether jobs that name no QOS go here.
    pub fn is_default(&self) -> bool {
        self.record.default
    }

    /// What its jobs are charged, in millionths of what they would be otherwise.
    pub fn factor(&self) -> u64 {
        self.record.factor
    }

    /// The most minutes that a job may run in it.
    pub fn max_minutes(&self) -> Option<u32> {
        self.record.max_minutes
    }

    /// What one person may have in it at the same time.
    pub fn caps(&self) -> LinesRef<'s> {
        LinesRef { snapshot: self.snapshot, span: self.record.caps }
    }

    /// Whether somebody with this role may use it for the account at this position.
    pub fn is_open_to(&self, role: Role, account: u32) -> bool {
        let mut bits = Role::ALL.iter().zip(0..).filter(|(one, _)| **one == role);
        let granted = self.record.roles == 0 || bits.any(|(_, at)| self.record.roles & (1_u8 << at) != 0);
        granted && self.snapshot.is_in_scope(self.record.accounts, account)
    }
}

/// A cost centre.
#[derive(Clone, Copy)]
pub struct CostCenterRef<'s> {
    pub(super) snapshot: &'s Snapshot,
    pub(super) record: CostCenterRecord,
}

impl<'s> CostCenterRef<'s> {
    /// Its name.
    pub fn name(&self) -> &'s str {
        self.snapshot.text(self.record.name)
    }

    /// Whether jobs of the account at this position may carry it.
    pub fn is_open_to(&self, account: u32) -> bool {
        self.snapshot.is_in_scope(self.record.accounts, account)
    }
}

/// An account; see [`super::Account`] for the fields.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the fields are those of `Account`")]
pub struct AccountRef<'s> {
    pub position: u32,
    pub name: &'s str,
    pub parent: Option<u32>,
    pub calendar: u32,
    pub cost_center: &'s str,
    pub lines: LinesRef<'s>,
    pub storage: StorageRef<'s>,
}

/// A grant; see [`super::Grant`] for the fields.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the fields are those of `Grant`")]
pub struct GrantRef<'s> {
    pub id: u64,
    pub role: Role,
    pub account: Option<u32>,
    pub from: Timestamp,
    pub until: Timestamp,
    pub revoked: bool,
    pub until_text: &'s str,
    pub lines: LinesRef<'s>,
    pub lifts: Option<Lifts>,
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
    pub qos: &'s str,
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
    pub fn lines(&self) -> LinesRef<'s> {
        LinesRef { snapshot: self.snapshot, span: self.record.lines }
    }

    /// The limits in the account at this position and below it.
    pub fn lines_in(&self, account: u32) -> Option<LinesRef<'s>> {
        let snapshot = self.snapshot;
        snapshot
            .span::<AssociationRecord>(Section::Associations, self.record.associations)
            .find(|association| association.account == account)
            .map(|association| LinesRef { snapshot, span: association.lines })
    }

    /// Where the person stores too much.
    pub fn storage(&self) -> StorageRef<'s> {
        StorageRef { snapshot: self.snapshot, span: self.record.storage }
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
            lines: LinesRef { snapshot, span: record.lines },
            lifts: record.lifts,
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
