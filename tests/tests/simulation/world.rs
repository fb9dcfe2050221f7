//! The model: slurmctld with the plugin, slurmdbd, bursard, and the clock that moves them.

mod bursard;
mod edits;
mod slurmctld;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use bursar_agent::accounting::{LiveJob, listed};
use bursar_agent::slurm::settled::EndState;
use bursar_policy::{Period, PeriodKind, Snapshot, Timestamp};

use super::agent::{Agent, Database, live_jobs};
use super::allocation::allocation;
use super::job::{Excuse, Job, State};
use super::limits::Owner;
use super::plan::{Fate, Part, Plan};
use super::plugin::{Answer, Files, Plugin};
use super::random::Random;
use super::site::{ACCOUNTS, CPUS, GPUS, KINDS, MIN_JOB_AGE, OVERRUN, Site};
use super::things::{Amounts, CPU, GPU, THINGS};
use super::truth::{Tally, Truth, Violation, Wish};

/// Seconds of bursard's presence after which no booking of a refused job may be left.
const BOOKING_ENDS: u64 = 60;
/// Seconds after the last submission for which bursard goes on listing often.
const BRISK: u64 = 40;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Submit(usize),
    Create {
        plan: usize,
        seats: Vec<(usize, usize)>,
        verdict_at: i64,
        epoch: u32,
    },
    Schedule,
    End(usize, u32),
    Requeue(usize, u32),
    Suspend(usize, u32),
    Resume(usize, u32),
    CancelPending(usize),
    Edit(usize),
    List(u64),
    Squeue(u64),
    Sacct(u64),
    Compile(u64),
    VisibleJobs(u64),
    Visible(u64),
    OutageStarts,
    OutageEnds(bool),
    Restart,
    Check,
    /// In the calendar at a position, of a kind.
    Edge(usize, usize),
}

/// What happened in one simulation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Jobs judged, components counted singly.
    pub(crate) judged: u64,
    /// Of them admitted.
    pub(crate) admitted: u64,
    /// Of them refused for a limit of the current period, by thing.
    pub(crate) refused_for: [u64; THINGS],
    /// Runs that started.
    pub(crate) runs: u64,
    /// Runs after a requeue.
    pub(crate) requeued: u64,
    /// Suspensions.
    pub(crate) suspended: u64,
    /// Edits that were judged, and those that were let through.
    pub(crate) edits: [u64; 2],
    /// Lists that bursard took.
    pub(crate) lists: u64,
    /// Times that slurmctld started again.
    pub(crate) restarts: u64,
    /// Jobs lost to the ledger by that.
    pub(crate) lost: u64,
    /// Jobs that nobody told bursard of in time after an outage.
    pub(crate) late: u64,
    /// By kind of period, then by thing.
    pub(crate) tallies: [[Tally; THINGS]; KINDS.len()],
}

/// What is going through bursard's hands.
#[derive(Default)]
struct Cycle {
    as_of: i64,
    listed: Vec<LiveJob>,
    controller: Option<Snapshot>,
    jobs: Option<Snapshot>,
}

/// One simulation.
pub(crate) struct World<'a> {
    site: &'a Site,
    plans: &'a [&'a Plan],
    seed: u64,
    now: Timestamp,
    heap: BinaryHeap<Reverse<(i64, u64, Event)>>,
    events: u64,
    jobs: Vec<Job>,
    /// Jobs that squeue shows.
    shown: Vec<usize>,
    /// CPUs and GPUs that nobody has.
    free: [u64; 2],
    next_id: u32,
    scheduled: bool,
    epoch: u32,
    agent: Agent,
    agent_up_since: Option<Timestamp>,
    came_back: bool,
    token: u64,
    active_until: Timestamp,
    next_list: Timestamp,
    cycle: Cycle,
    cycle_number: u64,
    visible: (u64, Timestamp),
    database: Database,
    awaited_rows: Vec<((u32, Timestamp), usize, Timestamp)>,
    files: Files,
    plugin: Plugin,
    truth: Truth,
    chance: Random,
    numbers: Numbers,
}

