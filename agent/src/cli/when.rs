//! Reads the times people type, in Slurm's spellings, and resolves them in the site's zone.
//!
//! The command line only checks the shape ([`parse`]); the daemon resolves ([`When::resolve`]), because it alone
//! knows the zone. A date alone is its first instant, for `end=` as for `start=`, as in Slurm. A local time that
//! daylight saving skips is moved forward by the gap, one that it repeats is the earlier of the two.

use bursar_policy::Timestamp;
use jiff::ToSpan;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

/// Why a text is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhenError {
    /// The text has none of the accepted shapes.
    #[error("`{0}` {NO_TIME}")]
    Shape(String),
    /// The shape is right, the day or hour does not exist or lies beyond year 9999.
    #[error("`{0}` {OUTSIDE}")]
    Range(String),
}

const NO_TIME: &str =
    "is not a time; write 2026-03-19, 2026-03-19T18:00[:00], now, today, now+30days, uts1773943200 or never";
const OUTSIDE: &str = "is outside the calendar; check day, hour and distance";

impl WhenError {
    /// The message without the text, for a caller that has named it already.
    pub const fn complaint(&self) -> &'static str {
        match self {
            Self::Shape(_) => NO_TIME,
            Self::Range(_) => OUTSIDE,
        }
    }
}

/// A time as typed, before a zone and a present give it an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    text: String,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Never,
    Epoch(i64),
    Civil(DateTime, Option<Offset>),
    From(Base, i64, Step),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    Now,
    /// The midnight that begins this day: 0 today, 1 tomorrow.
    Midnight(i64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Seconds,
    Minutes,
    Hours,
    Days,
    Weeks,
    Months,
}

const BASES: [(&str, Base); 4] = [
    ("now", Base::Now),
    ("today", Base::Midnight(0)),
    ("tomorrow", Base::Midnight(1)),
    ("yesterday", Base::Midnight(-1)),
];

const STEPS: [(&str, Step); 18] = [
    ("", Step::Seconds),
    ("s", Step::Seconds),
    ("sec", Step::Seconds),
    ("second", Step::Seconds),
    ("seconds", Step::Seconds),
    ("min", Step::Minutes),
    ("minute", Step::Minutes),
    ("minutes", Step::Minutes),
    ("h", Step::Hours),
    ("hour", Step::Hours),
    ("hours", Step::Hours),
    ("d", Step::Days),
    ("day", Step::Days),
    ("days", Step::Days),
    ("week", Step::Weeks),
    ("weeks", Step::Weeks),
    ("month", Step::Months),
    ("months", Step::Months),
];

/// Reads `text` as a time, or says which shapes there are.
pub fn parse(text: &str) -> Result<When, WhenError> {
    let lower = text.to_ascii_lowercase();
    let form = if lower == "never" {
        Some(Form::Never)
    } else if let Some(epoch) = lower.strip_prefix("uts") {
        number(epoch).map(Form::Epoch)
    } else if lower.starts_with(|c: char| c.is_ascii_digit()) {
        let form = civil(&lower).map_err(|rejected| match rejected {
            Rejected::Shape => WhenError::Shape(text.to_owned()),
            Rejected::Range => WhenError::Range(text.to_owned()),
        })?;
        Some(form)
    } else {
        relative(&lower)
    };
    form.map(|form| When { text: text.to_owned(), form }).ok_or_else(|| WhenError::Shape(text.to_owned()))
}

