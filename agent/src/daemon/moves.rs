//! Moves: waiting jobs that would begin outside their windows are given the next opening as their begin.
//!
//! The plugin gave each job its place when it came; what is moved here still waited when its window closed, no longer
//! fits in before that, or came before the window did. The same rules say where to: [`bursar_policy::job::moved_to`].

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bursar_policy::job::{GpuAsk, Request, moved_to};
use bursar_policy::window::Window as _;
use bursar_policy::{Snapshot, Timestamp};

use super::site::{Site, chain};
use crate::accounting::flight::{Flight, LiveJob, Stage};
use crate::slurm::SlurmCommands;
use crate::slurm::service;

/// A job that could not be moved is tried again after so many seconds.
const TRIED_AFTER: u64 = 30;
/// Slurm's words where asking again would change nothing.
const SETTLED: [&str; 2] = ["no longer pending", "scrontab"];

/// The task's memory between lists.
pub struct Moves {
    site: Arc<Site>,
    commands: SlurmCommands,
    /// Where each waiting job was put; an operator who then puts it elsewhere has the last word.
    moved: HashMap<u32, Timestamp>,
    /// Jobs that could not be moved, since when, and why.
    failed: BTreeMap<u32, (Timestamp, String)>,
}

impl Moves {
    /// A task that has moved nothing yet.
    pub fn new(site: Arc<Site>, commands: SlurmCommands) -> Self {
        Self { site, commands, moved: HashMap::new(), failed: BTreeMap::new() }
    }

    /// Runs until the daemon ends.
    pub async fn run(mut self) {
        loop {
            let interval = self.site.view().config.machine.intervals.jobs;
            if let Some(outcome) = self.look().await {
                self.site.report("windows", outcome);
            }
            tokio::time::sleep(interval).await;
        }
    }

    /// Moves what has to be moved; `None` where there is no window.
    async fn look(&mut self) -> Option<Result<String, String>> {
        let view = self.site.view();
        let snapshot = view.snapshot.clone()?;
        let windows = view.config.policy.windows.len();
        if windows == 0 {
            self.moved.clear();
            return None;
        }
        let now = self.site.now();
        // A little ahead: between an edge and the next look slurmctld must find nothing to start.
        let ahead = now.plus(view.config.machine.intervals.jobs.as_secs() + 1);
        let plan = plan(&snapshot, &view.flight, ahead);
        let waiting = |job: &u32| view.flight.live().any(|live| record(live) == *job && live.stage == Stage::Waiting);
        self.moved.retain(|job, _| waiting(job));
        self.failed.retain(|job, _| plan.contains_key(job));
        for (job, until) in plan {
            let tried = self.failed.get(&job).is_some_and(|(at, _)| now.seconds_since(*at) < TRIED_AFTER);
            if tried || self.moved.get(&job) == Some(&until) {
                continue;
            }
            match service::set_begin(&self.commands, job, until).await {
                Ok(()) => {
                    tracing::info!(job, until = view.calendar.text(until), "moved to its window's next opening");
                    self.failed.remove(&job);
                    self.moved.insert(job, until);
                }
                // slurmctld changes what waits of an array and says no for what runs; to cron jobs it always says no.
                Err(error) if SETTLED.iter().any(|words| error.to_string().contains(words)) => {
                    tracing::info!(job, "{error}");
                    self.failed.remove(&job);
                    self.moved.insert(job, until);
                }
                Err(error) => {
                    self.failed.insert(job, (now, chain(&error)));
                }
            }
        }
        Some(match self.failed.iter().next() {
            Some((job, (_, fault))) => {
                Err(format!("{} waiting jobs cannot be moved; job {job}: {fault}", self.failed.len()))
            }
            None => {
                let open = snapshot.windows().filter(|window| is_open(window, now)).count();
                let all = snapshot.windows().count();
                Ok(format!(
                    "{windows} windows; {open} of {all} governed are open; {} jobs wait for one",
                    self.moved.len()
                ))
            }
        })
    }
}

fn is_open(window: &bursar_policy::snapshot::WindowRef<'_>, now: Timestamp) -> bool {
    window.opening_after(now).is_some_and(|opening| opening.contains(now))
}

/// The id by which a job is changed: an array's tasks that wait are changed together, or each would become a record.
fn record(job: &LiveJob) -> u32 {
    if job.array_job_id == 0 { job.job_id } else { job.array_job_id }
}

