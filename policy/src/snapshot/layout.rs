//! The file's layout: a head, a table of sections, and records of fixed size.
//!
//! ```text
//! magic 8 | format u32 | checksum u32 | length u64 | sections: 24 x (offset u64, length u64) | records … | strings
//! ```
//! Numbers are little-endian. The checksum is CRC-32 over everything after it. Records are sorted by the key they are
//! looked up by, so that a reader finds them without building anything.

use super::contents::{CostCenterRule, Kind};
use super::wire::{Span, Text, record};
use crate::limit::Measure;
use crate::role::{Lifts, PersonState, Role, SubjectKind};
use crate::time::{PeriodKind, Timestamp};
use crate::tres::{Gpus, Prices};

/// The first bytes of every snapshot.
pub(super) const MAGIC: [u8; 8] = *b"BURSARSN";
/// The version of this layout; a reader takes only its own.
pub(super) const FORMAT: u32 = 5;
/// Where the checksum stands.
pub(super) const CHECKSUM_AT: usize = 12;
/// What the checksum covers begins here.
pub(super) const COVERED_FROM: usize = 16;
/// Where the table of sections begins.
pub(super) const TABLE_AT: usize = 24;

/// The sections, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Head,
    /// Names of types, in their order.
    GpuTypes,
    Partitions,
    Calendars,
    Edges,
    Accounts,
    People,
    /// Positions of people in the order of their names.
    Names,
    Grants,
    /// A person's, by account.
    Associations,
    /// Limits: of people, associations, accounts, grants and queues.
    Lines,
    Queues,
    /// Roles and accounts that may use a queue, accounts of cost centres.
    Scopes,
    CostCenters,
    Storage,
    Homes,
    Keys,
    Groups,
    Members,
    Recent,
    Jobs,
    Windows,
    /// Of windows, each one's ascending.
    Openings,
    Strings,
}

/// How many sections there are.
pub(super) const SECTIONS: usize = 24;
/// Where the first section begins.
pub(super) const BODY_AT: usize = TABLE_AT + SECTIONS * 16;

record! {
    pub(super) struct HeadRecord {
        pub(super) kind: Kind,
        pub(super) generation: u64,
        pub(super) made_at: Timestamp,
        pub(super) as_of: Timestamp,
        pub(super) hard_limit: u64,
        pub(super) last_known: bool,
        pub(super) notice: u64,
        pub(super) cluster: Text,
        pub(super) contact: Text,
        pub(super) granule: u32,
        pub(super) threads_per_core: u32,
        pub(super) whole_nodes: bool,
        pub(super) one_task_per_core: bool,
        pub(super) slack: u64,
        pub(super) running_limit_refuses: bool,
        pub(super) tells_cost: bool,
        pub(super) cost_centers: CostCenterRule,
        pub(super) currency: Text,
    }
}

record! {
    /// Where each kind of period's edges stand in [`Section::Edges`].
    pub(super) struct CalendarRecord { pub(super) kinds: [Span; PeriodKind::COUNT] }
}

record! {
    pub(super) struct LineRecord {
        pub(super) measure: Measure,
        pub(super) limit: u64,
        pub(super) used: u64,
        pub(super) in_flight: u64,
        pub(super) next: u64,
        pub(super) total: u64,
    }
}

record! {
    pub(super) struct QueueRecord {
        pub(super) qos: Text,
        pub(super) name: Text,
        pub(super) default: bool,
        /// Bits of [`crate::Role::ALL`].
        pub(super) roles: u8,
        pub(super) accounts: Span,
        pub(super) factor: u64,
        pub(super) max_minutes: Option<u32>,
        pub(super) caps: Span,
    }
}

record! {
    pub(super) struct CostCenterRecord { pub(super) name: Text, pub(super) accounts: Span }
}

record! {
    pub(super) struct StorageRecord {
        pub(super) place: Text,
        pub(super) used: u64,
        pub(super) limit: u64,
        pub(super) refuses: bool,
    }
}

record! {
    pub(super) struct AssociationRecord { pub(super) account: u32, pub(super) lines: Span }
}

record! {
    pub(super) struct PartitionRecord {
        pub(super) name: Text,
        pub(super) default: bool,
        pub(super) whole_nodes: bool,
        pub(super) default_minutes: Option<u32>,
        pub(super) max_minutes: Option<u32>,
        pub(super) over_minutes: Option<u32>,
        pub(super) max_nodes: u32,
        pub(super) cpus_per_node: u32,
        pub(super) max_mem_per_cpu: Option<u64>,
        pub(super) default_memory_tag: u8,
        pub(super) default_memory_mib: u64,
        pub(super) memory_per_node: u64,
        pub(super) sockets_per_node: u32,
        pub(super) gpus_per_node: Gpus,
        pub(super) cpus_per_gpu: Option<u32>,
        pub(super) memory_per_gpu: Option<u64>,
        pub(super) prices: Prices,
    }
}

