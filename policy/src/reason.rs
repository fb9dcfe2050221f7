//! Why somebody was refused: one code and one sentence for every cause.
//!
//! Codes are stable: scripts and tickets quote them. A number is never given to another cause.

use std::fmt;

use crate::snapshot::{GovernsRef, When, WindowRef};
use crate::time::{PeriodKind, Timestamp};
use crate::tres::Resource;

/// The stable name of a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// There is no usable snapshot.
    Unavailable,
    /// slurmctld has just started, and its list of jobs is not known yet.
    Starting,
    /// No grant, now or before.
    NoGrant,
    /// The only grants begin later.
    GrantNotYet,
    /// The last grant has ended.
    GrantExpired,
    /// The last grant was taken back.
    GrantRevoked,
    /// The source has disabled the person.
    Disabled,
    /// The person is gone from the source.
    Removed,
    /// The grant lets its holder look, not submit.
    Observer,
    /// No grant covers the account.
    AccountNotGranted,
    /// No account was named and there is no default.
    NoAccount,
    /// The job would begin after the last grant has ended.
    BeginsAfterGrant,
    /// The job has no time limit and none can be derived.
    NoTimeLimit,
    /// The running-job limit is reached.
    RunningJobs,
    /// The queued-job limit is reached.
    QueuedJobs,
    /// The limit on what runs at the same time is reached.
    AtOnce(Counted),
    /// What may be consumed within a period, or under a grant, is used up.
    Consumed(Counted, Within),
    /// The job is too new to be changed.
    NotYetSeen,
    /// The request cannot be read.
    Input,
    /// The queue is not the person's to use.
    QueueNotGranted,
    /// The job would run longer than the queue lets a job.
    QueueTime,
    /// A cost centre must be named.
    CostCenterMissing,
    /// The cost centre is not known, or not the account's to charge.
    CostCenterUnknown,
    /// More is stored than is allowed.
    Storage,
    /// A window is closed.
    WindowClosed,
    /// The job would not have ended when a window closes.
    WindowTooShort,
}

/// What is counted, without the types of GPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counted {
    /// CPUs.
    Cpu,
    /// GPUs, of any type or of one.
    Gpu,
    /// Memory.
    Memory,
    /// Nodes.
    Node,
    /// Money.
    Money,
}

impl From<Resource> for Counted {
    fn from(resource: Resource) -> Self {
        match resource {
            Resource::Cpu => Self::Cpu,
            Resource::Gpu | Resource::GpuType(_) => Self::Gpu,
            Resource::Memory => Self::Memory,
            Resource::Node => Self::Node,
            Resource::Money => Self::Money,
        }
    }
}

/// Over what a limit on consumption counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Within {
    /// A calendar period.
    Period(PeriodKind),
    /// The life of a grant.
    Grant,
}

/// What a cause has to do with, for readers that have only their host's few codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The right to be here at all.
    Access,
    /// The account.
    Account,
    /// The time limit.
    TimeLimit,
    /// A limit that is used up.
    Quota,
    /// The queue.
    Queue,
    /// The cost centre.
    CostCenter,
    /// The hour.
    Closed,
    /// A time limit that is longer than what is open.
    TooLong,
    /// Bursar itself.
    Unavailable,
    /// The request.
    Input,
}

