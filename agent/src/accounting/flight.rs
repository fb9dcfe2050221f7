//! What live jobs hold against limits, by the same bound that the plugin booked them with.

use std::collections::HashMap;

use bursar_policy::job::{Asked, Bound, Cost, GRACE, GpuAsk, Request, Shape, TimeLimit, bound_listed};
use bursar_policy::snapshot::{Calendar as Edges, Contents, Header, Kind, Queue, encode};
use bursar_policy::{PeriodKind, PeriodUse, Snapshot, Timestamp, Tres, Usage};

use super::calendar::OutsideCalendar;
use super::pricing::Pricing;
use super::settled::Settled;
use crate::snapshot::compile::Cluster;

/// Where a live job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Waits.
    Waiting,
    /// Has run since this instant.
    Running(Timestamp),
    /// Has started at this instant and is suspended now: its end moves.
    Suspended(Timestamp),
    /// Has run from the one instant to the other and is not in slurmdbd yet.
    Ended(Timestamp, Timestamp),
}

/// A job of slurmctld's list, or an array's waiting remainder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveJob {
    /// The record's own id.
    pub job_id: u32,
    /// The array's id, or 0.
    pub array_job_id: u32,
    /// Whose it is.
    pub uid: u32,
    /// Its account.
    pub account: String,
    /// Its partition list while it waits, its partition once it runs.
    pub partition: String,
    /// When it was submitted, or requeued last.
    pub submitted_at: Timestamp,
    /// The earliest instant it may start.
    pub begin_at: Timestamp,
    /// Where it stands.
    pub stage: Stage,
    /// How many tasks the record stands for.
    pub tasks: u32,
    /// Its time limit.
    pub time_limit: TimeLimit,
    /// What it asked for.
    pub shape: Shape,
    /// Its QOS.
    pub qos: String,
    /// What it has, by Slurm's names of TRES, memory in MiB; nothing while it waits.
    pub held: Vec<(String, u64)>,
    /// Whether it was submitted by somebody, not put back into the queue by Slurm.
    pub fresh: bool,
}

impl LiveJob {
    /// The CPUs it has; 0 while it waits.
    pub fn cpus(&self) -> u64 {
        self.held.iter().find(|(name, _)| name == "cpu").map_or(0, |(_, count)| *count)
    }

    /// Its time limit in seconds; `None` is none of its own.
    pub fn limit_seconds(&self) -> Option<u64> {
        match self.time_limit {
            TimeLimit::Minutes(minutes) => Some(u64::from(minutes) * 60),
            TimeLimit::Unset | TimeLimit::Unlimited => None,
        }
    }
}

/// Cluster facts and calendar in the form the bound takes them.
#[derive(Debug)]
pub struct Ground {
    snapshot: Snapshot,
    pricing: Pricing,
    now: Timestamp,
}

