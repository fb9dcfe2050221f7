//! A week of hours with its holidays and its zone, turned into instants.
//!
//! Local times that daylight saving takes or gives twice are settled once and for all: hours that begin or end at a
//! time which does not exist do so at the first instant after the gap; at a time which comes twice they begin with its
//! first coming and end with its last. Days begin and end as in the site's [`crate::accounting::calendar`].

use std::collections::{BTreeMap, BTreeSet};

use bursar_policy::{Period, Timestamp};
use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::hours::{DayHours, WeekHours};
use crate::accounting::calendar::OutsideCalendar;

/// When a window is open, as the administrator wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The zone whose local times are meant.
    pub zone: TimeZone,
    /// The hours of every week.
    pub week: Vec<WeekHours>,
    /// Days on which nothing is open, from their first instant to their last; hours that began before midnight end there.
    pub holidays: BTreeSet<Date>,
    /// Days on which these hours begin instead of the week's.
    pub special_days: BTreeMap<Date, Vec<DayHours>>,
}

/// The openings of a window that can be known now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Openings {
    /// Ascending, never touching; the first is the one that holds now or the next one.
    pub list: Vec<Period>,
    /// The first instant of which it was not worked out whether the window is open.
    pub known_until: Timestamp,
}

/// How many days after today are worked out: a quarter.
const DAYS_AHEAD: usize = 13 * 7;
/// A window that stays open at the end of those is followed for so many days more, and then said to stay open for ever.
const DAYS_FOLLOWED: usize = 400;

impl Schedule {
    /// The openings from `now` on, for a quarter.
    ///
    /// They differ from those of an instant before only where an opening has ended or a day has begun.
    pub fn openings(&self, now: Timestamp) -> Result<Openings, OutsideCalendar> {
        let instant = jiff::Timestamp::from_second(now.0).map_err(|_| OutsideCalendar(now))?;
        let today = instant.to_zoned(self.zone.clone()).date();
        // Hours over midnight began yesterday at the earliest.
        let mut day = today.yesterday().map_err(|_| OutsideCalendar(now))?;
        let mut openings: Vec<Period> = Vec::new();
        for _ in 0..=DAYS_AHEAD {
            self.open_on(day, &mut openings)?;
            day = next(day)?;
        }
        // Hours that began the day before reach into the first unknown day, so that one must be known as well.
        let known_until = self.first_instant(day)?;
        let mut stays_open = true;
        for _ in 0..DAYS_FOLLOWED {
            self.open_on(day, &mut openings)?;
            merge(&mut openings);
            day = next(day)?;
            let end = self.first_instant(day)?;
            stays_open = openings.iter().any(|opening| opening.start < known_until && end <= opening.end);
            if !stays_open {
                break;
            }
        }
        openings.retain(|opening| now < opening.end && opening.start < known_until);
        if let Some(last) = openings.last_mut().filter(|_| stays_open) {
            last.end = Timestamp::NEVER;
        }
        Ok(Openings { list: openings, known_until })
    }

    /// The openings inside `period`, cut at its edges: ascending, never touching.
    pub(crate) fn openings_within(&self, period: Period) -> Result<Vec<Period>, OutsideCalendar> {
        let day_of = |at: Timestamp| {
            let instant = jiff::Timestamp::from_second(at.0).map_err(|_| OutsideCalendar(at))?;
            Ok(instant.to_zoned(self.zone.clone()).date())
        };
        // Hours over midnight began the day before at the earliest.
        let mut day = day_of(period.start)?.yesterday().map_err(|_| OutsideCalendar(period.start))?;
        let last = day_of(period.end)?;
        let mut openings: Vec<Period> = Vec::new();
        while day <= last {
            self.open_on(day, &mut openings)?;
            day = next(day)?;
        }
        merge(&mut openings);
        let cut = |opening: Period| Period { start: opening.start.max(period.start), end: opening.end.min(period.end) };
        Ok(openings.into_iter().map(cut).filter(|opening| opening.start < opening.end).collect())
    }

