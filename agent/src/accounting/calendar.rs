//! Days, weeks, months, quarters and years of a zone, as instants.
//!
//! A period is half open and begins at the first instant of its first civil day: where midnight does not exist, at the
//! first instant after it; where it comes twice, at the first.

use std::collections::HashMap;

use bursar_policy::snapshot::Edge;
use bursar_policy::{Period, PeriodKind, Timestamp};
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Zoned};

use crate::config::Policy;

/// A time zone, the day its weeks begin on and the month its fiscal years do.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    /// The zone.
    pub zone: TimeZone,
    /// The first day of a week.
    pub week_start: Weekday,
    /// The first month of a fiscal year, 1 to 12; quarters are counted from it.
    pub year_start: i8,
}

/// The site's calendar, and those of accounts that are counted in zones of their own.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendars {
    /// The site's first.
    all: Vec<Calendar>,
    /// Positions by the zone's name.
    zones: HashMap<String, u32>,
}

impl Calendars {
    /// The site's calendar, and one like it for each further zone that is known by its name.
    pub fn new<'a>(site: Calendar, zones: impl IntoIterator<Item = &'a str>) -> Self {
        let mut calendars = Self { all: vec![site], zones: HashMap::new() };
        for name in zones {
            let known = name.is_empty() || calendars.zones.contains_key(name);
            let position = u32::try_from(calendars.all.len()).ok();
            // A zone that left the system's data is counted as the site's; the file that names it does not load.
            if let (false, Some(position), Ok(zone), Some(site)) =
                (known, position, TimeZone::get(name), calendars.all.first().cloned())
            {
                calendars.all.push(Calendar { zone, ..site });
                calendars.zones.insert(name.to_owned(), position);
            }
        }
        calendars
    }

    /// The position of the calendar of a zone; that of the site for an empty or unknown name.
    pub fn of_zone(&self, name: &str) -> u32 {
        self.zones.get(name).copied().unwrap_or(0)
    }

    /// Every calendar, the site's first.
    pub fn iter(&self) -> impl Iterator<Item = &Calendar> {
        self.all.iter()
    }

    /// The calendar at a position.
    pub fn at(&self, position: u32) -> Option<&Calendar> {
        self.all.get(usize::try_from(position).ok()?)
    }
}

/// How many edges a snapshot knows: five weeks of days and of weeks, a year of months and of quarters, two years.
const AHEAD: [usize; PeriodKind::COUNT] = [36, 6, 13, 5, 3];

/// An instant that the calendar cannot place: before the year -9999 or after 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the instant {} lies outside the calendar; check the host's clock", .0.0)]
pub struct OutsideCalendar(pub Timestamp);

impl Calendar {
    /// The site's, as its policy has it.
    pub fn of_policy(policy: &Policy) -> Self {
        Self { zone: policy.time_zone.clone(), week_start: policy.week_start, year_start: policy.fiscal_year_start }
    }

    /// The instant in the site's zone.
    pub fn zoned(&self, at: Timestamp) -> Result<Zoned, OutsideCalendar> {
        let instant = jiff::Timestamp::from_second(at.0).map_err(|_| OutsideCalendar(at))?;
        Ok(instant.to_zoned(self.zone.clone()))
    }

    /// The instant as people of the site read it: `2026-12-01 00:00 CET`; empty for one that never comes.
    pub fn text(&self, at: Timestamp) -> String {
        if at == Timestamp::NEVER {
            return String::new();
        }
        self.zoned(at).map_or_else(|_| at.to_string(), |zoned| zoned.strftime("%Y-%m-%d %H:%M %Z").to_string())
    }

    /// The period of `kind` that `at` falls into.
    pub fn period(&self, kind: PeriodKind, at: Timestamp) -> Result<Period, OutsideCalendar> {
        let first = self.first_day(kind, self.zoned(at)?.date()).ok_or(OutsideCalendar(at))?;
        let next = after(kind, first).ok_or(OutsideCalendar(at))?;
        Ok(Period { start: self.start_of(first)?, end: self.start_of(next)? })
    }

    /// The edges of the current period of `kind` and of those after it, as a snapshot carries them.
    pub fn edges(&self, kind: PeriodKind, now: Timestamp) -> Result<Vec<Edge>, OutsideCalendar> {
        let mut day = self.first_day(kind, self.zoned(now)?.date()).ok_or(OutsideCalendar(now))?;
        let count = AHEAD.into_iter().zip(PeriodKind::ALL).find(|(_, known)| *known == kind).map_or(2, |(n, _)| n);
        let mut edges: Vec<Edge> = Vec::with_capacity(count);
        while edges.len() < count {
            let at = self.start_of(day)?;
            // A day that a zone skipped altogether has no length and is no period.
            if edges.last().is_none_or(|last| last.at < at) {
                edges.push(Edge { at, text: self.text(at) });
            }
            day = after(kind, day).ok_or(OutsideCalendar(now))?;
        }
        Ok(edges)
    }

    /// The first civil day of the period of `kind` that has `day`.
    fn first_day(&self, kind: PeriodKind, day: Date) -> Option<Date> {
        match kind {
            PeriodKind::Day => Some(day),
            PeriodKind::Week => {
                let since = self.week_start.until(day.weekday());
                day.checked_sub(Span::new().days(i64::from(since))).ok()
            }
            PeriodKind::Month => Some(day.first_of_month()),
            PeriodKind::Quarter => self.first_of_months(day, 3),
            PeriodKind::Year => self.first_of_months(day, 12),
        }
    }

