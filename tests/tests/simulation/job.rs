//! A job in the model's slurmctld: what it asked for, what became of it, and how squeue and sacct tell it.

use bursar_agent::slurm::fields::TimeLimit;
use bursar_agent::slurm::live::{ArrayPart, LiveJob, Phase, Sharing};
use bursar_agent::slurm::per_gpu::PerGpu;
use bursar_agent::slurm::settled::{EndState, SettledRun};
use bursar_policy::Timestamp;
use bursar_policy::snapshot::Partition;

use super::plan::Ask;
use super::random::Random;
use super::site::{ACCOUNTS, FIRST_UID, Site};

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
    /// The CPUs it asked for.
    pub(crate) ask: Ask,
    /// When the plugin let it in.
    pub(crate) verdict_at: Timestamp,
    /// When it was created or requeued.
    pub(crate) submit: Timestamp,
    /// The earliest start.
    pub(crate) eligible: Timestamp,
    /// Where it stands.
    pub(crate) state: State,
    /// The CPUs it has.
    pub(crate) cpus: u64,
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
            qos: "normal".into(),
            state: String::new(),
            phase,
            submit: self.submit,
            eligible: Some(self.eligible),
            start: self.started,
            end,
            time_limit: limit.map_or(TimeLimit::Unlimited, TimeLimit::Seconds),
            used: self.ran + running,
            cpus: if self.started.is_none() { self.ask.min_cpus() } else { self.cpus as u32 },
            tasks: self.ask.task_count(),
            cpus_per_task: self.ask.cpus_per_task.unwrap_or(1),
            nodes: self.ask.least_nodes(),
            max_nodes: self.ask.nodes.map_or(1, |(_, most)| most),
            min_cpus_per_node: self.ask.min_cpus_per_node.unwrap_or(1),
            min_memory_mb: 0,
            sharing: if self.ask.exclusive { Sharing::WholeNodes } else { Sharing::Normal },
            tasks_per_core: None,
            tasks_per_node: None,
            threads_per_core: None,
            tres: Default::default(),
            per_gpu: PerGpu::default(),
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
            partition: String::new(),
            qos: String::new(),
            state,
            eligible: Some(self.eligible),
            start: self.started,
            end,
            elapsed: wall - self.suspended.min(wall),
            suspended: self.suspended,
            time_limit: TimeLimit::Unset,
            nodes: 1,
            alloc: [("cpu".to_owned(), self.cpus)].into(),
        }
    }
}

/// The CPUs that slurmctld could give `ask` in a partition: whole cores, tasks never split, any node count of the
/// range. `None` where the job does not fit at all.
pub(crate) fn allocation(ask: &Ask, partition: &Partition, granule: u32, random: &mut Random) -> Option<u64> {
    let least = ask.least_nodes();
    let most = ask.nodes.map_or_else(|| ask.task_count().max(least), |(_, most)| most).min(partition.max_nodes);
    let fits = |nodes: u32| on_nodes(ask, partition, granule, nodes);
    let possible: Vec<u64> = (least..=most).filter_map(fits).collect();
    (!possible.is_empty()).then(|| random.pick(&possible))
}

fn on_nodes(ask: &Ask, partition: &Partition, granule: u32, nodes: u32) -> Option<u64> {
    let per_task = ask.cpus_per_task.unwrap_or(1);
    let tasks = ask.tasks.unwrap_or(1).max(nodes);
    if ask.tasks.is_some_and(|asked| asked < nodes && ask.nodes.is_none()) {
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
    let whole = ask.exclusive || partition.whole_nodes;
    Some(if whole { u64::from(nodes) * u64::from(partition.cpus_per_node) } else { sum })
}
