//! Jobs that slurmctld knows: waiting, holding resources, or ended within MinJobAge.
//!
//! Findings on squeue 22.05.8, each seen on a real cluster:
//!
//! * Array expressions are cut after 64 characters unless `SLURM_BITSTR_LEN=0`; `-O "Field:|"` without a width
//!   neither cuts nor pads. A waiting array is one line, whatever its size; each started task has its own job id.
//! * `tres-per-node` (`--gres='gpu:a|b:1'` is accepted) and `wckey` where wckeys are not enforced are free text of the
//!   user, with `|` and newlines. They, name, comment, features, dependency and paths are never asked for; GPUs
//!   are read from `tres-alloc`, which for a waiting job is the request.
//! * For a waiting job `StartTime` and `EndTime` are the scheduler's guess; here they are `None`. `SubmitTime` moves
//!   to the requeue when a job is requeued, and `RestartCnt` grows.
//! * `TimeLimit` of a job that gave none is the partition's default, else its maximum, also while it waits; `UNLIMITED`
//!   if there is none. A running unlimited job may show 365 days once the backfill scheduler has started it.
//! * `MaxNodes` is no bound: it equals `NumNodes` when the user set none (`-n20` shows 1 and 1), and after the start
//!   the requested range is gone. `-N 2-3` waits as NumNodes 2, MaxNodes 3, NumCPUs 1.
//! * `NumCPUs` is the request while waiting (3 for `-n1 -c3`) and the allocation after (4). `MinMemory` is per CPU or
//!   per node without saying which; the total is in `tres-alloc`.
//! * `OverSubscribe` is `NO` for `--exclusive` and in EXCLUSIVE partitions, `USER` for `--exclusive=user`, `YES` for
//!   `--oversubscribe`, otherwise `OK`. `Threads` is 1 for `--hint=nomultithread`, otherwise `*`.
//! * `TimeUsed` excludes suspended time. A COMPLETING job has its final `EndTime`.
//!
//! Of 24.11.5 and 26.05.5 the same lines were recorded from the same requests; they differ in this only:
//!
//! * From 24.11 on `OverSubscribe` is `TOPO` for `--exclusive=topo`, and `cpus-per-task` of a waiting job already has the
//!   CPUs that its memory brings. `-N 1-2 -n2` gets two nodes.
//! * From 26.05 on `OverSubscribe` says nothing of exclusive nodes: it is `NO` for every usual job. There is a field of
//!   its own, `Exclusive` (`NO`, `NODE`, `USER`, `MCS`, `TOPO`), which older squeues do not know; see [`SharingColumn`].
//! * From 26.05 on `MaxNodes` of a waiting job that named none is its number of tasks, and there is a state `EXPEDITING`: the
//!   job has failed and may be about to run again (`--requeue=expedite`).

use std::fmt;

use bursar_policy::Timestamp;

use super::command::{CommandError, SlurmCommands, Tool, words};
use super::fields::{TimeLimit, Tres, duration, instant, megabytes, tres};
use super::per_gpu::{self, PerGpu};
pub use super::sharing::{Sharing, SharingColumn};

const FIELDS: [&str; 30] = [
    "JobID",
    "ArrayJobID",
    "ArrayTaskID",
    "HetJobID",
    "HetJobOffset",
    "UserID",
    "Account",
    "Partition",
    "QOS",
    "State",
    "SubmitTime",
    "EligibleTime",
    "StartTime",
    "EndTime",
    "TimeLimit",
    "TimeUsed",
    "NumCPUs",
    "NumTasks",
    "cpus-per-task",
    "NumNodes",
    "MaxNodes",
    "MinCpus",
    "MinMemory",
    "OverSubscribe",
    "NTPerCore",
    "NTPerNode",
    "Threads",
    "tres-alloc",
    "RestartCnt",
    "Requeue",
];

/// Where a job is in its life, as far as resources go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It holds nothing yet, or not any more but will run again.
    Waiting,
    /// It holds resources.
    Holding,
    /// It holds them but does not run; CPU time stands still.
    Suspended,
    /// It has ended; its end is final.
    Ended,
}

impl Phase {
    /// The phase of squeue's State.
    pub fn of_state(state: &str) -> Option<Self> {
        Some(match state {
            "PENDING" | "REQUEUED" | "REQUEUE_FED" | "REQUEUE_HOLD" | "RESV_DEL_HOLD" | "SPECIAL_EXIT"
            | "EXPEDITING" => Self::Waiting,
            "RUNNING" | "CONFIGURING" | "RESIZING" | "SIGNALING" | "STAGE_OUT" => Self::Holding,
            "SUSPENDED" | "STOPPED" => Self::Suspended,
            "COMPLETING" | "BOOT_FAIL" | "CANCELLED" | "COMPLETED" | "DEADLINE" | "FAILED" | "LAUNCH_FAILED"
            | "NODE_FAIL" | "OUT_OF_MEMORY" | "PREEMPTED" | "REVOKED" | "TIMEOUT" => Self::Ended,
            _ => return None,
        })
    }
}

