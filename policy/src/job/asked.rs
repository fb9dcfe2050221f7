//! What a job that waits holds against limits, by the periods that it may come to run in.

use super::bound::Cost;
use super::load::{Factors, Number, Work};
use crate::limit::Usage;
use crate::snapshot::Snapshot;
use crate::time::{Period, PeriodKind, Timestamp};

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
        self.work_within(Horizons::new(snapshot, now).of(calendar)).usage()
    }

    /// The same number by number, with the periods looked up before.
    pub(super) fn work_within(&self, horizon: Horizon<'_>) -> Work {
        let begin = self.begin_at.max(horizon.now);
        // Of one unit, within a stretch of `seconds`.
        let most = |seconds: u64| self.cost.seconds.min(seconds).saturating_mul(self.jobs);
        let total = most(self.cost.seconds);
        let mut factors = Factors::default();
        factors.set(Number::Wanted, self.jobs);
        factors.set(Number::Life, total);
        for (kind, periods) in PeriodKind::ALL.into_iter().zip(horizon.periods) {
            let Some(known) = periods else { continue };
            factors.set(Number::Current(kind), most(known.current.end.seconds_since(begin)));
            let later = match known.next {
                Some(next) if self.cost.seconds <= next.length() => total,
                Some(_) => most(known.longest_later),
                // Where the next period is not known, its length is not either: all of the work may fall into it.
                None => total,
            };
            factors.set(Number::Later(kind), later);
        }
        Work { jobs: self.jobs, tres: self.cost.tres, factors }
    }
}

/// The periods that work begun at an instant can fall into.
#[derive(Debug, Clone, Copy)]
pub(super) struct Horizon<'a> {
    now: Timestamp,
    periods: &'a Periods,
}

/// What is known of each kind of period.
type Periods = [Option<Known>; PeriodKind::COUNT];

/// What is known of one kind of period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    current: Period,
    next: Option<Period>,
    /// Seconds of the longest period after the current one.
    longest_later: u64,
}

/// The periods of `now` and those after, in the calendar at a position.
fn periods(snapshot: &Snapshot, calendar: u32, now: Timestamp) -> Periods {
    PeriodKind::ALL.map(|kind| {
        let current = snapshot.period(calendar, kind, now)?.period;
        let next = snapshot.period(calendar, kind, current.end).map(|next| next.period);
        Some(Known { current, next, longest_later: snapshot.longest_after(calendar, kind, now) })
    })
}

/// Periods of some calendars, as they stand until the first of them ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Calendars {
    since: Option<Timestamp>,
    known: Vec<(u32, Periods)>,
}

impl Calendars {
    /// When the first of the current periods ends.
    pub(super) fn ends(&self) -> Timestamp {
        let current = self.known.iter().flat_map(|(_, periods)| periods.iter().flatten());
        current.map(|known| known.current.end).min().unwrap_or(Timestamp::NEVER)
    }

    /// What still holds at `now`, to begin with.
    fn at(&self, now: Timestamp) -> &[(u32, Periods)] {
        let holds = self.since.is_some_and(|since| since <= now) && now < self.ends();
        if holds { &self.known } else { &[] }
    }
}

/// The horizons of one instant, each looked up once.
#[derive(Debug)]
pub(super) struct Horizons<'a> {
    snapshot: &'a Snapshot,
    now: Timestamp,
    kept: &'a [(u32, Periods)],
    looked_up: Calendars,
}

impl<'a> Horizons<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, now: Timestamp) -> Self {
        Self { snapshot, now, kept: &[], looked_up: Calendars { since: Some(now), known: Vec::new() } }
    }

    /// The same, where some calendars of the snapshot are known already.
    pub(super) fn with(kept: &'a Calendars, snapshot: &'a Snapshot, now: Timestamp) -> Self {
        Self { kept: kept.at(now), ..Self::new(snapshot, now) }
    }

    /// The horizon in the calendar at a position.
    pub(super) fn of(&mut self, calendar: u32) -> Horizon<'_> {
        const NONE: &Periods = &[None; PeriodKind::COUNT];
        let find = |(known, _): &&(u32, Periods)| *known == calendar;
        let now = self.now;
        if let Some((_, periods)) = self.kept.iter().find(find) {
            return Horizon { now, periods };
        }
        let known = &mut self.looked_up.known;
        if !known.iter().any(|known| find(&known)) {
            known.push((calendar, periods(self.snapshot, calendar, now)));
        }
        Horizon { now, periods: known.iter().find(find).map_or(NONE, |(_, periods)| periods) }
    }

    /// All that were looked up.
    pub(super) fn looked_up(self) -> Calendars {
        self.looked_up
    }
}
