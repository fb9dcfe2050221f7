//! What the agent puts into a snapshot, in the agent's terms.
//!
//! Everything is resolved: names are uids, calendars are instants, prices are integers. [`super::encode()`] lays it out.

use crate::job::{Memory, Shape};
use crate::limit::Line;
use crate::role::{Lifts, PersonState, Role, SubjectKind};
use crate::time::{Period, PeriodKind, Timestamp};
use crate::tres::{Gpus, Prices};
use crate::window::Rule;

/// Which reader a snapshot is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// For the plugin: people, accounts, limits, usage, cluster facts.
    Controller,
    /// For PAM and the root program: people with homes, shells and keys, groups; no usage.
    Node,
    /// For the plugin when somebody edits a job: every live job.
    Jobs,
}

/// What holds for the whole snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Which reader it is for.
    pub kind: Kind,
    /// Grows with every snapshot of a store; an older one is never believed again.
    pub generation: u64,
    /// When it was compiled.
    pub made_at: Timestamp,
    /// The instant whose jobs it shows: every job that slurmctld had created before is counted.
    pub as_of: Timestamp,
    /// Seconds after [`Self::made_at`] from which it is stale.
    pub hard_limit: u64,
    /// Whether a stale snapshot still lets known, unexpired grants in.
    pub last_known: bool,
    /// Seconds before a grant's end from which its holder is told.
    pub notice: u64,
    /// Slurm's name of the cluster.
    pub cluster: String,
    /// A sentence on whom a refused person may ask: "Ask hpc@example.org."
    pub contact: String,
    /// The currency of prices and of limits on money, as people write it.
    pub currency: String,
}

/// Whether a job must carry a cost centre, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CostCenterRule {
    /// Whatever it carries is left as it is.
    #[default]
    Any,
    /// One that is named must be known; without one the account's is taken, if it has one.
    Known,
    /// As [`Self::Known`], and a job whose account has none must name one.
    Required,
}

/// What the CPU count of a job depends on besides its own request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterFacts {
    /// CPUs that are handed out together: threads of a core, CPUs of a socket.
    pub granule: u32,
    /// CPUs of a core.
    pub threads_per_core: u32,
    /// Whether nodes are always given whole (`select/linear`).
    pub whole_nodes: bool,
    /// Whether each task takes a whole core (`CR_ONE_TASK_PER_CORE`).
    pub one_task_per_core: bool,
    /// Seconds that a job may run over its limit before slurmctld has ended it.
    pub slack: u64,
    /// Whether a person or account at a limit on what runs at the same time may not even queue.
    pub running_limit_refuses: bool,
    /// Whether a job that enters is told what it may cost at most.
    pub tells_cost: bool,
    /// What is asked of cost centres.
    pub cost_centers: CostCenterRule,
}

impl Default for ClusterFacts {
    fn default() -> Self {
        Self {
            granule: 1,
            threads_per_core: 1,
            whole_nodes: false,
            one_task_per_core: false,
            slack: 0,
            running_limit_refuses: false,
            tells_cost: false,
            cost_centers: CostCenterRule::Any,
        }
    }
}

/// A partition as slurmctld has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its name.
    pub name: String,
    /// Whether jobs without a partition go here.
    pub default: bool,
    /// Whether its jobs always get whole nodes.
    pub whole_nodes: bool,
    /// `DefaultTime` in minutes; `None` is not set.
    pub default_minutes: Option<u32>,
    /// `MaxTime` in minutes; `None` is unlimited.
    pub max_minutes: Option<u32>,
    /// `OverTimeLimit` in minutes; `None` is unlimited.
    pub over_minutes: Option<u32>,
    /// The most nodes a job can get here.
    pub max_nodes: u32,
    /// The most CPUs a node has here.
    pub cpus_per_node: u32,
    /// `MaxMemPerCPU` in MiB.
    pub max_mem_per_cpu: Option<u64>,
    /// What a job has that names no memory: `DefMemPerCPU`, `DefMemPerNode`, or [`Memory::Unset`] for all of the node.
    pub default_memory: Memory,
    /// The most MiB that a node has here.
    pub memory_per_node: u64,
    /// The most sockets that a node has here.
    pub sockets_per_node: u32,
    /// The most GPUs that a node has here, and the most of each type.
    pub gpus_per_node: Gpus,
    /// `DefCpuPerGPU`.
    pub cpus_per_gpu: Option<u32>,
    /// `DefMemPerGPU` in MiB.
    pub memory_per_gpu: Option<u64>,
    /// What its resources cost.
    pub prices: Prices,
}