impl Code {
    /// Every code, in the order of their numbers.
    pub const ALL: [Self; 58] = [
        Self::Unavailable,
        Self::Starting,
        Self::NoGrant,
        Self::GrantNotYet,
        Self::GrantExpired,
        Self::GrantRevoked,
        Self::Disabled,
        Self::Removed,
        Self::Observer,
        Self::AccountNotGranted,
        Self::NoAccount,
        Self::BeginsAfterGrant,
        Self::NoTimeLimit,
        Self::RunningJobs,
        Self::QueuedJobs,
        Self::AtOnce(Counted::Cpu),
        Self::AtOnce(Counted::Gpu),
        Self::AtOnce(Counted::Memory),
        Self::AtOnce(Counted::Node),
        Self::Consumed(Counted::Cpu, Within::Period(PeriodKind::Day)),
        Self::Consumed(Counted::Cpu, Within::Period(PeriodKind::Week)),
        Self::Consumed(Counted::Cpu, Within::Period(PeriodKind::Month)),
        Self::Consumed(Counted::Cpu, Within::Period(PeriodKind::Quarter)),
        Self::Consumed(Counted::Cpu, Within::Period(PeriodKind::Year)),
        Self::Consumed(Counted::Cpu, Within::Grant),
        Self::NotYetSeen,
        Self::Input,
        Self::WindowClosed,
        Self::WindowTooShort,
        Self::QueueNotGranted,
        Self::QueueTime,
        Self::CostCenterMissing,
        Self::CostCenterUnknown,
        Self::Consumed(Counted::Gpu, Within::Period(PeriodKind::Day)),
        Self::Consumed(Counted::Gpu, Within::Period(PeriodKind::Week)),
        Self::Consumed(Counted::Gpu, Within::Period(PeriodKind::Month)),
        Self::Consumed(Counted::Gpu, Within::Period(PeriodKind::Quarter)),
        Self::Consumed(Counted::Gpu, Within::Period(PeriodKind::Year)),
        Self::Consumed(Counted::Gpu, Within::Grant),
        Self::Consumed(Counted::Memory, Within::Period(PeriodKind::Day)),
        Self::Consumed(Counted::Memory, Within::Period(PeriodKind::Week)),
        Self::Consumed(Counted::Memory, Within::Period(PeriodKind::Month)),
        Self::Consumed(Counted::Memory, Within::Period(PeriodKind::Quarter)),
        Self::Consumed(Counted::Memory, Within::Period(PeriodKind::Year)),
        Self::Consumed(Counted::Memory, Within::Grant),
        Self::Consumed(Counted::Node, Within::Period(PeriodKind::Day)),
        Self::Consumed(Counted::Node, Within::Period(PeriodKind::Week)),
        Self::Consumed(Counted::Node, Within::Period(PeriodKind::Month)),
        Self::Consumed(Counted::Node, Within::Period(PeriodKind::Quarter)),
        Self::Consumed(Counted::Node, Within::Period(PeriodKind::Year)),
        Self::Consumed(Counted::Node, Within::Grant),
        Self::Consumed(Counted::Money, Within::Period(PeriodKind::Day)),
        Self::Consumed(Counted::Money, Within::Period(PeriodKind::Week)),
        Self::Consumed(Counted::Money, Within::Period(PeriodKind::Month)),
        Self::Consumed(Counted::Money, Within::Period(PeriodKind::Quarter)),
        Self::Consumed(Counted::Money, Within::Period(PeriodKind::Year)),
        Self::Consumed(Counted::Money, Within::Grant),
        Self::Storage,
    ];

