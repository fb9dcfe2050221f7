//! A job as it was asked for, free of Slurm's sentinels.

use super::gres::GpuAsk;
use crate::time::Timestamp;
use crate::tres::Gpus;

/// A time limit as it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeLimit {
    /// Not given: the partition's default holds.
    Unset,
    /// This many minutes.
    Minutes(u32),
    /// Explicitly without end.
    Unlimited,
}

/// Memory as it was asked for, in MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// Not given: the partition's default holds.
    Unset,
    /// Per node; 0 is all of the node.
    PerNode(u64),
    /// Per allocated CPU.
    PerCpu(u64),
}

/// What decides how many CPUs a job can be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// `min_cpus`: Slurm's own idea of the least, 1 when absent. Never trusted alone.
    pub min_cpus: u32,
    /// `-N a-b`: the `a`.
    pub min_nodes: Option<u32>,
    /// `-N a-b`: the `b`.
    pub max_nodes: Option<u32>,
    /// `-n`.
    pub tasks: Option<u32>,
    /// `-c`.
    pub cpus_per_task: Option<u32>,
    /// `--ntasks-per-node`.
    pub tasks_per_node: Option<u32>,
    /// `--mincpus`: CPUs per node.
    pub cpus_per_node: Option<u32>,
    /// `--mem`, `--mem-per-cpu`.
    pub memory: Memory,
    /// `--exclusive`, or anything else that takes whole nodes.
    pub whole_nodes: bool,
    /// `--hint=nomultithread`, `--threads-per-core=1` or `--ntasks-per-core=1`: one CPU used, a whole core given.
    pub one_per_core: bool,
    /// The CPU count also depends on something that this vocabulary has no word for (`--cpus-per-gpu`, …): the only
    /// sound bound is then every CPU of every node the job may be given.
    pub open_ended: bool,
    /// GPUs that a live job is listed with.
    pub gpus: Gpus,
    /// What `gpus` are of each; a list tells them of the whole job.
    pub gpus_by: GpusBy,
    /// CPUs that each GPU of a live job brings.
    pub cpus_per_gpu: Option<u32>,
    /// MiB that each GPU of a live job brings.
    pub memory_per_gpu: Option<u64>,
    /// Whether the memory of a live job may be of each node as well as of each CPU, which slurmctld's list does not tell.
    pub either_memory: bool,
}

/// What a number of GPUs is of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GpusBy {
    /// The job: there are no more.
    #[default]
    Job,
    /// Each of its nodes.
    Node,
    /// Each of its tasks.
    Task,
}

impl Default for Shape {
    /// One CPU: what a bare `sbatch` asks for.
    fn default() -> Self {
        Self {
            min_cpus: 1,
            min_nodes: None,
            max_nodes: None,
            tasks: None,
            cpus_per_task: None,
            tasks_per_node: None,
            cpus_per_node: None,
            memory: Memory::Unset,
            whole_nodes: false,
            one_per_core: false,
            open_ended: false,
            gpus: Gpus::default(),
            gpus_by: GpusBy::Job,
            cpus_per_gpu: None,
            memory_per_gpu: None,
            either_memory: false,
        }
    }
}

/// One job, or one component of a heterogeneous job, asking to enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// The uid the job will run as (never the submitter's: a sibling cluster submits as 0).
    pub uid: u32,
    /// `-A`; `None` is the default account. Case does not matter.
    pub account: Option<&'a str>,
    /// `-p`, a comma list; `None` is the default partition.
    pub partition: Option<&'a str>,
    /// `-t`.
    pub time_limit: TimeLimit,
    /// `--begin`.
    pub begin_at: Option<Timestamp>,
    /// `--array`, as typed.
    pub array: Option<&'a str>,
    /// How many CPUs it can come to.
    pub shape: Shape,
    /// The GPUs it asks for.
    pub gpus: GpuAsk<'a>,
    /// `-q`; a comma list from Slurm 24.11 on; `None` is the default QOS.
    pub qos: Option<&'a str>,
    /// `--wckey`.
    pub cost_center: Option<&'a str>,
}

impl Default for Request<'_> {
    /// What a bare `sbatch` of uid 0 asks for.
    fn default() -> Self {
        Self {
            uid: 0,
            account: None,
            partition: None,
            time_limit: TimeLimit::Unset,
            begin_at: None,
            array: None,
            shape: Shape::default(),
            gpus: GpuAsk::default(),
            qos: None,
            cost_center: None,
        }
    }
}

/// What a `scontrol update` would change; `None` stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Edit<'a> {
    /// The job's id as the user typed it: `12`, `12_3`, `12_[2-3]`, `12+1`.
    pub job: &'a str,
    /// The new account.
    pub account: Option<&'a str>,
    /// The new partition list.
    pub partition: Option<&'a str>,
    /// The new time limit.
    pub time_limit: Option<TimeLimit>,
    /// The new begin time.
    pub begin_at: Option<Timestamp>,
    /// `NumCPUs` (least).
    pub min_cpus: Option<u32>,
    /// `NumNodes` (least).
    pub min_nodes: Option<u32>,
    /// `NumNodes` (most).
    pub max_nodes: Option<u32>,
    /// `NumTasks`.
    pub tasks: Option<u32>,
    /// `CPUsPerTask`.
    pub cpus_per_task: Option<u32>,
    /// `MinCPUsNode`.
    pub cpus_per_node: Option<u32>,
    /// `MinMemoryNode`, `MinMemoryCPU`.
    pub memory: Option<Memory>,
    /// `OverSubscribe=no` and the like.
    pub whole_nodes: Option<bool>,
    /// `TresPerNode` and its kin.
    pub gpus: GpuAsk<'a>,
    /// The new QOS.
    pub qos: Option<&'a str>,
    /// The new wckey.
    pub cost_center: Option<&'a str>,
    /// Whether a hold is taken off.
    pub releases: bool,
    /// Something else that may raise the CPU count was changed (GPUs, per-task counts, …).
    pub open_ended: bool,
}

impl Edit<'_> {
    /// Whether all it does is take a hold off.
    pub fn only_releases(&self) -> bool {
        self.releases && !Edit { releases: false, ..*self }.may_raise()
    }

    /// Whether anything that decides cost or ownership is named at all; if not, the edit is never refused.
    pub fn may_raise(&self) -> bool {
        let Self {
            job: _,
            account,
            partition,
            time_limit,
            begin_at,
            min_cpus,
            min_nodes,
            max_nodes,
            tasks,
            cpus_per_task,
            cpus_per_node,
            memory,
            whole_nodes,
            gpus,
            qos,
            cost_center,
            releases,
            open_ended,
        } = self;
        account.is_some()
            || partition.is_some()
            || time_limit.is_some()
            || begin_at.is_some()
            || min_cpus.is_some()
            || min_nodes.is_some()
            || max_nodes.is_some()
            || tasks.is_some()
            || cpus_per_task.is_some()
            || cpus_per_node.is_some()
            || memory.is_some()
            || *whole_nodes == Some(true)
            || !gpus.is_empty()
            || qos.is_some()
            || cost_center.is_some()
            || *releases
            || *open_ended
    }
}
