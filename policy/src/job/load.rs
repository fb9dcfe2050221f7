//! What waiting work comes to, number by number, kept only for what it asks for at all.
//!
//! A [`Usage`] has room for every resource in every period, which is two kilobytes. Most work asks for CPUs, memory and
//! nodes; thousands of bookings are added up in this shape, and read number by number.

use crate::limit::{PeriodUse, Usage};
use crate::time::PeriodKind;
use crate::tres::{Resource, Tres};

/// One of the numbers that are kept of each resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    /// What all would have if all ran at once.
    Wanted,
    /// What all may consume, whenever they do.
    Life,
    /// What may be consumed in the current period.
    Current(PeriodKind),
    /// What may be consumed in any single period after it.
    Later(PeriodKind),
}

/// How many numbers there are.
const NUMBERS: usize = 2 + 2 * PeriodKind::COUNT;

impl Number {
    const fn index(self) -> usize {
        match self {
            Self::Wanted => 0,
            Self::Life => 1,
            Self::Current(kind) => 2 + 2 * kind.index(),
            Self::Later(kind) => 3 + 2 * kind.index(),
        }
    }
}

/// What one unit of a resource comes to, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Factors([u64; NUMBERS]);

impl Factors {
    pub(super) fn set(&mut self, number: Number, factor: u64) {
        if let Some(slot) = self.0.get_mut(number.index()) {
            *slot = factor;
        }
    }

    pub(super) fn get(&self, number: Number) -> u64 {
        self.0.get(number.index()).copied().unwrap_or_default()
    }
}

/// Work of one kind: jobs, what each has at the same time, and what a unit of that comes to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work {
    pub(super) jobs: u64,
    pub(super) tres: Tres,
    pub(super) factors: Factors,
}

impl Work {
    /// One of its numbers.
    pub(super) fn get(&self, number: Number, resource: Resource) -> u64 {
        self.tres.get(resource).saturating_mul(self.factors.get(number))
    }

    /// Jobs, at the largest number rather than wrapping.
    pub(super) fn queued(&self) -> u32 {
        u32::try_from(self.jobs).unwrap_or(u32::MAX)
    }

    /// Everything at once.
    pub(super) fn usage(&self) -> Usage {
        let all = |number| self.tres.times(self.factors.get(number));
        Usage {
            queued: self.queued(),
            wanted: all(Number::Wanted),
            in_flight_total: all(Number::Life),
            in_flight_life: all(Number::Life),
            periods: PeriodKind::ALL.map(|kind| PeriodUse {
                settled: Tres::ZERO,
                in_flight: all(Number::Current(kind)),
                in_flight_next: all(Number::Later(kind)),
            }),
            ..Usage::NONE
        }
    }
}

/// A sum of work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Load {
    queued: u32,
    /// In the order of [`Resource::index`].
    rows: Vec<(Resource, [u64; NUMBERS])>,
}

impl Load {
    /// Nothing, with room for what it had.
    pub(super) fn clear(&mut self) {
        self.queued = 0;
        self.rows.clear();
    }

    /// Jobs.
    pub(super) fn queued(&self) -> u32 {
        self.queued
    }

    /// One of its numbers.
    pub(super) fn get(&self, number: Number, resource: Resource) -> u64 {
        let row = self.rows.iter().find(|(known, _)| *known == resource);
        row.and_then(|(_, row)| row.get(number.index())).copied().unwrap_or_default()
    }

    fn row(&mut self, resource: Resource) -> Option<&mut [u64; NUMBERS]> {
        let at = self.rows.partition_point(|(known, _)| known.index() < resource.index());
        if self.rows.get(at).is_none_or(|(known, _)| *known != resource) {
            self.rows.insert(at, (resource, [0; NUMBERS]));
        }
        self.rows.get_mut(at).map(|(_, row)| row)
    }

    /// Adds work, staying at the largest number rather than wrapping.
    pub(super) fn add_work(&mut self, work: &Work) {
        self.queued = self.queued.saturating_add(work.queued());
        self.add_edit(work);
    }

