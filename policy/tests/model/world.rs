//! A world small enough to be searched: one person, two accounts below a third, a few kinds of jobs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bursar_policy::job::{Asked, Cost, GRACE, GpuAsk, Request, Shape, TimeLimit};
use bursar_policy::snapshot::{
    Account, Contents, Edge, Grant, Header, Kind as File, LiveJob, Partition, Person, RecentJob, encode,
};
use bursar_policy::{
    Line, Measure, PeriodKind, PersonState, Resource, Role, Snapshot, SubjectKind, Timestamp, Tres, Usage,
};

/// Ana.
pub(crate) const UID: u32 = 70_001;
/// Her accounts, the parent first.
pub(crate) const ACCOUNTS: [&str; 3] = ["science", "physics", "finance"];
/// Half of [`GRACE`]: an instant, two of which a job may take to come into being.
pub(crate) const STEP: u64 = GRACE / 2;
/// 2026-11-22 00:00:00 UTC. The world lives for minutes after 08:00, no midnight near.
const TODAY: i64 = 1_795_305_600;

/// A number of steps after the beginning.
pub(crate) type Step = u8;

/// The instant of a step.
pub(crate) fn at(step: Step) -> Timestamp {
    Timestamp(TODAY + 8 * 3_600).plus(u64::from(step) * STEP)
}

/// What is asked for. Jobs of one kind differ in nothing but their time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// The position of its account.
    pub(crate) account: u32,
    /// Its time limit; one CPU.
    pub(crate) minutes: u32,
    /// Tasks of the array, or 1.
    pub(crate) tasks: u32,
    /// Whether it begins tomorrow.
    pub(crate) tomorrow: bool,
    /// The time limit that its owner may edit it to.
    pub(crate) raised: Option<u32>,
}

impl Kind {
    /// One task of an hour in `account`.
    pub(crate) const fn hour(account: u32) -> Self {
        Self { account, minutes: 60, tasks: 1, tomorrow: false, raised: None }
    }

    pub(crate) fn minutes(&self, edited: bool) -> u32 {
        self.raised.filter(|_| edited).unwrap_or(self.minutes)
    }

    fn begin_at(&self) -> Option<Timestamp> {
        self.tomorrow.then_some(Timestamp(TODAY + 86_400 + 3_600))
    }

    pub(crate) fn request(&self) -> Request<'static> {
        Request {
            uid: UID,
            account: Some(ACCOUNTS[self.account as usize]),
            partition: None,
            time_limit: TimeLimit::Minutes(self.minutes),
            begin_at: self.begin_at(),
            array: match self.tasks {
                1 => None,
                3 => Some("1-3"),
                tasks => unreachable!("no text for an array of {tasks}"),
            },
            shape: Shape::default(),
            gpus: GpuAsk::default(),
            qos: None,
            cost_center: None,
        }
    }
}

/// Limits of one owner; `None` is none.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limits {
    /// CPU-hours of a day.
    pub(crate) hours: Option<u64>,
    /// Jobs waiting.
    pub(crate) queued: Option<u32>,
}

impl Limits {
    /// As a snapshot carries them; what is not limited is there too, with no end, so that its use can be looked at.
    fn lines(&self, usage: &Usage) -> Vec<Line> {
        let hours = self.hours.map_or(u64::MAX, |hours| hours * 3_600);
        vec![
            usage.line(Measure::QueuedJobs, self.queued.map_or(u64::MAX, u64::from), &Tres::ZERO),
            usage.line(Measure::Within(PeriodKind::Day, Resource::Cpu), hours, &Tres::ZERO),
        ]
    }
}

/// A job as slurmctld lists it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    pub(crate) id: u32,
    pub(crate) kind: usize,
    pub(crate) edited: bool,
    pub(crate) submitted: Step,
    /// It has ended, and slurmdbd has told.
    pub(crate) settled: bool,
}

/// A list of jobs, as the agent publishes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct List {
    pub(crate) as_of: Step,
    pub(crate) jobs: Vec<Entry>,
}

/// The fixed part of the world.
pub(crate) struct World {
    pub(crate) kinds: Vec<Kind>,
    pub(crate) person: Limits,
    pub(crate) accounts: [Limits; 3],
    /// Whether the agent leaves jobs out of the recent ones as soon as they are settled.
    pub(crate) forgets_settled: bool,
    snapshots: Mutex<HashMap<List, [Arc<Snapshot>; 2]>>,
    usages: Vec<[Usage; 3]>,
}

/// Limits of so many hours a day and so many waiting jobs.
pub(crate) fn limits(hours: u64, queued: u32) -> Limits {
    Limits { hours: Some(hours), queued: Some(queued) }
}

impl World {
    pub(crate) fn new(kinds: Vec<Kind>, person: Limits, accounts: [Limits; 3]) -> Self {
        let empty = Mutex::default();
        let mut world = Self { kinds, person, accounts, forgets_settled: false, snapshots: empty, usages: Vec::new() };
        let [ground, _] = world.snapshots(&List::default());
        world.usages = world.kinds.iter().map(|kind| usages(kind, &ground)).collect();
        world
    }

