//! What a job can cost at most, whatever slurmctld makes of it.
//!
//! Slurm may give a job more than it asked for: whole cores, whole nodes, the upper end of a node range, extra CPUs
//! for memory. The bound is never below that; it is what a booking holds until the real allocation is known.

use super::gres::{Most, Multiples};
use super::request::{GpusBy, Memory, Request, Shape, TimeLimit};
use crate::snapshot::{ClusterFacts, PartitionRef, Snapshot};
use crate::tres::{Gpus, Resource, Tres};

/// What one run of one job can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Cost {
    /// What it has at the same time; of money, the price of an hour.
    pub tres: Tres,
    /// Seconds of running.
    pub seconds: u64,
}

impl Cost {
    /// So many CPUs for so long, and nothing else.
    pub fn of_cpus(cpus: u64, seconds: u64) -> Self {
        Self { tres: Tres::of_cpus(cpus), seconds }
    }

    /// CPUs at the same time.
    pub fn cpus(&self) -> u64 {
        self.tres.cpus()
    }

    /// CPU-seconds of one run, at the largest number rather than wrapping.
    pub fn cpu_seconds(&self) -> u64 {
        self.cpus().saturating_mul(self.seconds)
    }

    /// The larger of each.
    #[must_use]
    pub fn larger(&self, other: &Self) -> Self {
        Self { tres: self.tres.larger(&other.tres), seconds: self.seconds.max(other.seconds) }
    }
}

/// The bound of a request, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound<'s> {
    /// The most it can cost in the costliest partition of its list.
    Cost(Cost),
    /// No limit on its time in this partition (empty when none is known).
    Timeless(&'s str),
}

/// Bounds `request` by the partitions that it may run in.
///
/// Partitions that the snapshot does not know are left to slurmctld, which refuses them itself; if none is known the
/// job is bounded by its own numbers alone.
pub fn bound<'s>(snapshot: &'s Snapshot, request: &Request<'_>) -> Bound<'s> {
    let facts = snapshot.facts();
    let factor = factor(snapshot, request.qos);
    let mut worst = None;
    let mut weigh = |partition: PartitionRef<'s>| -> Result<(), &'s str> {
        let seconds = seconds(&facts, &partition, request.time_limit).ok_or(partition.name)?;
        let mut tres = amounts(snapshot, &facts, Some(&partition), request);
        // A live job holds at least what it is known to have asked for; a type that is not told may be any.
        let price = partition.prices.of(&tres, &partition.gpus_per_node);
        tres = tres.with(Resource::Money, charged(price, factor));
        let cost = Cost { tres, seconds };
        worst = Some(worst.map_or(cost, |known: Cost| known.larger(&cost)));
        Ok(())
    };
    let outcome = match request.partition {
        Some(list) => list.split(',').filter_map(|name| snapshot.partition(name.trim())).try_for_each(&mut weigh),
        None => snapshot.partitions().filter(|partition| partition.default).try_for_each(&mut weigh),
    };
    match (outcome, worst, request.time_limit) {
        (Err(timeless), _, _) => Bound::Timeless(timeless),
        (Ok(()), Some(cost), _) => Bound::Cost(cost),
        (Ok(()), None, TimeLimit::Minutes(minutes)) => Bound::Cost(Cost {
            tres: amounts(snapshot, &facts, None, request),
            seconds: u64::from(minutes) * 60 + facts.slack,
        }),
        (Ok(()), None, _) => Bound::Timeless(""),
    }
}

/// The most seconds a run can last here; `None` is for ever.
fn seconds(facts: &ClusterFacts, partition: &PartitionRef<'_>, asked: TimeLimit) -> Option<u64> {
    let minutes = match asked {
        TimeLimit::Minutes(minutes) => minutes,
        TimeLimit::Unset => partition.default_minutes.or(partition.max_minutes)?,
        TimeLimit::Unlimited => partition.max_minutes?,
    };
    let over = partition.over_minutes?;
    Some((u64::from(minutes) + u64::from(over)) * 60 + facts.slack)
}

