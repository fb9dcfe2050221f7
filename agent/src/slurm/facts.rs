//! The cluster's shape as far as it bounds what a job may consume: partitions, node sizes, defaults, enforcement.
//!
//! From `scontrol -a -o show partition`, `... show node` and `scontrol show config`. On 22.05.8 a partition prints
//! either its own memory default or `DefMemPerNode=UNLIMITED`, after which the cluster's counts. 24.11.5 prints
//! `ExclusiveTopo` beside `OverSubscribe=EXCLUSIVE`; 26.05.5 prints `Exclusive=NODE` and the like instead of both, and
//! `OverSubscribe=NO` beside it. A node that has not registered yet, as after a restart, lacks `Arch`, `OS` and `Version`.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::command::{CommandError, SlurmCommands, Tool, words};
use super::fields::{TimeLimit, megabytes, record, tres};

/// Why the cluster's shape is not known.
#[derive(Debug, Error)]
pub enum FactsError {
    /// `scontrol` failed.
    #[error("cannot read the cluster's configuration")]
    Command(#[source] CommandError),
    /// A value is missing or has an unknown form.
    #[error("scontrol prints no usable {field} for {object}: check that this Slurm version is supported")]
    Value {
        /// The key.
        field: &'static str,
        /// The partition, node, or "the cluster".
        object: String,
    },
}

/// A default or limit of memory, in MB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Memory {
    /// None: a default of none is all memory of the node.
    #[default]
    Unlimited,
    /// For each CPU.
    PerCpu(u64),
    /// For each node.
    PerNode(u64),
}

/// The largest values among a partition's nodes; they need not all stand on one node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LargestNode {
    /// CPUs (hardware threads).
    pub cpus: u32,
    /// CPUs of one socket.
    pub cpus_per_socket: u32,
    /// Threads of one core.
    pub threads_per_core: u32,
    /// Memory in MB.
    pub memory_mb: u64,
    /// Sockets.
    pub sockets: u32,
    /// GPUs of any type.
    pub gpus: u64,
    /// GPUs by type, in lower case; `scontrol` names types in Gres whatever AccountingStorageTRES counts.
    pub gpu_types: BTreeMap<String, u64>,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionFacts {
    /// Its name.
    pub name: String,
    /// Whether jobs that name none come here.
    pub is_default: bool,
    /// Its State (UP, DOWN, DRAIN, INACTIVE).
    pub state: String,
    /// The limit of a job that gives none; [`TimeLimit::Unset`] means `max_time`.
    pub default_time: TimeLimit,
    /// The longest a job may ask for.
    pub max_time: TimeLimit,
    /// What a job may overrun its limit by; [`TimeLimit::Unset`] means the cluster's.
    pub over_time_limit: TimeLimit,
    /// Whether every job takes whole nodes.
    pub exclusive: bool,
    /// The most nodes of one job; `None` is all.
    pub max_nodes: Option<u32>,
    /// The most CPUs of one node that the partition uses; `None` is all.
    pub max_cpus_per_node: Option<u32>,
    /// Its nodes.
    pub total_nodes: u32,
    /// Their CPUs.
    pub total_cpus: u32,
    /// Its own memory default.
    pub default_memory: Memory,
    /// Its own memory limit; per CPU, Slurm gives a job more CPUs rather than refuse it.
    pub max_memory: Memory,
    /// Its own select parameters, empty when the cluster's count.
    pub select_parameters: BTreeSet<String>,
    /// The largest of its nodes.
    pub largest: LargestNode,
    /// DefCpuPerGPU, its own or else the cluster's.
    pub cpus_per_gpu: Option<u32>,
    /// DefMemPerGPU in MB, its own or else the cluster's.
    pub memory_per_gpu: Option<u64>,
}

