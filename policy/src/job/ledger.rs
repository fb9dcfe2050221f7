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

use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};

use super::asked::{Asked, Horizon, Horizons};
use super::judge::Terms;
use crate::limit::Usage;
use crate::snapshot::Snapshot;
use crate::time::Timestamp;
use crate::tres::{Resource, Tres};

/// Seconds after a verdict within which slurmctld has either created the job or refused it.
pub const GRACE: u64 = 30;

/// Seconds after a verdict on an edit within which slurmctld has applied it: it does so under the same lock.
const EDIT_GRACE: u64 = 2;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Booking {
    at: Timestamp,
    asked: Asked,
}

/// A person's bookings in one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Group {
    /// In the order of their verdicts.
    bookings: Vec<Booking>,
    /// Jobs that belong to some of the bookings and are in the list: when each was submitted, the oldest first.
    seen: Vec<Timestamp>,
    /// What enlarges jobs that are in the list already.
    edits: Vec<Booking>,
}

/// Whom bookings are summed up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Owner {
    /// A person, over all accounts.
    Person(u32),
    /// A person in the account at a position of the snapshot, and below it.
    Seat(u32, u32),
    /// The account at a position of the snapshot, and below it.
    Account(u32),
}

/// The bookings of this slurmctld, with their sums by owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    groups: BTreeMap<(u32, String), Group>,
    /// The highest id in the last list: jobs up to it have been seen, if they are to be.
    newest: u32,
    sums: HashMap<Owner, Usage>,
    /// The sums hold until a period ends.
    sums_until: Option<Timestamp>,
    /// The types of GPU that the bookings count by.
    gpu_types: Vec<String>,
}

impl Ledger {
    /// What is booked for a person.
    pub fn person(&self, uid: u32) -> &Usage {
        self.sum_of(Owner::Person(uid))
    }

    /// What is booked for a person in the account at this position of the snapshot, and below it.
    pub fn seat(&self, uid: u32, position: u32) -> &Usage {
        self.sum_of(Owner::Seat(uid, position))
    }

    /// What is booked for the account at this position of the snapshot, and below it.
    pub fn account(&self, position: u32) -> &Usage {
        self.sum_of(Owner::Account(position))
    }

    fn sum_of(&self, owner: Owner) -> &Usage {
        static NONE: Usage = Usage::NONE;
        self.sums.get(&owner).unwrap_or(&NONE)
    }

    /// How many bookings are held.
    pub fn len(&self) -> usize {
        self.groups.values().map(|group| group.bookings.len() + group.edits.len()).sum()
    }

    /// Whether nothing is booked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Books a job that was admitted at `now`.
    pub fn book(&mut self, snapshot: &Snapshot, terms: &Terms<'_>, now: Timestamp) {
        self.know_types(snapshot);
        self.group(terms).bookings.push(Booking { at: now, asked: terms.asked });
        let mut horizons = Horizons::new(snapshot, now);
        self.count(snapshot, terms.uid, terms.account, &mut horizons, |horizon| terms.asked.usage_within(horizon));
    }

    /// Books what an edit adds to a job.
    pub fn book_edit(&mut self, snapshot: &Snapshot, terms: &Terms<'_>, now: Timestamp) {
        self.know_types(snapshot);
        self.group(terms).edits.push(Booking { at: now, asked: terms.asked });
        let mut horizons = Horizons::new(snapshot, now);
        self.count(snapshot, terms.uid, terms.account, &mut horizons, |horizon| Usage {
            queued: 0,
            ..terms.asked.usage_within(horizon)
        });
    }

    /// Where the list of GPU types has changed, what is booked may be of any type.
    fn know_types(&mut self, snapshot: &Snapshot) {
        if snapshot.gpu_types().eq(self.gpu_types.iter().map(String::as_str)) {
            return;
        }
        self.gpu_types = snapshot.gpu_types().map(str::to_owned).collect();
        let bookings = self.groups.values_mut().flat_map(|group| group.bookings.iter_mut().chain(&mut group.edits));
        for booking in bookings {
            let tres = &mut booking.asked.cost.tres;
            let any = tres.get(Resource::Gpu);
            for resource in Resource::all().filter(|resource| matches!(resource, Resource::GpuType(_))) {
                *tres = tres.with(resource, any);
            }
        }
    }

    fn group(&mut self, terms: &Terms<'_>) -> &mut Group {
        self.groups.entry((terms.uid, terms.account.to_owned())).or_default()
    }

