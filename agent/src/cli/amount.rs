//! Reads and writes amounts of CPU time exactly: integers in, integers out, CPU-seconds in between.

use serde::{Deserialize, Serialize};

/// The unit in which CPU time is shown; sreport's `-t`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// `h:mm:ss`, exact and readable: what stands without `-t`.
    #[default]
    Clock,
    /// Whole CPU-seconds.
    Seconds,
    /// CPU-minutes to two places, rounded half up.
    Minutes,
    /// CPU-hours to two places, rounded half up.
    Hours,
}

impl Unit {
    /// The spellings `-t` takes.
    pub const NAMES: [(&'static str, Self); 3] =
        [("seconds", Self::Seconds), ("minutes", Self::Minutes), ("hours", Self::Hours)];

    /// `seconds` of CPU time in this unit.
    pub fn show(self, seconds: u64) -> String {
        match self {
            Self::Clock => format!("{}:{:02}:{:02}", seconds / 3_600, seconds % 3_600 / 60, seconds % 60),
            Self::Seconds => seconds.to_string(),
            Self::Minutes => hundredths(seconds, 60),
            Self::Hours => hundredths(seconds, 3_600),
        }
    }
}

fn hundredths(seconds: u64, unit: u64) -> String {
    // u128 so that no amount of CPU time overflows on its way to hundredths.
    let rounded = (u128::from(seconds) * 100 + u128::from(unit) / 2) / u128::from(unit);
    format!("{}.{:02}", rounded / 100, rounded % 100)
}

/// CPU-seconds of an amount typed as hours (`100`), `H:MM` or `H:MM:SS`; `None` when it is none of these.
pub fn cpu_seconds(text: &str) -> Option<u64> {
    let mut parts = text.split(':');
    let hours = digits(parts.next()?)?;
    let minutes = sexagesimal(parts.next())?;
    let seconds = sexagesimal(parts.next())?;
    if parts.next().is_some() {
        return None;
    }
    hours.checked_mul(3_600)?.checked_add(minutes * 60 + seconds)
}

fn sexagesimal(part: Option<&str>) -> Option<u64> {
    match part {
        None => Some(0),
        Some(text) if text.len() == 2 => digits(text).filter(|n| *n < 60),
        Some(_) => None,
    }
}

/// A number of decimal digits only: no sign, no blank, no trailing letter.
pub fn digits(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// A decimal number as so many parts of one; nothing when it is none, or finer than a part.
pub fn decimal(text: &str, parts: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let whole = digits(whole)?.checked_mul(parts)?;
    let places = u32::try_from(fraction.len()).ok().filter(|places| *places <= 12)?;
    let scaled = u128::from(digits(fraction)?) * u128::from(parts);
    let of = 10_u128.pow(places);
    let rest = if scaled % of == 0 { u64::try_from(scaled / of).ok()? } else { return None };
    whole.checked_add(rest)
}

/// `amount / per` as a decimal with so many places, rounded half to even; nothing where there is nothing to divide by.
pub fn show_ratio(amount: i128, per: i128, places: u32) -> Option<String> {
    let scale = 10_i128.checked_pow(places)?;
    let scaled = amount.checked_mul(scale)?;
    let (quotient, rest) = (scaled.checked_div_euclid(per)?, scaled.checked_rem_euclid(per)?);
    let rounded = match rest.checked_mul(2)?.cmp(&per) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + quotient.rem_euclid(2),
    };
    let (whole, part) = (rounded.unsigned_abs() / scale.unsigned_abs(), rounded.unsigned_abs() % scale.unsigned_abs());
    let sign = if rounded < 0 { "-" } else { "" };
    let width = usize::try_from(places).ok()?;
    Some(if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part:0width$}") })
}

/// An amount in parts as a decimal with two places, rounded down; with as many as it needs, up to six, if it is less
/// than a hundredth.
pub fn show_decimal(amount: u64, parts: u64) -> String {
    let rest = |places: u32| u128::from(amount % parts) * 10_u128.pow(places) / u128::from(parts);
    match amount / parts {
        0 if amount > 0 && rest(2) == 0 => format!("0.{:06}", rest(6)),
        whole => format!("{whole}.{:02}", rest(2)),
    }
}

/// What a limit is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitValue {
    /// The limit is taken away, so that the next default holds; typed `-1`.
    Cleared,
    /// Any amount, whatever the defaults say; typed `unlimited`.
    Unlimited,
    /// At most this much.
    AtMost(u64),
}

/// A limit on a number of jobs: digits, `unlimited`, or `-1` to clear it.
pub fn job_limit(text: &str) -> Option<LimitValue> {
    limit(text, digits)
}

/// A limit on CPU time in CPU-seconds: see [`cpu_seconds`], `unlimited`, or `-1` to clear it.
pub fn cpu_limit(text: &str) -> Option<LimitValue> {
    limit(text, cpu_seconds)
}

/// A limit in a unit with parts of which there are `parts` in one: a decimal, `unlimited`, or `-1` to clear it.
pub fn decimal_limit(text: &str, parts: u64) -> Option<LimitValue> {
    limit(text, |text| decimal(text, parts))
}

fn limit(text: &str, amount: impl Fn(&str) -> Option<u64>) -> Option<LimitValue> {
    match text {
        "-1" => Some(LimitValue::Cleared),
        _ if text.eq_ignore_ascii_case("unlimited") => Some(LimitValue::Unlimited),
        _ => amount(text).map(LimitValue::AtMost),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_cpu_seconds_then_each_unit_is_exact_to_its_last_place() {
        assert_eq!(Unit::Clock.show(0), "0:00:00");
        assert_eq!(Unit::Clock.show(360_061), "100:01:01");
        assert_eq!(Unit::Seconds.show(u64::MAX), "18446744073709551615");
        assert_eq!(Unit::Minutes.show(90), "1.50");
        assert_eq!(Unit::Hours.show(18), "0.01");
        assert_eq!(Unit::Hours.show(17), "0.00");
        assert_eq!(Unit::Hours.show(3_599), "1.00");
        assert_eq!(Unit::Hours.show(u64::MAX), "5124095576030431.00");
    }

    #[test]
    fn given_a_decimal_then_it_is_exact_or_refused() {
        for (text, amount) in [("12", 12_000_000), ("0.5", 500_000), ("1.000001", 1_000_001), ("0.10", 100_000)] {
            assert_eq!(decimal(text, 1_000_000), Some(amount), "{text}");
        }
        for text in ["", ".", "1.", ".5", "-1", "1e3", "0.0000001", "1,5", "18446744073709551615"] {
            assert_eq!(decimal(text, 1_000_000), None, "{text:?}");
        }
        assert_eq!(decimal("0.5", 1_024), Some(512));
        assert_eq!([show_decimal(12_345_678, 1_000_000), show_decimal(42, 1_000_000)], ["12.34", "0.000042"]);
        assert_eq!(decimal_limit("UNLIMITED", 7), Some(LimitValue::Unlimited));
    }

    #[test]
    fn given_an_amount_that_is_not_wholly_a_number_then_it_is_refused() {
        for (text, seconds) in [("100", 360_000), ("0", 0), ("1:30", 5_400), ("1:30:15", 5_415)] {
            assert_eq!(cpu_seconds(text), Some(seconds), "{text}");
        }
        for text in ["", "3x", "-1", "+1", "1:60", "1:5", "1:00:00:00", " 1", "1.5", "18446744073709551615"] {
            assert_eq!(cpu_seconds(text), None, "{text:?}");
        }
        assert_eq!(cpu_limit("-1"), Some(LimitValue::Cleared));
        assert_eq!(job_limit("10"), Some(LimitValue::AtMost(10)));
        assert_eq!(job_limit("Unlimited"), Some(LimitValue::Unlimited));
        assert_eq!(job_limit("-2"), None);
    }
}
