//! Everything that can happen to a few jobs within a few instants, in any order.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

use bursar_policy::job::{Edit, GRACE, Ledger, TimeLimit, Verdict, judge, judge_edit};
use bursar_policy::snapshot::LinesRef;
use bursar_policy::{Measure, PeriodKind, Usage};
use stateright::{Model, Property};

use super::world::{ACCOUNTS, Entry, Limits, List, STEP, Step, UID, World, at};

/// Steps within which slurmctld has created or refused a job.
const GRACE_STEPS: Step = (GRACE / STEP) as Step;

/// How much may happen, and what is taken for granted.
pub(crate) struct Life {
    pub(crate) world: World,
    pub(crate) jobs: usize,
    pub(crate) until: Step,
    /// Jobs end.
    pub(crate) ends: bool,
    pub(crate) requeues: u8,
    pub(crate) restarts: u8,
    pub(crate) deaths: u8,
    /// slurmctld creates a job within [`GRACE`] of the verdict, or never.
    pub(crate) in_time: bool,
    /// slurmctld is not restarted before what it created is published.
    pub(crate) published_before_restart: bool,
    /// After a restart the gate waits for a list, as [`Gate`](bursar_policy::job::Gate) does, and one comes in time.
    pub(crate) settles: bool,
}

/// Where a job stands in slurmctld.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// Admitted, not yet created.
    InTransit,
    /// Admitted by us, and refused by slurmctld or lost with it.
    Refused,
    /// Waits or runs.
    Live { id: u32, submitted: Step },
    /// Has ended, and slurmdbd has told.
    Ended { id: u32, submitted: Step },
}

/// A job that was admitted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Job {
    pub(crate) kind: usize,
    pub(crate) verdict: Step,
    pub(crate) phase: Phase,
    pub(crate) edited: Option<Step>,
}

/// What the agent is at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Agent {
    Idle,
    /// Has taken the time and asked slurmctld.
    Asked(Step),
    /// Has slurmctld's answer.
    Holds(List),
}

/// The whole.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) now: Step,
    pub(crate) jobs: Vec<Job>,
    pub(crate) created: u32,
    pub(crate) agent: Agent,
    /// The published file.
    pub(crate) file: List,
    /// The list that the plugin has read last.
    pub(crate) read: Option<List>,
    pub(crate) ledger: Ledger,
    /// When slurmctld was restarted.
    pub(crate) started: Option<Step>,
    pub(crate) requeues: u8,
    pub(crate) restarts: u8,
    pub(crate) deaths: u8,
}

impl State {
    /// What tells two states apart.
    fn key(&self) -> impl Hash + Eq + '_ {
        let world = (self.now, &self.jobs, self.created, &self.agent, &self.file, &self.read, self.started);
        let sums = [self.ledger.person(UID), self.ledger.account(0), self.ledger.account(1), self.ledger.account(2)];
        let sums = sums.map(|usage| dimensions(&usage));
        (world, (self.requeues, self.restarts, self.deaths), sums)
    }
}

impl Hash for State {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
        self.ledger.hash(state);
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key() && self.ledger == other.ledger
    }
}

/// What happens next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// A user submits a job of this kind, and the plugin is asked.
    Submit(usize),
    Create(usize),
    Refuse(usize),
    Requeue(usize),
    /// The owner raises the job's time limit.
    Raise(usize),
    End(usize),
    /// The agent takes the time and asks for the list.
    Ask,
    /// slurmctld answers.
    List,
    Publish,
    AgentDies,
    ControllerRestarts,
    Tick,
}