    /// Whether it is open at an instant.
    pub fn is_open(&self, at: Timestamp) -> Result<bool, OutsideCalendar> {
        let instant = jiff::Timestamp::from_second(at.0).map_err(|_| OutsideCalendar(at))?;
        let today = instant.to_zoned(self.zone.clone()).date();
        let mut openings = Vec::new();
        for day in [today.yesterday().map_err(|_| OutsideCalendar(at))?, today] {
            self.open_on(day, &mut openings)?;
        }
        Ok(openings.iter().any(|opening| opening.contains(at)))
    }

    /// Adds the openings that begin on `day`, cut by holidays.
    fn open_on(&self, day: Date, openings: &mut Vec<Period>) -> Result<(), OutsideCalendar> {
        let (first, last) = (self.first_instant(day)?, self.first_instant(next(day)?)?);
        // A day that the zone skipped altogether has no hours.
        if self.holidays.contains(&day) || first == last {
            return Ok(());
        }
        let mut add = |hours: DayHours| {
            let mut opening = Period { start: self.begin(day, hours.from())?, end: self.end(day, hours.to())? };
            if self.holidays.contains(&next(day)?) {
                opening.end = opening.end.min(last);
            }
            if opening.start < opening.end {
                openings.push(opening);
            }
            Ok(())
        };
        match self.special_days.get(&day) {
            Some(special) => special.iter().try_for_each(|hours| add(*hours)),
            None => {
                let weekday = day.weekday();
                self.week.iter().filter(|hours| hours.on(weekday)).try_for_each(|hours| add(hours.hours))
            }
        }
    }

    /// The instant at which hours begin that begin at this minute of `day`.
    fn begin(&self, day: Date, minute: u16) -> Result<Timestamp, OutsideCalendar> {
        if minute == 0 { self.first_instant(day) } else { self.local(day, minute, Comes::First) }
    }

    /// The instant at which hours end that end at this minute of `day`; minutes from 1440 on are the next day's.
    fn end(&self, day: Date, minute: u16) -> Result<Timestamp, OutsideCalendar> {
        match minute.checked_sub(24 * 60) {
            None => self.local(day, minute, Comes::Last),
            Some(0) => self.first_instant(next(day)?),
            Some(minute) => self.local(next(day)?, minute, Comes::Last),
        }
    }

    /// The first instant of a day.
    fn first_instant(&self, day: Date) -> Result<Timestamp, OutsideCalendar> {
        self.local(day, 0, Comes::First)
    }

    fn local(&self, day: Date, minute: u16, comes: Comes) -> Result<Timestamp, OutsideCalendar> {
        let outside = |_| OutsideCalendar(Timestamp::NEVER);
        let (hour, minute) = (i8::try_from(minute / 60).unwrap_or(0), i8::try_from(minute % 60).unwrap_or(0));
        let local = self.zone.to_ambiguous_timestamp(day.at(hour, minute, 0, 0));
        let instant = match (local.offset(), comes) {
            (AmbiguousOffset::Unambiguous { .. }, _) => local.compatible(),
            (AmbiguousOffset::Fold { .. }, Comes::First) => local.earlier(),
            (AmbiguousOffset::Fold { .. }, Comes::Last) => local.later(),
            (AmbiguousOffset::Gap { after, .. }, _) => {
                // By the clock of after the gap this time lies before the gap, so the next change to that clock is it.
                let before = local.earlier().map_err(outside)?;
                let change = self.zone.following(before).find(|change| change.offset() == after);
                change.map_or_else(|| local.later(), |change| Ok(change.timestamp()))
            }
        };
        instant.map(|at| Timestamp(at.as_second())).map_err(outside)
    }
}

/// Which of two instants of the same local time is meant.
#[derive(Debug, Clone, Copy)]
enum Comes {
    First,
    Last,
}

fn next(day: Date) -> Result<Date, OutsideCalendar> {
    day.tomorrow().map_err(|_| OutsideCalendar(Timestamp::NEVER))
}

/// Sorts openings and joins those that overlap or touch.
fn merge(openings: &mut Vec<Period>) {
    openings.sort_by_key(|opening| (opening.start, opening.end));
    openings.dedup_by(|next, before| {
        let touches = next.start <= before.end;
        if touches {
            before.end = before.end.max(next.end);
        }
        touches
    });
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
