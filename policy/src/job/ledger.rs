//! What was admitted and is not yet seen in slurmctld's own list.
//!
//! A booking begins with the verdict. It ends when the snapshot shows the job, because then the snapshot counts it, or
//! [`GRACE`] seconds after the verdict when a later list still does not show it, because then slurmctld refused it.
//!
//! The plugin never learns a job's id, so bookings are struck off by number, within a person's bookings in one account.
//! What is told apart is only what cannot be mistaken: a job is seen once, in the first list whose ids reach it,
//! because slurmctld numbers jobs as it creates them and a requeue or an edit does not number them anew; and a job from
//! before a booking is not that booking's. With `k` of `n` bookings seen, the largest sum that any `n - k` of them come
//! to counts, separately for whatever a limit can be set on. That is never below what is really unseen, and exact when
//! all are equal or all are seen. The model in `policy/tests/model` searches this file for a way around it.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use super::asked::{Asked, Calendars, Horizons};
use super::group::{Accounts, Group};
use super::judge::Terms;
use super::load::{Load, Number};
use crate::limit::Usage;
use crate::snapshot::Snapshot;
use crate::time::Timestamp;
use crate::tres::Resource;

/// Seconds after a verdict within which slurmctld has either created the job or refused it.
pub const GRACE: u64 = 30;

/// A booking as it is made.
#[derive(Debug)]
pub(super) struct Entry {
    uid: u32,
    account: String,
    asked: Asked,
    /// Whether it enlarges a job rather than being one.
    edit: bool,
    at: Timestamp,
}

impl Entry {
    /// What was admitted on these terms at `now`.
    pub(super) fn of(terms: &Terms<'_>, edit: bool, now: Timestamp) -> Self {
        Self { uid: terms.uid, account: terms.account.to_owned(), asked: terms.asked, edit, at: now }
    }
}

/// The bookings of this slurmctld, with their sums by owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// By person, in the order of the accounts' names.
    people: BTreeMap<u32, Vec<Group>>,
    /// The highest id in the last list: jobs up to it have been seen, if they are to be.
    newest: u32,
    accounts: Accounts,
    /// The sums hold until a period ends.
    sums_until: Option<Timestamp>,
    /// The calendars that they were made by.
    calendars: Calendars,
    /// The types of GPU that the bookings count by.
    gpu_types: Vec<String>,
}

/// What is booked for one owner: read number by number, since most are not asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Booked<'l> {
    /// Of a person.
    groups: &'l [Group],
    /// Of these only what is in the account at this position or below it.
    below: Option<u32>,
    /// Of an account.
    account: Option<&'l Load>,
}

impl<'l> Booked<'l> {
    fn loads(self) -> impl Iterator<Item = &'l Load> {
        self.groups.iter().filter_map(move |group| group.load_below(self.below)).chain(self.account)
    }

    /// Jobs.
    pub(super) fn queued(self) -> u32 {
        self.loads().map(Load::queued).fold(0, u32::saturating_add)
    }

    /// One of the numbers.
    pub(super) fn get(self, number: Number, resource: Resource) -> u64 {
        self.loads().map(|load| load.get(number, resource)).fold(0, u64::saturating_add)
    }

    /// All numbers.
    fn usage(self) -> Usage {
        let mut usage = Usage::NONE;
        self.loads().for_each(|load| load.add_to(&mut usage));
        usage
    }
}

impl Ledger {
    /// What is booked for a person.
    pub fn person(&self, uid: u32) -> Usage {
        self.of_person(uid).usage()
    }

    /// What is booked for the account at this position of the snapshot, and below it.
    pub fn account(&self, position: u32) -> Usage {
        self.of_account(position).usage()
    }

