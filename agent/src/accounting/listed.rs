//! Slurm's own listings in the terms of the ledger: live jobs, finished runs, cluster facts.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use bursar_policy::job::{GpusBy, Memory, Shape, TimeLimit};
use bursar_policy::snapshot::{ClusterFacts, Partition};
use bursar_policy::tres::GPU_TYPES;
use bursar_policy::{Gpus, Prices, Timestamp};

use super::flight::{LiveJob, Stage};
use crate::slurm::facts::{ClusterFacts as Facts, Memory as NodeMemory, PartitionFacts};
use crate::slurm::fields::TimeLimit as Limit;
use crate::slurm::live::{ArrayPart, LiveJob as Listed, Phase, Sharing};
use crate::slurm::per_gpu::PerGpu;
use crate::slurm::settled::SettledRun;
use crate::snapshot::compile::Cluster;
use crate::store::runs::Run;

/// A line of squeue.
pub fn live_job(listed: &Listed, gpu_types: &[String]) -> LiveJob {
    let submitted_at = listed.submit;
    let start = listed.start.unwrap_or(submitted_at).max(submitted_at);
    // slurmctld moves the end by the time that a job was suspended. When that was is not told: all of it at once after
    // the start leaves the most for the period that goes on and for those to come.
    let start = match (listed.phase, listed.time_limit, listed.end) {
        (Phase::Holding, Limit::Seconds(limit), Some(end)) => start.max(before(end, limit)),
        (Phase::Ended, _, Some(end)) if listed.start.is_some() => start.max(before(end, listed.used)),
        _ => start,
    };
    let stage = match listed.phase {
        Phase::Waiting => Stage::Waiting,
        Phase::Holding => Stage::Running(start),
        Phase::Suspended => Stage::Suspended(start),
        Phase::Ended => {
            // Without a start it never ran; with one, a CPU-second is a CPU-second that it did not spend suspended.
            let end = if listed.start.is_some() { start.plus(listed.used) } else { start };
            Stage::Ended(start, end)
        }
    };
    let array_job_id = match &listed.array {
        ArrayPart::None => 0,
        ArrayPart::Task { job, .. } | ArrayPart::Rest { job, .. } => *job,
    };
    LiveJob {
        job_id: listed.job_id,
        array_job_id,
        uid: listed.uid,
        account: listed.account.clone(),
        partition: listed.partitions.join(","),
        submitted_at,
        begin_at: listed.eligible.unwrap_or(Timestamp(0)),
        stage,
        tasks: listed.run_count(),
        time_limit: time_limit(listed.time_limit),
        shape: shape(listed, gpu_types),
        qos: listed.qos.clone(),
        held: if stage == Stage::Waiting { Vec::new() } else { held(listed) },
        fresh: listed.restarts == 0,
    }
}

fn before(at: Timestamp, seconds: u64) -> Timestamp {
    Timestamp(at.0.saturating_sub(i64::try_from(seconds).unwrap_or(i64::MAX)))
}

/// What a job has, its CPUs as squeue counts them.
fn held(listed: &Listed) -> Vec<(String, u64)> {
    let counted = |name: &str| name != "cpu" && (matches!(name, "mem" | "node") || name.starts_with("gres/gpu"));
    let others = listed.tres.iter().filter(|(name, _)| counted(name)).map(|(name, count)| (name.clone(), *count));
    std::iter::once(("cpu".to_owned(), u64::from(listed.cpus))).chain(others).collect()
}

/// The memory that a waiting job asks for, and whether it may be of each node as well as of each CPU. squeue does not tell;
/// what the request comes to does, unless both come to the same, where per CPU is the more for a job that is given more
/// CPUs.
fn memory(listed: &Listed) -> (Memory, bool) {
    let each = listed.min_memory_mb;
    let all = listed.tres.get("mem").copied();
    let by = |count: u32| all == each.checked_mul(u64::from(count.max(1)));
    if let PerGpu::Told { memory_mb: Some(mb), .. } = listed.per_gpu {
        let gpus = listed.tres.get("gres/gpu").copied().unwrap_or(0);
        return (Memory::PerNode(mb.saturating_mul(gpus).max(each)), false);
    }
    match each {
        // A partition's default stands here as a number; none is `--mem=0`, or where nothing is the default.
        0 => (Memory::PerNode(0), false),
        _ if by(listed.nodes) && !by(listed.cpus) => (Memory::PerNode(each), false),
        _ => (Memory::PerCpu(each), by(listed.nodes) || !by(listed.cpus)),
    }
}