/// The cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterFacts {
    /// ClusterName, in lower case.
    pub cluster: String,
    /// slurmctld's version, as in `22.05.8`.
    pub slurm_version: String,
    /// The name and uid slurmctld runs as.
    pub slurm_user: (String, u32),
    /// SelectType, as in `select/cons_tres`.
    pub select_type: String,
    /// SelectTypeParameters in upper case, as in `CR_CORE_MEMORY`.
    pub select_parameters: BTreeSet<String>,
    /// What a job may overrun its limit by.
    pub over_time_limit: TimeLimit,
    /// One more than the largest array index.
    pub max_array_size: u32,
    /// The memory default of partitions without one.
    pub default_memory: Memory,
    /// The memory limit of partitions without one.
    pub max_memory: Memory,
    /// EnforcePartLimits (NO, ANY, ALL).
    pub enforce_part_limits: String,
    /// AccountingStorageEnforce, as in `associations`, `limits`, `qos`, `wckeys`; empty is none.
    pub enforced: BTreeSet<String>,
    /// How long ended jobs stay in squeue, in seconds.
    pub min_job_age: u64,
    /// The job_submit plugins, in the order in which they are asked.
    pub job_submit_plugins: Vec<String>,
    /// The directories of plugins.
    pub plugin_dirs: Vec<String>,
    /// All partitions, hidden ones too.
    pub partitions: Vec<PartitionFacts>,
}

impl ClusterFacts {
    /// Asks slurmctld.
    pub async fn read(commands: &SlurmCommands) -> Result<Self, FactsError> {
        let show = |what: &'static str| async move {
            commands.read(Tool::Scontrol, &words(&["-a", "-o", "show", what])).await.map_err(FactsError::Command)
        };
        Self::parse(&show("config").await?, &show("partition").await?, &show("node").await?)
    }

    /// Whether users may only give wckeys that slurmdbd knows.
    pub fn enforces_wckeys(&self) -> bool {
        self.enforced.contains("wckeys")
    }

    /// The CPUs that Slurm hands out at least at once in a partition: a core's, or a socket's with CR_Socket.
    pub fn granule(&self, partition: &PartitionFacts) -> u32 {
        let own = &partition.select_parameters;
        let parameters = if own.is_empty() { &self.select_parameters } else { own };
        if parameters.iter().any(|word| word.starts_with("CR_SOCKET")) {
            partition.largest.cpus_per_socket.max(1)
        } else {
            partition.largest.threads_per_core.max(1)
        }
    }

    /// The memory default in force in a partition.
    pub fn default_memory_in(&self, partition: &PartitionFacts) -> Memory {
        if partition.default_memory == Memory::Unlimited { self.default_memory } else { partition.default_memory }
    }

    /// The memory limit in force in a partition.
    pub fn max_memory_in(&self, partition: &PartitionFacts) -> Memory {
        if partition.max_memory == Memory::Unlimited { self.max_memory } else { partition.max_memory }
    }

    fn parse(config: &str, partitions: &str, nodes: &str) -> Result<Self, FactsError> {
        let keys: BTreeMap<&str, &str> = config
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(key, value)| (key.trim(), value.trim()))
            .collect();
        let object = "the cluster";
        let largest = largest_nodes(nodes)?;
        let defaults = keys.get("JobDefaults").copied().unwrap_or_default();
        let partitions = partitions
            .lines()
            .filter(|line| line.starts_with("PartitionName="))
            .map(|line| partition(line, &largest, defaults));
        let (slurm_user, uid) = text(&keys, "SlurmUser", object)?
            .strip_suffix(')')
            .and_then(|user| user.split_once('('))
            .and_then(|(name, uid)| uid.parse().ok().map(|uid| (name.to_owned(), uid)))
            .ok_or_else(|| bad("SlurmUser", object))?;
        Ok(Self {
            cluster: text(&keys, "ClusterName", object)?.to_ascii_lowercase(),
            slurm_version: text(&keys, "SLURM_VERSION", object)?.to_owned(),
            slurm_user: (slurm_user, uid),
            select_type: text(&keys, "SelectType", object)?.to_owned(),
            select_parameters: list(text(&keys, "SelectTypeParameters", object)?, str::to_ascii_uppercase),
            over_time_limit: first_word(&keys, "OverTimeLimit", object)
                .and_then(|word| TimeLimit::parse_minutes(word).ok_or_else(|| bad("OverTimeLimit", object)))?,
            max_array_size: number(&keys, "MaxArraySize", object)?,
            default_memory: memory(&keys, ["DefMemPerCPU", "DefMemPerNode"], object)?,
            max_memory: memory(&keys, ["MaxMemPerCPU", "MaxMemPerNode"], object)?,
            enforce_part_limits: text(&keys, "EnforcePartLimits", object)?.to_owned(),
            enforced: list(text(&keys, "AccountingStorageEnforce", object)?, str::to_ascii_lowercase),
            min_job_age: first_word(&keys, "MinJobAge", object)?.parse().map_err(|_| bad("MinJobAge", object))?,
            job_submit_plugins: words_of(text(&keys, "JobSubmitPlugins", object)?, ','),
            plugin_dirs: words_of(text(&keys, "PluginDir", object)?, ':'),
            partitions: partitions.collect::<Result<_, _>>()?,
        })
    }
}

