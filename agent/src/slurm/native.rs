//! Limits that slurmctld itself holds when a job starts: jobs and resources at once, and what may still be consumed.
//!
//! They are the backstop behind the plugin: a requeue, a race, an edit that took effect by half or an unloaded plugin
//! meets them all the same, because slurmctld looks at them in the scheduler. Measured on 22.05.8:
//!
//! * **What may still be consumed is `GrpTRESRunMins`, kept at what is left of the tightest period.** It bounds the sum
//!   of allocation × remaining time limit over the running jobs, so it needs no usage at all: with a half-life of one
//!   minute and of one year a job waited the same, until the sum was renewed. `safe` is not needed for it, and a running job is never ended.
//! * `GrpTRESMins` is not used: it is compared with usage that decays. With a half-life of one minute and 10 of 20
//!   CPU-minutes consumed, a job of 16 waited for 30 s, and started when decay had given 5 back. Adding the usage to the
//!   limit does not help, because it shrinks between two passes, and the limit would let more through than is left.
//! * A QOS with `NoDecay` for each owner keeps its usage, but a job carries one QOS, which is its queue's, and the
//!   usage would have to be set to zero by hand at each period's end.
//! * Lowering a limit below what runs ends nothing; a limit of 0 lets nothing start. What equals the limit starts.
//! * slurmctld's own sum of remaining time shrinks once in each PriorityCalcPeriod, not every second. In between it is
//!   too large, never too small.
//! * A QOS's UsageFactor counts in slurmctld's sum of what runs, but not for the job that starts, unless the QOS has the
//!   flag UsageFactorSafe: with a factor of 2 and a limit of 10 a job of 6 starts, and after it none of 4.
//! * A job that waited for a limit starts up to half a minute after the limit was raised, with the next backfill pass.
//! * One unknown TRES name fails a whole call, and several are set by one `grptres=`: those not named stay as they are.

use std::collections::BTreeMap;
use std::fmt;

use bursar_policy::{AccountName, UserName};

use super::fields::Tres;

/// What a limit counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// CPUs as Slurm counts them.
    Cpu,
    /// Memory in MB.
    Memory,
    /// Nodes.
    Node,
    /// GPUs of every type.
    Gpu,
    /// GPUs of one type, as in `a100`; a job that names no type is not counted here.
    GpuOf(GpuType),
}

/// The type of a GPU: `[A-Za-z0-9_.-]`, at most 64.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GpuType(String);

impl GpuType {
    /// Accepts `text` as it stands; nothing when Slurm could not read it back.
    pub fn new(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        ((1..=64).contains(&text.len()) && text.bytes().all(fits)).then(|| Self(text.to_owned()))
    }

    /// The type's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Resource {
    /// Reads a TRES name; nothing for one that bursar sets no limit on.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "cpu" => Some(Self::Cpu),
            "mem" => Some(Self::Memory),
            "node" => Some(Self::Node),
            "gres/gpu" => Some(Self::Gpu),
            name => name.strip_prefix("gres/gpu:").and_then(GpuType::new).map(Self::GpuOf),
        }
    }

    /// Whether slurmdbd knows it on every cluster; the others only with AccountingStorageTRES.
    pub const fn is_basic(&self) -> bool {
        matches!(self, Self::Cpu | Self::Memory | Self::Node)
    }
}

impl fmt::Display for Resource {
    /// The TRES name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Memory => f.write_str("mem"),
            Self::Node => f.write_str("node"),
            Self::Gpu => f.write_str("gres/gpu"),
            Self::GpuOf(kind) => write!(f, "gres/gpu:{}", kind.0),
        }
    }
}

/// One limit of an association.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NativeKind {
    /// Jobs running at once in the association and below.
    GrpJobs,
    /// Jobs running and waiting at once.
    GrpSubmitJobs,
    /// A resource at once; memory in MB.
    GrpTres(Resource),
    /// What the running jobs may still consume: resource-minutes; memory in MB-minutes.
    GrpTresRunMins(Resource),
}

impl NativeKind {
    /// The resource it counts, if it counts any.
    pub const fn resource(&self) -> Option<&Resource> {
        match self {
            Self::GrpJobs | Self::GrpSubmitJobs => None,
            Self::GrpTres(resource) | Self::GrpTresRunMins(resource) => Some(resource),
        }
    }
}

