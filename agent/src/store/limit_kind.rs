//! The kinds of limit: what is counted and over what, each with its word and the unit of its amount.
//!
//! A word says both: `cpus`, `memory-gb`, `gpu-hours-per-month`, `money-per-grant`. A GPU type stands before it, as in
//! `a100-gpus` and `a100-gpu-hours-per-week`.

use std::fmt;

use bursar_policy::reason::MONEY;
use bursar_policy::{Measure, PeriodKind, Resource};

/// The name of a type of GPU, as Slurm has it: up to 23 letters, digits, `_`, `.` and `-`, in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GpuType {
    bytes: [u8; Self::MOST],
    len: u8,
}

impl GpuType {
    /// The longest name.
    pub const MOST: usize = 23;

    /// The type of this name; nothing when it is none.
    pub fn new(name: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        let mut bytes = [0; Self::MOST];
        let folded = name.to_ascii_lowercase();
        bytes.get_mut(..folded.len())?.copy_from_slice(folded.as_bytes());
        let sound = !folded.is_empty() && folded.bytes().all(allowed);
        sound.then_some(Self { bytes, len: u8::try_from(folded.len()).ok()? })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        self.bytes.get(..usize::from(self.len)).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
    }
}

impl fmt::Display for GpuType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thing {
    /// CPUs.
    Cpu,
    /// GPUs, of any type or of one.
    Gpu(Option<GpuType>),
    /// Memory.
    Memory,
    /// Nodes.
    Node,
    /// Money.
    Money,
}

/// Over what consumption is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Over {
    /// A calendar period.
    Period(PeriodKind),
    /// The life of a grant.
    Grant,
}

impl Over {
    /// Every one, in the order of the help.
    pub const ALL: [Self; 6] = [
        Self::Period(PeriodKind::Day),
        Self::Period(PeriodKind::Week),
        Self::Period(PeriodKind::Month),
        Self::Period(PeriodKind::Quarter),
        Self::Period(PeriodKind::Year),
        Self::Grant,
    ];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Period(kind) => kind.word(),
            Self::Grant => "grant",
        }
    }
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LimitKind {
    /// Jobs running at once; jobs.
    RunningJobs,
    /// Jobs waiting at once; jobs.
    QueuedJobs,
    /// What running jobs have at once; CPUs, GPUs, MiB or nodes.
    AtOnce(Thing),
    /// What is consumed: the same times seconds, or [`MONEY`]ths of the currency.
    Consumed(Thing, Over),
}

/// In what a limit's amount is written by people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A whole number of jobs, CPUs, GPUs or nodes.
    Count,
    /// Hours; the amount is in seconds.
    Hours,
    /// GiB, GiB-hours or units of the currency, as a decimal; the amount has so many parts of one.
    Decimal(u64),
}

const MIB_IN_GIB: u64 = 1_024;

impl LimitKind {
    /// Every kind that names no GPU type, in the order of the help.
    pub fn all() -> impl Iterator<Item = Self> {
        let at_once = [Thing::Cpu, Thing::Gpu(None), Thing::Memory, Thing::Node].map(Self::AtOnce);
        let consumed = [Thing::Cpu, Thing::Gpu(None), Thing::Memory, Thing::Node, Thing::Money]
            .into_iter()
            .flat_map(|thing| Over::ALL.map(|over| Self::Consumed(thing, over)));
        [Self::RunningJobs, Self::QueuedJobs].into_iter().chain(at_once).chain(consumed)
    }

    /// The word for it in the store, in files and on the command line.
    pub fn word(self) -> String {
        self.to_string()
    }

    /// The kind that `word` stands for.
    pub fn parse(word: &str) -> Option<Self> {
        if let Some(kind) = Self::all().find(|kind| kind.word() == word) {
            return Some(kind);
        }
        // The type's own name may have hyphens; it is what stands before the last word that fits.
        let typed = |at: usize| {
            let of = GpuType::new(word.get(..at)?)?;
            let rest = word.get(at + 1..)?;
            Self::all().filter(|kind| kind.word() == rest).find_map(|kind| kind.of_type(of))
        };
        word.match_indices('-').find_map(|(at, _)| typed(at))
    }

    /// The same kind for one type of GPU; nothing for a kind that counts no GPUs.
    pub fn of_type(self, of: GpuType) -> Option<Self> {
        match self {
            Self::AtOnce(Thing::Gpu(None)) => Some(Self::AtOnce(Thing::Gpu(Some(of)))),
            Self::Consumed(Thing::Gpu(None), over) => Some(Self::Consumed(Thing::Gpu(Some(of)), over)),
            _ => None,
        }
    }

