//! A person's bookings in one account, and which of them may still be unseen.

use std::hash::{Hash, Hasher};

use super::asked::{Asked, Horizons};
use super::ledger::GRACE;
use super::load::{Load, Work};
use crate::snapshot::Snapshot;
use crate::time::Timestamp;
use crate::tres::Resource;

/// Seconds after a verdict on an edit within which slurmctld has applied it: it does so under the same lock.
const EDIT_GRACE: u64 = 2;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Booking {
    at: Timestamp,
    asked: Asked,
}

/// A person's bookings in one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    account: String,
    /// In the order of their verdicts.
    bookings: Vec<Booking>,
    /// Jobs that belong to some of the bookings and are in the list: when each was submitted, the oldest first.
    seen: Vec<Timestamp>,
    /// What enlarges jobs that are in the list already.
    edits: Vec<Booking>,
    /// The account and those above: position in the snapshot, and calendar.
    line: Vec<(u32, u32)>,
    /// What all comes to, by calendar; the site's own is the first.
    loads: Vec<(u32, Load)>,
}

impl Hash for Group {
    /// The bookings and what decides on them; the sums follow.
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.account, &self.bookings, &self.seen, &self.edits).hash(state);
    }
}

impl Group {
    pub(super) fn new(account: &str, snapshot: &Snapshot) -> Self {
        let mut group = Self {
            account: account.to_owned(),
            bookings: Vec::new(),
            seen: Vec::new(),
            edits: Vec::new(),
            line: Vec::new(),
            loads: vec![(0, Load::default())],
        };
        group.place(snapshot);
        group
    }

    /// The account's name.
    pub(super) fn account(&self) -> &str {
        &self.account
    }

    /// The accounts that pay, each with what it pays.
    pub(super) fn paid(&self) -> impl Iterator<Item = (u32, &Load)> {
        self.line.iter().filter_map(|(position, calendar)| Some((*position, self.load(*calendar)?)))
    }

    /// What all comes to, if the account is the one at a position or below it; for `None`, wherever it is.
    pub(super) fn load_below(&self, position: Option<u32>) -> Option<&Load> {
        match position {
            None => self.load(0),
            Some(position) => self.paid().find(|(above, _)| *above == position).map(|(_, load)| load),
        }
    }

    fn load(&self, calendar: u32) -> Option<&Load> {
        self.loads.iter().find(|(known, _)| *known == calendar).map(|(_, load)| load)
    }

    pub(super) fn len(&self) -> usize {
        self.bookings.len() + self.edits.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Looks the account up in a new snapshot.
    pub(super) fn place(&mut self, snapshot: &Snapshot) {
        self.line.clear();
        if let Some(position) = snapshot.account_position(&self.account) {
            self.line.extend(snapshot.account_line_calendars(position));
        }
        self.loads.retain(|(known, _)| *known == 0 || self.line.iter().any(|(_, calendar)| calendar == known));
        for (_, calendar) in &self.line {
            if self.loads.iter().all(|(known, _)| known != calendar) {
                self.loads.push((*calendar, Load::default()));
            }
        }
    }

    /// Books `asked`, and adds it to `accounts` as well.
    pub(super) fn book(
        &mut self,
        at: Timestamp,
        asked: Asked,
        edit: bool,
        horizons: &mut Horizons<'_>,
        accounts: &mut Accounts,
    ) {
        let add = |load: &mut Load, work: &Work| if edit { load.add_edit(work) } else { load.add_work(work) };
        for (calendar, load) in &mut self.loads {
            let work = asked.work_within(horizons.of(*calendar));
            add(load, &work);
            for (position, _) in self.line.iter().filter(|(_, own)| own == calendar) {
                accounts.change(*position, |load| add(load, &work));
            }
        }
        if edit { &mut self.edits } else { &mut self.bookings }.push(Booking { at, asked });
    }

    /// Where the list of GPU types has changed, what is booked may be of any type.
    pub(super) fn forget_types(&mut self) {
        for booking in self.bookings.iter_mut().chain(&mut self.edits) {
            let tres = &mut booking.asked.cost.tres;
            let any = tres.get(Resource::Gpu);
            for resource in Resource::all().filter(|resource| matches!(resource, Resource::GpuType(_))) {
                *tres = tres.with(resource, any);
            }
        }
    }

    /// Counts a job that the list shows for the first time.
    pub(super) fn see(&mut self, submitted: Timestamp) {
        // A job from before all bookings belongs to none of them: an earlier slurmctld's ledger had it.
        if self.bookings.iter().any(|booking| booking.at <= submitted) {
            let at = self.seen.partition_point(|seen| *seen <= submitted);
            self.seen.insert(at, submitted);
        }
    }

    /// Ends bookings that a list after their grace did not strike off.
    pub(super) fn expire(&mut self, as_of: Timestamp) {
        self.edits.retain(|edit| edit.at.plus(EDIT_GRACE) >= as_of);
        let before = self.bookings.len();
        self.bookings.retain(|booking| booking.at.plus(GRACE) >= as_of);
        // Each may have been refused, or be one of those that were seen: then the rest has one less of them.
        let ended = before.saturating_sub(self.bookings.len()).min(self.seen.len());
        self.seen.drain(..ended);
    }

    /// Ends the oldest bookings as far as all of them have been seen.
    pub(super) fn strike_off(&mut self) {
        for first in (1..=self.bookings.len()).rev() {
            // These cannot belong to a later booking.
            let theirs = match self.bookings.get(first) {
                Some(later) => self.seen.partition_point(|seen| *seen < later.at),
                None => self.seen.len(),
            };
            if theirs >= first {
                self.bookings.drain(..first);
                self.seen.drain(..theirs);
                return;
            }
        }
    }

    /// Makes the sums anew: the most that the bookings which have not been seen can come to, and every edit.
    pub(super) fn reckon(&mut self, horizons: &mut Horizons<'_>) {
        let unseen = self.bookings.len().saturating_sub(self.seen.len());
        for (calendar, load) in &mut self.loads {
            let horizon = horizons.of(*calendar);
            let mut works = self.bookings.iter().map(|booking| booking.asked.work_within(horizon));
            load.clear();
            if self.seen.is_empty() {
                works.for_each(|work| load.add_work(&work));
            } else if unseen > 0 {
                load.add_most(&works.by_ref().collect::<Vec<_>>(), unseen);
            }
            self.edits.iter().for_each(|edit| load.add_edit(&edit.asked.work_within(horizon)));
        }
    }
}

/// What is booked for each account and those below it, by position in the snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Accounts(Vec<Load>);

impl Accounts {
    pub(super) fn clear(&mut self) {
        self.0.iter_mut().for_each(Load::clear);
    }

    pub(super) fn get(&self, position: u32) -> Option<&Load> {
        self.0.get(position as usize)
    }

    /// Changes the sum of the account at a position.
    pub(super) fn change(&mut self, position: u32, change: impl FnOnce(&mut Load)) {
        let at = position as usize;
        if self.0.len() <= at {
            self.0.resize_with(at + 1, Load::default);
        }
        self.0.get_mut(at).map(change).unwrap_or_default();
    }
}