/// Why there is no ground to reckon on.
#[derive(Debug, thiserror::Error)]
pub enum GroundError {
    /// The clock is off.
    #[error("cannot lay out the current periods")]
    Calendar(#[from] OutsideCalendar),
    /// Slurm told two partitions of one name, or the like.
    #[error("cannot lay out the cluster's facts")]
    Encode(#[from] bursar_policy::snapshot::EncodeError),
    /// What was laid out cannot be read back.
    #[error("cannot read back the cluster's facts")]
    Decode(#[from] bursar_policy::snapshot::DecodeError),
}

impl Ground {
    /// The ground at `now`: the cluster's facts, its queues, and the edges of every calendar.
    pub fn new(
        cluster: &Cluster,
        queues: &[Queue],
        calendars: Vec<Edges>,
        pricing: Pricing,
        now: Timestamp,
    ) -> Result<Self, GroundError> {
        let header = Header {
            kind: Kind::Controller,
            generation: 0,
            made_at: now,
            as_of: now,
            hard_limit: 0,
            last_known: true,
            notice: 0,
            cluster: String::new(),
            contact: String::new(),
            currency: String::new(),
        };
        let mut contents = Contents::empty(header);
        contents.facts = cluster.facts;
        contents.partitions = cluster.partitions.clone();
        contents.gpu_types = cluster.gpu_types.clone();
        // Who may use a queue does not matter here, and accounts are not there to be referred to.
        contents.queues = queues.iter().map(|queue| Queue { accounts: Vec::new(), ..queue.clone() }).collect();
        contents.calendars = calendars;
        Ok(Self { snapshot: Snapshot::decode(encode(&contents)?)?, pricing, now })
    }

    /// What one job holds, in the calendar at a position.
    pub fn usage(&self, job: &LiveJob, calendar: u32) -> Usage {
        match job.stage {
            Stage::Waiting => self.waiting(job, calendar),
            Stage::Running(started) => {
                // A job past its limit is being ended; until it has been, it consumes.
                let over = self.over_seconds(&job.partition);
                let limit = job.limit_seconds().zip(over).map(|(limit, over)| limit + over);
                let end = limit.map_or(Timestamp::NEVER, |seconds| started.plus(seconds)).max(self.now.plus(1));
                self.between(job, calendar, started, end, end.seconds_since(self.now), 1)
            }
            Stage::Suspended(started) => {
                let all = self.between(job, calendar, started, Timestamp::NEVER, u64::MAX, 1);
                let Some(limit) = job.limit_seconds() else { return all };
                let most = self.held(job).times(limit);
                let periods = all.periods.map(|period| PeriodUse {
                    settled: Tres::ZERO,
                    in_flight: period.in_flight.smaller(&most),
                    in_flight_next: period.in_flight_next.smaller(&most),
                });
                Usage { in_flight_total: most, in_flight_life: most, periods, ..all }
            }
            Stage::Ended(started, ended) => self.between(job, calendar, started, ended, 0, 0),
        }
    }

    fn held(&self, job: &LiveJob) -> Tres {
        self.pricing.held(job.held.iter().map(|(name, count)| (name.as_str(), *count)), &job.partition, &job.qos)
    }

    fn waiting(&self, job: &LiveJob, calendar: u32) -> Usage {
        let request = Request {
            uid: job.uid,
            account: None,
            partition: Some(&job.partition).filter(|list| !list.is_empty()).map(String::as_str),
            time_limit: job.time_limit,
            begin_at: None,
            array: None,
            shape: job.shape,
            gpus: GpuAsk::default(),
            qos: Some(&job.qos).filter(|qos| !qos.is_empty()).map(String::as_str),
            cost_center: None,
        };
        let cost = match bound_listed(&self.snapshot, &request) {
            Bound::Cost(cost) => cost,
            // Let in before there was a limit, or by an operator: it may take all the time there is.
            Bound::Timeless(_) => Cost::of_cpus(u64::from(job.shape.min_cpus), u64::MAX),
        };
        Asked { jobs: u64::from(job.tasks), cost, begin_at: job.begin_at }.usage(&self.snapshot, calendar, self.now)
    }

    /// What is consumed in `[from, to)` by period, with what remains after now.
    fn between(
        &self,
        job: &LiveJob,
        calendar: u32,
        from: Timestamp,
        to: Timestamp,
        remaining: u64,
        running: u32,
    ) -> Usage {
        let from = from.max(job.submitted_at);
        let held = self.held(job);
        let mut usage = Usage {
            running,
            held: held.times(running.into()),
            in_flight_total: held.times(remaining),
            in_flight_life: held.times(to.seconds_since(from)),
            ..Usage::default()
        };
        for (kind, slot) in PeriodKind::ALL.into_iter().zip(&mut usage.periods) {
            let Some(current) = self.snapshot.period(calendar, kind, self.now) else { continue };
            slot.in_flight = held.times(current.period.overlap(from, to));
            // A later day may be longer than tomorrow.
            let later = to.seconds_since(from.max(current.period.end));
            let later = match self.snapshot.period(calendar, kind, current.period.end) {
                Some(next) if later <= next.period.length() => later,
                _ => later.min(self.snapshot.longest_after(calendar, kind, self.now)),
            };
            slot.in_flight_next = held.times(later);
        }
        usage
    }

    fn over_seconds(&self, partition: &str) -> Option<u64> {
        let slack = self.snapshot.facts().slack;
        match self.snapshot.partition(partition) {
            Some(partition) => partition.over_minutes.map(|minutes| u64::from(minutes) * 60 + slack),
            None => Some(slack),
        }
    }
}

/// The jobs that hold something: slurmctld's list, and those that left it before slurmdbd told of their end.
#[derive(Debug, Clone, Default)]
pub struct Flight {
    jobs: HashMap<(u32, Timestamp), LiveJob>,
    /// When a job that is no longer listed was missed first.
    missing_since: HashMap<(u32, Timestamp), Timestamp>,
    /// Submissions of the last minute that were seen, whatever became of them, and the newest one, however old: who, in
    /// which account.
    seen: HashMap<(u32, Timestamp), (u32, String)>,
    /// Whether the newest list shows a job that ended in the last [`UNSETTLED_FOR`] seconds.
    ended_lately: bool,
}

/// Seconds after a job's end in which slurmdbd is asked again although it has told of it.
///
/// Its first word can be short of something: the record of an end may come before what it is the end of is complete.
const UNSETTLED_FOR: u64 = 15;

/// Seconds for which a submission that was seen is told to the plugin, which strikes its booking off.
const SEEN_FOR: u64 = 2 * GRACE;

/// Seconds for which a job that left the list is still counted without word from slurmdbd.
///
/// Long enough for an outage to be noticed, short enough that a row that never comes frees its room the same day.
const HELD: u64 = 6 * 3_600;

impl Flight {
    /// Takes in a newer list. Jobs that left it stay until they are settled, or for six hours.
    pub fn take(&mut self, listed: Vec<LiveJob>, now: Timestamp) {
        let mut seen = std::mem::take(&mut self.seen);
        for job in listed.iter().filter(|job| job.fresh) {
            // An array is one submission, in however many lines it is listed.
            let id = if job.array_job_id == 0 { job.job_id } else { job.array_job_id };
            seen.entry((id, job.submitted_at)).or_insert_with(|| (job.uid, job.account.clone()));
        }
        // The plugin takes ids above the newest for jobs created since, and an older one that is requeued for none.
        // The newest by time: numbers begin anew after MaxJobId.
        let newest = seen.keys().copied().max_by_key(|(id, submitted)| (*submitted, *id));
        seen.retain(|key, _| key.1.plus(SEEN_FOR) >= now || Some(*key) == newest);
        let lately = |job: &LiveJob| matches!(job.stage, Stage::Ended(_, end) if end.plus(UNSETTLED_FOR) >= now);
        let ended_lately = listed.iter().any(lately);
        let mut jobs: HashMap<_, _> = listed.into_iter().map(|job| ((job.job_id, job.submitted_at), job)).collect();
        let mut missing_since = HashMap::new();
        for (key, job) in self.jobs.drain() {
            if jobs.contains_key(&key) {
                continue;
            }
            let since = self.missing_since.get(&key).copied().unwrap_or(now);
            // An array's waiting remainder shrinks into tasks of their own ids, and never is a run itself.
            let remainder = job.array_job_id == job.job_id && job.stage == Stage::Waiting;
            if now.seconds_since(since) < HELD && !remainder {
                missing_since.insert(key, since);
                jobs.insert(key, job);
            }
        }
        *self = Self { jobs, missing_since, seen, ended_lately };
    }

    /// The key of every job that is held.
    pub fn keys(&self) -> impl Iterator<Item = (u32, Timestamp)> {
        self.jobs.keys().copied()
    }

    /// The jobs that are not settled yet.
    pub fn unsettled<'a>(&'a self, settled: &'a Settled) -> impl Iterator<Item = &'a LiveJob> {
        self.jobs.iter().filter(|((job_id, submitted), _)| !settled.has(*job_id, *submitted)).map(|(_, job)| job)
    }

    /// Forgets jobs that are settled.
    pub fn forget(&mut self, settled: &Settled) {
        self.jobs.retain(|(job_id, submitted), _| !settled.has(*job_id, *submitted));
        let jobs = &self.jobs;
        self.missing_since.retain(|key, _| jobs.contains_key(key));
    }

    /// Whether slurmdbd's word on some job is awaited.
    pub fn awaits_slurmdbd(&self) -> bool {
        self.ended_lately
            || !self.missing_since.is_empty()
            || self.jobs.values().any(|job| matches!(job.stage, Stage::Ended(..)))
    }

    /// Submissions of the last minute that slurmctld had taken, and the newest: id, when, whose, in which account.
    ///
    /// A job that has ended meanwhile, and is settled, is still among them: its booking must not outlive it.
    pub fn seen(&self) -> impl Iterator<Item = (u32, Timestamp, u32, &str)> {
        self.seen.iter().map(|((id, submitted), (uid, account))| (*id, *submitted, *uid, account.as_str()))
    }

    /// The jobs of slurmctld's newest list that are not settled, those included that have ended.
    pub fn listed(&self) -> impl Iterator<Item = &LiveJob> {
        self.jobs.iter().filter(|(key, _)| !self.missing_since.contains_key(key)).map(|(_, job)| job)
    }

    /// The jobs of slurmctld's newest list that wait or run.
    pub fn live(&self) -> impl Iterator<Item = &LiveJob> {
        self.listed().filter(|job| !matches!(job.stage, Stage::Ended(..)))
    }
}

#[cfg(test)]
mod tests {
    use bursar_policy::snapshot::Partition;
    use jiff::civil::Weekday;
    use jiff::tz::TimeZone;

    use crate::accounting::{Calendar, Calendars};
    use crate::snapshot::compile;

    use super::*;

    /// 2026-11-22 23:00 UTC, an hour before midnight.
    const LATE: Timestamp = Timestamp(1_795_388_400);

    fn ground() -> Ground {
        let calendar = Calendar { zone: TimeZone::UTC, week_start: Weekday::Monday, year_start: 1 };
        let partition =
            Partition { name: "main".into(), default: true, max_nodes: 4, cpus_per_node: 8, ..Partition::default() };
        let edges = compile::edges(&Calendars::new(calendar, []), LATE).unwrap();
        let cluster = Cluster { partitions: vec![partition], ..Cluster::default() };
        Ground::new(&cluster, &[], edges, Pricing::default(), LATE).unwrap()
    }

    fn job(stage: Stage) -> LiveJob {
        LiveJob {
            job_id: 1,
            array_job_id: 0,
            uid: 70_001,
            account: "physics".into(),
            partition: "main".into(),
            submitted_at: Timestamp(LATE.0 - 7_200),
            begin_at: Timestamp(0),
            stage,
            tasks: 1,
            time_limit: TimeLimit::Minutes(240),
            shape: Shape::default(),
            qos: "normal".into(),
            held: vec![("cpu".into(), 2)],
            fresh: true,
        }
    }

    fn day(usage: &Usage) -> (u64, u64) {
        (usage.periods[0].in_flight.cpus(), usage.periods[0].in_flight_next.cpus())
    }

    #[test]
    fn given_a_running_job_then_it_is_split_at_midnight() {
        let usage = ground().usage(&job(Stage::Running(Timestamp(LATE.0 - 3_600))), 0);
        assert_eq!(day(&usage), (2 * 7_200, 2 * 7_200));
        assert_eq!((usage.running, usage.queued, usage.in_flight_total.cpus()), (1, 0, 2 * 3 * 3_600));
    }

    #[test]
    fn given_a_waiting_job_then_it_may_run_in_either_day() {
        let usage = ground().usage(&LiveJob { tasks: 3, ..job(Stage::Waiting) }, 0);
        assert_eq!(day(&usage), (3 * 3_600, 3 * 4 * 3_600));
        assert_eq!((usage.running, usage.queued), (0, 3));
    }

    #[test]
    fn given_a_waiting_job_that_begins_tomorrow_then_today_is_free_of_it() {
        let usage = ground().usage(&LiveJob { begin_at: LATE.plus(3_600), ..job(Stage::Waiting) }, 0);
        assert_eq!(day(&usage), (0, 4 * 3_600));
    }

    #[test]
    fn given_a_suspended_job_then_its_whole_limit_may_fall_anywhere() {
        let usage = ground().usage(&job(Stage::Suspended(Timestamp(LATE.0 - 3_600))), 0);
        assert_eq!(day(&usage), (2 * 7_200, 2 * 14_400));
    }

    #[test]
    fn given_an_ended_job_then_what_it_consumed_is_held_until_slurmdbd_tells() {
        let usage = ground().usage(&job(Stage::Ended(Timestamp(LATE.0 - 3_600), Timestamp(LATE.0 - 600))), 0);
        assert_eq!(day(&usage), (2 * 3_000, 0));
        assert_eq!((usage.running, usage.queued, usage.in_flight_total.cpus()), (0, 0, 0));
    }

    #[test]
    fn given_a_job_past_its_limit_then_it_still_counts_as_running() {
        let usage = ground().usage(
            &LiveJob { time_limit: TimeLimit::Minutes(30), ..job(Stage::Running(Timestamp(LATE.0 - 3_600))) },
            0,
        );
        assert_eq!(day(&usage), (2 * 3_601, 0));
    }

    #[test]
    fn given_a_job_that_left_the_list_then_it_is_held_until_word_comes_or_hours_pass() {
        let mut flight = Flight::default();
        flight.take(vec![job(Stage::Running(LATE))], LATE);
        flight.take(Vec::new(), LATE.plus(2));
        assert!(flight.awaits_slurmdbd());
        assert_eq!((flight.jobs.len(), flight.live().count()), (1, 0));
        flight.take(Vec::new(), LATE.plus(2 + HELD));
        assert!(flight.jobs.is_empty() && !flight.awaits_slurmdbd());
    }

    #[test]
    fn given_quick_jobs_that_are_settled_then_they_are_told_for_a_minute_and_the_newest_for_ever() {
        let mut flight = Flight::default();
        let quick = LiveJob { submitted_at: LATE, ..job(Stage::Running(LATE)) };
        let newest = LiveJob { job_id: 2, ..quick.clone() };
        let requeued = LiveJob { job_id: 3, fresh: false, ..quick.clone() };
        let ids = |flight: &Flight| {
            let mut ids: Vec<u32> = flight.seen().map(|(id, ..)| id).collect();
            ids.sort_unstable();
            ids
        };
        flight.take(vec![quick, newest, requeued], LATE.plus(1));
        flight.take(Vec::new(), LATE.plus(SEEN_FOR));
        assert_eq!(ids(&flight), [1, 2]);
        flight.take(Vec::new(), LATE.plus(SEEN_FOR + 1));
        assert_eq!(ids(&flight), [2], "later ids are told from it");
    }
}