    /// The code as it is printed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "BSR-100",
            Self::Starting => "BSR-101",
            Self::NoGrant => "BSR-110",
            Self::GrantNotYet => "BSR-111",
            Self::GrantExpired => "BSR-112",
            Self::GrantRevoked => "BSR-113",
            Self::Disabled => "BSR-114",
            Self::Removed => "BSR-115",
            Self::Observer => "BSR-120",
            Self::AccountNotGranted => "BSR-121",
            Self::NoAccount => "BSR-122",
            Self::BeginsAfterGrant => "BSR-123",
            Self::NoTimeLimit => "BSR-130",
            Self::RunningJobs => "BSR-140",
            Self::QueuedJobs => "BSR-141",
            Self::AtOnce(Counted::Cpu) => "BSR-142",
            Self::AtOnce(Counted::Gpu) => "BSR-143",
            Self::AtOnce(Counted::Memory) => "BSR-144",
            Self::AtOnce(Counted::Node) => "BSR-145",
            Self::Consumed(Counted::Cpu, Within::Period(PeriodKind::Day)) => "BSR-150",
            Self::Consumed(Counted::Cpu, Within::Period(PeriodKind::Week)) => "BSR-151",
            Self::Consumed(Counted::Cpu, Within::Period(PeriodKind::Month)) => "BSR-152",
            Self::Consumed(Counted::Cpu, Within::Period(PeriodKind::Quarter)) => "BSR-153",
            Self::Consumed(Counted::Cpu, Within::Period(PeriodKind::Year)) => "BSR-154",
            Self::Consumed(Counted::Cpu, Within::Grant) => "BSR-155",
            Self::NotYetSeen => "BSR-160",
            Self::Input => "BSR-170",
            Self::WindowClosed => "BSR-180",
            Self::WindowTooShort => "BSR-181",
            Self::QueueNotGranted => "BSR-190",
            Self::QueueTime => "BSR-191",
            Self::CostCenterMissing => "BSR-195",
            Self::CostCenterUnknown => "BSR-196",
            Self::Consumed(Counted::Gpu, Within::Period(PeriodKind::Day)) => "BSR-200",
            Self::Consumed(Counted::Gpu, Within::Period(PeriodKind::Week)) => "BSR-201",
            Self::Consumed(Counted::Gpu, Within::Period(PeriodKind::Month)) => "BSR-202",
            Self::Consumed(Counted::Gpu, Within::Period(PeriodKind::Quarter)) => "BSR-203",
            Self::Consumed(Counted::Gpu, Within::Period(PeriodKind::Year)) => "BSR-204",
            Self::Consumed(Counted::Gpu, Within::Grant) => "BSR-205",
            Self::Consumed(Counted::Memory, Within::Period(PeriodKind::Day)) => "BSR-210",
            Self::Consumed(Counted::Memory, Within::Period(PeriodKind::Week)) => "BSR-211",
            Self::Consumed(Counted::Memory, Within::Period(PeriodKind::Month)) => "BSR-212",
            Self::Consumed(Counted::Memory, Within::Period(PeriodKind::Quarter)) => "BSR-213",
            Self::Consumed(Counted::Memory, Within::Period(PeriodKind::Year)) => "BSR-214",
            Self::Consumed(Counted::Memory, Within::Grant) => "BSR-215",
            Self::Consumed(Counted::Node, Within::Period(PeriodKind::Day)) => "BSR-220",
            Self::Consumed(Counted::Node, Within::Period(PeriodKind::Week)) => "BSR-221",
            Self::Consumed(Counted::Node, Within::Period(PeriodKind::Month)) => "BSR-222",
            Self::Consumed(Counted::Node, Within::Period(PeriodKind::Quarter)) => "BSR-223",
            Self::Consumed(Counted::Node, Within::Period(PeriodKind::Year)) => "BSR-224",
            Self::Consumed(Counted::Node, Within::Grant) => "BSR-225",
            Self::Consumed(Counted::Money, Within::Period(PeriodKind::Day)) => "BSR-230",
            Self::Consumed(Counted::Money, Within::Period(PeriodKind::Week)) => "BSR-231",
            Self::Consumed(Counted::Money, Within::Period(PeriodKind::Month)) => "BSR-232",
            Self::Consumed(Counted::Money, Within::Period(PeriodKind::Quarter)) => "BSR-233",
            Self::Consumed(Counted::Money, Within::Period(PeriodKind::Year)) => "BSR-234",
            Self::Consumed(Counted::Money, Within::Grant) => "BSR-235",
            Self::Storage => "BSR-240",
            // Money is not had at one instant; nothing is refused by this name.
            Self::AtOnce(Counted::Money) => "BSR-146",
        }
    }

    /// What the cause has to do with.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Unavailable | Self::Starting => Kind::Unavailable,
            Self::NoGrant
            | Self::GrantNotYet
            | Self::GrantExpired
            | Self::GrantRevoked
            | Self::Disabled
            | Self::Removed
            | Self::Observer
            | Self::BeginsAfterGrant => Kind::Access,
            Self::AccountNotGranted | Self::NoAccount => Kind::Account,
            Self::NoTimeLimit => Kind::TimeLimit,
            Self::RunningJobs
            | Self::QueuedJobs
            | Self::AtOnce(_)
            | Self::Consumed(..)
            | Self::NotYetSeen
            | Self::Storage => Kind::Quota,
            Self::QueueNotGranted | Self::QueueTime => Kind::Queue,
            Self::CostCenterMissing | Self::CostCenterUnknown => Kind::CostCenter,
            Self::WindowClosed => Kind::Closed,
            Self::WindowTooShort => Kind::TooLong,
            Self::Input => Kind::Input,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whose limit it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner<'s> {
    /// The person who asks.
    You,
    /// The person who asks, in an account and below it.
    YouIn(&'s str),
    /// The person who asks, in a queue.
    YouInQueue(&'s str),
    /// The grant that lets the person in, by its number.
    Grant(u64),
    /// An account or one of its ancestors.
    Account(&'s str),
}

/// A cause with its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason<'s> {
    /// See [`Code::Unavailable`].
    Unavailable,
    /// See [`Code::Starting`].
    Starting,
    /// See [`Code::NoGrant`].
    NoGrant,
    /// See [`Code::GrantNotYet`]; when it begins.
    GrantNotYet(Timestamp),
    /// See [`Code::GrantExpired`]; when it ended, in the site's zone.
    GrantExpired(&'s str),
    /// See [`Code::GrantRevoked`]; since when.
    GrantRevoked(&'s str),
    /// See [`Code::Disabled`].
    Disabled,
    /// See [`Code::Removed`].
    Removed,
    /// See [`Code::Observer`].
    Observer,
    /// See [`Code::AccountNotGranted`]; the account and, if there is one, an account that is granted.
    AccountNotGranted(&'s str, Option<&'s str>),
    /// See [`Code::NoAccount`].
    NoAccount,
    /// See [`Code::BeginsAfterGrant`]; when the grant ends.
    BeginsAfterGrant(&'s str),
    /// See [`Code::NoTimeLimit`]; the partition, empty if unknown.
    NoTimeLimit(&'s str),
    /// See [`Code::RunningJobs`].
    RunningJobs {
        /// Whose limit.
        owner: Owner<'s>,
        /// Jobs asked for.
        asked: u64,
        /// Jobs running or waiting.
        present: u64,
        /// The limit.
        limit: u64,
    },
    /// See [`Code::QueuedJobs`].
    QueuedJobs {
        /// Whose limit.
        owner: Owner<'s>,
        /// Jobs asked for.
        asked: u64,
        /// Jobs waiting.
        present: u64,
        /// The limit.
        limit: u64,
    },
    /// See [`Code::AtOnce`]: amounts at one instant.
    AtOnce {
        /// Whose limit.
        owner: Owner<'s>,
        /// Of what.
        what: What<'s>,
        /// Whether one job alone asks for more than there can ever be room for.
        alone: bool,
        /// What is asked for.
        asked: u64,
        /// What running and waiting jobs have or want.
        present: u64,
        /// The limit.
        limit: u64,
    },
    /// See [`Code::Consumed`]; all amounts times seconds.
    Consumed {
        /// Whose limit.
        owner: Owner<'s>,
        /// Of what.
        what: What<'s>,
        /// Over what it counts.
        within: Within,
        /// Whether it is the next period's room that is missing.
        next: bool,
        /// What the job may consume in it at most.
        asked: u64,
        /// What has been consumed in it.
        used: u64,
        /// What other live jobs may still consume in it.
        in_flight: u64,
        /// The limit.
        limit: u64,
        /// When the current period ends, in its calendar's zone; for a grant, when that ends.
        ends: &'s str,
    },
    /// See [`Code::NotYetSeen`].
    NotYetSeen,
    /// See [`Code::Input`]; what cannot be read.
    Input(&'static str),
    /// See [`Code::QueueNotGranted`]; the queue and those that the person may use.
    QueueNotGranted(&'s str, Names<'s>),
    /// See [`Code::QueueTime`].
    QueueTime {
        /// The queue.
        queue: &'s str,
        /// The most minutes it lets a job run.
        minutes: u32,
    },
    /// See [`Code::CostCenterMissing`]; some that are known.
    CostCenterMissing(Names<'s>),
    /// See [`Code::CostCenterUnknown`]; the cost centre and some that are known.
    CostCenterUnknown(&'s str, Names<'s>),
    /// See [`Code::Storage`].
    Storage {
        /// Whose storage.
        owner: Owner<'s>,
        /// Bytes stored.
        used: u64,
        /// Bytes allowed.
        limit: u64,
        /// The file system, or another name of the allocation.
        place: &'s str,
    },
    /// See [`Code::WindowClosed`].
    WindowClosed {
        /// The window.
        window: WindowName<'s>,
        /// When the job could begin; `None` where that is not known.
        until: Option<When<'s>>,
        /// Whether it wanted to begin at once.
        at_once: bool,
    },
    /// See [`Code::WindowTooShort`]: it is open, but not for long enough.
    EndsOutside {
        /// The window.
        window: WindowName<'s>,
        /// When it closes.
        closes: When<'s>,
        /// Seconds that the job may run.
        seconds: u64,
        /// When the job could begin.
        until: When<'s>,
    },
    /// See [`Code::WindowTooShort`]: it is never open for long enough.
    LongerThanWindow {
        /// The window.
        window: WindowName<'s>,
        /// Seconds that the job may run.
        seconds: u64,
        /// Seconds of its longest opening.
        longest: u64,
    },
}

/// A window, with whose work it governs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowName<'s> {
    /// Its name.
    pub name: &'s str,
    /// What kind of thing it governs.
    pub kind: &'static str,
    /// The name of that.
    pub target: &'s str,
}

impl<'s> WindowName<'s> {
    /// The name of a window.
    pub fn of(window: &WindowRef<'s>) -> Self {
        let kind = match window.governs() {
            GovernsRef::Partition(_) => "partition",
            GovernsRef::Queue(_) => "queue",
            GovernsRef::Role(_) => "role",
            GovernsRef::Account(_) => "account",
        };
        Self { name: window.name(), kind, target: window.target() }
    }
}

impl fmt::Display for WindowName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "window {} of {} {}", self.name, self.kind, self.target)
    }
}

/// The most names that a sentence lists.
const MOST_NAMES: usize = 5;

/// A few names for a sentence; a long list is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Names<'s> {
    first: [Option<&'s str>; MOST_NAMES],
    more: u32,
}

impl<'s> FromIterator<&'s str> for Names<'s> {
    fn from_iter<I: IntoIterator<Item = &'s str>>(names: I) -> Self {
        let mut all = Self::default();
        let mut names = names.into_iter();
        for (slot, name) in all.first.iter_mut().zip(names.by_ref()) {
            *slot = Some(name);
        }
        all.more = u32::try_from(names.count()).unwrap_or(u32::MAX);
        all
    }
}

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first.first().is_none_or(Option::is_none) {
            return f.write_str("none");
        }
        for (at, name) in self.first.iter().flatten().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{}", Shown(name))?;
        }
        if self.more > 0 { write!(f, " and {} more", self.more) } else { Ok(()) }
    }
}