    /// What a job of this kind holds: as submitted, as edited, and once it has ended.
    pub(crate) fn usage(&self, kind: usize, edited: bool, ended: bool) -> &Usage {
        let [submitted, raised, settled] = &self.usages[kind];
        if ended {
            settled
        } else if edited {
            raised
        } else {
            submitted
        }
    }

    /// The snapshots that the agent would publish after this list: for decisions, and of the jobs.
    pub(crate) fn snapshots(&self, list: &List) -> [Arc<Snapshot>; 2] {
        let mut known = self.snapshots.lock().unwrap();
        if let Some(snapshots) = known.get(list) {
            return snapshots.clone();
        }
        let snapshots = [self.controller(list), self.jobs(list)]
            .map(|contents| Arc::new(Snapshot::decode(encode(&contents).unwrap()).unwrap()));
        known.insert(list.clone(), snapshots.clone());
        snapshots
    }

    fn controller(&self, list: &List) -> Contents {
        let mut contents = Contents::empty(header(File::Controller, list));
        contents.partitions = vec![Partition {
            name: "main".into(),
            default: true,
            max_minutes: Some(2_880),
            max_nodes: 4,
            cpus_per_node: 8,
            ..Partition::default()
        }];
        let edges = |step: i64| {
            (0..4).map(|n| Edge { at: Timestamp(TODAY + n * step * 86_400), text: format!("edge {n}") }).collect()
        };
        contents.calendars = vec![[edges(1), edges(7), edges(30), Vec::new(), Vec::new()]];
        contents.accounts = (0_u32..)
            .zip(ACCOUNTS)
            .zip(self.accounts)
            .map(|((position, name), limits)| Account {
                lines: limits.lines(&self.sum(list, |kind| position == 0 || kind.account == position)),
                ..Account::new(name, (position > 0).then_some(0))
            })
            .collect();
        contents.people = vec![Person {
            uid: UID,
            gid: UID,
            name: "ana".into(),
            state: PersonState::Active,
            kind: SubjectKind::Member,
            default_account: Some(1),
            lines: self.person.lines(&self.sum(list, |_| true)),
            associations: Vec::new(),
            storage: Vec::new(),
            grants: vec![Grant {
                id: 1,
                role: Role::ComputeUser,
                account: Some(0),
                from: Timestamp(0),
                until: Timestamp::NEVER,
                revoked: false,
                until_text: String::new(),
                lines: Vec::new(),
                lifts: None,
            }],
            home: None,
        }];
        let newest = list.jobs.iter().map(|job| job.id).max();
        contents.recent = list
            .jobs
            .iter()
            .filter(|job| !(self.forgets_settled && job.settled))
            .filter(|job| at(job.submitted).plus(2 * GRACE) >= at(list.as_of) || Some(job.id) == newest)
            .map(|job| RecentJob {
                job_id: job.id,
                uid: UID,
                account: Some(self.kinds[job.kind].account),
                submitted: at(job.submitted),
            })
            .collect();
        contents
    }

    fn jobs(&self, list: &List) -> Contents {
        let mut contents = Contents::empty(header(File::Jobs, list));
        let live = list.jobs.iter().filter(|job| !job.settled);
        contents.jobs = live
            .map(|job| {
                let kind = &self.kinds[job.kind];
                LiveJob {
                    job_id: job.id,
                    array_job_id: if kind.tasks > 1 { job.id } else { 0 },
                    uid: UID,
                    account: ACCOUNTS[kind.account as usize].into(),
                    partition: "main".into(),
                    qos: String::new(),
                    running: false,
                    begin_at: Timestamp(0),
                    minutes: Some(kind.minutes(job.edited)),
                    tasks: kind.tasks,
                    shape: Shape::default(),
                }
            })
            .collect();
        contents
    }

    fn sum(&self, list: &List, of: impl Fn(&Kind) -> bool) -> Usage {
        let mut sum = Usage::default();
        for job in list.jobs.iter().filter(|job| of(&self.kinds[job.kind])) {
            sum.add(self.usage(job.kind, job.edited, job.settled));
        }
        sum
    }
}

fn header(kind: File, list: &List) -> Header {
    Header {
        kind,
        generation: 1,
        made_at: at(list.as_of),
        as_of: at(list.as_of),
        hard_limit: 259_200,
        last_known: true,
        notice: 0,
        cluster: "demo".into(),
        contact: "Ask hpc@example.org.".into(),
        currency: String::new(),
    }
}

/// As [`World::usage`] gives them. A job that has ended took half of its time.
fn usages(kind: &Kind, ground: &Snapshot) -> [Usage; 3] {
    let live = |edited| {
        let cost = Cost::of_cpus(1, u64::from(kind.minutes(edited)) * 60);
        let begin_at = kind.begin_at().unwrap_or(at(0));
        Asked { jobs: u64::from(kind.tasks), cost, begin_at }.usage(ground, 0, at(0))
    };
    let submitted = live(false);
    let mut settled = Usage::default();
    for (slot, live) in settled.periods.iter_mut().zip(&submitted.periods) {
        slot.settled = Tres::of_cpus(live.in_flight.cpus() / 2);
    }
    [submitted, live(true), settled]
}