/// Each job that is to be moved, with its new begin.
fn plan(snapshot: &Snapshot, flight: &Flight, now: Timestamp) -> BTreeMap<u32, Timestamp> {
    let mut plan: BTreeMap<u32, Timestamp> = BTreeMap::new();
    if !snapshot.windows().any(|window| window.moves()) {
        return plan;
    }
    for job in flight.live().filter(|job| job.stage == Stage::Waiting) {
        let request = Request {
            uid: job.uid,
            account: Some(&job.account),
            partition: Some(job.partition.as_str()).filter(|list| !list.is_empty()),
            time_limit: job.time_limit,
            begin_at: Some(job.begin_at),
            array: None,
            shape: job.shape,
            gpus: GpuAsk::default(),
            qos: Some(job.qos.as_str()).filter(|qos| !qos.is_empty()),
            cost_center: None,
        };
        if let Some(until) = moved_to(snapshot, &request, now) {
            let slot = plan.entry(record(job)).or_insert(until);
            *slot = until.max(*slot);
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use bursar_policy::job::{Shape, TimeLimit};
    use bursar_policy::snapshot::{Account, Contents, Governs, Header, Kind, Opening, Person, Window, encode};
    use bursar_policy::window::{Outside, Rule};
    use bursar_policy::{Period, PersonState, SubjectKind};

    use super::*;

    const NOW: Timestamp = Timestamp(1_795_334_400);
    const OPENS: Timestamp = Timestamp(NOW.0 + 7_200);

    /// Partition `night` opens in two hours; ana may be there.
    fn snapshot() -> Snapshot {
        let mut contents = Contents::empty(Header {
            kind: Kind::Controller,
            generation: 1,
            made_at: NOW,
            as_of: NOW,
            hard_limit: 1,
            last_known: true,
            notice: 0,
            cluster: "lab".into(),
            contact: String::new(),
            currency: String::new(),
        });
        contents.accounts = vec![Account::new("physics", None)];
        contents.people = vec![Person {
            uid: 70_001,
            gid: 70_001,
            name: "ana".into(),
            state: PersonState::Active,
            kind: SubjectKind::Member,
            default_account: Some(0),
            lines: Vec::new(),
            associations: Vec::new(),
            storage: Vec::new(),
            grants: Vec::new(),
            home: None,
        }];
        let period = Period { start: OPENS, end: OPENS.plus(7_200) };
        contents.windows = vec![Window {
            name: "nights".into(),
            governs: vec![Governs::Partition("night".into())],
            rule: Rule { outside: Outside::Refuse, ends_inside: false },
            moves: true,
            openings: vec![Opening { period, opens: String::new(), closes: String::new() }],
            known_until: NOW.plus(1_000_000),
        }];
        Snapshot::decode(encode(&contents).unwrap()).unwrap()
    }

    fn waiting(job_id: u32, array_job_id: u32, partition: &str) -> LiveJob {
        LiveJob {
            job_id,
            array_job_id,
            uid: 70_001,
            account: "physics".into(),
            partition: partition.into(),
            qos: String::new(),
            submitted_at: NOW,
            begin_at: Timestamp(0),
            stage: Stage::Waiting,
            tasks: 1,
            time_limit: TimeLimit::Minutes(60),
            shape: Shape::default(),
            held: Vec::new(),
            fresh: true,
        }
    }

    #[test]
    fn given_waiting_jobs_then_arrays_are_moved_by_their_id_and_nobody_else_is() {
        let mut flight = Flight::default();
        let placed = LiveJob { begin_at: OPENS, ..waiting(5, 0, "night") };
        let running = LiveJob { stage: Stage::Running(NOW), ..waiting(6, 0, "night") };
        let stranger = LiveJob { uid: 4, ..waiting(7, 0, "night") };
        let jobs = vec![
            waiting(1, 0, "main,night"),
            waiting(2, 2, "night"),
            waiting(3, 2, "night"),
            waiting(4, 0, "main"),
            placed,
            running,
            stranger,
        ];
        flight.take(jobs, NOW);
        let moved: Vec<_> = plan(&snapshot(), &flight, NOW).into_iter().collect();
        assert_eq!(moved, [(1, OPENS), (2, OPENS)]);
        assert!(plan(&snapshot(), &flight, OPENS).is_empty(), "the window has opened");
    }
}
