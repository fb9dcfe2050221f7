//! The plugin in the model's slurmctld: `policy::job::Gate` without its files and locks.

use bursar_policy::job::{Earlier, Edit, Edits, Ledger, Request, Verdict, judge, judge_edit};
use bursar_policy::reason::{self, Reason, Within};
use bursar_policy::snapshot::LiveJobRef;
use bursar_policy::{PeriodKind, Resource, Snapshot, Timestamp};

use super::limits::Owner;
use super::site::{FIRST_UID, account_named};
use super::things::{CPU, GPU, MEMORY, MONEY, NODE, QUEUES, TYPED};

/// What the plugin has in memory.
#[derive(Default)]
pub(crate) struct Plugin {
    main: Option<Snapshot>,
    jobs: Option<Snapshot>,
    ledger: Ledger,
    edits: Edits,
    /// When each booking was made, in the model's own count.
    booked_at: Vec<Timestamp>,
}

/// The files as they lie on the disk.
#[derive(Default, Clone)]
pub(crate) struct Files {
    /// `controller.snap`.
    pub(crate) controller: Option<Snapshot>,
    /// `jobs.snap`.
    pub(crate) jobs: Option<Snapshot>,
}

/// The answer to a submission.
pub(crate) enum Answer {
    /// Let in, in this account; with the queue that was written into a request that named none.
    Admit(usize, Option<usize>),
    /// Refused; with owner, thing and kind where the current period was the cause.
    Refuse(Option<(Owner, usize, PeriodKind)>),
}

impl Plugin {
    /// `Gate::freshen`.
    fn freshen(&mut self, files: &Files, now: Timestamp) {
        let known = self.main.as_ref().map_or(0, Snapshot::generation);
        match &files.controller {
            Some(newer) if newer.generation() > known => {
                self.ledger.reconcile(newer, now);
                self.main = Some(newer.clone());
            }
            _ => {
                if let Some(snapshot) = &self.main {
                    self.ledger.roll_over(snapshot, now);
                }
            }
        }
    }

    /// How many bookings are held, and how many could be, were each to end within `grace` seconds.
    pub(crate) fn bookings(&mut self, files: &Files, now: Timestamp, grace: u64) -> (usize, usize) {
        self.freshen(files, now);
        self.booked_at.retain(|at| at.plus(grace) >= now);
        (self.ledger.len(), self.booked_at.len())
    }

    /// `Gate::submit`.
    pub(crate) fn submit(&mut self, files: &Files, request: &Request<'_>, now: Timestamp) -> Answer {
        self.freshen(files, now);
        let Some(snapshot) = &self.main else { return Answer::Refuse(None) };
        match judge(snapshot, &self.ledger, request, now) {
            Verdict::Admit(terms) => {
                self.ledger.book(snapshot, &terms, now);
                self.booked_at.push(now);
                let queue = terms.qos.and_then(|qos| QUEUES.iter().position(|(name, _)| *name == qos));
                Answer::Admit(account_named(terms.account), queue)
            }
            Verdict::Refuse(Reason::Consumed { owner, what, within: Within::Period(kind), next: false, .. }) => {
                let person = (request.uid - FIRST_UID) as usize;
                let owner = match owner {
                    reason::Owner::You => Owner::Person(person),
                    reason::Owner::YouIn(name) => Owner::Seat(person, account_named(name)),
                    reason::Owner::Account(name) => Owner::Account(account_named(name)),
                    other => panic!("a limit that nobody set: {other:?}"),
                };
                Answer::Refuse(Some((owner, thing(what.resource), kind)))
            }
            Verdict::Refuse(_) => Answer::Refuse(None),
        }
    }

    /// `Gate::modify` by the owner: whether the edit may be made.
    pub(crate) fn modify(&mut self, files: &Files, id: u32, edit: &Edit<'_>, now: Timestamp) -> bool {
        self.freshen(files, now);
        self.jobs.clone_from(&files.jobs);
        let Some(snapshot) = &self.main else { return false };
        let jobs: Vec<LiveJobRef<'_>> = self.jobs.iter().flat_map(|snapshot| snapshot.live_jobs(id)).collect();
        if jobs.is_empty() {
            return false;
        }
        self.edits.forget(snapshot.as_of());
        if self.edits.are_too_many(id) {
            return false;
        }
        let earlier: Vec<Earlier<'_>> = self.edits.of(id).collect();
        let Ok(terms) = judge_edit(snapshot, &self.ledger, &jobs, edit, &earlier, now) else { return false };
        drop(earlier);
        for terms in &terms {
            self.ledger.book_edit(snapshot, terms, now);
            self.booked_at.push(now);
        }
        self.edits.keep(id, Earlier { edit: *edit, booked: true }, now);
        true
    }
}

/// The model's own place for a resource.
fn thing(resource: Resource) -> usize {
    match resource {
        Resource::Cpu => CPU,
        Resource::Gpu => GPU,
        Resource::Memory => MEMORY,
        Resource::Node => NODE,
        Resource::Money => MONEY,
        Resource::GpuType(which) => TYPED + usize::from(which),
    }
}
