//! Instants, periods and the clock that tests control.
//!
//! Everything is UTC seconds. Zones, daylight saving and calendars were resolved by the agent: what arrives here
//! is a list of edges.

use std::fmt;

/// Seconds since 1970-01-01 00:00:00 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// An instant that never comes: the end of what has no end.
    pub const NEVER: Self = Self(i64::MAX);

    /// The whole seconds from `earlier` to `self`, 0 when `earlier` is later.
    pub const fn seconds_since(self, earlier: Self) -> u64 {
        let span = self.0.saturating_sub(earlier.0);
        if span > 0 { span as u64 } else { 0 }
    }

    /// The instant `seconds` later, staying at [`Self::NEVER`] rather than wrapping.
    pub const fn plus(self, seconds: u64) -> Self {
        let seconds = if seconds > i64::MAX as u64 { i64::MAX } else { seconds as i64 };
        Self(self.0.saturating_add(seconds))
    }
}

impl fmt::Display for Timestamp {
    /// UTC to the minute, as in `2026-03-19 18:00 UTC`; "never" for [`Self::NEVER`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NEVER {
            return f.write_str("never");
        }
        let days = self.0.div_euclid(86_400);
        let second = self.0.rem_euclid(86_400);
        let (year, month, day) = civil_from_days(days);
        write!(f, "{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", second / 3_600, second % 3_600 / 60)
    }
}

/// The proleptic Gregorian date of a day number counted from 1970-01-01 (the era algorithm of 400-year cycles).
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// Where the present comes from; tests bring their own.
pub trait Clock {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// The host's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }
}

/// The calendar periods that limits are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeriodKind {
    /// From midnight to midnight in the site's zone.
    Day,
    /// From the first midnight of the site's week.
    Week,
    /// From the first midnight of the calendar month.
    Month,
    /// Three calendar months, counted from the start of the fiscal year.
    Quarter,
    /// Twelve calendar months, from the start of the fiscal year.
    Year,
}

impl PeriodKind {
    /// How many kinds there are.
    pub const COUNT: usize = 5;

    /// All kinds, shortest first; the order of every per-period array.
    pub const ALL: [Self; Self::COUNT] = [Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];

    /// The position in per-period arrays.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The word for one such period.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }
}

/// A half-open stretch of time `[start, end)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    /// The first instant inside.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
}

impl Period {
    /// Whether `at` lies inside.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }

    /// The seconds that `[from, to)` and this period share.
    pub fn overlap(&self, from: Timestamp, to: Timestamp) -> u64 {
        to.min(self.end).seconds_since(from.max(self.start))
    }

    /// The length in seconds.
    pub fn length(&self) -> u64 {
        self.end.seconds_since(self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_an_instant_then_it_prints_as_utc() {
        assert_eq!(Timestamp(0).to_string(), "1970-01-01 00:00 UTC");
        assert_eq!(Timestamp(951_782_400).to_string(), "2000-02-29 00:00 UTC");
        assert_eq!(Timestamp(1_773_943_200).to_string(), "2026-03-19 18:00 UTC");
        assert_eq!(Timestamp(-1).to_string(), "1969-12-31 23:59 UTC");
        assert_eq!(Timestamp::NEVER.to_string(), "never");
    }

    #[test]
    fn given_a_stretch_then_only_the_shared_seconds_count() {
        let period = Period { start: Timestamp(100), end: Timestamp(200) };
        assert_eq!(period.overlap(Timestamp(50), Timestamp(150)), 50);
        assert_eq!(period.overlap(Timestamp(200), Timestamp(300)), 0);
        assert_eq!(period.overlap(Timestamp(0), Timestamp::NEVER), 100);
        assert!(!period.contains(Timestamp(200)));
    }
}
