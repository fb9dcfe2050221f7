//! The stable names of causes.

use std::fmt;

use crate::time::PeriodKind;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_all_codes_then_no_two_share_a_number_and_they_ascend() {
        assert!(Code::ALL.windows(2).all(|pair| pair[0].as_str() < pair[1].as_str()));
    }
}