impl<'a> World<'a> {
    /// A world in which `plans` will be tried between `from` and `to`.
    pub(crate) fn new(site: &'a Site, seed: u64, plans: &'a [&'a Plan], from: Timestamp, to: Timestamp) -> Self {
        let mut world = Self {
            site,
            plans,
            seed,
            now: from,
            heap: BinaryHeap::new(),
            events: 0,
            jobs: Vec::new(),
            shown: Vec::new(),
            free: [CPUS, GPUS],
            next_id: 1,
            scheduled: false,
            epoch: 0,
            agent: Agent::new(site),
            agent_up_since: Some(from),
            came_back: false,
            token: 0,
            active_until: from,
            next_list: from,
            cycle: Cycle::default(),
            cycle_number: 0,
            visible: (0, Timestamp(0)),
            database: Database::default(),
            awaited_rows: Vec::new(),
            files: Files::default(),
            plugin: Plugin::default(),
            truth: Truth::default(),
            chance: Random::of(seed, 3),
            numbers: Numbers::default(),
        };
        world.lay_out(from, to);
        world
    }

    fn lay_out(&mut self, from: Timestamp, to: Timestamp) {
        let mut random = Random::of(self.seed, 4);
        self.at(from, Event::List(0));
        for (at, plan) in self.plans.iter().enumerate() {
            self.at(plan.at, Event::Submit(at));
        }
        for (position, calendar) in self.site.calendars.iter().enumerate() {
            for (index, kind) in KINDS.into_iter().enumerate() {
                let mut edge = calendar.period(kind, from).expect("an instant of the calendar").end;
                while edge < to {
                    self.at(edge, Event::Edge(position, index));
                    edge = calendar.period(kind, edge).expect("an instant of the calendar").end;
                }
            }
        }
        let mut at = from;
        while at < to {
            at = at.plus(random.between(600, 30_000));
            self.at(at, Event::Check);
        }
        let mut at = from;
        while at < to {
            at = at.plus(random.between(86_400, 6 * 86_400));
            let length = random.magnitude(20, 10 * 3_600);
            self.at(at, Event::OutageStarts);
            at = at.plus(length);
            self.at(at, Event::OutageEnds(random.chance(50)));
        }
        let mut at = from;
        while at < to {
            at = at.plus(random.between(20_000, 4 * 86_400));
            self.at(at, Event::Restart);
        }
    }

    fn at(&mut self, at: Timestamp, event: Event) {
        self.events += 1;
        self.heap.push(Reverse((at.0, self.events, event)));
    }

    fn after(&mut self, seconds: u64, event: Event) {
        self.at(self.now.plus(seconds), event);
    }

    /// Lets everything happen until `to`.
    pub(crate) fn run(mut self, to: Timestamp) -> Result<Numbers, Violation> {
        while let Some(Reverse((at, _, event))) = self.heap.pop() {
            if at >= to.0 {
                break;
            }
            self.now = Timestamp(at);
            self.happens(event)?;
        }
        self.now = to;
        self.check_limits()?;
        Ok(self.numbers)
    }

    fn happens(&mut self, event: Event) -> Result<(), Violation> {
        match event {
            Event::Submit(at) => self.submit(at),
            Event::Create { plan, seats, verdict_at, epoch } => {
                if epoch == self.epoch {
                    self.create(plan, &seats, Timestamp(verdict_at));
                }
            }
            Event::Schedule => self.schedule(),
            Event::End(at, serial) => self.if_still(at, serial, |world, at| world.end(at, EndState::Completed)),
            Event::Requeue(at, serial) => self.if_still(at, serial, Self::requeue),
            Event::Suspend(at, serial) => self.if_still(at, serial, Self::suspend),
            Event::Resume(at, serial) => self.if_still(at, serial, Self::resume),
            Event::CancelPending(at) => self.cancel_pending(at),
            Event::Edit(at) => self.edit(at),
            Event::List(token)
            | Event::Squeue(token)
            | Event::Sacct(token)
            | Event::Compile(token)
            | Event::VisibleJobs(token)
            | Event::Visible(token)
                if token != self.token => {}
            Event::List(_) => self.list(),
            Event::Squeue(_) => self.squeue(),
            Event::Sacct(_) => self.sacct(),
            Event::Compile(_) => self.compile(),
            Event::VisibleJobs(_) => {
                if let Some(jobs) = self.cycle.jobs.take() {
                    self.files.jobs = Some(jobs);
                }
            }
            Event::Visible(_) => self.becomes_visible(),
            Event::OutageStarts => {
                self.agent_up_since = None;
                self.token += 1;
            }
            Event::OutageEnds(restarted) => {
                if restarted {
                    self.agent.restart();
                }
                self.agent_up_since = Some(self.now);
                self.came_back = true;
                self.cycle = Cycle::default();
                self.after(0, Event::List(self.token));
            }
            Event::Restart => self.restart(),
            Event::Check => self.check()?,
            Event::Edge(calendar, kind) => self.edge(calendar, kind)?,
        }
        Ok(())
    }

    fn if_still(&mut self, at: usize, serial: u32, then: impl FnOnce(&mut Self, usize)) {
        if self.jobs[at].serial == serial {
            then(self, at);
        }
    }

    // People and the plugin.

    fn submit(&mut self, at: usize) {
        let plan = self.plans[at];
        let mut seats = Vec::new();
        for part in &plan.parts {
            self.numbers.judged += 1;
            let texts = Plan::texts(self.site, part);
            match self.plugin.submit(&self.files, &plan.request(part, &texts), self.now) {
                Answer::Admit(account, queue) => {
                    self.numbers.admitted += 1;
                    seats.push((account, part.queue.or(queue).unwrap_or(0)));
                    self.stir();
                }
                Answer::Refuse(cause) => {
                    if let Some((owner, thing, kind)) = cause {
                        self.numbers.refused_for[thing] += 1;
                        if plan.parts.len() == 1 {
                            self.note_wish(plan, part, owner, thing, kind);
                        }
                    }
                    // A heterogeneous job enters whole or not at all.
                    return;
                }
            }
        }
        if let Fate::Created(delay) = plan.fate {
            let (epoch, verdict_at) = (self.epoch, self.now.0);
            self.after(delay, Event::Create { plan: at, seats, verdict_at, epoch });
        }
    }

    fn note_wish(&mut self, plan: &Plan, part: &Part, owner: Owner, thing: usize, kind: PeriodKind) {
        let mut random = Random::of(self.seed, 1_000 + plan.number as u64);
        let place = part.partitions.first().copied().unwrap_or(0);
        let partition = &self.site.cluster.partitions[place];
        let queue = part.queue.unwrap_or(0);
        let Some(held) = allocation(&part.ask, self.site, place, queue, &mut random) else { return };
        let minutes = part.minutes.or(partition.default_minutes).or(partition.max_minutes).unwrap_or(60);
        let begin = self.now.plus(part.begin.unwrap_or(0));
        let calendar = &self.site.calendars[Site::calendar_of(owner)];
        let period = calendar.period(kind, self.now).expect("an instant of the calendar");
        let mut amount = 0;
        for _ in 0..part.array.unwrap_or(1) {
            let seconds = wants(&mut random, Some(u64::from(minutes) * 60));
            amount += held[thing] * period.overlap(begin, begin.plus(seconds));
        }
        self.truth.wish(Wish { owner, thing, kind, amount });
    }

    /// Something was booked: bursard's next list comes soon.
    fn stir(&mut self) {
        self.active_until = self.active_until.max(self.now.plus(BRISK + 8));
        if self.agent_up_since.is_some() && self.next_list > self.now.plus(4) {
            self.token += 1;
            self.next_list = self.now.plus(self.chance.between(0, 3));
            self.at(self.next_list, Event::List(self.token));
        }
    }

    // slurmctld.

    fn create(&mut self, at: usize, seats: &[(usize, usize)], verdict_at: Timestamp) {
        let plan = self.plans[at];
        let fits = |part: &Part| {
            let all = if part.partitions.is_empty() { vec![0] } else { part.partitions.clone() };
            self.fitting(&all, part.minutes, &part.ask)
        };
        let places: Vec<Vec<usize>> = plan.parts.iter().map(fits).collect();
        if places.iter().any(Vec::is_empty) {
            return;
        }
        for ((number, part), ((account, queue), partitions)) in
            plan.parts.iter().enumerate().zip(seats.iter().zip(places))
        {
            let id = self.next_id;
            self.next_id += 1;
            let submit = self.now;
            let mut random = Random::of(self.seed, 1_000_000 + plan.number as u64 * 4 + number as u64);
            if random.chance(8) {
                let after = random.magnitude(1, 20_000);
                self.after(after, Event::CancelPending(self.jobs.len()));
            }
            if random.chance(50) {
                let mut after = random.magnitude(1, 2_400);
                for _ in 0..random.between(1, 4) {
                    self.after(after, Event::Edit(self.jobs.len()));
                    after += if random.chance(50) { random.between(0, 6) } else { random.magnitude(1, 7_200) };
                }
            }
            let eligible = part.begin.map_or(submit, |seconds| plan.at.plus(seconds).max(submit));
            let mut job = Job {
                plan: plan.number,
                id,
                array: if part.array.is_some() { id } else { 0 },
                tasks: part.array.unwrap_or(1),
                person: plan.person,
                account: *account,
                partitions,
                minutes: part.minutes,
                ask: part.ask,
                queue: *queue,
                verdict_at,
                submit,
                eligible,
                passed_over: submit,
                state: State::Pending,
                held: Amounts::default(),
                started: None,
                runs_since: submit,
                wants: 0,
                ran: 0,
                suspended_at: submit,
                suspended: 0,
                ended: Timestamp::NEVER,
                restarts: 0,
                serial: 0,
                listed_in: None,
                raised_at: None,
                excuse: None,
                random,
                history: Vec::new(),
            };
            job.note(verdict_at, format!("admitted: {part:?}"));
            job.note(submit, format!("created in {}", ACCOUNTS[*account].0));
            self.shown.push(self.jobs.len());
            self.jobs.push(job);
            self.at(eligible, Event::Schedule);
        }
    }

    /// Every limit as far as now, in the periods that go on and over the grants' lives.
    fn check_limits(&self) -> Result<(), Violation> {
        for (position, calendar) in self.site.calendars.iter().enumerate() {
            for kind in KINDS {
                let period = calendar.period(kind, Timestamp(self.now.0 - 1)).expect("an instant of the calendar");
                self.truth.check(self.site, &self.jobs, (position, Some(kind)), &period, self.now)?;
            }
        }
        let ever = Period { start: Timestamp(0), end: Timestamp::NEVER };
        self.truth.check(self.site, &self.jobs, (0, None), &ever, self.now)
    }

    fn check(&mut self) -> Result<(), Violation> {
        if self.chance.chance(20) {
            self.check_limits()?;
        }
        let up = self.agent_up_since.is_some_and(|since| self.now.seconds_since(since) > 2 * BOOKING_ENDS);
        if up {
            let (held, allowed) = self.plugin.bookings(&self.files, self.now, BOOKING_ENDS);
            if held > allowed {
                let at = self.site.calendar.text(self.now);
                let text = format!("{at}: {held} bookings are held, {allowed} are from the last {BOOKING_ENDS} s");
                return Err(Violation { at: self.now, text });
            }
        }
        Ok(())
    }

    fn edge(&mut self, position: usize, index: usize) -> Result<(), Violation> {
        let kind = KINDS[index];
        let calendar = &self.site.calendars[position];
        let period = calendar.period(kind, Timestamp(self.now.0 - 1)).expect("an instant of the calendar");
        self.truth.check(self.site, &self.jobs, (position, Some(kind)), &period, self.now)?;
        let tallies = &mut self.numbers.tallies[index];
        self.truth.tally(self.site, &self.jobs, (position, kind), &period, tallies);
        Ok(())
    }
}

/// How long a run wants to go on within its limit.
fn wants(random: &mut Random, limit: Option<u64>) -> u64 {
    let most = limit.unwrap_or(86_400).max(1);
    match random.between(0, 9) {
        // It has to be ended, and takes its time to die.
        0..2 => most + limit.map_or(0, |_| random.between(0, OVERRUN)),
        2..7 => random.magnitude(1, most),
        _ => random.between(1, most),
    }
}
