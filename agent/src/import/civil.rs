//! Gives the times of a dump their instants: epoch seconds, times with an offset, or local times of a zone.
//!
//! A local time of the hour that comes twice has two instants; the length of the run decides between them.

use bursar_policy::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// The instant or instants that a text means; the same twice where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meant {
    /// The first.
    pub first: Timestamp,
    /// The last.
    pub last: Timestamp,
}

impl Meant {
    const fn once(at: Timestamp) -> Self {
        Self { first: at, last: at }
    }
}

/// Reads a time; the outer nothing is a text that is no time, the inner one that sacct has no time to tell.
pub fn read(text: &str, zone: &TimeZone) -> Option<Option<Meant>> {
    if matches!(text, "" | "Unknown" | "None" | "N/A" | "NONE") {
        return Some(None);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds: i64 = text.parse().ok()?;
        return Some(Some(Meant::once(Timestamp(seconds))));
    }
    let has_offset = text.get(10..).is_some_and(|clock| clock.contains(['Z', 'z', '+', '-']));
    if has_offset {
        let at: jiff::Timestamp = text.parse().ok()?;
        return Some(Some(Meant::once(Timestamp(at.as_second()))));
    }
    let civil: DateTime = text.parse().ok()?;
    let ambiguous = zone.to_ambiguous_timestamp(civil);
    let instant = |at: Result<jiff::Timestamp, _>| at.ok().map(|at: jiff::Timestamp| Timestamp(at.as_second()));
    let meant = match ambiguous.offset() {
        AmbiguousOffset::Fold { .. } => {
            Meant { first: instant(ambiguous.earlier())?, last: instant(ambiguous.later())? }
        }
        // A time that was skipped was never shown by a clock; forward by the gap is what jiff calls compatible.
        AmbiguousOffset::Gap { .. } | AmbiguousOffset::Unambiguous { .. } => {
            Meant::once(instant(ambiguous.compatible())?)
        }
    };
    Some(Some(meant))
}

/// From when to when a run of `length` seconds lasted, where the texts leave it open.
pub fn interval(start: Meant, end: Meant, length: Option<u64>) -> (Timestamp, Timestamp) {
    let all = [(start.first, end.first), (start.first, end.last), (start.last, end.last), (start.last, end.first)];
    let fits = |pair: &&(Timestamp, Timestamp)| Some(pair.1.seconds_since(pair.0)) == length && pair.0 <= pair.1;
    all.iter().find(fits).copied().unwrap_or((start.first, end.last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin(text: &str) -> Option<Option<Meant>> {
        read(text, &TimeZone::get("Europe/Berlin").unwrap())
    }

    #[test]
    fn given_times_as_sacct_prints_them_then_they_are_instants() {
        let once = |seconds| Some(Some(Meant::once(Timestamp(seconds))));
        assert_eq!(berlin("2026-03-19T19:00:00"), once(1_773_943_200));
        assert_eq!(berlin("1773943200"), once(1_773_943_200));
        assert_eq!(berlin("2026-03-19T18:00:00+00:00"), once(1_773_943_200));
        assert_eq!(berlin("2026-03-19T18:00:00Z"), once(1_773_943_200));
        assert_eq!(berlin("Unknown"), Some(None));
        for text in ["soon", "2026-13-01T00:00:00", "-5", "2026-03-19T"] {
            assert_eq!(berlin(text), None, "{text}");
        }
    }

    #[test]
    fn given_the_hour_that_comes_twice_then_the_length_of_the_run_decides() {
        let read = |text| berlin(text).unwrap().unwrap();
        let (start, end) = (read("2026-10-25T02:10:00"), read("2026-10-25T02:20:00"));
        assert_eq!(start.last.seconds_since(start.first), 3_600);
        assert_eq!(interval(start, end, Some(600)), (start.first, end.first));
        assert_eq!(interval(start, end, Some(4_200)), (start.first, end.last));
        let after = read("2026-10-25T03:00:00");
        assert_eq!(interval(start, after, Some(3_000)), (start.last, after.first));
        assert_eq!(interval(start, after, Some(6_600)), (start.first, after.first));
    }

    #[test]
    fn given_a_time_that_was_skipped_then_it_is_moved_forward() {
        assert_eq!(berlin("2026-03-29T02:30:00"), berlin("2026-03-29T03:30:00"));
    }
}
