//! Reads time limits in Slurm's spellings.

use bursar_policy::job::TimeLimit;

use crate::cli::amount::digits;

/// `minutes`, `minutes:seconds`, `hours:minutes:seconds`, `days-hours[:minutes[:seconds]]`, `UNLIMITED`, `INFINITE`.
///
/// Seconds round up to a minute, as in Slurm. `None` for anything else.
pub(super) fn parse(text: &str) -> Option<TimeLimit> {
    if text.eq_ignore_ascii_case("unlimited") || text.eq_ignore_ascii_case("infinite") {
        return Some(TimeLimit::Unlimited);
    }
    let (days, clock) = match text.split_once('-') {
        Some((days, clock)) => (Some(digits(days)?), clock),
        None => (None, text),
    };
    let numbers: Vec<u64> = clock.split(':').map(digits).collect::<Option<_>>()?;
    let (hours, minutes, seconds) = match (days.is_some(), numbers.as_slice()) {
        (true, [hours]) => (*hours, 0, 0),
        (true, [hours, minutes]) => (*hours, *minutes, 0),
        (false, [minutes]) => (0, *minutes, 0),
        (false, [minutes, seconds]) => (0, *minutes, *seconds),
        (_, [hours, minutes, seconds]) => (*hours, *minutes, *seconds),
        _ => return None,
    };
    let hours = days.unwrap_or(0).checked_mul(24)?.checked_add(hours)?;
    let minutes = hours.checked_mul(60)?.checked_add(minutes)?.checked_add(seconds.div_ceil(60))?;
    // Slurm's own highest values mean "none" and "unlimited".
    u32::try_from(minutes).ok().filter(|minutes| *minutes > 0 && *minutes < u32::MAX - 1).map(TimeLimit::Minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_slurms_spellings_then_they_are_minutes_rounded_up() {
        for (text, minutes) in
            [("90", 90), ("1:30", 2), ("1:30:00", 90), ("1-0", 1_440), ("2-3:04", 3_064), ("1-0:0:1", 1_441)]
        {
            assert_eq!(parse(text), Some(TimeLimit::Minutes(minutes)), "{text}");
        }
        assert_eq!(parse("Unlimited"), Some(TimeLimit::Unlimited));
        for text in ["", "0", "-1", "1:2:3:4", "1-", "1d", "1-1:1:1:1", "99999999999", "4294967295"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