/// Which tasks of an array a line stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArrayPart {
    /// Not an array.
    None,
    /// One task of array `job`, split off for itself.
    Task {
        /// The array's job id.
        job: u32,
        /// The task's number.
        task: u32,
    },
    /// The tasks of array `job` that have not been split off.
    Rest {
        /// The array's job id.
        job: u32,
        /// Slurm's expression, as in `1-50:3,70%7`.
        tasks: String,
        /// How many tasks it names.
        count: u32,
    },
}

/// One line of squeue: a job, a task, the rest of an array, or a component of a heterogeneous job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveJob {
    /// The job number (for the rest of an array, the array's).
    pub job_id: u32,
    /// Which part of an array it is.
    pub array: ArrayPart,
    /// The leader's job id and this component's offset, for a heterogeneous job.
    pub het: Option<(u32, u32)>,
    /// The owner.
    pub uid: u32,
    /// The account.
    pub account: String,
    /// The partition, or while waiting all that were asked for, comma separated.
    pub partitions: Vec<String>,
    /// The QOS.
    pub qos: String,
    /// Slurm's word for the state.
    pub state: String,
    /// What the state means for resources.
    pub phase: Phase,
    /// When this run entered the queue.
    pub submit: Timestamp,
    /// When it could or can start; `None` while held or depending.
    pub eligible: Option<Timestamp>,
    /// When it started; `None` while waiting.
    pub start: Option<Timestamp>,
    /// When it ended, or must end at the latest; `None` while waiting or without a limit.
    pub end: Option<Timestamp>,
    /// The time limit in force.
    pub time_limit: TimeLimit,
    /// Seconds it has run, without suspended time.
    pub used: u64,
    /// CPUs: requested while waiting, held after.
    pub cpus: u32,
    /// Tasks requested.
    pub tasks: u32,
    /// CPUs per task requested.
    pub cpus_per_task: u32,
    /// Nodes: the least requested while waiting, held after.
    pub nodes: u32,
    /// Nodes at most, only where it exceeds `nodes` does it say something; see the module's findings.
    pub max_nodes: u32,
    /// CPUs per node at least (`--mincpus`).
    pub min_cpus_per_node: u32,
    /// MB requested per CPU or node; 0 is all of a node.
    pub min_memory_mb: u64,
    /// Whether it takes whole nodes.
    pub sharing: Sharing,
    /// `--ntasks-per-core`.
    pub tasks_per_core: Option<u32>,
    /// `--ntasks-per-node`.
    pub tasks_per_node: Option<u32>,
    /// `--threads-per-core`, or 1 for `--hint=nomultithread`.
    pub threads_per_core: Option<u32>,
    /// TRES: requested while waiting, held after.
    pub tres: Tres,
    /// What each of its GPUs brings; of a job that waits for some.
    pub per_gpu: PerGpu,
    /// How often it was requeued.
    pub restarts: u32,
    /// Whether it may be requeued.
    pub requeue: bool,
}

impl LiveJob {
    /// How many runs this line stands for: the tasks of the rest of an array, otherwise 1.
    pub fn run_count(&self) -> u32 {
        match &self.array {
            ArrayPart::Rest { count, .. } => *count,
            _ => 1,
        }
    }
}

/// A line that could not be read, with the field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// The line.
    pub line: String,
    /// The field.
    pub field: &'static str,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "squeue line with a bad {}: {:?}", self.field, self.line)
    }
}

/// All jobs slurmctld knows at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LiveJobs {
    /// The lines that could be read.
    pub jobs: Vec<LiveJob>,
    /// Those that could not; while there are any, what is in flight is a lower bound.
    pub unreadable: Vec<BadLine>,
}

/// Reads all jobs from slurmctld.
pub async fn read(commands: &SlurmCommands) -> Result<LiveJobs, CommandError> {
    let sharing = SharingColumn::of_version(&commands.read(Tool::Squeue, &words(&["-V"])).await?);
    let column = |field| if field == "OverSubscribe" { sharing.name() } else { field };
    let format = FIELDS.map(|field| format!("{}:|", column(field))).join(",");
    let args = words(&["-a", "-h", "-t", "all", "-O", &format]);
    let mut live = LiveJobs::default();
    commands
        .read_lines(Tool::Squeue, &args, commands.read_timeout, |line| {
            let text = String::from_utf8_lossy(line);
            match parse(&text, sharing) {
                Ok(job) => live.jobs.push(job),
                Err(field) => live.unreadable.push(BadLine { line: text.into_owned(), field }),
            }
        })
        .await?;
    let brings = |job: &LiveJob| job.phase == Phase::Waiting && job.tres.contains_key("gres/gpu");
    if live.jobs.iter().any(brings) {
        let told = per_gpu::read(commands).await?;
        for job in live.jobs.iter_mut().filter(|job| brings(job)) {
            job.per_gpu = told.get(&job.job_id).copied().unwrap_or_default();
        }
    }
    Ok(live)
}

