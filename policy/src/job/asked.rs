//! What a job that waits holds against limits, by the periods that it may come to run in.

use super::bound::Cost;
use crate::limit::Usage;
use crate::snapshot::Snapshot;
use crate::time::{Period, PeriodKind, Timestamp};
use crate::tres::Tres;

/// What a request comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Asked {
    /// Jobs, array tasks counted singly.
    pub jobs: u64,
    /// What each of them can cost.
    pub cost: Cost,
    /// The earliest instant it can start.
    pub begin_at: Timestamp,
}

impl Asked {
    /// What this holds against a limit while it waits, in the calendar at a position: it may start at any instant from
    /// `now` on.
    ///
    /// Whatever its begin, all of it may fall into one later period. That period need not be the next one, but only
    /// the next one is reckoned with: were it left out there, work that begins in two days would be judged nowhere.
    pub fn usage(&self, snapshot: &Snapshot, calendar: u32, now: Timestamp) -> Usage {
        self.usage_within(&Horizon::at(snapshot, calendar, now))
    }

    /// The same, with the periods looked up before.
    pub(super) fn usage_within(&self, horizon: &Horizon) -> Usage {
        let begin = self.begin_at.max(horizon.now);
        let total = self.most_within(self.cost.seconds);
        let mut usage = Usage {
            queued: u32::try_from(self.jobs).unwrap_or(u32::MAX),
            wanted: self.cost.tres.times(self.jobs),
            in_flight_total: total,
            in_flight_life: total,
            ..Usage::NONE
        };
        for (periods, slot) in horizon.periods.iter().zip(&mut usage.periods) {
            let Some(known) = periods else { continue };
            slot.in_flight = self.most_within(known.current.end.seconds_since(begin));
            slot.in_flight_next = match known.next {
                Some(next) if self.cost.seconds <= next.length() => total,
                Some(_) => self.most_within(known.longest_later),
                // Where the next period is not known, its length is not either: all of the work may fall into it.
                None => total,
            };
        }
        usage
    }

    /// The most that can be consumed within a stretch of `seconds`.
    fn most_within(&self, seconds: u64) -> Tres {
        self.cost.tres.times(self.cost.seconds.min(seconds)).times(self.jobs)
    }
}

/// The periods that work begun at an instant can fall into.
#[derive(Debug, Clone, Copy)]
pub(super) struct Horizon {
    now: Timestamp,
    /// By kind.
    periods: [Option<Known>; PeriodKind::COUNT],
}

/// What is known of one kind of period.
#[derive(Debug, Clone, Copy)]
struct Known {
    current: Period,
    next: Option<Period>,
    /// Seconds of the longest period after the current one.
    longest_later: u64,
}

impl Horizon {
    /// The periods of `now` and those after, in the calendar at a position.
    pub(super) fn at(snapshot: &Snapshot, calendar: u32, now: Timestamp) -> Self {
        let periods = PeriodKind::ALL.map(|kind| {
            let current = snapshot.period(calendar, kind, now)?.period;
            let next = snapshot.period(calendar, kind, current.end).map(|next| next.period);
            Some(Known { current, next, longest_later: snapshot.longest_after(calendar, kind, now) })
        });
        Self { now, periods }
    }

    /// When the first of the current periods ends.
    pub(super) fn ends(&self) -> Timestamp {
        self.periods.iter().flatten().map(|known| known.current.end).min().unwrap_or(Timestamp::NEVER)
    }
}

/// The horizons of one instant, each looked up once.
#[derive(Debug)]
pub(super) struct Horizons<'s> {
    snapshot: &'s Snapshot,
    now: Timestamp,
    known: Vec<(u32, Horizon)>,
}

impl<'s> Horizons<'s> {
    pub(super) fn new(snapshot: &'s Snapshot, now: Timestamp) -> Self {
        Self { snapshot, now, known: Vec::new() }
    }

    /// The horizon in the calendar at a position.
    pub(super) fn of(&mut self, calendar: u32) -> Horizon {
        if let Some((_, horizon)) = self.known.iter().find(|(known, _)| *known == calendar) {
            return *horizon;
        }
        let horizon = Horizon::at(self.snapshot, calendar, self.now);
        self.known.push((calendar, horizon));
        horizon
    }

    /// When the first of the current periods of all that were looked up ends.
    pub(super) fn ends(&self) -> Timestamp {
        self.known.iter().map(|(_, horizon)| horizon.ends()).min().unwrap_or(Timestamp::NEVER)
    }
}