/// The GPUs that a waiting job asks for altogether; those of a type that is not told may be of any.
fn gpus(listed: &Listed, gpu_types: &[String]) -> Gpus {
    let count = |name: &str| listed.tres.get(name).map_or(0, |count| u32::try_from(*count).unwrap_or(u32::MAX));
    let all = count("gres/gpu");
    let mut gpus = Gpus { all, ..Gpus::default() };
    for (slot, name) in gpus.typed.iter_mut().zip(gpu_types) {
        *slot = count(&format!("gres/gpu:{name}"));
    }
    let told = gpus.typed.iter().fold(0, |sum: u32, count| sum.saturating_add(*count));
    for slot in &mut gpus.typed {
        *slot = slot.saturating_add(all.saturating_sub(told));
    }
    gpus
}

fn shape(listed: &Listed, gpu_types: &[String]) -> Shape {
    let set = |count: u32| (count > 0).then_some(count);
    let gpus = gpus(listed, gpu_types);
    // One CPU per task is what squeue prints for none named, and then a partition's DefCpuPerGPU may speak.
    let least_per_task = if gpus.all > 0 { 1 } else { 0 };
    let (cpus_per_gpu, memory_per_gpu, untold) = match listed.per_gpu {
        PerGpu::Told { cpus, memory_mb } => (cpus, memory_mb, false),
        PerGpu::Untold => (None, None, gpus.all > 0),
    };
    // CPUs that the GPUs bring lie where those do; they are no sign of further nodes, as those beyond the tasks' are.
    let brought = cpus_per_gpu.unwrap_or(0).saturating_mul(gpus.all);
    let of_tasks = listed.tasks.max(1).saturating_mul(listed.cpus_per_task.max(1));
    let min_cpus = if listed.cpus <= brought.max(of_tasks) { of_tasks } else { listed.cpus };
    let (memory, either_memory) = if untold { (Memory::PerNode(0), false) } else { memory(listed) };
    Shape {
        min_cpus,
        min_nodes: set(listed.nodes),
        max_nodes: set(listed.max_nodes).filter(|most| *most > listed.nodes),
        tasks: set(listed.tasks),
        cpus_per_task: set(listed.cpus_per_task).filter(|count| *count > least_per_task),
        tasks_per_node: listed.tasks_per_node,
        cpus_per_node: set(listed.min_cpus_per_node),
        memory,
        whole_nodes: listed.sharing == Sharing::WholeNodes,
        one_per_core: listed.threads_per_core == Some(1) || listed.tasks_per_core == Some(1),
        open_ended: untold,
        gpus,
        gpus_by: GpusBy::Job,
        cpus_per_gpu,
        memory_per_gpu,
        either_memory,
    }
}

/// Seconds as whole minutes, rounded up.
fn minutes(seconds: u64) -> u32 {
    u32::try_from(seconds.div_ceil(60)).unwrap_or(u32::MAX - 1)
}

fn time_limit(limit: Limit) -> TimeLimit {
    match limit {
        Limit::Unset => TimeLimit::Unset,
        Limit::Unlimited => TimeLimit::Unlimited,
        Limit::Seconds(seconds) => TimeLimit::Minutes(minutes(seconds)),
    }
}

/// A row of sacct.
pub fn run(settled: &SettledRun) -> Run {
    let run = Run {
        cluster: settled.cluster.clone(),
        jobid: settled.job_id,
        submitted_at: settled.submit,
        dbindex: settled.db_index.clone(),
        user_name: settled.user.clone(),
        uid: settled.uid,
        account: settled.account.clone(),
        partition: settled.partition.clone(),
        qos: settled.qos.clone(),
        // A default key is told with a star before it.
        wckey: settled.wckey.as_deref().unwrap_or_default().trim_start_matches('*').to_owned(),
        state: settled.state.word().to_owned(),
        eligible_at: settled.eligible,
        started_at: settled.start,
        ended_at: Some(settled.end),
        elapsed_s: settled.elapsed,
        suspended_s: settled.suspended,
        alloc_cpus: settled.alloc.get("cpu").copied().unwrap_or_default(),
        tres: settled.alloc.iter().map(|(name, count)| format!("{name}={count}")).collect::<Vec<_>>().join(","),
        timelimit_s: match settled.time_limit {
            Limit::Seconds(seconds) => Some(seconds),
            Limit::Unset | Limit::Unlimited => None,
        },
        nodes: settled.nodes,
        node_list: settled.node_list.clone(),
        reservation: settled.reservation.clone(),
        priority: settled.priority,
        row_hash: String::new(),
    };
    hashed(run)
}