/// A resource with the name that people know it by: the type of a GPU, the currency; otherwise empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct What<'s> {
    /// The resource.
    pub resource: Resource,
    /// The GPU type or the currency.
    pub name: &'s str,
}

impl Reason<'_> {
    /// The stable name of the cause.
    pub fn code(&self) -> Code {
        match self {
            Self::Unavailable => Code::Unavailable,
            Self::Starting => Code::Starting,
            Self::NoGrant => Code::NoGrant,
            Self::GrantNotYet(_) => Code::GrantNotYet,
            Self::GrantExpired(_) => Code::GrantExpired,
            Self::GrantRevoked(_) => Code::GrantRevoked,
            Self::Disabled => Code::Disabled,
            Self::Removed => Code::Removed,
            Self::Observer => Code::Observer,
            Self::AccountNotGranted(..) => Code::AccountNotGranted,
            Self::NoAccount => Code::NoAccount,
            Self::BeginsAfterGrant(_) => Code::BeginsAfterGrant,
            Self::NoTimeLimit(_) => Code::NoTimeLimit,
            Self::RunningJobs { .. } => Code::RunningJobs,
            Self::QueuedJobs { .. } => Code::QueuedJobs,
            Self::AtOnce { what, .. } => Code::AtOnce(what.resource.into()),
            Self::Consumed { what, within, .. } => Code::Consumed(what.resource.into(), *within),
            Self::QueueNotGranted(..) => Code::QueueNotGranted,
            Self::QueueTime { .. } => Code::QueueTime,
            Self::CostCenterMissing(_) => Code::CostCenterMissing,
            Self::CostCenterUnknown(..) => Code::CostCenterUnknown,
            Self::Storage { .. } => Code::Storage,
            Self::WindowClosed { .. } => Code::WindowClosed,
            Self::EndsOutside { .. } | Self::LongerThanWindow { .. } => Code::WindowTooShort,
            Self::NotYetSeen => Code::NotYetSeen,
            Self::Input(_) => Code::Input,
        }
    }

    /// The sentence, then its code with the site's sentence on whom to ask: two lines.
    pub fn text(&self, contact: &str) -> String {
        let contact = if contact.is_empty() { "Ask your administrator." } else { contact };
        format!("{self}\n{}: {contact}", self.code())
    }
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Unavailable => f.write_str("the access service is unavailable, so nothing can be granted"),
            Self::Starting => {
                f.write_str("slurmctld has just started and its jobs are being counted; try again shortly")
            }
            Self::NoGrant => f.write_str("you hold no grant on this cluster"),
            Self::GrantNotYet(from) => write!(f, "your access begins {from}"),
            Self::GrantExpired(when) => write!(f, "your access ended {when}; ask for a renewal"),
            Self::GrantRevoked(when) => write!(f, "your access was withdrawn {when}"),
            Self::Disabled => f.write_str("your account is disabled in the directory"),
            Self::Removed => f.write_str("your account is no longer in the directory"),
            Self::Observer => f.write_str("you are an observer here: you may look, but not submit jobs"),
            Self::AccountNotGranted(account, None) => {
                write!(f, "you hold no grant for account {}", Shown(account))
            }
            Self::AccountNotGranted(account, Some(other)) => {
                write!(f, "you hold no grant for account {}, but you do for {other}", Shown(account))
            }
            Self::NoAccount => f.write_str("name an account with -A: you have no default account"),
            Self::BeginsAfterGrant(when) => write!(f, "the job would begin after your access ends, {when}"),
            Self::NoTimeLimit("") => f.write_str("name a time limit with -t"),
            Self::NoTimeLimit(partition) => {
                write!(f, "name a time limit with -t: partition {} has none of its own", Shown(partition))
            }
            Self::RunningJobs { owner, asked, present, limit } => {
                write!(
                    f,
                    "{} may have {limit} jobs running: {present} are running or waiting, and this asks for {asked} more",
                    Subject(owner)
                )
            }
            Self::QueuedJobs { owner, asked, present, limit } => {
                write!(
                    f,
                    "{} may have {limit} jobs waiting: {present} wait already, and this asks for {asked} more",
                    Subject(owner)
                )
            }
            Self::AtOnce { owner, what, alone, asked, present, limit } => {
                let amount = |amount| Amount { what, amount };
                let subject = Subject(owner);
                if alone {
                    write!(
                        f,
                        "{subject} may have {} at the same time, and one job asks for {}",
                        amount(limit),
                        Bare(amount(asked))
                    )
                } else {
                    write!(
                        f,
                        "{subject} may have {} at the same time: running and waiting jobs take {}, and this asks for {} more",
                        amount(limit),
                        Bare(amount(present)),
                        Bare(amount(asked))
                    )
                }
            }
            Self::Consumed { owner, what, within, next, asked, used, in_flight, limit, ends } => {
                let amount = |amount| Consumption { what, amount };
                write!(f, "{} may use {} {}", Subject(owner), amount(limit), Span { within, next })?;
                match (within, next, ends) {
                    (Within::Grant, _, "") => f.write_str(", which has no end")?,
                    (_, true, _) => write!(f, ", which begins {ends}")?,
                    (_, false, _) => write!(f, ", which ends {ends}")?,
                }
                write!(
                    f,
                    ": {} are used, {} are in flight, and this job may use {}",
                    Bare(amount(used)),
                    Bare(amount(in_flight)),
                    Bare(amount(asked))
                )
            }
            Self::QueueNotGranted(queue, names) => {
                write!(f, "queue {} is not yours to use; you may use: {names}", Shown(queue))
            }
            Self::QueueTime { queue, minutes } => {
                write!(
                    f,
                    "a job in queue {} may run for {minutes} minutes at most; name a shorter time limit with -t",
                    Shown(queue)
                )
            }
            Self::CostCenterMissing(names) => {
                write!(f, "name a cost centre with --wckey; known are: {names}")
            }
            Self::CostCenterUnknown(name, names) => {
                write!(f, "cost centre {} cannot be charged here; known are: {names}", Shown(name))
            }
            Self::Storage { owner, used, limit, place } => {
                write!(
                    f,
                    "{} may store {} on {}, and {} are stored; remove some before submitting",
                    Subject(owner),
                    Bytes(limit),
                    Shown(place),
                    Bytes(used)
                )
            }
            Self::WindowClosed { window, until, at_once } => {
                let when = if at_once { "now" } else { "then" };
                match until {
                    Some(until) => write!(f, "{window} is closed {when}: this job could begin {until}"),
                    None => {
                        write!(f, "{window} is closed {when}, and no opening is known at which this job could begin")
                    }
                }
            }
            Self::EndsOutside { window, closes, seconds, until } => write!(
                f,
                "{window} closes {closes}, and this job may run for {}: it could begin {until}",
                Duration(seconds)
            ),
            Self::LongerThanWindow { window, seconds, longest } => write!(
                f,
                "this job may run for {}, and {window} is never open for so long: {} at most",
                Duration(seconds),
                Duration(longest)
            ),
            Self::NotYetSeen => f.write_str("the job is too new to be enlarged; try again in a few seconds"),
            Self::Input(what) => write!(f, "the request's {what} cannot be read"),
        }
    }
}