    /// What is booked for a person, over all accounts.
    pub(super) fn of_person(&self, uid: u32) -> Booked<'_> {
        Booked { groups: self.people.get(&uid).map_or(&[], Vec::as_slice), below: None, account: None }
    }

    /// What is booked for a person in the account at this position of the snapshot, and below it.
    pub(super) fn of_seat(&self, uid: u32, position: u32) -> Booked<'_> {
        Booked { below: Some(position), ..self.of_person(uid) }
    }

    /// What is booked for the account at this position of the snapshot, and below it.
    pub(super) fn of_account(&self, position: u32) -> Booked<'_> {
        Booked { groups: &[], below: None, account: self.accounts.get(position) }
    }

    /// The horizons at `now` in the snapshot that was reconciled last.
    pub(super) fn horizons<'a>(&'a self, snapshot: &'a Snapshot, now: Timestamp) -> Horizons<'a> {
        Horizons::with(&self.calendars, snapshot, now)
    }

    /// How many bookings are held.
    pub fn len(&self) -> usize {
        self.people.values().flatten().map(Group::len).sum()
    }

    /// Whether nothing is booked.
    pub fn is_empty(&self) -> bool {
        self.people.values().flatten().all(Group::is_empty)
    }

    /// Books a job that was admitted at `now`.
    pub fn book(&mut self, snapshot: &Snapshot, terms: &Terms<'_>, now: Timestamp) {
        self.enter(snapshot, &Entry::of(terms, false, now));
    }

    /// Books what an edit adds to a job.
    pub fn book_edit(&mut self, snapshot: &Snapshot, terms: &Terms<'_>, now: Timestamp) {
        self.enter(snapshot, &Entry::of(terms, true, now));
    }

    /// Makes a booking, or makes it again.
    pub(super) fn enter(&mut self, snapshot: &Snapshot, entry: &Entry) {
        let Entry { uid, account, asked, edit, at: now } = entry;
        self.know_types(snapshot);
        let mut horizons = Horizons::with(&self.calendars, snapshot, *now);
        let groups = self.people.entry(*uid).or_default();
        let at = groups.partition_point(|group| group.account() < account.as_str());
        if groups.get(at).is_none_or(|group| group.account() != account) {
            groups.insert(at, Group::new(account, snapshot));
        }
        if let Some(group) = groups.get_mut(at) {
            group.book(*now, *asked, *edit, &mut horizons, &mut self.accounts);
        }
        if let Some(until) = &mut self.sums_until {
            *until = (*until).min(horizons.looked_up().ends());
        }
    }

    /// Where the list of GPU types has changed, what is booked may be of any type.
    fn know_types(&mut self, snapshot: &Snapshot) {
        if snapshot.gpu_types().eq(self.gpu_types.iter().map(String::as_str)) {
            return;
        }
        self.gpu_types = snapshot.gpu_types().map(str::to_owned).collect();
        self.people.values_mut().flatten().for_each(Group::forget_types);
    }

    /// Takes note of a newer list of jobs.
    pub fn reconcile(&mut self, snapshot: &Snapshot, now: Timestamp) {
        self.know_types(snapshot);
        let mut newest = None;
        for job in snapshot.recent() {
            newest = newest.max(Some(job.job_id));
            if job.job_id <= self.newest {
                continue;
            }
            let Some(groups) = self.people.get_mut(&job.uid) else { continue };
            let Some(account) = job.account.and_then(|position| snapshot.account_name(position)) else { continue };
            if let Some(group) = groups.iter_mut().find(|group| group.account() == account) {
                group.see(job.submitted);
            }
        }
        self.newest = newest.unwrap_or(self.newest);
        let as_of = snapshot.as_of();
        self.people.retain(|_, groups| {
            groups.retain_mut(|group| {
                group.expire(as_of);
                group.strike_off();
                group.place(snapshot);
                !group.is_empty()
            });
            !groups.is_empty()
        });
        self.sum(snapshot, now);
    }

    /// Renews the sums when a period has ended since they were made.
    pub fn roll_over(&mut self, snapshot: &Snapshot, now: Timestamp) {
        if self.sums_until.is_none_or(|until| until <= now) {
            self.sum(snapshot, now);
        }
    }

    fn sum(&mut self, snapshot: &Snapshot, now: Timestamp) {
        self.accounts.clear();
        let mut horizons = Horizons::new(snapshot, now);
        // The site's own calendar decides when the sums are made anew, even while there are none.
        horizons.of(0);
        for group in self.people.values_mut().flatten() {
            group.reckon(&mut horizons);
            for (position, load) in group.paid() {
                self.accounts.change(position, |sum| sum.add(load));
            }
        }
        self.calendars = horizons.looked_up();
        self.sums_until = Some(self.calendars.ends());
    }
}

impl Hash for Ledger {
    /// The bookings and what decides on them; the sums follow.
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.people, self.newest, self.sums_until).hash(state);
    }
}
