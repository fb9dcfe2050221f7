//! What a waiting job may mean that slurmctld lists.
//!
//! The list leaves open whether a time limit or memory is the partition's default, whether memory is of each CPU or of
//! each node, by what GPUs were asked for, and whether a job named nodes. The job was admitted by what it means, and an
//! edit changes that, so both are reckoned once for each reading.

use super::bound::{Bound, bound};
use super::request::{GpusBy, Memory, Request, Shape, TimeLimit};
use crate::snapshot::Snapshot;
use crate::tres::Gpus;

/// Every job that would be listed like `listed`, as it would have been asked for.
pub(super) fn readings<'a>(snapshot: &Snapshot, listed: &Request<'a>) -> impl Iterator<Item = Request<'a>> + use<'a> {
    let shape = listed.shape;
    let (default_time, default_memory) = defaults(snapshot, listed);
    let times = [Some(listed.time_limit), default_time.then_some(TimeLimit::Unset)];
    let by_node = match shape.memory {
        Memory::PerCpu(mib) if shape.either_memory => Some(Memory::PerNode(mib)),
        _ => None,
    };
    let memories = [Some(shape.memory), by_node, default_memory.then_some(Memory::Unset)];
    // slurmctld 26.05 lists a job that named no nodes with as many as it has tasks.
    let unnamed = shape.max_nodes.is_some() && shape.max_nodes == shape.tasks;
    let most_nodes = [Some(shape.max_nodes), unnamed.then_some(None)];
    let gpus = gpus(&shape);
    let listed = *listed;
    times.into_iter().flatten().flat_map(move |time_limit| {
        memories.into_iter().flatten().flat_map(move |memory| {
            most_nodes.into_iter().flatten().flat_map(move |max_nodes| {
                gpus.into_iter().flatten().map(move |(gpus_by, gpus)| {
                    let shape = Shape { memory, max_nodes, gpus_by, gpus, ..shape };
                    Request { time_limit, shape, ..listed }
                })
            })
        })
    })
}

/// Bounds a job as slurmctld lists it: the most of all that it may mean.
pub fn bound_listed<'s>(snapshot: &'s Snapshot, listed: &Request<'_>) -> Bound<'s> {
    let all = readings(snapshot, listed).map(|reading| bound(snapshot, &reading));
    let larger = |worst: Bound<'s>, other| match (worst, other) {
        (Bound::Cost(worst), Bound::Cost(other)) => Bound::Cost(worst.larger(&other)),
        (timeless @ Bound::Timeless(_), _) | (_, timeless) => timeless,
    };
    all.reduce(larger).unwrap_or(Bound::Timeless(""))
}

/// Whether the time limit and the memory may be those of a partition in the list, because none were named.
///
/// A job is listed with those of its first partition then, and takes those of the one that it starts in.
fn defaults(snapshot: &Snapshot, listed: &Request<'_>) -> (bool, bool) {
    let (mut time, mut memory) = (false, false);
    let names = listed.partition.into_iter().flat_map(|list| list.split(','));
    for partition in names.filter_map(|name| snapshot.partition(name.trim())) {
        let minutes = partition.default_minutes.or(partition.max_minutes);
        time |= minutes.map_or(TimeLimit::Unlimited, TimeLimit::Minutes) == listed.time_limit;
        memory |= mib(partition.default_memory) == mib(listed.shape.memory);
    }
    (time, memory)
}

/// The number of MiB, for each CPU or node; 0 is all of a node.
fn mib(memory: Memory) -> u64 {
    match memory {
        Memory::Unset => 0,
        Memory::PerNode(mib) | Memory::PerCpu(mib) => mib,
    }
}

/// What the GPUs may have been asked for by. Listed are those of the least nodes and of the tasks that were named.
fn gpus(shape: &Shape) -> [Option<(GpusBy, Gpus)>; 3] {
    let own = (GpusBy::Job, shape.gpus);
    if shape.gpus == Gpus::default() {
        return [Some(own), None, None];
    }
    let least = shape.min_nodes.unwrap_or(1).max(1);
    // Every node has a task of its own.
    let tasks = shape.tasks.unwrap_or(1).max(least);
    [Some(own), Some((GpusBy::Node, shared(&shape.gpus, least))), Some((GpusBy::Task, shared(&shape.gpus, tasks)))]
}

/// Those of one part of so many.
fn shared(gpus: &Gpus, parts: u32) -> Gpus {
    Gpus { all: gpus.all.div_ceil(parts), typed: gpus.typed.map(|count| count.div_ceil(parts)) }
}