type Keys<'a> = BTreeMap<&'a str, &'a str>;

fn bad(field: &'static str, object: &str) -> FactsError {
    FactsError::Value { field, object: object.to_owned() }
}

fn text<'a>(keys: &Keys<'a>, field: &'static str, object: &str) -> Result<&'a str, FactsError> {
    keys.get(field).copied().ok_or_else(|| bad(field, object))
}

fn first_word<'a>(keys: &Keys<'a>, field: &'static str, object: &str) -> Result<&'a str, FactsError> {
    text(keys, field, object)?.split_whitespace().next().ok_or_else(|| bad(field, object))
}

fn number(keys: &Keys<'_>, field: &'static str, object: &str) -> Result<u32, FactsError> {
    text(keys, field, object)?.parse().map_err(|_| bad(field, object))
}

fn unlimited_number(keys: &Keys<'_>, field: &'static str, object: &str) -> Result<Option<u32>, FactsError> {
    if text(keys, field, object)? == "UNLIMITED" { Ok(None) } else { number(keys, field, object).map(Some) }
}

fn memory(keys: &Keys<'_>, fields: [&'static str; 2], object: &str) -> Result<Memory, FactsError> {
    let [per_cpu, per_node] = fields;
    let read = |field: &'static str| match keys.get(field).copied() {
        None | Some("UNLIMITED" | "0") => Ok(None),
        Some(value) => megabytes(value).map(Some).ok_or_else(|| bad(field, object)),
    };
    Ok(match (read(per_cpu)?, read(per_node)?) {
        (Some(mb), _) => Memory::PerCpu(mb),
        (None, Some(mb)) => Memory::PerNode(mb),
        (None, None) => Memory::Unlimited,
    })
}

fn words_of(value: &str, separator: char) -> Vec<String> {
    value.split(separator).map(str::trim).filter(|word| !matches!(*word, "" | "(null)")).map(str::to_owned).collect()
}

fn list(value: &str, fold: fn(&str) -> String) -> BTreeSet<String> {
    let none = |word: &&str| !matches!(*word, "" | "(null)" | "none" | "NONE");
    value.split(',').map(str::trim).filter(none).map(fold).collect()
}

/// One of the numbers in `JobDefaults=DefCpuPerGPU=2,DefMemPerGPU=1000`.
fn job_default<T: std::str::FromStr>(defaults: &str, name: &str) -> Option<T> {
    defaults.split(',').filter_map(|item| item.split_once('=')).find(|(key, _)| *key == name)?.1.parse().ok()
}

