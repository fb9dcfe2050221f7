//! What a job can cost at most, whatever slurmctld makes of it.
//!
//! Slurm may give a job more than it asked for: whole cores, whole nodes, the upper end of a node range, extra CPUs
//! for memory. The bound is never below that; it is what a booking holds until the real allocation is known.

use super::request::{Memory, Request, Shape, TimeLimit};
use crate::snapshot::{ClusterFacts, PartitionRef, Snapshot};

/// What one run of one job can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Cost {
    /// CPUs at the same time.
    pub cpus: u64,
    /// Seconds of running.
    pub seconds: u64,
}

impl Cost {
    /// CPU-seconds of one run, at the largest number rather than wrapping.
    pub const fn cpu_seconds(self) -> u64 {
        self.cpus.saturating_mul(self.seconds)
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
    let mut worst = None;
    let mut weigh = |partition: PartitionRef<'s>| -> Result<(), &'s str> {
        let seconds = seconds(&facts, &partition, request.time_limit).ok_or(partition.name)?;
        let cost = Cost { cpus: cpus(&facts, &partition, &request.shape), seconds };
        let worse: Cost = worst.map_or(cost, |known: Cost| Cost {
            cpus: known.cpus.max(cost.cpus),
            seconds: known.seconds.max(cost.seconds),
        });
        worst = Some(worse);
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
            cpus: wanted(&facts, None, &request.shape),
            seconds: u64::from(minutes) * 60 + facts.slack,
        }),
        (Ok(()), None, _) => Bound::Timeless(""),
    }
}

/// Bounds a job as slurmctld lists it with the partitions `listed_in`.
///
/// A job that gave no time limit is listed with that of its first partition, and takes the one of the partition that
/// it starts in. It cannot be told from a job that asked for just as long, so the longer of both counts.
pub fn bound_listed<'s>(snapshot: &'s Snapshot, request: &Request<'_>, listed_in: Option<&str>) -> Bound<'s> {
    let own = bound(snapshot, request);
    let mut known = listed_in.into_iter().flat_map(|list| list.split(',')).filter_map(|name| snapshot.partition(name));
    let given = |partition: PartitionRef<'s>| {
        let default = partition.default_minutes.or(partition.max_minutes);
        default.map_or(TimeLimit::Unlimited, TimeLimit::Minutes) == request.time_limit
    };
    if !known.any(given) {
        return own;
    }
    match (own, bound(snapshot, &Request { time_limit: TimeLimit::Unset, ..*request })) {
        (Bound::Cost(own), Bound::Cost(other)) => {
            Bound::Cost(Cost { cpus: own.cpus.max(other.cpus), seconds: own.seconds.max(other.seconds) })
        }
        (Bound::Timeless(partition), _) | (_, Bound::Timeless(partition)) => Bound::Timeless(partition),
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

/// The most CPUs a job of this shape can be given here.
fn cpus(facts: &ClusterFacts, partition: &PartitionRef<'_>, shape: &Shape) -> u64 {
    let nodes = nodes(shape).min(u64::from(partition.max_nodes.max(1)));
    let all = nodes.saturating_mul(u64::from(partition.cpus_per_node.max(1)));
    if shape.whole_nodes || shape.open_ended || facts.whole_nodes || partition.whole_nodes {
        return all;
    }
    wanted(facts, Some((partition, nodes)), shape).min(all)
}

/// The most nodes the request allows, before the partition's own size.
fn nodes(shape: &Shape) -> u64 {
    let least = u64::from(shape.min_nodes.unwrap_or(1).max(1));
    if let Some(most) = shape.max_nodes {
        return u64::from(most).max(least);
    }
    // A task never spans nodes, so there are no more nodes than tasks, unless CPUs are asked for beyond the tasks'.
    let min_cpus = u64::from(shape.min_cpus);
    let spread = match shape.tasks.map(u64::from) {
        Some(tasks) if min_cpus <= tasks.saturating_mul(u64::from(shape.cpus_per_task.unwrap_or(1))) => tasks,
        _ => min_cpus,
    };
    least.max(spread)
}

/// What the request's own numbers come to, rounded up as slurmctld rounds.
fn wanted(facts: &ClusterFacts, place: Option<(&PartitionRef<'_>, u64)>, shape: &Shape) -> u64 {
    let nodes = place.map_or_else(|| nodes(shape), |(_, nodes)| nodes);
    let max_mem_per_cpu = place.and_then(|(partition, _)| partition.max_mem_per_cpu).filter(|&mib| mib > 0);
    // A node of a range that was asked for by number gets at least one task, with all CPUs of a task.
    let spanned = u64::from(shape.max_nodes.or(shape.min_nodes).unwrap_or(1)).min(nodes);
    let tasks = u64::from(shape.tasks.unwrap_or(1))
        .max(spanned)
        .max(u64::from(shape.tasks_per_node.unwrap_or(0)).saturating_mul(nodes))
        .max(1);
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
    let wanted =
        u64::from(shape.min_cpus).max(tasks.saturating_mul(per_task)).max(per_node.saturating_mul(nodes)).max(nodes);
    let widened = if shape.one_per_core || facts.one_task_per_core {
        wanted.saturating_mul(u64::from(facts.threads_per_core.max(1)))
    } else {
        wanted
    };
    widened.saturating_add(nodes.saturating_mul(u64::from(facts.granule.max(1) - 1)))
}