/// What a price becomes by a queue's factor in millionths, rounded up.
pub fn charged(price: u64, factor: u64) -> u64 {
    let millionths = u128::from(price) * u128::from(factor);
    u64::try_from(millionths.div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// The largest charge factor of the queues that the job may run in, in millionths; QOS that are no queue's charge once.
fn factor(snapshot: &Snapshot, qos: Option<&str>) -> u64 {
    const ONCE: u64 = 1_000_000;
    match qos {
        None => snapshot.queues().find(|queue| queue.is_default()).map_or(ONCE, |queue| queue.factor()),
        Some(list) => list
            .split(',')
            .map(|name| snapshot.queue(&name.trim().to_ascii_lowercase()).map_or(ONCE, |queue| queue.factor()))
            .max()
            .unwrap_or(ONCE),
    }
}

/// The most of everything that a job can be given here, but for money.
fn amounts(
    snapshot: &Snapshot,
    facts: &ClusterFacts,
    partition: Option<&PartitionRef<'_>>,
    request: &Request<'_>,
) -> Tres {
    let shape = &request.shape;
    let most = partition.map_or(u64::MAX, |partition| u64::from(partition.max_nodes.max(1)));
    let nodes = nodes(shape).min(most);
    let tasks = tasks(shape, nodes);
    let whole = shape.whole_nodes || facts.whole_nodes || partition.is_some_and(|partition| partition.whole_nodes);
    let sockets = partition.map_or(1, |partition| u64::from(partition.sockets_per_node.max(1)));
    let multiples = Multiples { nodes, sockets: nodes.saturating_mul(sockets), tasks };
    let times = match shape.gpus_by {
        GpusBy::Job => 1,
        GpusBy::Node => nodes,
        GpusBy::Task => tasks,
    };
    let listed = Most::of(&shape.gpus, times);
    let mut gpus = request.gpus.most(snapshot.gpu_types(), &multiples).larger(&listed);
    if let Some(partition) = partition {
        let there = Most::of(&partition.gpus_per_node, nodes);
        gpus = if whole { there } else { gpus.smaller(&there) };
    }
    // A GPU brings CPUs that were asked for each, or those of the partition's default where no CPUs were named.
    let default = partition.and_then(|partition| partition.cpus_per_gpu).filter(|_| shape.cpus_per_task.is_none());
    let each = request.gpus.cpus_each().or(shape.cpus_per_gpu.or(default).map(u64::from));
    let brought = each.unwrap_or(0).saturating_mul(gpus.all);
    let cpus = wanted(facts, partition, shape, nodes, tasks, brought);
    let cpus = match partition {
        None => cpus,
        Some(partition) => {
            let all = nodes.saturating_mul(u64::from(partition.cpus_per_node.max(1)));
            if whole || shape.open_ended { all } else { cpus.min(all) }
        }
    };
    let default = partition.and_then(|partition| partition.memory_per_gpu);
    let each = request.gpus.memory_each().or(shape.memory_per_gpu).or(default);
    let carried = each.unwrap_or(0).saturating_mul(gpus.all);
    let mut tres = Tres::of_cpus(cpus)
        .with(Resource::Node, nodes)
        .with(Resource::Memory, memory(partition, shape, whole, nodes, cpus).max(carried))
        .with(Resource::Gpu, gpus.all);
    for (which, count) in (0..).zip(gpus.typed) {
        tres = tres.with(Resource::GpuType(which), count);
    }
    tres
}

/// The most MiB a job can be given: what it asks for, else the default, else all of the nodes.
fn memory(partition: Option<&PartitionRef<'_>>, shape: &Shape, whole: bool, nodes: u64, cpus: u64) -> u64 {
    let all = partition.map_or(u64::MAX, |partition| nodes.saturating_mul(partition.memory_per_node));
    let asked = match (shape.memory, partition) {
        (Memory::Unset, Some(partition)) => partition.default_memory,
        (own, _) => own,
    };
    match asked {
        _ if whole && partition.is_some() => all,
        Memory::PerNode(0) | Memory::Unset => {
            if partition.is_some() {
                all
            } else {
                0
            }
        }
        Memory::PerNode(mib) => mib.saturating_mul(nodes).min(all),
        Memory::PerCpu(mib) => mib.saturating_mul(cpus).min(all),
    }
}

/// What a running job has that is not told: GPUs without a type may be of any that its partition has.
#[must_use]
pub fn with_untold_types(tres: Tres, partition: &Gpus) -> Tres {
    let told =
        (0..).zip(&partition.typed).map(|(which, _)| tres.get(Resource::GpuType(which))).fold(0, u64::saturating_add);
    let untold = tres.get(Resource::Gpu).saturating_sub(told);
    (0..).zip(&partition.typed).filter(|(_, there)| **there > 0).fold(tres, |all, (which, _)| {
        let resource = Resource::GpuType(which);
        all.with(resource, all.get(resource).saturating_add(untold))
    })
}

/// The most nodes the request allows, before the partition's own size.
fn nodes(shape: &Shape) -> u64 {
    let least = u64::from(shape.min_nodes.unwrap_or(1).max(1));
    if let Some(most) = shape.max_nodes {
        return u64::from(most).max(least);
    }
    // GPUs of the whole job lie anywhere, unless nodes were named.
    let least = if shape.gpus_by == GpusBy::Job { least.max(shape.gpus.all.into()) } else { least };
    // A task never spans nodes, so there are no more nodes than tasks, unless CPUs are asked for beyond the tasks'.
    let min_cpus = u64::from(shape.min_cpus);
    let spread = match shape.tasks.map(u64::from) {
        Some(tasks) if min_cpus <= tasks.saturating_mul(u64::from(shape.cpus_per_task.unwrap_or(1))) => tasks,
        _ => min_cpus,
    };
    least.max(spread)
}

/// The most tasks the request comes to on so many nodes.
fn tasks(shape: &Shape, nodes: u64) -> u64 {
    // A node of a range that was asked for by number gets at least one task, with all CPUs of a task.
    let spanned = u64::from(shape.max_nodes.or(shape.min_nodes).unwrap_or(1)).min(nodes);
    u64::from(shape.tasks.unwrap_or(1))
        .max(spanned)
        .max(u64::from(shape.tasks_per_node.unwrap_or(0)).saturating_mul(nodes))
        .max(1)
}

/// What the request's own numbers come to in CPUs, rounded up as slurmctld rounds.
///
/// `brought` are CPUs that come with GPUs.
fn wanted(
    facts: &ClusterFacts,
    partition: Option<&PartitionRef<'_>>,
    shape: &Shape,
    nodes: u64,
    tasks: u64,
    brought: u64,
) -> u64 {
    let max_mem_per_cpu = partition.and_then(|partition| partition.max_mem_per_cpu).filter(|&mib| mib > 0);
    let mut per_task = u64::from(shape.cpus_per_task.unwrap_or(1)).max(1);
    let mut per_node = u64::from(shape.cpus_per_node.unwrap_or(0));
    // MaxMemPerCPU turns memory into CPUs: slurmctld raises the CPU count until the share per CPU fits.
    match (shape.memory, max_mem_per_cpu) {
        (Memory::PerCpu(mib), Some(most)) => per_task = per_task.saturating_mul(mib.div_ceil(most).max(1)),
        (Memory::PerNode(mib), Some(most)) => {
            let inflated = mib.div_ceil(most);
            per_task = per_task.max(inflated);
            per_node = per_node.max(inflated);
        }
        _ => {}
    }
    let wanted = u64::from(shape.min_cpus)
        .max(tasks.saturating_mul(per_task))
        .max(per_node.saturating_mul(nodes))
        .max(nodes)
        .max(brought);
    let widened = if shape.one_per_core || facts.one_task_per_core {
        wanted.saturating_mul(u64::from(facts.threads_per_core.max(1)))
    } else {
        wanted
    };
    widened.saturating_add(nodes.saturating_mul(u64::from(facts.granule.max(1) - 1)))
}