/// "you" or "account x", at the start of a sentence.
struct Subject<'s>(Owner<'s>);

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Owner::You => f.write_str("you"),
            Owner::YouIn(name) => write!(f, "you in account {name}"),
            Owner::YouInQueue(name) => write!(f, "you in queue {name}"),
            Owner::Grant(id) => write!(f, "you by grant G{id}"),
            Owner::Account(name) => write!(f, "account {name}"),
        }
    }
}

/// A name that came from outside: cut, and free of what a terminal would obey.
struct Shown<'s>(&'s str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars().take(64) {
            if character.is_control() {
                f.write_str("?")?;
            } else {
                write!(f, "{character}")?;
            }
        }
        if self.0.chars().nth(64).is_some() { f.write_str("…") } else { Ok(()) }
    }
}

/// Seconds as hours, minutes and seconds.
struct Duration(u64);

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:02}:{:02}", self.0 / 3_600, self.0 / 60 % 60, self.0 % 60)
    }
}

/// "this month", "next month", "under the grant".
struct Span {
    within: Within,
    next: bool,
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.within, self.next) {
            (Within::Period(PeriodKind::Day), false) => f.write_str("today"),
            (Within::Period(PeriodKind::Day), true) => f.write_str("tomorrow"),
            (Within::Period(kind), false) => write!(f, "this {}", kind.word()),
            (Within::Period(kind), true) => write!(f, "next {}", kind.word()),
            (Within::Grant, _) => f.write_str("under it"),
        }
    }
}