/// The limits of one association that bursar keeps: a value, or `None` for none; a kind that is missing is not bursar's
/// and stays as it is.
pub type NativeLimits = BTreeMap<NativeKind, Option<u64>>;

/// The limits that an association has.
pub type FoundLimits = BTreeMap<NativeKind, u64>;

/// An association.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// An account's own, which binds everybody in it and below.
    Account(AccountName),
    /// A person's in an account.
    Person(UserName, AccountName),
}

/// Takes the limits of one column into `limits`; TRES that bursar sets no limit on are left out.
pub(super) fn take(limits: &mut FoundLimits, list: &Tres, kind: fn(Resource) -> NativeKind) {
    limits.extend(list.iter().filter_map(|(name, value)| Some((kind(Resource::parse(name)?), *value))));
}

/// The words of `sacctmgr modify ... set` for these limits.
pub(super) fn words(limits: &NativeLimits) -> Vec<String> {
    let number = |value: &Option<u64>| value.map_or_else(|| "-1".to_owned(), |value| value.to_string());
    let mut words = Vec::new();
    let (mut at_once, mut consumed) = (Vec::new(), Vec::new());
    for (kind, value) in limits {
        match kind {
            NativeKind::GrpJobs => words.push(format!("grpjobs={}", number(value))),
            NativeKind::GrpSubmitJobs => words.push(format!("grpsubmitjobs={}", number(value))),
            NativeKind::GrpTres(resource) => at_once.push(format!("{resource}={}", number(value))),
            NativeKind::GrpTresRunMins(resource) => consumed.push(format!("{resource}={}", number(value))),
        }
    }
    for (key, list) in [("grptres", at_once), ("grptresrunmins", consumed)] {
        if !list.is_empty() {
            words.push(format!("{key}={}", list.join(",")));
        }
    }
    words
}

/// The limits for people, as in `running cpu 4, remaining cpu-minutes 600`.
pub(super) fn sentence(limits: &NativeLimits) -> String {
    let number = |value: &Option<u64>| value.map_or_else(|| "unlimited".to_owned(), |value| value.to_string());
    let part = |(kind, value): (&NativeKind, &Option<u64>)| match kind {
        NativeKind::GrpJobs => format!("grp-jobs {}", number(value)),
        NativeKind::GrpSubmitJobs => format!("grp-submit {}", number(value)),
        NativeKind::GrpTres(resource) => format!("{resource} {}", number(value)),
        NativeKind::GrpTresRunMins(resource) => format!("remaining {resource}-minutes {}", number(value)),
    };
    limits.iter().map(part).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slurm::fields::tres;

    #[test]
    fn given_limits_of_every_kind_then_one_call_sets_them_and_clears_what_has_no_value() {
        let gpu = Resource::parse("gres/gpu:a100").unwrap();
        let limits = NativeLimits::from([
            (NativeKind::GrpJobs, Some(3)),
            (NativeKind::GrpSubmitJobs, None),
            (NativeKind::GrpTres(Resource::Cpu), Some(16)),
            (NativeKind::GrpTres(gpu), None),
            (NativeKind::GrpTresRunMins(Resource::Memory), Some(7)),
        ]);
        let expected = ["grpjobs=3", "grpsubmitjobs=-1", "grptres=cpu=16,gres/gpu:a100=-1", "grptresrunmins=mem=7"];
        assert_eq!(words(&limits), expected);
        assert_eq!(
            sentence(&limits),
            "grp-jobs 3, grp-submit unlimited, cpu 16, gres/gpu:a100 unlimited, remaining mem-minutes 7"
        );
    }

    #[test]
    fn given_a_column_of_tres_then_those_that_bursar_limits_are_taken() {
        let mut limits = FoundLimits::new();
        take(&mut limits, &tres("cpu=4,mem=10G,license/x=3,gres/gpu:b c=1,billing=9").unwrap(), NativeKind::GrpTres);
        let of = NativeKind::GrpTres;
        assert_eq!(limits, FoundLimits::from([(of(Resource::Cpu), 4), (of(Resource::Memory), 10_240)]));
    }
}