    /// The GPU type that it names.
    pub fn gpu_type(self) -> Option<GpuType> {
        match self {
            Self::AtOnce(Thing::Gpu(of)) | Self::Consumed(Thing::Gpu(of), _) => of,
            _ => None,
        }
    }

    /// The period over which consumption is counted, if it is one.
    pub const fn period(self) -> Option<PeriodKind> {
        match self {
            Self::Consumed(_, Over::Period(kind)) => Some(kind),
            _ => None,
        }
    }

    /// Whether it counts over the life of a grant.
    pub const fn is_of_grant(self) -> bool {
        matches!(self, Self::Consumed(_, Over::Grant))
    }

    /// In what its amount is written.
    pub const fn unit(self) -> Unit {
        match self {
            Self::RunningJobs | Self::QueuedJobs => Unit::Count,
            Self::AtOnce(Thing::Memory) => Unit::Decimal(MIB_IN_GIB),
            Self::AtOnce(_) => Unit::Count,
            Self::Consumed(Thing::Memory, _) => Unit::Decimal(MIB_IN_GIB * 3_600),
            Self::Consumed(Thing::Money, _) => Unit::Decimal(MONEY),
            Self::Consumed(..) => Unit::Hours,
        }
    }

    /// How a snapshot counts it, `types` being the GPU types that it tells apart; nothing for a type that is not there.
    pub fn measure(self, types: &[String]) -> Option<Measure> {
        Some(match self {
            Self::RunningJobs => Measure::RunningJobs,
            Self::QueuedJobs => Measure::QueuedJobs,
            Self::AtOnce(thing) => Measure::AtOnce(thing.resource(types)?),
            Self::Consumed(thing, Over::Period(kind)) => Measure::Within(kind, thing.resource(types)?),
            Self::Consumed(thing, Over::Grant) => Measure::OfGrant(thing.resource(types)?),
        })
    }
}

impl Thing {
    /// Its place in a snapshot that tells `types` apart.
    pub fn resource(self, types: &[String]) -> Option<Resource> {
        Some(match self {
            Self::Cpu => Resource::Cpu,
            Self::Gpu(None) => Resource::Gpu,
            Self::Gpu(Some(of)) => {
                let at = types.iter().position(|known| known == of.as_str())?;
                Resource::GpuType(u8::try_from(at).ok()?)
            }
            Self::Memory => Resource::Memory,
            Self::Node => Resource::Node,
            Self::Money => Resource::Money,
        })
    }
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(of) = self.gpu_type() {
            write!(f, "{of}-")?;
        }
        match self {
            Self::RunningJobs => f.write_str("running-jobs"),
            Self::QueuedJobs => f.write_str("queued-jobs"),
            Self::AtOnce(Thing::Cpu) => f.write_str("cpus"),
            Self::AtOnce(Thing::Gpu(_)) => f.write_str("gpus"),
            Self::AtOnce(Thing::Memory) => f.write_str("memory-gb"),
            Self::AtOnce(Thing::Node) => f.write_str("nodes"),
            Self::AtOnce(Thing::Money) => f.write_str("money"),
            Self::Consumed(thing, over) => {
                let what = match thing {
                    Thing::Cpu => "cpu-hours",
                    Thing::Gpu(_) => "gpu-hours",
                    Thing::Memory => "memory-gb-hours",
                    Thing::Node => "node-hours",
                    Thing::Money => "money",
                };
                write!(f, "{what}-per-{}", over.word())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_every_kind_then_its_word_means_it_and_no_other() {
        let of = GpuType::new("H100-80.sxm").unwrap();
        let typed: Vec<LimitKind> = LimitKind::all().filter_map(|kind| kind.of_type(of)).collect();
        assert_eq!(typed.len(), 1 + Over::ALL.len());
        for kind in LimitKind::all().chain(typed) {
            assert_eq!(LimitKind::parse(&kind.word()), Some(kind), "{kind}");
        }
        assert_eq!(LimitKind::parse("h100-80.sxm-gpu-hours-per-month").unwrap().gpu_type(), Some(of));
        for word in ["", "gpu", "-gpus", "a100-cpus", "money", "cpu-hours-per-decade", "a100-gpu-hours"] {
            assert_eq!(LimitKind::parse(word), None, "{word:?}");
        }
    }

    #[test]
    fn given_a_type_that_is_not_told_apart_then_it_is_not_counted() {
        let kind = LimitKind::parse("a100-gpus").unwrap();
        assert_eq!(kind.measure(&["a100".into()]), Some(Measure::AtOnce(Resource::GpuType(0))));
        assert_eq!(kind.measure(&["h100".into()]), None);
        assert!(GpuType::new(&"x".repeat(24)).is_none() && GpuType::new("a b").is_none());
    }
}