    /// Takes note of a newer list of jobs.
    pub fn reconcile(&mut self, snapshot: &Snapshot, now: Timestamp) {
        self.know_types(snapshot);
        for job in snapshot.recent().filter(|job| job.job_id > self.newest) {
            let account = job.account.and_then(|position| snapshot.account_at(position));
            let group = account.and_then(|account| self.groups.get_mut(&(job.uid, account.name.to_owned())));
            if let Some(group) = group {
                group.see(job.submitted);
            }
        }
        self.newest = snapshot.recent().map(|job| job.job_id).max().unwrap_or(self.newest);
        let as_of = snapshot.as_of();
        self.groups.retain(|_, group| {
            group.expire(as_of);
            group.strike_off();
            !(group.bookings.is_empty() && group.edits.is_empty())
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
        self.sums.clear();
        let mut horizons = Horizons::new(snapshot, now);
        // The site's own calendar decides when the sums are made anew, even while there are none.
        horizons.of(0);
        let groups = std::mem::take(&mut self.groups);
        for ((uid, account), group) in &groups {
            self.count(snapshot, *uid, account, &mut horizons, |horizon| group.held(horizon));
        }
        self.groups = groups;
        self.sums_until = Some(horizons.ends());
    }

    /// Adds to the sums of a person, an account and the account's ancestors, each by the periods of its own calendar.
    fn count(
        &mut self,
        snapshot: &Snapshot,
        uid: u32,
        account: &str,
        horizons: &mut Horizons<'_>,
        usage: impl Fn(&Horizon) -> Usage,
    ) {
        let mut calendar = 0;
        let mut added = usage(&horizons.of(calendar));
        self.sums.entry(Owner::Person(uid)).or_default().add(&added);
        let Some(account) = snapshot.account(account) else { return };
        for above in snapshot.account_line(account.position) {
            if above.calendar != calendar {
                calendar = above.calendar;
                added = usage(&horizons.of(calendar));
            }
            self.sums.entry(Owner::Seat(uid, above.position)).or_default().add(&added);
            self.sums.entry(Owner::Account(above.position)).or_default().add(&added);
        }
        if let Some(until) = &mut self.sums_until {
            *until = (*until).min(horizons.ends());
        }
    }
}

impl Hash for Ledger {
    /// The bookings and what decides on them; the sums follow.
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.groups, self.newest, self.sums_until).hash(state);
    }
}

impl Group {
    /// Counts a job that the list shows for the first time.
    fn see(&mut self, submitted: Timestamp) {
        // A job from before all bookings belongs to none of them: an earlier slurmctld's ledger had it.
        if self.bookings.iter().any(|booking| booking.at <= submitted) {
            let at = self.seen.partition_point(|seen| *seen <= submitted);
            self.seen.insert(at, submitted);
        }
    }

    /// Ends bookings that a list after their grace did not strike off.
    fn expire(&mut self, as_of: Timestamp) {
        self.edits.retain(|edit| edit.at.plus(EDIT_GRACE) >= as_of);
        let before = self.bookings.len();
        self.bookings.retain(|booking| booking.at.plus(GRACE) >= as_of);
        // Each may have been refused, or be one of those that were seen: then the rest has one less of them.
        let ended = before.saturating_sub(self.bookings.len()).min(self.seen.len());
        self.seen.drain(..ended);
    }

    /// Ends the oldest bookings as far as all of them have been seen.
    fn strike_off(&mut self) {
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

    /// The most that the bookings which have not been seen can come to.
    fn held(&self, horizon: &Horizon) -> Usage {
        let unseen = self.bookings.len().saturating_sub(self.seen.len());
        let bookings: Vec<Usage> = self.bookings.iter().map(|booking| booking.asked.usage_within(horizon)).collect();
        let mut held = most(&bookings, unseen);
        for edit in &self.edits {
            held.add(&Usage { queued: 0, ..edit.asked.usage_within(horizon) });
        }
        held
    }
}

/// The most that any `count` of `usages` come to, number by number: which is largest depends on what is asked for.
fn most(usages: &[Usage], count: usize) -> Usage {
    let mut all = Usage::NONE;
    if count == 0 {
        return all;
    }
    usages.iter().for_each(|usage| all.add(usage));
    if count >= usages.len() {
        return all;
    }
    let largest = |sum: u64, number: &dyn Fn(&Usage) -> u64| {
        // What none of them has needs no looking for.
        if sum == 0 {
            return 0;
        }
        let mut numbers: Vec<u64> = usages.iter().map(number).collect();
        numbers.select_nth_unstable_by(count, |a, b| b.cmp(a));
        numbers.into_iter().take(count).fold(0, u64::saturating_add)
    };
    let each = |sum: &Tres, tres: &dyn Fn(&Usage) -> Tres| {
        Resource::all().fold(Tres::ZERO, |held, resource| {
            held.with(resource, largest(sum.get(resource), &|usage| tres(usage).get(resource)))
        })
    };
    let jobs = |number| u32::try_from(number).unwrap_or(u32::MAX);
    let mut held = Usage {
        running: 0,
        queued: jobs(largest(all.queued.into(), &|usage| usage.queued.into())),
        held: Tres::ZERO,
        wanted: each(&all.wanted, &|usage| usage.wanted),
        in_flight_total: each(&all.in_flight_total, &|usage| usage.in_flight_total),
        in_flight_life: each(&all.in_flight_life, &|usage| usage.in_flight_life),
        periods: all.periods,
    };
    for (at, (slot, sums)) in held.periods.iter_mut().zip(&all.periods).enumerate() {
        let period = |usage: &Usage| usage.periods.get(at).copied().unwrap_or_default();
        slot.in_flight = each(&sums.in_flight, &|usage| period(usage).in_flight);
        slot.in_flight_next = each(&sums.in_flight_next, &|usage| period(usage).in_flight_next);
    }
    held
}
