//! What slurmctld could give a job: whole cores, tasks never split, any node count of the range, GPUs and memory by node.

use bursar_policy::job::Memory;
use bursar_policy::snapshot::Partition;

use super::plan::{Ask, GpuPlace, GpuWish};
use super::random::Random;
use super::site::Site;
use super::things::{Amounts, CPU, GPU, GPU_TYPES, MEMORY, MONEY, NODE, TYPED, price};

/// A random one of the possible allocations of `ask` in the partition at `place`, with the price of an hour in `queue`;
/// `None` where the job does not fit at all.
pub(crate) fn allocation(ask: &Ask, site: &Site, place: usize, queue: usize, random: &mut Random) -> Option<Amounts> {
    let partition = &site.cluster.partitions[place];
    let least = ask.least_nodes();
    let most = ask.nodes.map_or_else(|| ask.spread(), |(_, most)| most).min(partition.max_nodes);
    let types: Vec<Option<usize>> = match ask.gpus {
        Some(GpuWish { of: Some(of), .. }) => vec![Some(of)],
        None if !(ask.exclusive || partition.whole_nodes) => vec![None],
        // A node has GPUs of one type, or none.
        _ if partition.gpus_per_node.all == 0 => vec![None],
        _ => (0..GPU_TYPES.len()).map(Some).collect(),
    };
    let granule = site.cluster.facts.granule;
    let all = (least..=most).flat_map(|nodes| types.iter().map(move |of| (nodes, *of)));
    let possible: Vec<Amounts> =
        all.filter_map(|(nodes, of)| on_nodes(ask, partition, granule, nodes, of, random)).collect();
    let mut held = (!possible.is_empty()).then(|| random.pick(&possible))?;
    held[MONEY] = price(&held, &partition.name, queue);
    Some(held)
}

fn on_nodes(
    ask: &Ask,
    partition: &Partition,
    granule: u32,
    nodes: u32,
    of: Option<usize>,
    random: &mut Random,
) -> Option<Amounts> {
    let (per_task, per_node) = cpus_for_memory(ask, partition);
    let tasks = ask.tasks.unwrap_or(1).max(nodes);
    let by_gpus = matches!(ask.gpus, Some(GpuWish { place: GpuPlace::Job, .. }));
    if ask.tasks.is_some_and(|asked| asked < nodes && ask.nodes.is_none()) && !by_gpus {
        return None;
    }
    let (nodes_each, whole) = (u64::from(nodes), ask.exclusive || partition.whole_nodes);
    let gpus = gpus(ask, partition, nodes, tasks, whole, of, random)?;
    let asked_gpus = if ask.gpus.is_some() { gpus as u32 } else { 0 };
    let by_gpu = ask.gpus.and_then(|wish| wish.cpus).unwrap_or(0);
    let mut sum = 0;
    for node in 0..nodes {
        let even = |all: u32| all / nodes + u32::from(node < all % nodes);
        let cpus = (even(tasks) * per_task).max(even(asked_gpus) * by_gpu).max(per_node).next_multiple_of(granule);
        if cpus > partition.cpus_per_node {
            return None;
        }
        sum += u64::from(cpus);
    }
    let mut held = Amounts::default();
    held[NODE] = nodes_each;
    held[CPU] = if whole { nodes_each * u64::from(partition.cpus_per_node) } else { sum };
    held[GPU] = gpus;
    if let Some(of) = of {
        held[TYPED + of] = held[GPU];
    }
    held[MEMORY] = match ask.gpus.and_then(|wish| wish.memory) {
        Some(mib) => {
            let all = mib * u64::from(asked_gpus);
            (all.div_ceil(nodes_each) <= partition.memory_per_node).then_some(all)?
        }
        None => memory(ask, partition, nodes_each, held[CPU])?,
    };
    Some(held)
}

/// CPUs of each task, and of each node at least, after MaxMemPerCPU has had its say.
fn cpus_for_memory(ask: &Ask, partition: &Partition) -> (u32, u32) {
    let (per_task, per_node) = (ask.cpus_per_task.unwrap_or(1), ask.min_cpus_per_node.unwrap_or(1));
    match (ask.memory, partition.max_mem_per_cpu) {
        (Memory::PerCpu(mib), Some(most)) => (per_task * mib.div_ceil(most) as u32, per_node),
        (Memory::PerNode(mib), Some(most)) => (per_task, per_node.max(mib.div_ceil(most) as u32)),
        _ => (per_task, per_node),
    }
}

fn gpus(
    ask: &Ask,
    partition: &Partition,
    nodes: u32,
    tasks: u32,
    whole: bool,
    of: Option<usize>,
    random: &mut Random,
) -> Option<u64> {
    let each = of.map_or(0, |of| partition.gpus_per_node.typed[of]);
    let Some(wish) = &ask.gpus else { return Some(if whole { u64::from(each * nodes) } else { 0 }) };
    let count = match wish.place {
        GpuPlace::Job => wish.count,
        GpuPlace::Node => wish.count * nodes,
        GpuPlace::Socket => wish.count * random.between(1, wish.sockets.into()) as u32 * nodes,
        GpuPlace::Task => wish.count * tasks,
    };
    // Somewhere a node gets more than its even share.
    let fits = count.div_ceil(nodes) <= each && count >= nodes;
    fits.then(|| u64::from(if whole { each * nodes } else { count }))
}

fn memory(ask: &Ask, partition: &Partition, nodes: u64, cpus: u64) -> Option<u64> {
    let asked = if ask.memory == Memory::Unset { partition.default_memory } else { ask.memory };
    let all = partition.memory_per_node * nodes;
    match asked {
        Memory::Unset | Memory::PerNode(0) => Some(all),
        Memory::PerNode(mib) => (mib <= partition.memory_per_node).then_some(mib * nodes),
        Memory::PerCpu(mib) => {
            // CPUs that were added for memory share what was asked for.
            let mib = partition.max_mem_per_cpu.map_or(mib, |most| mib.div_ceil(mib.div_ceil(most)));
            (mib * cpus.div_ceil(nodes) <= partition.memory_per_node).then_some(mib * cpus)
        }
    }
}