impl Model for Life {
    type State = State;
    type Action = Event;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            now: 0,
            jobs: Vec::new(),
            created: 0,
            agent: Agent::Idle,
            file: List::default(),
            read: None,
            ledger: Ledger::default(),
            started: None,
            requeues: 0,
            restarts: 0,
            deaths: 0,
        }]
    }

    fn actions(&self, state: &State, events: &mut Vec<Event>) {
        if state.jobs.len() < self.jobs {
            events.extend((0..self.world.kinds.len()).map(Event::Submit));
        }
        for (index, job) in state.jobs.iter().enumerate() {
            match job.phase {
                // Of two that are alike either may be the first.
                Phase::InTransit if state.jobs.iter().take(index).any(|other| other == job) => (),
                Phase::InTransit => events.extend([Event::Create(index), Event::Refuse(index)]),
                Phase::Live { .. } => {
                    if self.ends {
                        events.push(Event::End(index));
                    }
                    if state.requeues < self.requeues {
                        events.push(Event::Requeue(index));
                    }
                    if job.edited.is_none() && self.world.kinds[job.kind].raised.is_some() {
                        events.push(Event::Raise(index));
                    }
                }
                Phase::Refused | Phase::Ended { .. } => (),
            }
        }
        events.push(match state.agent {
            Agent::Idle => Event::Ask,
            Agent::Asked(_) => Event::List,
            Agent::Holds(_) => Event::Publish,
        });
        if state.agent != Agent::Idle && state.deaths < self.deaths {
            events.push(Event::AgentDies);
        }
        let published =
            state.jobs.iter().all(|job| job.id().is_none_or(|id| state.file.jobs.iter().any(|e| e.id == id)));
        if state.restarts < self.restarts && (published || !self.published_before_restart) {
            events.push(Event::ControllerRestarts);
        }
        let late = |job: &Job| job.phase == Phase::InTransit && state.now >= job.verdict + GRACE_STEPS;
        let listless =
            self.settles && is_settling(state) && state.started.is_some_and(|at| state.now + 1 >= at + GRACE_STEPS);
        // Nothing is lost by beginning with the first job.
        let due = listless || self.in_time && state.jobs.iter().any(late);
        if state.now < self.until && !state.jobs.is_empty() && !due {
            events.push(Event::Tick);
        }
    }

    fn next_state(&self, last: &State, event: Event) -> Option<State> {
        let mut state = last.clone();
        match event {
            Event::Submit(kind) => self.submit(&mut state, kind),
            Event::Create(index) => {
                state.created += 1;
                state.jobs[index].phase = Phase::Live { id: state.created, submitted: state.now };
            }
            Event::Refuse(index) => state.jobs[index].phase = Phase::Refused,
            Event::Requeue(index) => {
                state.requeues += 1;
                if let Phase::Live { submitted, .. } = &mut state.jobs[index].phase {
                    *submitted = state.now;
                }
            }
            Event::Raise(index) => self.raise(&mut state, index)?,
            Event::End(index) => {
                if let Phase::Live { id, submitted } = state.jobs[index].phase {
                    state.jobs[index].phase = Phase::Ended { id, submitted };
                }
            }
            Event::Ask => state.agent = Agent::Asked(state.now),
            Event::List => {
                let Agent::Asked(as_of) = state.agent else { return None };
                state.agent = Agent::Holds(List { as_of, jobs: state.jobs.iter().filter_map(Job::entry).collect() });
            }
            Event::Publish => {
                let Agent::Holds(list) = std::mem::replace(&mut state.agent, Agent::Idle) else { return None };
                state.file = list;
            }
            Event::AgentDies => {
                state.deaths += 1;
                state.agent = Agent::Idle;
            }
            Event::ControllerRestarts => {
                state.restarts += 1;
                state.started = self.settles.then_some(state.now);
                state.read = None;
                state.ledger = Ledger::default();
                for job in state.jobs.iter_mut().filter(|job| job.phase == Phase::InTransit) {
                    job.phase = Phase::Refused;
                }
            }
            Event::Tick => state.now += 1,
        }
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no limit is exceeded", |life, state| life.within_limits(state)),
            Property::always("nothing goes uncounted", |life, state| {
                owners(life, state).into_iter().all(|(view, truth)| covers(&view, &dimensions(&truth)))
            }),
            Property::always("bookings end", |life, state| life.bookings_end(state)),
            Property::always("what is seen counts once", |life, state| {
                !life.all_is_seen(state)
                    || owners(life, state).into_iter().all(|(view, truth)| view == dimensions(&truth))
            }),
            Property::sometimes("room is used again", |life: &Self, state: &State| state.jobs.len() == life.jobs),
        ]
    }
}

impl Job {
    fn id(&self) -> Option<u32> {
        self.entry().map(|entry| entry.id)
    }

    fn entry(&self) -> Option<Entry> {
        let (id, submitted, settled) = match self.phase {
            Phase::Live { id, submitted } => (id, submitted, false),
            Phase::Ended { id, submitted } => (id, submitted, true),
            Phase::InTransit | Phase::Refused => return None,
        };
        Some(Entry { id, kind: self.kind, edited: self.edited.is_some(), submitted, settled })
    }
}

impl Life {
    /// What the gate does first whenever it is asked.
    fn freshen(&self, state: &mut State) {
        if let Cow::Owned(ledger) = self.fresh_ledger(state) {
            state.ledger = ledger;
            state.read = Some(state.file.clone());
        }
    }