/// An amount at one instant with its unit.
#[derive(Clone, Copy)]
struct Amount<'s> {
    what: What<'s>,
    amount: u64,
}

/// An amount times seconds with its unit.
#[derive(Clone, Copy)]
struct Consumption<'s> {
    what: What<'s>,
    amount: u64,
}

/// The number without its unit.
struct Bare<T>(T);

impl fmt::Display for Bare<Amount<'_>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.what.resource {
            Resource::Memory => Fraction { number: self.0.amount, of: 1_024 }.fmt(f),
            _ => self.0.amount.fmt(f),
        }
    }
}

impl fmt::Display for Amount<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Bare(*self).fmt(f)?;
        match self.what.resource {
            Resource::Cpu => f.write_str(" CPUs"),
            Resource::Gpu => f.write_str(" GPUs"),
            Resource::GpuType(_) => write!(f, " {} GPUs", self.what.name),
            Resource::Memory => f.write_str(" GB of memory"),
            Resource::Node => f.write_str(" nodes"),
            Resource::Money => write!(f, " {}", self.what.name),
        }
    }
}

impl fmt::Display for Bare<Consumption<'_>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.what.resource {
            Resource::Memory => Fraction { number: self.0.amount, of: 3_600 * 1_024 }.fmt(f),
            Resource::Money => Fraction { number: self.0.amount, of: MONEY }.fmt(f),
            _ => Hours(self.0.amount).fmt(f),
        }
    }
}