/// Reads one line, or names the field that is wrong.
pub fn parse(line: &str, sharing: SharingColumn) -> Result<LiveJob, &'static str> {
    let fields: Vec<&str> = line.strip_suffix('|').unwrap_or(line).split('|').map(str::trim).collect();
    if fields.len() != FIELDS.len() {
        return Err("field count");
    }
    let text = |name: &'static str| -> Result<&str, &'static str> {
        FIELDS.iter().position(|field| *field == name).and_then(|at| fields.get(at).copied()).ok_or(name)
    };
    let number = |name| text(name).and_then(|text| text.parse::<u32>().map_err(|_| name));
    let optional = |name| match text(name)? {
        "N/A" | "*" | "" | "0" => Ok(None),
        text => text.parse::<u32>().map(Some).map_err(|_| name),
    };
    let time = |name| text(name).and_then(|text| instant(text).ok_or(name));

    let job_id = number("JobID")?;
    let state = text("State")?.to_owned();
    let phase = Phase::of_state(&state).ok_or("State")?;
    let started = phase != Phase::Waiting;
    let array = match text("ArrayTaskID")? {
        "N/A" | "" => ArrayPart::None,
        tasks => match (tasks.parse(), array_task_count(tasks)) {
            (Ok(task), _) if started || number("ArrayJobID")? != job_id => {
                ArrayPart::Task { job: number("ArrayJobID")?, task }
            }
            (_, Some(count)) => ArrayPart::Rest { job: number("ArrayJobID")?, tasks: tasks.to_owned(), count },
            _ => return Err("ArrayTaskID"),
        },
    };
    let het = match (optional("HetJobID")?, text("HetJobOffset")?.parse()) {
        (Some(leader), Ok(offset)) => Some((leader, offset)),
        (None, _) => None,
        _ => return Err("HetJobOffset"),
    };
    Ok(LiveJob {
        job_id,
        array,
        het,
        uid: number("UserID")?,
        account: text("Account")?.to_owned(),
        partitions: text("Partition")?.split(',').map(str::to_owned).collect(),
        qos: text("QOS")?.to_owned(),
        state,
        phase,
        submit: time("SubmitTime")?.ok_or("SubmitTime")?,
        eligible: time("EligibleTime")?,
        start: time("StartTime")?.filter(|_| started),
        end: time("EndTime")?.filter(|_| started),
        time_limit: TimeLimit::parse(text("TimeLimit")?).ok_or("TimeLimit")?,
        used: match text("TimeUsed")? {
            "INVALID" => 0,
            text => duration(text).ok_or("TimeUsed")?,
        },
        cpus: number("NumCPUs")?,
        tasks: number("NumTasks")?,
        cpus_per_task: optional("cpus-per-task")?.unwrap_or(1),
        nodes: number("NumNodes")?,
        max_nodes: number("MaxNodes")?,
        min_cpus_per_node: number("MinCpus")?,
        min_memory_mb: megabytes(text("MinMemory")?).ok_or("MinMemory")?,
        sharing: sharing.sharing(text("OverSubscribe")?).ok_or("OverSubscribe")?,
        tasks_per_core: optional("NTPerCore")?,
        tasks_per_node: optional("NTPerNode")?,
        threads_per_core: optional("Threads")?,
        tres: tres(text("tres-alloc")?).ok_or("tres-alloc")?,
        per_gpu: PerGpu::default(),
        restarts: number("RestartCnt")?,
        requeue: number("Requeue")? != 0,
    })
}

/// Counts the tasks of slurmctld's own expression (`5,7-9,20-50:3%2`), whose parts never overlap.
pub fn array_task_count(expression: &str) -> Option<u32> {
    let tasks = expression.split_once('%').map_or(expression, |(tasks, _)| tasks);
    let mut count = 0_u32;
    for part in tasks.split(',') {
        let (range, step) = match part.split_once(':') {
            Some((range, step)) => (range, step.parse().ok()?),
            None => (part, 1_u32),
        };
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (first.parse().ok()?, last.parse().ok()?),
            None => {
                let task: u32 = range.parse().ok()?;
                (task, task)
            }
        };
        let more = u32::checked_sub(last, first)?.checked_div(step)?;
        count = count.checked_add(more)?.checked_add(1)?;
    }
    Some(count)
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