record! {
    pub(super) struct EdgeRecord { pub(super) at: Timestamp, pub(super) text: Text }
}

record! {
    pub(super) struct AccountRecord {
        pub(super) name: Text,
        pub(super) parent: Option<u32>,
        pub(super) calendar: u32,
        pub(super) lines: Span,
        pub(super) cost_center: Text,
        pub(super) storage: Span,
    }
}

record! {
    /// The first fields of an [`AccountRecord`].
    pub(super) struct AccountKey {
        pub(super) name: Text,
        pub(super) parent: Option<u32>,
        pub(super) calendar: u32,
    }
}

record! {
    pub(super) struct PersonRecord {
        pub(super) uid: u32,
        pub(super) gid: u32,
        pub(super) name: Text,
        pub(super) state: PersonState,
        pub(super) kind: SubjectKind,
        pub(super) default_account: Option<u32>,
        pub(super) lines: Span,
        pub(super) associations: Span,
        pub(super) storage: Span,
        pub(super) grants: Span,
    }
}

record! {
    /// The first fields of a [`PersonRecord`].
    pub(super) struct PersonKey { pub(super) uid: u32, pub(super) gid: u32, pub(super) name: Text }
}

record! {
    pub(super) struct GrantRecord {
        pub(super) id: u64,
        pub(super) role: Role,
        pub(super) account: Option<u32>,
        pub(super) from: Timestamp,
        pub(super) until: Timestamp,
        pub(super) revoked: bool,
        pub(super) until_text: Text,
        pub(super) lines: Span,
        pub(super) lifts: Option<Lifts>,
    }
}

record! {
    /// Stands at its person's position.
    pub(super) struct HomeRecord {
        pub(super) gecos: Text,
        pub(super) directory: Text,
        pub(super) shell: Text,
        pub(super) keys: Span,
    }
}

record! {
    pub(super) struct GroupRecord { pub(super) gid: u32, pub(super) name: Text, pub(super) members: Span }
}

record! {
    pub(super) struct RecentRecord {
        pub(super) job_id: u32,
        pub(super) uid: u32,
        pub(super) account: Option<u32>,
        pub(super) submitted: Timestamp,
    }
}

record! {
    /// The first fields of a [`JobRecord`].
    pub(super) struct JobKey { pub(super) job_id: u32, pub(super) array_job_id: u32 }
}

record! {
    pub(super) struct JobRecord {
        pub(super) job_id: u32,
        pub(super) array_job_id: u32,
        pub(super) uid: u32,
        pub(super) account: Text,
        pub(super) partition: Text,
        pub(super) qos: Text,
        pub(super) running: bool,
        pub(super) begin_at: Timestamp,
        pub(super) minutes: Option<u32>,
        pub(super) tasks: u32,
        pub(super) min_cpus: u32,
        pub(super) min_nodes: Option<u32>,
        pub(super) max_nodes: Option<u32>,
        pub(super) shape_tasks: Option<u32>,
        pub(super) cpus_per_task: Option<u32>,
        pub(super) tasks_per_node: Option<u32>,
        pub(super) cpus_per_node: Option<u32>,
        pub(super) memory_tag: u8,
        pub(super) memory_mib: u64,
        pub(super) whole_nodes: bool,
        pub(super) one_per_core: bool,
        pub(super) open_ended: bool,
        pub(super) gpus: Gpus,
        pub(super) cpus_per_gpu: Option<u32>,
        /// 0 is none.
        pub(super) memory_per_gpu: u64,
        pub(super) either_memory: bool,
    }
}

record! {
    pub(super) struct WindowRecord {
        pub(super) name: Text,
        /// 0 is a partition, 1 a queue, 2 a role, 3 an account; each has its own of the next three fields.
        pub(super) kind: u8,
        pub(super) target: Text,
        pub(super) role: Role,
        pub(super) account: Option<u32>,
        pub(super) refuses: bool,
        pub(super) ends_inside: bool,
        pub(super) moves: bool,
        pub(super) known_until: Timestamp,
        pub(super) openings: Span,
    }
}

record! {
    pub(super) struct OpeningRecord {
        pub(super) end: Timestamp,
        pub(super) start: Timestamp,
        pub(super) opens: Text,
        pub(super) closes: Text,
    }
}

record! {
    /// The first field of an [`OpeningRecord`].
    pub(super) struct OpeningKey { pub(super) end: Timestamp }
}