impl fmt::Display for Consumption<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Bare(*self).fmt(f)?;
        match self.what.resource {
            Resource::Cpu => f.write_str(" CPU-hours"),
            Resource::Gpu => f.write_str(" GPU-hours"),
            Resource::GpuType(_) => write!(f, " {} GPU-hours", self.what.name),
            Resource::Memory => f.write_str(" GB-hours of memory"),
            Resource::Node => f.write_str(" node-hours"),
            Resource::Money => write!(f, " {}", self.what.name),
        }
    }
}

/// How much of [`Resource::Money`] over time is one unit of the currency: millionths an hour, times seconds.
pub const MONEY: u64 = 1_000_000 * 3_600;

/// A number of parts as a decimal with two places, rounded down.
struct Fraction {
    number: u64,
    of: u64,
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = u128::from(self.number % self.of) * 100 / u128::from(self.of);
        write!(f, "{}.{rest:02}", self.number / self.of)
    }
}

/// CPU-seconds as CPU-hours with two decimals, rounded down.
pub struct Hours(pub u64);

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Fraction { number: self.0, of: 3_600 }.fmt(f)
    }
}

/// An amount of [`Resource::Money`] over time as units of the currency with two decimals, rounded down.
pub struct Money(pub u64);

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Fraction { number: self.0, of: MONEY }.fmt(f)
    }
}

