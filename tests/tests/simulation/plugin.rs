//! The plugin in the model's slurmctld: `policy::job::Gate` without its files and locks.

use bursar_policy::job::{Edit, Ledger, Request, Verdict, judge, judge_edit};
use bursar_policy::reason::{Owner, Reason, Within};
use bursar_policy::snapshot::LiveJobRef;
use bursar_policy::{PeriodKind, Snapshot, Timestamp};

use super::site::{FIRST_UID, PEOPLE, account_named};

/// What the plugin has in memory.
#[derive(Default)]
pub(crate) struct Plugin {
    main: Option<Snapshot>,
    jobs: Option<Snapshot>,
    ledger: Ledger,
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
    /// Let in, in this account.
    Admit(usize),
    /// Refused; with owner and kind where the current period's CPU time was the cause.
    Refuse(Option<(usize, PeriodKind)>),
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
                Answer::Admit(account_named(terms.account))
            }
            Verdict::Refuse(Reason::Consumed { owner, within: Within::Period(kind), next: false, .. }) => {
                let owner = match owner {
                    Owner::You => (request.uid - FIRST_UID) as usize,
                    Owner::Account(name) => PEOPLE + account_named(name),
                    other => panic!("a limit that nobody set: {other:?}"),
                };
                Answer::Refuse(Some((owner, kind)))
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
        let Ok(terms) = judge_edit(snapshot, &self.ledger, &jobs, edit, now) else { return false };
        for terms in &terms {
            self.ledger.book_edit(snapshot, terms, now);
            self.booked_at.push(now);
        }
        true
    }
}