    /// The first day of the stretch of so many months, counted from the start of the fiscal year, that has `day`.
    fn first_of_months(&self, day: Date, months: i8) -> Option<Date> {
        let into_year = (day.month() - self.year_start).rem_euclid(12);
        day.first_of_month().checked_sub(Span::new().months(i64::from(into_year % months))).ok()
    }

    fn start_of(&self, day: Date) -> Result<Timestamp, OutsideCalendar> {
        let midnight = day.to_zoned(self.zone.clone()).and_then(|zoned| zoned.start_of_day());
        midnight.map(|zoned| Timestamp(zoned.timestamp().as_second())).map_err(|_| OutsideCalendar(Timestamp::NEVER))
    }
}

/// The first civil day of the period after the one that begins with `first`.
fn after(kind: PeriodKind, first: Date) -> Option<Date> {
    let span = match kind {
        PeriodKind::Day => Span::new().days(1),
        PeriodKind::Week => Span::new().days(7),
        PeriodKind::Month => Span::new().months(1),
        PeriodKind::Quarter => Span::new().months(3),
        PeriodKind::Year => Span::new().months(12),
    };
    first.checked_add(span).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(zone: &str) -> Calendar {
        Calendar { zone: TimeZone::get(zone).unwrap(), week_start: Weekday::Monday, year_start: 1 }
    }

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_second())
    }

    #[test]
    fn given_days_with_a_clock_change_then_they_are_23_and_25_hours_long() {
        let berlin = calendar("Europe/Berlin");
        let hours = |noon| berlin.period(PeriodKind::Day, at(noon)).unwrap().length() / 3_600;
        assert_eq!(hours("2026-03-29T12:00:00Z"), 23);
        assert_eq!(hours("2026-10-25T12:00:00Z"), 25);
        assert_eq!(hours("2026-11-22T12:00:00Z"), 24);
    }

    #[test]
    fn given_a_midnight_that_does_not_exist_then_the_day_begins_at_its_first_instant() {
        let day = calendar("America/Havana").period(PeriodKind::Day, at("2026-03-08T17:00:00Z")).unwrap();
        assert_eq!((day.start, day.length()), (at("2026-03-08T05:00:00Z"), 23 * 3_600));
    }

    #[test]
    fn given_a_midnight_that_comes_twice_then_the_day_begins_at_the_first() {
        let beirut = calendar("Asia/Beirut");
        let day = beirut.period(PeriodKind::Day, at("2026-10-25T10:00:00Z")).unwrap();
        let before = beirut.period(PeriodKind::Day, at("2026-10-24T10:00:00Z")).unwrap();
        assert_eq!(before.end, day.start);
        assert_eq!(before.length() + day.length(), 49 * 3_600);
    }

    #[test]
    fn given_a_day_that_was_skipped_then_it_is_no_period() {
        let edges = calendar("Pacific/Apia").edges(PeriodKind::Day, at("2011-12-29T12:00:00Z")).unwrap();
        assert!(edges.windows(2).all(|pair| pair[0].at < pair[1].at));
    }

    #[test]
    fn given_an_instant_then_weeks_and_months_begin_where_the_site_says() {
        let mut berlin = calendar("Europe/Berlin");
        let sunday = at("2026-11-22T08:00:00Z");
        let week = |calendar: &Calendar| calendar.text(calendar.period(PeriodKind::Week, sunday).unwrap().start);
        assert_eq!(week(&berlin), "2026-11-16 00:00 CET");
        berlin.week_start = Weekday::Sunday;
        assert_eq!(week(&berlin), "2026-11-22 00:00 CET");
        let month = berlin.period(PeriodKind::Month, sunday).unwrap();
        assert_eq!(berlin.text(month.end), "2026-12-01 00:00 CET");
        let edges = berlin.edges(PeriodKind::Month, sunday).unwrap();
        assert_eq!((edges[0].at, edges[1].at), (month.start, month.end));
    }

    #[test]
    fn given_a_fiscal_year_then_its_quarters_begin_with_it() {
        let mut berlin = calendar("Europe/Berlin");
        let starts = |calendar: &Calendar, kind, instant| {
            let period = calendar.period(kind, at(instant)).unwrap();
            (calendar.text(period.start), calendar.text(period.end))
        };
        let january = "2026-01-15T12:00:00Z";
        assert_eq!(
            starts(&berlin, PeriodKind::Year, january),
            ("2026-01-01 00:00 CET".into(), "2027-01-01 00:00 CET".into())
        );
        berlin.year_start = 11;
        assert_eq!(
            starts(&berlin, PeriodKind::Year, january),
            ("2025-11-01 00:00 CET".into(), "2026-11-01 00:00 CET".into())
        );
        assert_eq!(
            starts(&berlin, PeriodKind::Quarter, "2026-04-30T20:00:00Z"),
            ("2026-02-01 00:00 CET".into(), "2026-05-01 00:00 CEST".into())
        );
        assert_eq!(berlin.edges(PeriodKind::Quarter, at(january)).unwrap().len(), 5);
    }

    #[test]
    fn given_accounts_in_zones_of_their_own_then_each_zone_is_one_calendar() {
        let calendars =
            Calendars::new(calendar("Europe/Berlin"), ["", "Asia/Tokyo", "Asia/Tokyo", "Nowhere/At_All", "UTC"]);
        assert_eq!(calendars.iter().count(), 3);
        assert_eq!(
            [calendars.of_zone(""), calendars.of_zone("Asia/Tokyo"), calendars.of_zone("Nowhere/At_All")],
            [0, 1, 0]
        );
        let day = calendars.at(1).unwrap().period(PeriodKind::Day, at("2026-11-22T12:00:00Z")).unwrap();
        assert_eq!(day.start, at("2026-11-21T15:00:00Z"));
    }
}
