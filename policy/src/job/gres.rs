//! GPUs as they are asked for, in both of Slurm's spellings: `gres:gpu:a100:2` and `gres/gpu:a100=2`.

use crate::tres::{GPU_TYPES, Gpus};

/// The texts that ask for generic resources, one for each thing they can be counted by; `None` asks for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GpuAsk<'a> {
    /// `--gpus`.
    pub per_job: Option<&'a str>,
    /// `--gres`, `--gpus-per-node`.
    pub per_node: Option<&'a str>,
    /// `--gpus-per-socket`.
    pub per_socket: Option<&'a str>,
    /// `--gpus-per-task`.
    pub per_task: Option<&'a str>,
    /// `--cpus-per-gpu`.
    pub cpus_per_gpu: Option<&'a str>,
    /// `--mem-per-gpu`, in MiB.
    pub memory_per_gpu: Option<&'a str>,
}

/// How many of each thing a job has at most, by which its requests are multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Multiples {
    pub(super) nodes: u64,
    pub(super) sockets: u64,
    pub(super) tasks: u64,
}

/// The most GPUs that something comes to: of any type, and of each type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Most {
    pub(super) all: u64,
    pub(super) typed: [u64; GPU_TYPES],
}

impl Most {
    /// `factor` times what a node or a request has.
    pub(super) fn of(gpus: &Gpus, factor: u64) -> Self {
        Self {
            all: u64::from(gpus.all).saturating_mul(factor),
            typed: gpus.typed.map(|count| u64::from(count).saturating_mul(factor)),
        }
    }

    fn times(self, factor: u64) -> Self {
        Self { all: self.all.saturating_mul(factor), typed: self.typed.map(|count| count.saturating_mul(factor)) }
    }

    pub(super) fn larger(mut self, other: &Self) -> Self {
        self.all = self.all.max(other.all);
        for (mine, theirs) in self.typed.iter_mut().zip(&other.typed) {
            *mine = (*mine).max(*theirs);
        }
        self
    }

    pub(super) fn smaller(mut self, other: &Self) -> Self {
        self.all = self.all.min(other.all);
        for (mine, theirs) in self.typed.iter_mut().zip(&other.typed) {
            *mine = (*mine).min(*theirs);
        }
        self
    }
}

impl GpuAsk<'_> {
    /// CPUs that each GPU brings.
    pub(super) fn cpus_each(&self) -> Option<u64> {
        self.cpus_per_gpu.map(|text| count(text, std::iter::empty()).all)
    }

    /// MiB that each GPU brings.
    pub(super) fn memory_each(&self) -> Option<u64> {
        self.memory_per_gpu.map(|text| count(text, std::iter::empty()).all)
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The most GPUs that these requests come to, before what the nodes have.
    pub(super) fn most<'t>(&self, types: impl Iterator<Item = &'t str> + Clone, multiples: &Multiples) -> Most {
        let places = [
            (self.per_job, 1),
            (self.per_node, multiples.nodes),
            (self.per_socket, multiples.sockets),
            (self.per_task, multiples.tasks),
        ];
        places
            .into_iter()
            .filter_map(|(text, factor)| Some(count(text?, types.clone()).times(factor)))
            .fold(Most::default(), |most, place| most.larger(&place))
    }
}

/// The GPUs in a list of generic resources; those without a type may be of any, those of a type that is not told apart
/// count only among all.
fn count<'t>(text: &str, types: impl Iterator<Item = &'t str> + Clone) -> Most {
    let mut sum = Most::default();
    for item in text.split([',', ';']).map(str::trim) {
        let Some((kind, amount)) = gpu(item) else { continue };
        sum.all = sum.all.saturating_add(amount);
        // `--gpus=a100:2` of a type that differs in case is refused by slurmctld itself.
        let known = types.clone().zip(&mut sum.typed);
        for (_, slot) in known.filter(|(name, _)| kind.is_none_or(|kind| kind.eq_ignore_ascii_case(name))) {
            *slot = slot.saturating_add(amount);
        }
    }
    sum
}

/// The type and number of one item, if it is of GPUs; an amount that cannot be read is too many to grant.
fn gpu(item: &str) -> Option<(Option<&str>, u64)> {
    let name = item.strip_prefix("gres").and_then(|rest| rest.strip_prefix([':', '/'])).unwrap_or(item);
    let rest = name.strip_prefix("gpu")?;
    let mut parts = match rest.bytes().next() {
        None => return Some((None, 1)),
        Some(b':' | b'=') => rest.get(1..)?.split([':', '=']),
        Some(_) => return None,
    };
    let (first, second) = (parts.next()?, parts.next());
    let number = |text: &str| text.trim().parse().unwrap_or(u64::MAX);
    let is_number = first.bytes().next().is_none_or(|byte| byte.is_ascii_digit());
    Some(match (is_number, second) {
        // A bare `gpu:` has no amount: slurmctld takes one.
        (true, None) if first.is_empty() => (None, 1),
        (true, None) => (None, number(first)),
        (false, None) => (Some(first), 1),
        (_, Some(amount)) => (Some(first), number(amount)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPES: [&str; 2] = ["a100", "h100"];

    fn counted(text: &str) -> (u64, u64, u64) {
        let most = count(text, TYPES.into_iter());
        (most.all, most.typed[0], most.typed[1])
    }

    #[test]
    fn given_both_spellings_then_type_and_number_are_read() {
        for (text, all) in [
            ("gres:gpu", (1, 1, 1)),
            ("gres:gpu:2", (2, 2, 2)),
            ("gres/gpu=2", (2, 2, 2)),
            ("gres/gpu:2", (2, 2, 2)),
            ("gres:gpu:a100", (1, 1, 0)),
            ("gres:gpu:a100:4", (4, 4, 0)),
            ("gres/gpu:h100:4", (4, 0, 4)),
            ("gres/gpu:h100=4", (4, 0, 4)),
            ("gpu:a100:1,gpu:2", (3, 3, 2)),
            ("gres:gpu:v100:3", (3, 0, 0)),
            ("gres:tmpdisk:100,gres:gpus:7", (0, 0, 0)),
            ("gres:gpu:1k", (u64::MAX, u64::MAX, u64::MAX)),
            ("", (0, 0, 0)),
        ] {
            assert_eq!(counted(text), all, "{text:?}");
        }
    }

    #[test]
    fn given_all_four_places_then_the_largest_counts() {
        let ask = GpuAsk {
            per_job: Some("gres:gpu:3"),
            per_node: Some("gres:gpu:a100:2"),
            per_socket: Some("gres:gpu:1"),
            ..GpuAsk::default()
        };
        let multiples = Multiples { nodes: 2, sockets: 4, tasks: 8 };
        let most = ask.most(TYPES.into_iter(), &multiples);
        assert_eq!((most.all, most.typed[0], most.typed[1]), (4, 4, 4));
        let per_task = GpuAsk { per_task: Some("gres/gpu=1"), ..GpuAsk::default() };
        assert_eq!(per_task.most(TYPES.into_iter(), &multiples).all, 8);
        assert!(GpuAsk::default().is_empty() && !ask.is_empty());
    }
}
