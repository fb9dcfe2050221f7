//! Cuts what runs used at the midnights of the site's calendar.

use bursar_policy::{Period, PeriodKind, Timestamp};

use super::calendar::{Calendar, OutsideCalendar};
use super::measure::{Measures, Stint};

/// A calendar that remembers the days it has laid out, because runs come by day.
#[derive(Debug)]
pub struct Days<'c> {
    calendar: &'c Calendar,
    /// Days next to each other, oldest first; never empty once there is one.
    known: Vec<Period>,
}

/// No more days than this are remembered: a century.
const MOST: usize = 36_525;

impl<'c> Days<'c> {
    /// Nothing laid out yet.
    pub const fn new(calendar: &'c Calendar) -> Self {
        Self { calendar, known: Vec::new() }
    }

    /// What a run used in each day that it touches, oldest first.
    pub fn cut(&mut self, stint: &Stint, mut each: impl FnMut(Timestamp, Measures)) -> Result<(), OutsideCalendar> {
        let mut at = stint.start;
        loop {
            let day = self.of(at)?;
            let measures = stint.within(&day);
            if !measures.is_zero() {
                each(day.start, measures);
            }
            // The instant of the end is no longer the run's, but the day that it lies in counts the end.
            if day.end > stint.end {
                return Ok(());
            }
            at = day.end;
        }
    }

    /// The day that `at` lies in.
    pub fn of(&mut self, at: Timestamp) -> Result<Period, OutsideCalendar> {
        let next = self.known.partition_point(|day| day.start <= at);
        let found = next.checked_sub(1).and_then(|last| self.known.get(last)).filter(|day| day.contains(at));
        if let Some(day) = found {
            return Ok(*day);
        }
        let day = self.calendar.period(PeriodKind::Day, at)?;
        if self.known.len() >= MOST {
            self.known.clear();
        }
        let place = self.known.partition_point(|known| known.start < day.start);
        self.known.insert(place, day);
        Ok(day)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::Weekday;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::accounting::measure::Measure;

    fn calendar(zone: &str) -> Calendar {
        Calendar { zone: TimeZone::get(zone).unwrap(), week_start: Weekday::Monday, year_start: 1 }
    }

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_second())
    }

    fn hours(zone: &str, from: &str, to: &str) -> Vec<(String, i64)> {
        let calendar = calendar(zone);
        let stint = Stint { cpus: 1, nodes: 1, ..Stint::over(at(from), at(from), at(to)) };
        let mut parts = Vec::new();
        let mut days = Days::new(&calendar);
        days.cut(&stint, |day, part| parts.push((calendar.text(day), part.get(Measure::Cpu)))).unwrap();
        let whole: i64 = parts.iter().map(|(_, seconds)| seconds).sum();
        assert_eq!(whole, at(to).0 - at(from).0);
        parts.into_iter().map(|(day, seconds)| (day, seconds / 60)).collect()
    }

    #[test]
    fn given_days_of_23_and_25_hours_and_a_half_then_no_day_is_over_filled() {
        let minutes = |parts: Vec<(String, i64)>| parts.into_iter().map(|(_, minutes)| minutes).filter(|n| *n > 0);
        let cut = |zone, from, to| minutes(hours(zone, from, to)).collect::<Vec<_>>();
        assert_eq!(cut("Europe/Berlin", "2026-03-27T23:00:00Z", "2026-03-30T22:00:00Z"), [1_440, 1_380, 1_440]);
        assert_eq!(cut("Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-26T00:00:00Z"), [1_500, 60]);
        let howe = cut("Australia/Lord_Howe", "2026-04-03T13:00:00Z", "2026-04-06T13:30:00Z");
        assert_eq!(howe, [1_440, 1_470, 1_440]);
    }

    #[test]
    fn given_a_midnight_that_is_missing_or_comes_twice_then_every_second_lies_in_one_day() {
        let havana = hours("America/Havana", "2026-03-07T17:00:00Z", "2026-03-09T17:00:00Z");
        assert_eq!(havana[1], ("2026-03-08 01:00 CDT".to_owned(), 23 * 60));
        let beirut = hours("Asia/Beirut", "2026-10-24T10:00:00Z", "2026-10-26T10:00:00Z");
        assert_eq!(beirut.len(), 3);
        hours("Asia/Kathmandu", "2026-01-01T00:00:00Z", "2026-01-03T00:00:01Z");
        hours("Pacific/Apia", "2011-12-29T00:00:00Z", "2012-01-02T00:00:00Z");
    }

    #[test]
    fn given_an_end_at_midnight_then_the_day_after_counts_the_end_and_no_second() {
        let calendar = calendar("UTC");
        let stint = Stint { cpus: 1, nodes: 1, ..Stint::over(Timestamp(0), Timestamp(0), Timestamp(86_400)) };
        let mut parts = Vec::new();
        Days::new(&calendar)
            .cut(&stint, |day, part| parts.push((day.0, part.get(Measure::Ended), part.get(Measure::Wall))))
            .unwrap();
        assert_eq!(parts, [(0, 0, 86_400), (86_400, 1, 0)]);
    }
}