impl Default for Partition {
    /// One node with one CPU, no limit on time of its own, and nothing to pay.
    fn default() -> Self {
        Self {
            name: String::new(),
            default: false,
            whole_nodes: false,
            default_minutes: None,
            max_minutes: None,
            over_minutes: Some(0),
            max_nodes: 1,
            cpus_per_node: 1,
            max_mem_per_cpu: None,
            default_memory: Memory::Unset,
            memory_per_node: 0,
            sockets_per_node: 1,
            gpus_per_node: Gpus::default(),
            cpus_per_gpu: None,
            memory_per_gpu: None,
            prices: Prices::default(),
        }
    }
}

/// A queue of `policy.toml`: a QOS with terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// What people call it.
    pub name: String,
    /// Its QOS in Slurm.
    pub qos: String,
    /// Whether jobs that name no QOS go here.
    pub default: bool,
    /// The roles that may use it; none is every role that may submit.
    pub roles: Vec<Role>,
    /// The accounts (and those below) whose jobs may use it: positions in [`Contents::accounts`]; none is every account.
    pub accounts: Vec<u32>,
    /// What its jobs are charged, in millionths of what they would be otherwise.
    pub factor: u64,
    /// The most minutes that a job may run in it.
    pub max_minutes: Option<u32>,
    /// What one person may have in it at the same time: [`Line::limit`] and [`Line::measure`] alone count.
    pub caps: Vec<Line>,
}

/// A cost centre that jobs may be charged to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostCenter {
    /// Its name, as jobs carry it in their wckey.
    pub name: String,
    /// The accounts (and those below) whose jobs may carry it: positions in [`Contents::accounts`]; none is every
    /// account.
    pub accounts: Vec<u32>,
}

/// A person's or an account's storage that is over its allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverStorage {
    /// The file system, or another name of the allocation.
    pub place: String,
    /// Bytes stored.
    pub used: u64,
    /// Bytes allowed.
    pub limit: u64,
    /// Whether jobs are refused for it; otherwise their owners are warned.
    pub refuses: bool,
}

/// The edges of one calendar, by kind of period: ascending, from the start of the current period on.
pub type Calendar = [Vec<Edge>; PeriodKind::COUNT];

/// An edge of a calendar period: the instant where one ends and the next begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The instant.
    pub at: Timestamp,
    /// The same in the calendar's own zone, for people.
    pub text: String,
}

/// An account of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Slurm's name of it.
    pub name: String,
    /// Its parent's position in [`Contents::accounts`].
    pub parent: Option<u32>,
    /// The calendar that its limits and those of its people in it are counted by: a position in
    /// [`Contents::calendars`].
    pub calendar: u32,
    /// Its limits, with what it and everything below it holds against them.
    pub lines: Vec<Line>,
    /// The cost centre of its jobs that name none; may be empty.
    pub cost_center: String,
    /// Where it stores too much.
    pub storage: Vec<OverStorage>,
}

impl Account {
    /// An account without limits, counted by the site's own calendar.
    pub fn new(name: &str, parent: Option<u32>) -> Self {
        Self {
            name: name.to_owned(),
            parent,
            calendar: 0,
            lines: Vec::new(),
            cost_center: String::new(),
            storage: Vec::new(),
        }
    }
}

/// A person's own limits in one account and below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    /// The account's position in [`Contents::accounts`].
    pub account: u32,
    /// The limits.
    pub lines: Vec<Line>,
}

/// A grant, resolved to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its number in the store.
    pub id: u64,
    /// What it allows.
    pub role: Role,
    /// Where: an account's position in [`Contents::accounts`]; `None` is the whole cluster.
    pub account: Option<u32>,
    /// The first instant it holds.
    pub from: Timestamp,
    /// The first instant it no longer holds.
    pub until: Timestamp,
    /// Whether it was taken back before its time; then [`Self::until`] is when.
    pub revoked: bool,
    /// [`Self::until`] in the site's own zone, for people; empty when it has no end.
    pub until_text: String,
    /// What may be consumed under it over its life.
    pub lines: Vec<Line>,
    /// What it lifts, when it is an emergency grant.
    pub lifts: Option<Lifts>,
}

/// Whose work a window governs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Governs {
    /// Jobs that could run in the partition of this name.
    Partition(String),
    /// Jobs of the queue of this name.
    Queue(String),
    /// Jobs that a grant of this role lets in.
    Role(Role),
    /// Jobs of the account at this position in [`Contents::accounts`], and below it.
    Account(u32),
}

/// A stretch of time in which a window is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// From its first instant to the first after it.
    pub period: Period,
    /// When it begins, in the window's zone, for people.
    pub opens: String,
    /// When it ends, the same way; empty when it does not.
    pub closes: String,
}

/// When work of some may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// What people call it.
    pub name: String,
    /// Whose work.
    pub governs: Vec<Governs>,
    /// What it demands.
    pub rule: Rule,
    /// Whether jobs that still wait when it closes are moved to its next opening.
    pub moves: bool,
    /// The openings that are known, ascending, none touching the next.
    pub openings: Vec<Opening>,
    /// The first instant of which it is not known whether it is open.
    pub known_until: Timestamp,
}