fn partition(line: &str, nodes: &BTreeMap<String, LargestNode>, defaults: &str) -> Result<PartitionFacts, FactsError> {
    let keys = record(line);
    let name = text(&keys, "PartitionName", "a partition")?;
    let time = |field| TimeLimit::parse_minutes(text(&keys, field, name)?).ok_or_else(|| bad(field, name));
    let own = keys.get("JobDefaults").copied().unwrap_or_default();
    Ok(PartitionFacts {
        name: name.to_owned(),
        is_default: text(&keys, "Default", name)? == "YES",
        state: text(&keys, "State", name)?.to_owned(),
        default_time: time("DefaultTime")?,
        max_time: time("MaxTime")?,
        over_time_limit: time("OverTimeLimit")?,
        exclusive: text(&keys, "OverSubscribe", name)? == "EXCLUSIVE"
            || keys.get("ExclusiveTopo") == Some(&"YES")
            || matches!(keys.get("Exclusive"), Some(&("NODE" | "TOPO"))),
        max_nodes: unlimited_number(&keys, "MaxNodes", name)?,
        max_cpus_per_node: unlimited_number(&keys, "MaxCPUsPerNode", name)?,
        total_nodes: number(&keys, "TotalNodes", name)?,
        total_cpus: number(&keys, "TotalCPUs", name)?,
        default_memory: memory(&keys, ["DefMemPerCPU", "DefMemPerNode"], name)?,
        max_memory: memory(&keys, ["MaxMemPerCPU", "MaxMemPerNode"], name)?,
        select_parameters: list(text(&keys, "SelectTypeParameters", name)?, str::to_ascii_uppercase),
        largest: nodes.get(name).cloned().unwrap_or_default(),
        cpus_per_gpu: job_default(own, "DefCpuPerGPU").or_else(|| job_default(defaults, "DefCpuPerGPU")),
        memory_per_gpu: job_default(own, "DefMemPerGPU").or_else(|| job_default(defaults, "DefMemPerGPU")),
    })
}

fn largest_nodes(text_of_nodes: &str) -> Result<BTreeMap<String, LargestNode>, FactsError> {
    let mut by_partition: BTreeMap<String, LargestNode> = BTreeMap::new();
    for line in text_of_nodes.lines().filter(|line| line.starts_with("NodeName=")) {
        let keys = record(line);
        let name = text(&keys, "NodeName", "a node")?;
        let threads = number(&keys, "ThreadsPerCore", name)?;
        let gpus = keys.get("CfgTRES").and_then(|list| tres(list)).and_then(|tres| tres.get("gres/gpu").copied());
        let (counted, gpu_types) = gres_gpus(keys.get("Gres").copied().unwrap_or_default());
        let one = LargestNode {
            cpus: number(&keys, "CPUTot", name)?,
            cpus_per_socket: number(&keys, "CoresPerSocket", name)?.saturating_mul(threads),
            threads_per_core: threads,
            memory_mb: text(&keys, "RealMemory", name)?.parse().map_err(|_| bad("RealMemory", name))?,
            sockets: number(&keys, "Sockets", name)?,
            gpus: gpus.unwrap_or(0).max(counted),
            gpu_types,
        };
        for partition in keys.get("Partitions").copied().unwrap_or_default().split(',').filter(|p| !p.is_empty()) {
            let most = by_partition.entry(partition.to_owned()).or_default();
            most.cpus = most.cpus.max(one.cpus);
            most.cpus_per_socket = most.cpus_per_socket.max(one.cpus_per_socket);
            most.threads_per_core = most.threads_per_core.max(one.threads_per_core);
            most.memory_mb = most.memory_mb.max(one.memory_mb);
            most.sockets = most.sockets.max(one.sockets);
            most.gpus = most.gpus.max(one.gpus);
            for (name, count) in &one.gpu_types {
                let known = most.gpu_types.entry(name.clone()).or_default();
                *known = (*known).max(*count);
            }
        }
    }
    Ok(by_partition)
}

/// The GPUs of a node's `Gres`, as in `gpu:a100:4(S:0-1),gpu:2`: all of them, and by type.
fn gres_gpus(gres: &str) -> (u64, BTreeMap<String, u64>) {
    let mut all: u64 = 0;
    let mut types: BTreeMap<String, u64> = BTreeMap::new();
    // Sockets stand in brackets with commas of their own.
    let plain: String = gres.split('(').map(|part| part.split_once(')').map_or(part, |(_, after)| after)).collect();
    for item in plain.split(',') {
        let parts: Vec<&str> = item.split(':').collect();
        let (of, count) = match parts.as_slice() {
            ["gpu", of, count] => (Some(*of), count.parse().unwrap_or(0)),
            ["gpu", count] => (None, count.parse().unwrap_or(0)),
            _ => continue,
        };
        all = all.saturating_add(count);
        if let Some(of) = of {
            let known = types.entry(of.to_ascii_lowercase()).or_default();
            *known = known.saturating_add(count);
        }
    }
    (all, types)
}

#[cfg(test)]
#[path = "facts_tests.rs"]
mod tests;
