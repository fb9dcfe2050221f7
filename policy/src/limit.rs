//! Limits and what is held against them.

use crate::time::PeriodKind;

/// The limits of one person or one account; `None` is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Jobs that may run at the same time.
    pub running_jobs: Option<u32>,
    /// Jobs (array tasks counted singly) that may wait at the same time.
    pub queued_jobs: Option<u32>,
    /// CPU-seconds per day, week and month, in the order of [`PeriodKind::ALL`].
    pub cpu_seconds: [Option<u64>; 3],
}

impl Limits {
    /// The CPU-seconds allowed in one period of `kind`.
    pub fn cpu(&self, kind: PeriodKind) -> Option<u64> {
        let [day, week, month] = self.cpu_seconds;
        match kind {
            PeriodKind::Day => day,
            PeriodKind::Week => week,
            PeriodKind::Month => month,
        }
    }
}

/// CPU-seconds of one owner in one kind of period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PeriodUse {
    /// Consumed in the current period by runs that have ended.
    pub settled: u64,
    /// What live jobs have consumed and may still consume in the current period, at most.
    pub in_flight: u64,
    /// What live jobs may consume in any single period after the current one, at most.
    pub in_flight_next: u64,
}

/// What is held against the limits of one person or one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Jobs running.
    pub running: u32,
    /// Jobs waiting, array tasks counted singly.
    pub queued: u32,
    /// What live jobs may still consume altogether, whenever they do: CPU-seconds.
    pub in_flight_total: u64,
    /// By day, week and month, in the order of [`PeriodKind::ALL`].
    pub periods: [PeriodUse; 3],
}

impl Usage {
    /// The part that belongs to `kind`.
    pub fn period(&self, kind: PeriodKind) -> PeriodUse {
        let [day, week, month] = self.periods;
        match kind {
            PeriodKind::Day => day,
            PeriodKind::Week => week,
            PeriodKind::Month => month,
        }
    }

    /// Adds `other` to `self`, staying at the largest number rather than wrapping.
    pub fn add(&mut self, other: &Self) {
        self.running = self.running.saturating_add(other.running);
        self.queued = self.queued.saturating_add(other.queued);
        self.in_flight_total = self.in_flight_total.saturating_add(other.in_flight_total);
        for (mine, theirs) in self.periods.iter_mut().zip(&other.periods) {
            mine.settled = mine.settled.saturating_add(theirs.settled);
            mine.in_flight = mine.in_flight.saturating_add(theirs.in_flight);
            mine.in_flight_next = mine.in_flight_next.saturating_add(theirs.in_flight_next);
        }
    }
}