    fn fresh_ledger<'a>(&self, state: &'a State) -> Cow<'a, Ledger> {
        if state.read.as_ref() == Some(&state.file) {
            return Cow::Borrowed(&state.ledger);
        }
        let [snapshot, _] = self.world.snapshots(&state.file);
        let mut ledger = state.ledger.clone();
        ledger.reconcile(&snapshot, at(state.now));
        Cow::Owned(ledger)
    }

    fn submit(&self, state: &mut State, kind: usize) {
        self.freshen(state);
        let [snapshot, _] = self.world.snapshots(&state.file);
        let request = self.world.kinds[kind].request();
        if self.settles && is_settling(state) {
            return;
        }
        if let Verdict::Admit(terms) = judge(&snapshot, &state.ledger, &request, at(state.now)) {
            state.ledger.book(&snapshot, &terms, at(state.now));
            state.jobs.push(Job { kind, verdict: state.now, phase: Phase::InTransit, edited: None });
        }
    }

    /// slurmctld makes the change under the lock that it asks us under.
    fn raise(&self, state: &mut State, index: usize) -> Option<()> {
        self.freshen(state);
        let [snapshot, jobs] = self.world.snapshots(&state.file);
        let job = &state.jobs[index];
        let listed: Vec<_> = jobs.live_jobs(job.id()?).collect();
        if listed.is_empty() {
            return Some(());
        }
        let time_limit = self.world.kinds[job.kind].raised.map(TimeLimit::Minutes);
        let edit = Edit { time_limit, ..Edit::default() };
        if let Ok(all) = judge_edit(&snapshot, &state.ledger, &listed, &edit, &[], at(state.now)) {
            for terms in &all {
                state.ledger.book_edit(&snapshot, terms, at(state.now));
            }
            state.jobs[index].edited = Some(state.now);
        }
        Some(())
    }

    /// What really is held, by the person or by an account.
    fn truth(&self, state: &State, account: Option<u32>) -> Usage {
        let mut sum = Usage::default();
        for job in state.jobs.iter().filter(|job| job.phase != Phase::Refused) {
            if account.is_none_or(|account| account == 0 || account == self.world.kinds[job.kind].account) {
                let ended = matches!(job.phase, Phase::Ended { .. });
                sum.add(self.world.usage(job.kind, job.edited.is_some(), ended));
            }
        }
        sum
    }

    fn within_limits(&self, state: &State) -> bool {
        let fits = |limits: &Limits, usage: &Usage| {
            let [queued, day, next, _] = dimensions(usage);
            limits.queued.is_none_or(|limit| queued <= u64::from(limit))
                && limits.hours.is_none_or(|hours| day <= hours * 3_600 && next <= hours * 3_600)
        };
        fits(&self.world.person, &self.truth(state, None))
            && (0..)
                .zip(&self.world.accounts)
                .all(|(position, limits)| fits(limits, &self.truth(state, Some(position))))
    }

    /// A booking outlives its grace by no list.
    fn bookings_end(&self, state: &State) -> bool {
        let ledger = self.fresh_ledger(state);
        let old = |step: Step| step + GRACE_STEPS < state.file.as_of;
        let mut most = Usage::default();
        for job in state.jobs.iter().filter(|job| !old(job.verdict) || job.edited.is_some_and(|edited| !old(edited))) {
            most.add(self.world.usage(job.kind, job.edited.is_some(), false));
        }
        covers(&dimensions(&most), &dimensions(&ledger.person(UID)))
    }

    /// Whether the list leaves nothing to guess: every job is in it as it is now, and of those that slurmctld refused
    /// none may still be on its way, nor may any other be taken for one of them.
    fn all_is_seen(&self, state: &State) -> bool {
        let as_of = state.file.as_of;
        let refused = state.jobs.iter().filter(|job| job.phase == Phase::Refused).map(|job| job.verdict).max();
        let clear = refused.is_none_or(|refused| refused + 2 * GRACE_STEPS < as_of);
        let edits_seen = state.jobs.iter().all(|job| job.edited.is_none_or(|edited| edited < as_of));
        let created: Vec<_> = state.jobs.iter().filter_map(Job::entry).collect();
        clear && edits_seen && state.jobs.iter().all(|job| job.phase != Phase::InTransit) && created == state.file.jobs
    }
}

/// Whether the published list is from before the restart.
fn is_settling(state: &State) -> bool {
    state.started.is_some_and(|started| state.file.as_of <= started)
}

/// What the plugin reckons with when it is asked now, and what really is held: of the person and of each account.
fn owners(life: &Life, state: &State) -> Vec<(Dimensions, Usage)> {
    let ledger = life.fresh_ledger(state);
    let [snapshot, _] = life.world.snapshots(&state.file);
    let person = snapshot.person(UID).map(|person| person.lines());
    let mut owners = vec![(reckoned(person, &ledger.person(UID)), life.truth(state, None))];
    for (position, name) in (0..).zip(ACCOUNTS) {
        let Some(account) = snapshot.account(name) else { continue };
        let booked = ledger.account(account.position);
        owners.push((reckoned(Some(account.lines), &booked), life.truth(state, Some(position))));
    }
    owners
}

/// What a snapshot's limits say and what is booked, together.
fn reckoned(lines: Option<LinesRef<'_>>, booked: &Usage) -> Dimensions {
    let mut sum = dimensions(booked);
    for line in lines.iter().flat_map(LinesRef::iter) {
        let held = match line.measure {
            Measure::QueuedJobs => [line.used, 0, 0, 0],
            _ => [0, line.used + line.in_flight, line.next, line.total],
        };
        sum.iter_mut().zip(held).for_each(|(sum, held)| *sum += held);
    }
    sum
}

/// Waiting jobs; CPU-seconds of the day, of a day after it, and of all days.
type Dimensions = [u64; 4];

/// Each number that a limit can be set on.
fn dimensions(usage: &Usage) -> Dimensions {
    let day = usage.period(PeriodKind::Day);
    [
        u64::from(usage.queued),
        day.settled.cpus() + day.in_flight.cpus(),
        day.in_flight_next.cpus(),
        usage.in_flight_total.cpus(),
    ]
}

fn covers(view: &Dimensions, truth: &Dimensions) -> bool {
    view.iter().zip(truth).all(|(view, truth)| view >= truth)
}
