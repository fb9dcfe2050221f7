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
    let per_task = ask.cpus_per_task.unwrap_or(1);
    let tasks = ask.tasks.unwrap_or(1).max(nodes);
    let by_gpus = matches!(ask.gpus, Some(GpuWish { place: GpuPlace::Job, .. }));
    if ask.tasks.is_some_and(|asked| asked < nodes && ask.nodes.is_none()) && !by_gpus {
        return None;
    }
    let mut sum = 0;
    for node in 0..nodes {
        let here = tasks / nodes + u32::from(node < tasks % nodes);
        let cpus = (here * per_task).max(ask.min_cpus_per_node.unwrap_or(1)).next_multiple_of(granule);
        if cpus > partition.cpus_per_node {
            return None;
        }
        sum += u64::from(cpus);
    }
    let (nodes_each, whole) = (u64::from(nodes), ask.exclusive || partition.whole_nodes);
    let mut held = Amounts::default();
    held[NODE] = nodes_each;
    held[CPU] = if whole { nodes_each * u64::from(partition.cpus_per_node) } else { sum };
    held[GPU] = gpus(ask, partition, nodes, tasks, whole, of, random)?;
    if let Some(of) = of {
        held[TYPED + of] = held[GPU];
    }
    held[MEMORY] = memory(ask, partition, nodes_each, held[CPU])?;
    Some(held)
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
        Memory::PerCpu(mib) => (mib * cpus.div_ceil(nodes) <= partition.memory_per_node).then_some(mib * cpus),
    }
}
