//! Causes with their numbers.

use std::fmt;

use super::code::{Code, Within};
use super::sentence::Shown;
use crate::snapshot::{GovernsRef, When, WindowRef};
use crate::time::Timestamp;
use crate::tres::Resource;

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