/// The instant that `text` means at `now` in `zone`.
pub fn resolve(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, WhenError> {
    parse(text)?.resolve(now, zone)
}

impl When {
    /// The instant this means at `now` in `zone`; `never` is [`Timestamp::NEVER`].
    ///
    /// Days, weeks and months keep the wall clock, so `now+1day` across a change of the clocks is 23 or 25 hours
    /// away; hours and less are exact.
    pub fn resolve(&self, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, WhenError> {
        let range = |_| WhenError::Range(self.text.clone());
        match self.form {
            Form::Never => Ok(Timestamp::NEVER),
            Form::Epoch(seconds) => Ok(Timestamp(seconds)),
            Form::Civil(at, Some(offset)) => offset.to_timestamp(at).map(|at| Timestamp(at.as_second())).map_err(range),
            Form::Civil(at, None) => at.to_zoned(zone.clone()).map(|at| instant(&at)).map_err(range),
            Form::From(base, count, step) => {
                let present = jiff::Timestamp::from_second(now.0).map_err(range)?.to_zoned(zone.clone());
                let start = match base {
                    Base::Now => present,
                    Base::Midnight(day) => {
                        let day = present.checked_add(1.day().checked_mul(day).map_err(range)?).map_err(range)?;
                        day.start_of_day().map_err(range)?
                    }
                };
                let one = match step {
                    Step::Seconds => 1.second(),
                    Step::Minutes => 1.minute(),
                    Step::Hours => 1.hour(),
                    Step::Days => 1.day(),
                    Step::Weeks => 1.week(),
                    Step::Months => 1.month(),
                };
                let distance = one.checked_mul(count).map_err(range)?;
                start.checked_add(distance).map(|at| instant(&at)).map_err(range)
            }
        }
    }
}

fn instant(at: &jiff::Zoned) -> Timestamp {
    Timestamp(at.timestamp().as_second())
}

fn number(text: &str) -> Option<i64> {
    super::amount::digits(text).and_then(|n| i64::try_from(n).ok())
}

fn relative(lower: &str) -> Option<Form> {
    let base_end = lower.find(['+', '-']).unwrap_or(lower.len());
    let (word, rest) = lower.split_at_checked(base_end)?;
    let base = BASES.iter().find(|(name, _)| *name == word)?.1;
    if rest.is_empty() {
        return Some(Form::From(base, 0, Step::Seconds));
    }
    let (sign, rest) = rest.split_at_checked(1)?;
    let unit_at = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (count, unit) = rest.split_at_checked(unit_at)?;
    let count = number(count)?;
    let step = STEPS.iter().find(|(name, _)| *name == unit)?.1;
    Some(Form::From(base, if sign == "-" { -count } else { count }, step))
}

/// Why [`civil`] does not take a text.
#[derive(Debug, Clone, Copy)]
enum Rejected {
    Shape,
    Range,
}

/// `yyyy-mm-dd[thh:mm[:ss][z|+hh:mm|-hh:mm]]`, already in lower case.
fn civil(lower: &str) -> Result<Form, Rejected> {
    let shape = || Rejected::Shape;
    let (date, time) = match lower.split_once(['t', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (lower, None),
    };
    let [year, month, day] = fields(date, '-', [4, 2, 2]).ok_or_else(shape)?;
    let (clock, offset) = match time {
        None => ("00:00", None),
        Some(time) => {
            let at = time.find(['z', '+', '-']).unwrap_or(time.len());
            let (clock, zone) = time.split_at_checked(at).ok_or_else(shape)?;
            (clock, if zone.is_empty() { None } else { Some(offset(zone).ok_or_else(shape)?) })
        }
    };
    let [hour, minute, second] = fields(clock, ':', [2, 2, 2])
        .or_else(|| fields(clock, ':', [2, 2]).map(|[hour, minute]| [hour, minute, 0]))
        .ok_or_else(shape)?;
    let small = |n: i16| i8::try_from(n).map_err(|_| shape());
    let at = DateTime::new(year, small(month)?, small(day)?, small(hour)?, small(minute)?, small(second)?, 0)
        .map_err(|_| Rejected::Range)?;
    Ok(Form::Civil(at, offset))
}

fn offset(text: &str) -> Option<Offset> {
    if text == "z" {
        return Some(Offset::UTC);
    }
    let (sign, rest) = text.split_at_checked(1)?;
    let [hours, minutes] = fields(rest, ':', [2, 2])?;
    if minutes > 59 {
        return None;
    }
    let seconds = i32::from(hours) * 3_600 + i32::from(minutes) * 60;
    match sign {
        "+" => Offset::from_seconds(seconds).ok(),
        "-" => Offset::from_seconds(-seconds).ok(),
        _ => None,
    }
}

/// `N` numbers of exactly the given numbers of digits, and nothing else.
fn fields<const N: usize>(text: &str, separator: char, lengths: [usize; N]) -> Option<[i16; N]> {
    let mut numbers = [0; N];
    let mut parts = text.split(separator);
    for (number, length) in numbers.iter_mut().zip(lengths) {
        let part = parts.next().filter(|part| part.len() == length)?;
        *number = super::amount::digits(part).and_then(|n| i16::try_from(n).ok())?;
    }
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-03-28 12:00 in Berlin, the day before the clocks go forward.
    const NOW: Timestamp = Timestamp(1_774_695_600);

    fn berlin(text: &str) -> Result<i64, WhenError> {
        // A POSIX zone: the test must not depend on the host's zone files.
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
        resolve(text, NOW, &zone).map(|at| at.0)
    }

    #[test]
    fn given_slurms_spellings_then_they_resolve_in_the_sites_zone() {
        for (text, seconds) in [
            ("now", 1_774_695_600),
            ("NOW+30", 1_774_695_630),
            ("now-2hours", 1_774_688_400),
            ("now+90min", 1_774_701_000),
            ("today", 1_774_652_400),
            ("tomorrow", 1_774_738_800),
            ("yesterday", 1_774_566_000),
            ("2026-03-28", 1_774_652_400),
            ("2026-03-28T12:00", 1_774_695_600),
            ("2026-03-28t12:00:30", 1_774_695_630),
            ("2026-03-28 12:00", 1_774_695_600),
            ("2026-03-28T11:00Z", 1_774_695_600),
            ("2026-03-28T06:00-05:00", 1_774_695_600),
            ("uts1774695600", 1_774_695_600),
            ("never", i64::MAX),
        ] {
            assert_eq!(berlin(text), Ok(seconds), "{text}");
        }
    }

    #[test]
    fn given_a_change_of_the_clocks_then_days_keep_the_wall_clock_and_hours_do_not() {
        assert_eq!(berlin("now+1day"), Ok(NOW.0 + 23 * 3_600));
        assert_eq!(berlin("now+24hours"), Ok(NOW.0 + 24 * 3_600));
        assert_eq!(berlin("tomorrow+1day"), Ok(1_774_738_800 + 23 * 3_600));
        // 02:30 does not exist on the 29th and is moved forward by the gap; on 25 October it comes twice.
        assert_eq!(berlin("2026-03-29T02:30"), berlin("2026-03-29T03:30"));
        assert_eq!(berlin("2026-10-25T02:30"), berlin("2026-10-25T02:30+02:00"));
    }

    #[test]
    fn given_anything_else_then_it_is_refused_and_never_guessed() {
        for text in [
            "",
            "garbage",
            "now+",
            "now+5parsecs",
            "now++5",
            "soon",
            "2026",
            "20260328",
            "2026-3-8",
            "03/28/26",
            "2026-03-28T12",
            "2026-03-28T12:00:00.5",
            "2026-03-28T",
            "uts",
            "uts-5",
            "uts1x",
            "2026-03-28Z",
            "12:00",
            "today+1fortnight",
            "now 5",
            "2026-03-28T12:00+5",
        ] {
            assert!(matches!(berlin(text), Err(WhenError::Shape(_))), "{text:?}: {:?}", berlin(text));
        }
        for text in ["2026-02-29", "2026-13-01", "2026-01-01T24:00", "now+99999999months", "now+9999999999999999"] {
            assert!(matches!(berlin(text), Err(WhenError::Range(_))), "{text:?}: {:?}", berlin(text));
        }
    }
}
