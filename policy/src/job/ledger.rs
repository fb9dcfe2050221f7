//! What was admitted and is not yet seen in slurmctld's own list.
//!
//! A booking begins with the verdict. It ends when the snapshot shows the job, because then the snapshot counts it, or
//! [`GRACE`] seconds after the verdict when a later list still does not show it, because then slurmctld refused it.
//! The plugin never learns a job's id, so bookings are struck off by number: with `k` of a person's `n` bookings in an
//! account seen, the `n - k` largest stay. That is never below what is really unseen, and exact when all are equal or
//! all are seen.

use std::collections::HashMap;

use super::judge::{Asked, Horizon, Terms};
use crate::limit::Usage;
use crate::snapshot::Snapshot;
use crate::time::Timestamp;

/// Seconds after a verdict within which slurmctld has either created the job or refused it.
pub const GRACE: u64 = 30;

/// Seconds after a verdict on an edit within which slurmctld has applied it: it does so under the same lock.
const EDIT_GRACE: u64 = 2;

#[derive(Debug, Clone)]
struct Booking {
    at: Timestamp,
    uid: u32,
    account: String,
    /// Where the account stands in the newest snapshot.
    position: Option<u32>,
    asked: Asked,
    /// Whether it enlarges a job that is in the list already.
    edit: bool,
    /// Whether the list shows its job.
    seen: bool,
}

/// The bookings of this slurmctld, with their sums by owner.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    bookings: Vec<Booking>,
    people: HashMap<u32, Usage>,
    accounts: HashMap<u32, Usage>,
    /// The sums hold until a period ends.
    sums_until: Option<Timestamp>,
}

impl Ledger {
    /// What is booked for a person.
    pub fn person(&self, uid: u32) -> Usage {
        self.people.get(&uid).copied().unwrap_or_default()
    }

    /// What is booked for the account at this position of the snapshot, and below it.
    pub fn account(&self, position: u32) -> Usage {
        self.accounts.get(&position).copied().unwrap_or_default()
    }

    /// How many bookings are held.
    pub fn len(&self) -> usize {
        self.bookings.len()
    }

    /// Whether nothing is booked.
    pub fn is_empty(&self) -> bool {
        self.bookings.is_empty()
    }

    /// Books a job that was admitted at `now`.
    pub fn book(&mut self, snapshot: &Snapshot, terms: &Terms<'_>, now: Timestamp) {
        self.add(snapshot, terms, false, now);
    }

    /// Books what an edit adds to a job.
    pub fn book_edit(&mut self, snapshot: &Snapshot, terms: &Terms<'_>, now: Timestamp) {
        self.add(snapshot, terms, true, now);
    }

    fn add(&mut self, snapshot: &Snapshot, terms: &Terms<'_>, edit: bool, now: Timestamp) {
        let booking = Booking {
            at: now,
            uid: terms.uid,
            account: terms.account.to_owned(),
            position: position(snapshot, terms.account),
            asked: terms.asked,
            edit,
            seen: false,
        };
        count(&mut self.people, &mut self.accounts, snapshot, &booking, &Horizon::at(snapshot, now));
        self.bookings.push(booking);
    }

    /// Takes note of a newer list of jobs.
    pub fn reconcile(&mut self, snapshot: &Snapshot, now: Timestamp) {
        let as_of = snapshot.as_of();
        self.bookings.retain(|booking| {
            let grace = if booking.edit { EDIT_GRACE } else { GRACE };
            booking.at.plus(grace) >= as_of
        });
        let mut groups: HashMap<(u32, Option<u32>), Vec<usize>> = HashMap::new();
        for (index, booking) in self.bookings.iter_mut().enumerate() {
            booking.seen = false;
            booking.position = position(snapshot, &booking.account);
            if !booking.edit {
                groups.entry((booking.uid, booking.position)).or_default().push(index);
            }
        }
        let mut listed: HashMap<(u32, Option<u32>), usize> = HashMap::new();
        for job in snapshot.recent() {
            let key = (job.uid, job.account);
            let oldest = groups.get(&key).and_then(|group| group.first()).and_then(|&first| self.bookings.get(first));
            // A job from before the oldest booking belongs to none of them.
            if oldest.is_some_and(|oldest| oldest.at <= job.submitted) {
                *listed.entry(key).or_default() += 1;
            }
        }
        for (key, mut group) in groups {
            let seen = listed.get(&key).copied().unwrap_or_default();
            let size = |index: &usize| {
                self.bookings.get(*index).map(|b| b.asked.jobs.saturating_mul(b.asked.cost.cpu_seconds()))
            };
            group.sort_by_key(size);
            for index in group.into_iter().take(seen) {
                if let Some(booking) = self.bookings.get_mut(index) {
                    booking.seen = true;
                }
            }
        }
        self.sum(snapshot, now);
    }

    /// Renews the sums when a period has ended since they were made.
    pub fn roll_over(&mut self, snapshot: &Snapshot, now: Timestamp) {
        if self.sums_until.is_none_or(|until| until <= now) {
            self.sum(snapshot, now);
        }
    }

    fn sum(&mut self, snapshot: &Snapshot, now: Timestamp) {
        self.people.clear();
        self.accounts.clear();
        let horizon = Horizon::at(snapshot, now);
        for booking in self.bookings.iter().filter(|booking| !booking.seen) {
            count(&mut self.people, &mut self.accounts, snapshot, booking, &horizon);
        }
        self.sums_until = Some(horizon.ends());
    }
}

fn position(snapshot: &Snapshot, account: &str) -> Option<u32> {
    snapshot.account(account).map(|account| account.position)
}

/// Adds one booking to the sums of its person, its account and the account's ancestors.
fn count(
    people: &mut HashMap<u32, Usage>,
    accounts: &mut HashMap<u32, Usage>,
    snapshot: &Snapshot,
    booking: &Booking,
    horizon: &Horizon,
) {
    let mut usage = booking.asked.usage_within(horizon);
    if booking.edit {
        usage.queued = 0;
    }
    people.entry(booking.uid).or_default().add(&usage);
    for above in booking.position.into_iter().flat_map(|at| snapshot.account_line_positions(at)) {
        accounts.entry(above).or_default().add(&usage);
    }
}
