//! A job in the model's slurmctld: what it asked for, what became of it, and how squeue and sacct tell it.

use bursar_agent::slurm::fields::{TimeLimit, Tres};
use bursar_agent::slurm::live::{ArrayPart, LiveJob, Phase, Sharing};
use bursar_agent::slurm::per_gpu::PerGpu;
use bursar_agent::slurm::settled::{EndState, SettledRun};
use bursar_policy::Timestamp;
use bursar_policy::job::Memory;
use bursar_policy::snapshot::Partition;

use super::plan::Ask;
use super::random::Random;
use super::site::{ACCOUNTS, FIRST_UID, Site};
use super::things::{Amounts, CPU, GPU, GPU_TYPES, MEMORY, NODE, QUEUES, TYPED};

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// In the queue.
    Pending,
    /// On nodes.
    Running,
    /// On nodes, standing still.
    Suspended,
    /// Gone.
    Ended(EndState),
}

/// A record of slurmctld's.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// Which submission it comes from.
    pub(crate) plan: usize,
    /// Its id.
    pub(crate) id: u32,
    /// The array's id, or 0.
    pub(crate) array: u32,
    /// Tasks that the record stands for while it waits.
    pub(crate) tasks: u32,
    /// Whose: a position among the people.
    pub(crate) person: usize,
    /// A position among the accounts.
    pub(crate) account: usize,
    /// Positions among the partitions.
    pub(crate) partitions: Vec<usize>,
    /// `-t`.
    pub(crate) minutes: Option<u32>,
    /// What it asked for.
    pub(crate) ask: Ask,
    /// A position among the queues.
    pub(crate) queue: usize,
    /// When the plugin let it in.
    pub(crate) verdict_at: Timestamp,
    /// When it was created or requeued.
    pub(crate) submit: Timestamp,
    /// The earliest start.
    pub(crate) eligible: Timestamp,
    /// Until when the scheduler passes it over.
    pub(crate) passed_over: Timestamp,
    /// Where it stands.
    pub(crate) state: State,
    /// What it has, with the price of an hour.
    pub(crate) held: Amounts,
    /// Its start.
    pub(crate) started: Option<Timestamp>,
    /// When it began to run last, while it runs.
    pub(crate) runs_since: Timestamp,
    /// Seconds it still wants to run.
    pub(crate) wants: u64,
    /// Seconds it has run before `runs_since`.
    pub(crate) ran: u64,
    /// When it was suspended, while it is.
    pub(crate) suspended_at: Timestamp,
    /// Seconds it was suspended for.
    pub(crate) suspended: u64,
    /// Its end.
    pub(crate) ended: Timestamp,
    /// How often it was requeued.
    pub(crate) restarts: u32,
    /// Counts its stages, so that an event for an earlier one is known as late.
    pub(crate) serial: u32,
    /// The list that showed it first.
    pub(crate) listed_in: Option<u64>,
    /// When its owner raised it last.
    pub(crate) raised_at: Option<Timestamp>,
    /// Why its consumption is not bursar's fault.
    pub(crate) excuse: Option<Excuse>,
    /// Its own random numbers.
    pub(crate) random: Random,
    /// What happened to it.
    pub(crate) history: Vec<(Timestamp, String)>,
}

/// Why consumption is counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Excuse {
    /// A second run after a requeue.
    Requeued,
    /// Admitted or raised since the snapshot that slurmctld started again with.
    LostAtRestart,
    /// Ended while bursard was away, purged by slurmctld, and not yet told by slurmdbd when bursard came back.
    LateRow,
}

impl Job {
    /// Notes what happened.
    pub(crate) fn note(&mut self, at: Timestamp, what: impl Into<String>) {
        self.history.push((at, what.into()));
    }

    /// The time limit in a partition, in seconds; `None` is none.
    pub(crate) fn limit_in(&self, partition: &Partition) -> Option<u64> {
        self.minutes.or(partition.default_minutes).or(partition.max_minutes).map(|minutes| u64::from(minutes) * 60)
    }

