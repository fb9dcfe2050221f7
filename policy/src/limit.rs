//! Limits, and what is held against them.

use crate::time::PeriodKind;
use crate::tres::{Resource, Tres};

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Jobs that run at the same time.
    RunningJobs,
    /// Jobs (array tasks counted singly) that wait at the same time.
    QueuedJobs,
    /// What running jobs have at the same time.
    AtOnce(Resource),
    /// What is consumed in one calendar period: amount times seconds.
    Within(PeriodKind, Resource),
    /// What is consumed over the life of one grant: amount times seconds.
    OfGrant(Resource),
}

/// One limit of one owner, with what is held against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// What it counts.
    pub measure: Measure,
    /// How much is allowed.
    pub limit: u64,
    /// What is running, waits, or was consumed by runs that have ended.
    pub used: u64,
    /// What waiting jobs may take, or live jobs have consumed and may still consume within the current period.
    pub in_flight: u64,
    /// What live jobs may consume in any single period after the current one, at most.
    pub next: u64,
    /// What live jobs may still consume, whenever they do.
    pub total: u64,
}

impl Line {
    /// A limit that nothing is held against.
    pub const fn unused(measure: Measure, limit: u64) -> Self {
        Self { measure, limit, used: 0, in_flight: 0, next: 0, total: 0 }
    }

    /// What it says once `periods` have ended since it was made.
    ///
    /// Nothing is known of what was settled since, but whatever it is was in flight then: the bound holds.
    #[must_use]
    pub fn after(&self, periods: usize) -> Self {
        match periods {
            0 => *self,
            1 => Self { used: 0, in_flight: self.next, next: self.total, ..*self },
            _ => Self { used: 0, in_flight: self.total, next: self.total, ..*self },
        }
    }
}

/// What one owner consumes in one kind of period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct PeriodUse {
    /// Consumed in the current period by runs that have ended.
    pub settled: Tres,
    /// What live jobs have consumed and may still consume in the current period, at most.
    pub in_flight: Tres,
    /// What live jobs may consume in any single period after the current one, at most.
    pub in_flight_next: Tres,
}

/// Everything that limits of one owner can count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Usage {
    /// Jobs running.
    pub running: u32,
    /// Jobs waiting, array tasks counted singly.
    pub queued: u32,
    /// What running jobs have.
    pub held: Tres,
    /// What waiting jobs would have if all ran at once.
    pub wanted: Tres,
    /// What live jobs may still consume altogether, whenever they do.
    pub in_flight_total: Tres,
    /// What live jobs have consumed since they began and may still consume.
    pub in_flight_life: Tres,
    /// By kind of period, in the order of [`PeriodKind::ALL`].
    pub periods: [PeriodUse; PeriodKind::COUNT],
}

impl Usage {
    /// Nothing at all.
    pub const NONE: Self = Self {
        running: 0,
        queued: 0,
        held: Tres::ZERO,
        wanted: Tres::ZERO,
        in_flight_total: Tres::ZERO,
        in_flight_life: Tres::ZERO,
        periods: [PeriodUse { settled: Tres::ZERO, in_flight: Tres::ZERO, in_flight_next: Tres::ZERO };
            PeriodKind::COUNT],
    };

    /// The part that belongs to `kind`.
    pub fn period(&self, kind: PeriodKind) -> &PeriodUse {
        let [day, week, month, quarter, year] = &self.periods;
        match kind {
            PeriodKind::Day => day,
            PeriodKind::Week => week,
            PeriodKind::Month => month,
            PeriodKind::Quarter => quarter,
            PeriodKind::Year => year,
        }
    }

    /// What is held against a limit on `measure`; `settled_of_grant` is what the grant's ended runs consumed.
    pub fn line(&self, measure: Measure, limit: u64, settled_of_grant: &Tres) -> Line {
        let line = Line::unused(measure, limit);
        match measure {
            Measure::RunningJobs => Line { used: self.running.into(), in_flight: self.queued.into(), ..line },
            Measure::QueuedJobs => Line { used: self.queued.into(), ..line },
            Measure::AtOnce(resource) => {
                Line { used: self.held.get(resource), in_flight: self.wanted.get(resource), ..line }
            }
            Measure::Within(kind, resource) => {
                let period = self.period(kind);
                Line {
                    used: period.settled.get(resource),
                    in_flight: period.in_flight.get(resource),
                    next: period.in_flight_next.get(resource),
                    total: self.in_flight_total.get(resource),
                    ..line
                }
            }
            Measure::OfGrant(resource) => {
                Line { used: settled_of_grant.get(resource), in_flight: self.in_flight_life.get(resource), ..line }
            }
        }
    }

    /// Adds `other` to `self`, staying at the largest number rather than wrapping.
    pub fn add(&mut self, other: &Self) {
        self.running = self.running.saturating_add(other.running);
        self.queued = self.queued.saturating_add(other.queued);
        self.held.add(&other.held);
        self.wanted.add(&other.wanted);
        self.in_flight_total.add(&other.in_flight_total);
        self.in_flight_life.add(&other.in_flight_life);
        for (mine, theirs) in self.periods.iter_mut().zip(&other.periods) {
            mine.settled.add(&theirs.settled);
            mine.in_flight.add(&theirs.in_flight);
            mine.in_flight_next.add(&theirs.in_flight_next);
        }
    }
}