/// What a host needs to give a person an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Home {
    /// The display name.
    pub gecos: String,
    /// The home directory.
    pub directory: String,
    /// The login shell.
    pub shell: String,
    /// SSH public keys, one line each.
    pub keys: Vec<String>,
}

/// A person, present or gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The uid, given out once.
    pub uid: u32,
    /// The gid of the private group.
    pub gid: u32,
    /// The POSIX name.
    pub name: String,
    /// What the sources say.
    pub state: PersonState,
    /// Member or guest.
    pub kind: SubjectKind,
    /// The account of jobs that name none: its position in [`Contents::accounts`].
    pub default_account: Option<u32>,
    /// The limits over all accounts.
    pub lines: Vec<Line>,
    /// The limits in single accounts.
    pub associations: Vec<Association>,
    /// Where the person stores too much.
    pub storage: Vec<OverStorage>,
    /// Every grant that holds, will hold, or has ended not too long ago.
    pub grants: Vec<Grant>,
    /// What a host needs; only in a [`Kind::Node`] snapshot.
    pub home: Option<Home>,
}

/// A POSIX group other than the private ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its gid.
    pub gid: u32,
    /// Its name.
    pub name: String,
    /// Positions in [`Contents::people`].
    pub members: Vec<u32>,
}

/// A job in slurmctld's list that was submitted not long before [`Header::as_of`].
///
/// The plugin strikes its own bookings off against these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecentJob {
    /// Slurm's id of it, or of the array.
    pub job_id: u32,
    /// Whose it is.
    pub uid: u32,
    /// Its account's position in [`Contents::accounts`]; `None` is one that bursar does not know.
    pub account: Option<u32>,
    /// When slurmctld created it.
    pub submitted: Timestamp,
}

/// A job that waits or runs, with what it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveJob {
    /// Slurm's id of the record.
    pub job_id: u32,
    /// The array's id, or 0.
    pub array_job_id: u32,
    /// Whose it is.
    pub uid: u32,
    /// Its account's name.
    pub account: String,
    /// Its partition list.
    pub partition: String,
    /// Its QOS.
    pub qos: String,
    /// Whether it runs.
    pub running: bool,
    /// The earliest instant it may start.
    pub begin_at: Timestamp,
    /// Its time limit in minutes; `None` is none.
    pub minutes: Option<u32>,
    /// How many tasks the record stands for.
    pub tasks: u32,
    /// What it asked for.
    pub shape: Shape,
}

/// All of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// What holds for all of it.
    pub header: Header,
    /// How the cluster hands out CPUs.
    pub facts: ClusterFacts,
    /// The cluster's partitions.
    pub partitions: Vec<Partition>,
    /// The types of GPU that are told apart, at most [`crate::tres::GPU_TYPES`].
    pub gpu_types: Vec<String>,
    /// Calendars; the site's own is the first, by which people are counted.
    pub calendars: Vec<Calendar>,
    /// The queues.
    pub queues: Vec<Queue>,
    /// The cost centres that are known.
    pub cost_centers: Vec<CostCenter>,
    /// The account tree; parents may stand anywhere.
    pub accounts: Vec<Account>,
    /// Everybody the store knows.
    pub people: Vec<Person>,
    /// Groups; only in a [`Kind::Node`] snapshot.
    pub groups: Vec<Group>,
    /// Jobs that the plugin may still hold bookings for.
    pub recent: Vec<RecentJob>,
    /// Live jobs; only in a [`Kind::Jobs`] snapshot.
    pub jobs: Vec<LiveJob>,
    /// Windows.
    pub windows: Vec<Window>,
}

impl Contents {
    /// A snapshot of nothing, to be filled.
    pub fn empty(header: Header) -> Self {
        Self {
            header,
            facts: ClusterFacts::default(),
            partitions: Vec::new(),
            gpu_types: Vec::new(),
            calendars: vec![Calendar::default()],
            queues: Vec::new(),
            cost_centers: Vec::new(),
            accounts: Vec::new(),
            people: Vec::new(),
            groups: Vec::new(),
            recent: Vec::new(),
            jobs: Vec::new(),
            windows: Vec::new(),
        }
    }
}

/// How [`Memory`] is written: a tag and an amount.
pub(super) fn memory_parts(memory: Memory) -> (u8, u64) {
    match memory {
        Memory::Unset => (0, 0),
        Memory::PerNode(mib) => (1, mib),
        Memory::PerCpu(mib) => (2, mib),
    }
}

/// The reverse of [`memory_parts`].
pub(super) fn memory_from(tag: u8, mib: u64) -> Option<Memory> {
    match tag {
        0 => Some(Memory::Unset),
        1 => Some(Memory::PerNode(mib)),
        2 => Some(Memory::PerCpu(mib)),
        _ => None,
    }
}