    /// A line of squeue.
    pub(crate) fn listed(&self, site: &Site, now: Timestamp) -> LiveJob {
        let pending = self.state == State::Pending;
        let first = &site.cluster.partitions[self.partitions[0]];
        let limit = self.limit_in(first);
        let array = match self.array {
            0 => ArrayPart::None,
            job if pending && self.id == job => ArrayPart::Rest { job, tasks: String::new(), count: self.tasks },
            job => ArrayPart::Task { job, task: self.id },
        };
        let (phase, end) = match self.state {
            State::Pending => (Phase::Waiting, None),
            State::Running => (Phase::Holding, self.started.zip(limit).map(|(at, s)| at.plus(s + self.suspended))),
            State::Suspended => (Phase::Suspended, None),
            State::Ended(_) => (Phase::Ended, Some(self.ended)),
        };
        let running = if self.state == State::Running { now.seconds_since(self.runs_since) } else { 0 };
        LiveJob {
            job_id: self.id,
            array,
            het: None,
            uid: FIRST_UID + self.person as u32,
            account: ACCOUNTS[self.account].0.to_owned(),
            partitions: self.partitions.iter().map(|at| site.cluster.partitions[*at].name.clone()).collect(),
            qos: QUEUES[self.queue].0.into(),
            state: String::new(),
            phase,
            submit: self.submit,
            eligible: Some(self.eligible),
            start: self.started,
            end,
            time_limit: limit.map_or(TimeLimit::Unlimited, TimeLimit::Seconds),
            used: self.ran + running,
            cpus: if self.started.is_none() { self.ask.min_cpus() } else { self.held[CPU] as u32 },
            tasks: self.ask.task_count(),
            cpus_per_task: self.ask.cpus_per_task.unwrap_or(1),
            nodes: if self.started.is_none() { self.ask.least_nodes() } else { self.held[NODE] as u32 },
            max_nodes: self.ask.nodes.map_or(1, |(_, most)| most),
            min_cpus_per_node: self.ask.min_cpus_per_node.unwrap_or(1),
            min_memory_mb: match self.memory_in(first) {
                _ if self.memory_per_gpu().is_some() => 0,
                Memory::Unset => 0,
                Memory::PerNode(mib) | Memory::PerCpu(mib) => mib,
            },
            sharing: if self.ask.exclusive { Sharing::WholeNodes } else { Sharing::Normal },
            tasks_per_core: None,
            tasks_per_node: None,
            threads_per_core: None,
            tres: if self.started.is_none() { self.requested(first) } else { told(&self.held) },
            per_gpu: PerGpu::Told { cpus: self.ask.gpus.and_then(|wish| wish.cpus), memory_mb: self.memory_per_gpu() },
            restarts: self.restarts,
            requeue: true,
        }
    }

    /// A row of sacct for the run that ended at `end`.
    pub(crate) fn row(&self, site: &Site, state: EndState, end: Timestamp) -> SettledRun {
        let wall = self.started.map_or(0, |start| end.seconds_since(start));
        SettledRun {
            cluster: site.config.machine.cluster.clone(),
            job_id: self.id,
            submit: self.submit,
            db_index: String::new(),
            user: String::new(),
            uid: FIRST_UID + self.person as u32,
            account: ACCOUNTS[self.account].0.to_owned(),
            wckey: None,
            partition: site.cluster.partitions[self.partitions[0]].name.clone(),
            qos: QUEUES[self.queue].0.into(),
            state,
            eligible: Some(self.eligible),
            start: self.started,
            end,
            elapsed: wall - self.suspended.min(wall),
            suspended: self.suspended,
            time_limit: TimeLimit::Unset,
            nodes: self.held[NODE] as u32,
            alloc: told(&self.held),
            node_list: String::new(),
            priority: None,
            reservation: String::new(),
        }
    }

    fn memory_per_gpu(&self) -> Option<u64> {
        self.ask.gpus.and_then(|wish| wish.memory)
    }

    /// Memory as it is asked for in a partition: what was named, else the partition's default.
    fn memory_in(&self, partition: &Partition) -> Memory {
        if self.ask.memory == Memory::Unset { partition.default_memory } else { self.ask.memory }
    }

    /// What slurmctld takes the request to come to, of the least nodes.
    fn requested(&self, partition: &Partition) -> Tres {
        let (cpus, nodes) = (u64::from(self.ask.min_cpus()), u64::from(self.ask.least_nodes()));
        let memory = match self.memory_in(partition) {
            Memory::Unset | Memory::PerNode(0) => partition.memory_per_node * nodes,
            Memory::PerNode(mib) => mib * nodes,
            Memory::PerCpu(mib) => mib * cpus,
        };
        let gpus = self.ask.gpus.map_or(0, |wish| wish.requested(&self.ask));
        let memory = self.memory_per_gpu().map_or(memory, |mib| mib * gpus);
        let mut held = Amounts::default();
        (held[CPU], held[NODE], held[MEMORY]) = (cpus, nodes, memory);
        if let Some(wish) = &self.ask.gpus {
            held[GPU] = gpus;
            if let Some(of) = wish.of {
                held[TYPED + of] = held[GPU];
            }
        }
        told(&held)
    }
}

/// Amounts by Slurm's names; what there is none of is not told.
fn told(held: &Amounts) -> Tres {
    let typed = GPU_TYPES.iter().zip(&held[TYPED..]).map(|(of, count)| (format!("gres/gpu:{of}"), *count));
    let others = [("cpu", CPU), ("mem", MEMORY), ("node", NODE), ("gres/gpu", GPU)];
    let others = others.map(|(name, at)| (name.to_owned(), held[at]));
    others.into_iter().chain(typed).filter(|(_, count)| *count > 0).collect()
}