    /// The same, of jobs that are counted already.
    pub(super) fn add_edit(&mut self, work: &Work) {
        for (resource, amount) in work.tres.present() {
            let Some(row) = self.row(resource) else { continue };
            for (slot, factor) in row.iter_mut().zip(&work.factors.0) {
                *slot = slot.saturating_add(amount.saturating_mul(*factor));
            }
        }
    }

    /// Adds another sum.
    pub(super) fn add(&mut self, other: &Self) {
        self.queued = self.queued.saturating_add(other.queued);
        for (resource, theirs) in &other.rows {
            let Some(row) = self.row(*resource) else { continue };
            for (slot, number) in row.iter_mut().zip(theirs) {
                *slot = slot.saturating_add(*number);
            }
        }
    }

    /// Adds the most that any `count` of `works` come to, number by number: which is largest depends on what is asked
    /// for.
    pub(super) fn add_most(&mut self, works: &[Work], count: usize) {
        let mut numbers = Vec::with_capacity(works.len());
        let mut largest = |number: &dyn Fn(&Work) -> u64| {
            numbers.clear();
            numbers.extend(works.iter().map(number));
            if count < numbers.len() {
                numbers.select_nth_unstable_by(count, |a, b| b.cmp(a));
            }
            numbers.iter().take(count).copied().fold(0, u64::saturating_add)
        };
        let jobs = largest(&|work| work.queued().into());
        self.queued = self.queued.saturating_add(u32::try_from(jobs).unwrap_or(u32::MAX));
        for resource in Resource::all().filter(|resource| works.iter().any(|work| work.tres.get(*resource) > 0)) {
            let Some(row) = self.row(resource) else { continue };
            for (at, slot) in row.iter_mut().enumerate() {
                let number = |work: &Work| {
                    work.tres.get(resource).saturating_mul(work.factors.0.get(at).copied().unwrap_or_default())
                };
                *slot = slot.saturating_add(largest(&number));
            }
        }
    }

    /// Adds it to what an owner uses.
    pub(super) fn add_to(&self, usage: &mut Usage) {
        usage.queued = usage.queued.saturating_add(self.queued);
        for (resource, _) in &self.rows {
            let all = |number| Tres::ZERO.with(*resource, self.get(number, *resource));
            usage.wanted.add(&all(Number::Wanted));
            usage.in_flight_total.add(&all(Number::Life));
            usage.in_flight_life.add(&all(Number::Life));
            for (kind, slot) in PeriodKind::ALL.into_iter().zip(&mut usage.periods) {
                slot.in_flight.add(&all(Number::Current(kind)));
                slot.in_flight_next.add(&all(Number::Later(kind)));
            }
        }
    }
}

/// What a job adds for one payer.
#[derive(Debug, Clone)]
pub(super) struct Added {
    /// The most that it comes to.
    pub(super) new: Work,
    /// Of a job that is edited, the most that the payer paid for already.
    pub(super) old: Option<Work>,
    /// What the job was and what it becomes, in every way that it may be meant; of a job that the payer paid for.
    pub(super) readings: Vec<(Work, Work)>,
}

impl Added {
    /// Further jobs.
    pub(super) fn queued(&self) -> u32 {
        if self.old.is_some() { 0 } else { self.new.queued() }
    }

    /// How much more of one number is in flight with it.
    pub(super) fn get(&self, number: Number, resource: Resource) -> u64 {
        let before = self.old.map_or(0, |old| old.get(number, resource));
        self.new.get(number, resource).saturating_sub(before)
    }

    /// How much more of one number it may be given than it was admitted with, which is never less than [`get`].
    ///
    /// In flight is the most that a listed job may mean; a job that means less can grow within that, and what is in
    /// flight stays as it is.
    ///
    /// [`get`]: Self::get
    pub(super) fn rise(&self, number: Number, resource: Resource) -> u64 {
        let rises =
            self.readings.iter().map(|(old, new)| new.get(number, resource).saturating_sub(old.get(number, resource)));
        rises.max().unwrap_or_else(|| self.get(number, resource))
    }
}