/// Bytes in the largest binary unit that leaves a whole part.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        match units.into_iter().find(|(of, _)| self.0 >= *of) {
            Some((of, unit)) => write!(f, "{} {unit}", Fraction { number: self.0, of }),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_all_codes_then_no_two_share_a_number_and_they_ascend() {
        assert!(Code::ALL.windows(2).all(|pair| pair[0].as_str() < pair[1].as_str()));
    }

    #[test]
    fn given_a_quota_then_the_sentence_has_every_number() {
        let reason = Reason::Consumed {
            owner: Owner::Account("physics"),
            what: What { resource: Resource::Cpu, name: "" },
            within: Within::Period(PeriodKind::Month),
            next: false,
            asked: 57_600,
            used: 324_000,
            in_flight: 28_800,
            limit: 360_000,
            ends: "2026-12-01 00:00 CET",
        };
        assert_eq!(
            reason.text("Ask hpc@example.org."),
            "account physics may use 100.00 CPU-hours this month, which ends 2026-12-01 00:00 CET: 90.00 are used, 8.00 are \
             in flight, and this job may use 16.00\nBSR-152: Ask hpc@example.org."
        );
    }

    #[test]
    fn given_each_resource_then_its_amounts_have_its_unit() {
        let consumed = |resource, name, scale: u64| {
            let (what, within, limit) = (What { resource, name }, Within::Grant, 12 * scale);
            let (owner, ends) = (Owner::Grant(7), "");
            Reason::Consumed { owner, what, within, next: false, asked: scale / 2, used: 0, in_flight: 0, limit, ends }
                .to_string()
        };
        assert_eq!(
            consumed(Resource::Money, "EUR", MONEY),
            "you by grant G7 may use 12.00 EUR under it, which has no end: 0.00 are used, 0.00 are in flight, and this job \
             may use 0.50"
        );
        assert!(consumed(Resource::Memory, "", 3_600 * 1_024).contains(" 12.00 GB-hours of memory "));
        assert!(consumed(Resource::GpuType(3), "a100", 3_600).contains(" 12.00 a100 GPU-hours "));
        let what = What { resource: Resource::Memory, name: "" };
        let alone = Reason::AtOnce { owner: Owner::You, what, alone: true, asked: 3_072, present: 0, limit: 2_560 };
        assert_eq!(alone.to_string(), "you may have 2.50 GB of memory at the same time, and one job asks for 3.00");
    }

    #[test]
    fn given_many_names_then_the_list_is_cut() {
        let many = ["q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8", "q9"];
        let text = Reason::QueueNotGranted("high", many.into_iter().collect()).to_string();
        assert_eq!(text, "queue high is not yours to use; you may use: q0, q1, q2, q3, q4 and 5 more");
        assert!(Reason::CostCenterMissing(Names::default()).to_string().ends_with("known are: none"));
    }

    #[test]
    fn given_a_hostile_name_then_the_sentence_stays_one_short_line() {
        let name = "x\n\u{1b}[2J".repeat(100);
        let text = Reason::AccountNotGranted(&name, None).to_string();
        assert!(text.len() < 150 && !text.contains(char::is_control), "{text:?}");
    }
}
