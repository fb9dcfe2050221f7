//! Why somebody was refused: one code and one sentence for every cause.
//!
//! Codes are stable: scripts and tickets quote them. A number is never given to another cause.

use std::fmt;

use crate::time::{PeriodKind, Timestamp};

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
    /// The CPU-hours of the day are used up.
    CpuPerDay,
    /// The CPU-hours of the week are used up.
    CpuPerWeek,
    /// The CPU-hours of the month are used up.
    CpuPerMonth,
    /// The job is too new to be changed.
    NotYetSeen,
    /// The request cannot be read.
    Input,
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
    /// Bursar itself.
    Unavailable,
    /// The request.
    Input,
}

impl Code {
    /// Every code, in the order of their numbers.
    pub const ALL: [Self; 20] = [
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
        Self::CpuPerDay,
        Self::CpuPerWeek,
        Self::CpuPerMonth,
        Self::NotYetSeen,
        Self::Input,
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
            Self::CpuPerDay => "BSR-150",
            Self::CpuPerWeek => "BSR-151",
            Self::CpuPerMonth => "BSR-152",
            Self::NotYetSeen => "BSR-160",
            Self::Input => "BSR-170",
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
            | Self::CpuPerDay
            | Self::CpuPerWeek
            | Self::CpuPerMonth
            | Self::NotYetSeen => Kind::Quota,
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
    /// See [`Code::CpuPerDay`], [`Code::CpuPerWeek`], [`Code::CpuPerMonth`]; all amounts in CPU-seconds.
    CpuTime {
        /// Whose limit.
        owner: Owner<'s>,
        /// Which period.
        kind: PeriodKind,
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
        /// When the current period ends, in the site's zone.
        ends: &'s str,
    },
    /// See [`Code::NotYetSeen`].
    NotYetSeen,
    /// See [`Code::Input`]; what cannot be read.
    Input(&'static str),
}

impl Reason<'_> {
    /// The stable name of the cause.
    pub const fn code(&self) -> Code {
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
            Self::CpuTime { kind: PeriodKind::Day, .. } => Code::CpuPerDay,
            Self::CpuTime { kind: PeriodKind::Week, .. } => Code::CpuPerWeek,
            Self::CpuTime { kind: PeriodKind::Month, .. } => Code::CpuPerMonth,
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
            Self::CpuTime { owner, kind, next, asked, used, in_flight, limit, ends } => {
                let which = match (kind, next) {
                    (PeriodKind::Day, false) => "today",
                    (PeriodKind::Day, true) => "tomorrow",
                    (PeriodKind::Week, false) => "this week",
                    (PeriodKind::Week, true) => "next week",
                    (PeriodKind::Month, false) => "this month",
                    (PeriodKind::Month, true) => "next month",
                };
                let when = if next { "which begins" } else { "which ends" };
                write!(
                    f,
                    "{} may use {} CPU-hours {which}, {when} {ends}: {} are used, {} are in flight, and this job may \
                     use {}",
                    Subject(owner),
                    Hours(limit),
                    Hours(used),
                    Hours(in_flight),
                    Hours(asked),
                )
            }
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

/// CPU-seconds as CPU-hours with two decimals, rounded down.
pub struct Hours(pub u64);

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 3_600, self.0 % 3_600 / 36)
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
        let reason = Reason::CpuTime {
            owner: Owner::Account("physics"),
            kind: PeriodKind::Month,
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
    fn given_a_hostile_name_then_the_sentence_stays_one_short_line() {
        let name = "x\n\u{1b}[2J".repeat(100);
        let text = Reason::AccountNotGranted(&name, None).to_string();
        assert!(text.len() < 150 && !text.contains(char::is_control), "{text:?}");
    }
}