/// The run with the hash over everything else that it says.
pub fn hashed(mut run: Run) -> Run {
    run.row_hash.clear();
    // Only equality matters, and a hash that another compiler makes anew costs one more write of each row.
    let mut hasher = DefaultHasher::new();
    format!("{run:?}").hash(&mut hasher);
    run.row_hash = format!("{:016x}", hasher.finish());
    run
}

/// What scontrol says of the cluster, as far as it decides what a job can cost.
pub fn cluster(facts: &Facts) -> Cluster {
    let all = &facts.partitions;
    let names: BTreeSet<&String> = all.iter().flat_map(|partition| partition.largest.gpu_types.keys()).collect();
    let gpu_types: Vec<String> = names.into_iter().take(GPU_TYPES).cloned().collect();
    Cluster {
        facts: ClusterFacts {
            granule: all.iter().map(|partition| facts.granule(partition)).max().unwrap_or(1),
            threads_per_core: all.iter().map(|partition| partition.largest.threads_per_core).max().unwrap_or(1).max(1),
            whole_nodes: facts.select_type == "select/linear",
            one_task_per_core: facts.select_parameters.contains("CR_ONE_TASK_PER_CORE"),
            ..ClusterFacts::default()
        },
        partitions: all.iter().map(|partition| partition_of(facts, partition, &gpu_types)).collect(),
        gpu_types,
    }
}

fn partition_of(facts: &Facts, partition: &PartitionFacts, gpu_types: &[String]) -> Partition {
    let set = |limit| match limit {
        Limit::Seconds(seconds) => Some(minutes(seconds)),
        Limit::Unset | Limit::Unlimited => None,
    };
    let over = match partition.over_time_limit {
        Limit::Unset => facts.over_time_limit,
        own => own,
    };
    Partition {
        name: partition.name.clone(),
        default: partition.is_default,
        whole_nodes: partition.exclusive,
        default_minutes: set(partition.default_time),
        max_minutes: set(partition.max_time),
        over_minutes: match over {
            Limit::Unset => Some(0),
            other => set(other),
        },
        max_nodes: partition.max_nodes.unwrap_or(u32::MAX - 1).min(partition.total_nodes).max(1),
        cpus_per_node: partition.largest.cpus.max(1),
        default_memory: match facts.default_memory_in(partition) {
            NodeMemory::PerCpu(mb) => Memory::PerCpu(mb),
            NodeMemory::PerNode(mb) => Memory::PerNode(mb),
            NodeMemory::Unlimited => Memory::Unset,
        },
        memory_per_node: partition.largest.memory_mb,
        sockets_per_node: partition.largest.sockets.max(1),
        gpus_per_node: {
            let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
            let mut gpus = Gpus { all: small(partition.largest.gpus), ..Gpus::default() };
            for (slot, name) in gpus.typed.iter_mut().zip(gpu_types) {
                *slot = small(partition.largest.gpu_types.get(name).copied().unwrap_or(0));
            }
            gpus
        },
        max_mem_per_cpu: match facts.max_memory_in(partition) {
            NodeMemory::PerCpu(mb) => Some(mb),
            NodeMemory::Unlimited | NodeMemory::PerNode(_) => None,
        },
        cpus_per_gpu: partition.cpus_per_gpu,
        memory_per_gpu: partition.memory_per_gpu,
        // The policy's, which changes at another time than the cluster.
        prices: Prices::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slurm::live::{SharingColumn, parse};

    #[test]
    fn given_a_waiting_job_listed_without_memory_then_it_may_have_all_of_its_nodes() {
        // `--mem=0` in a partition with DefMemPerCPU: a default would be listed as a number.
        let line = "10|10|N/A|N/A|N/A|1002|lasers|main|normal|PENDING|1795321627|N/A|N/A|N/A|UNLIMITED|0:00|2|2|1|1|1|\
            1|0|OK|N/A|N/A|*|cpu=2,mem=16000M,node=1,billing=2|0|0|";
        let listed = parse(line, SharingColumn::OverSubscribe).unwrap();
        assert_eq!(live_job(&listed, &[]).shape.memory, Memory::PerNode(0));
    }
}
