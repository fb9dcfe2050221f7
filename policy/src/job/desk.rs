//! The snapshot in force and the bookings, judged and changed as one; and how a newer snapshot takes its place.
//!
//! Whoever brings a newer snapshot settles a copy of the bookings with it aside, while jobs go on being judged. What is
//! booked meanwhile is written down, booked again in the copy, and the copy takes the place of the bookings together
//! with the snapshot. The lock is held for that exchange and for the last bookings of some microseconds.

use super::edits::Edits;
use super::judge::Terms;
use super::ledger::{Entry, Ledger};
use crate::snapshot::Snapshot;
use crate::sync::{Arc, Mutex, MutexGuard, lock};
use crate::time::Timestamp;

/// What is judged by.
#[derive(Debug, Default)]
pub(super) struct Desk(Mutex<State>);

/// All that one decision sees.
#[derive(Debug, Default)]
pub(super) struct State {
    main: Option<Arc<Snapshot>>,
    jobs: Option<Arc<Snapshot>>,
    ledger: Ledger,
    edits: Edits,
    /// What was booked since the copy aside was last brought up.
    journal: Vec<Entry>,
}

/// What decisions are made from, under the lock.
pub(super) struct Sight<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) jobs: Option<&'a Snapshot>,
    pub(super) ledger: &'a mut Ledger,
    pub(super) edits: &'a mut Edits,
    journal: &'a mut Vec<Entry>,
}

impl Sight<'_> {
    /// Books a job that was admitted at `now`, or what an edit adds to one.
    pub(super) fn book(&mut self, terms: &Terms<'_>, edit: bool, now: Timestamp) {
        let entry = Entry::of(terms, edit, now);
        self.ledger.enter(self.snapshot, &entry);
        self.journal.push(entry);
    }
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }

    /// Makes one decision at `now`; without a snapshot `decide` gets nothing to decide by.
    pub(super) fn decide<T>(&self, now: Timestamp, decide: impl FnOnce(Option<Sight<'_>>) -> T) -> T {
        let State { main, jobs, ledger, edits, journal } = &mut *self.state();
        let sight = main.as_deref().map(|snapshot| {
            ledger.roll_over(snapshot, now);
            Sight { snapshot, jobs: jobs.as_deref(), ledger, edits, journal }
        });
        decide(sight)
    }

    /// Puts another list of live jobs in force.
    pub(super) fn renew_jobs(&self, jobs: Arc<Snapshot>) {
        let old = self.state().jobs.replace(jobs);
        // Freed only here, where nobody waits for it.
        drop(old);
    }
}

/// The bookings once more, for whoever brings snapshots.
#[derive(Debug, Default)]
pub(super) struct Aside {
    snapshot: Option<Arc<Snapshot>>,
    ledger: Ledger,
    /// An empty journal with room, so that writing in it takes no memory from the kernel.
    spare: Vec<Entry>,
}

impl Aside {
    #[cfg(all(test, loom))]
    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Takes over what was booked since the last time.
    pub(super) fn catch_up(&mut self, desk: &Desk) {
        if let Some(snapshot) = &self.snapshot {
            let mut journal = std::mem::take(&mut self.spare);
            std::mem::swap(&mut journal, &mut desk.state().journal);
            journal.drain(..).for_each(|entry| self.ledger.enter(snapshot, &entry));
            self.spare = journal;
        }
    }

    /// Puts `snapshot` in force with the bookings that it does not show.
    pub(super) fn renew(&mut self, desk: &Desk, snapshot: Arc<Snapshot>, now: Timestamp) {
        // In the snapshot that they were booked by.
        self.catch_up(desk);
        self.ledger.reconcile(&snapshot, now);
        self.snapshot = Some(Arc::clone(&snapshot));
        let mut next = self.ledger.clone();
        let meanwhile = std::mem::take(&mut desk.state().journal);
        meanwhile.iter().for_each(|entry| next.enter(&snapshot, entry));
        let (last, old) = {
            let mut state = desk.state();
            let last = std::mem::take(&mut state.journal);
            last.iter().for_each(|entry| next.enter(&snapshot, entry));
            std::mem::swap(&mut state.ledger, &mut next);
            (last, state.main.replace(Arc::clone(&snapshot)))
        };
        // Freed only here, where nobody waits for it.
        drop((old, next));
        meanwhile.iter().chain(&last).for_each(|entry| self.ledger.enter(&snapshot, entry));
    }
}
