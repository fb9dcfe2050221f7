//! A time zone in which it is early in the morning, so that sentences on a site's limits of a day hold at any hour.
//!
//! What a job may come to counts in the day it falls into. Shortly before the site's midnight that is the next day as
//! well, and a test which expects to read of today reads of tomorrow. A site in this zone has at least an hour of its day
//! behind it when a run begins and at least 22 hours before it. Weeks, months, quarters and years begin and end with a
//! day, so that the same holds for them.

use std::sync::LazyLock;
use std::time::SystemTime;

/// Zones without summer time, by the hour of UTC in which it is between one and two o'clock there.
///
/// Their names count the hours to the west, so `Etc/GMT-1` is the one an hour ahead of UTC. They are a part of what
/// tzdata has everywhere, which the old names of places are not.
const ZONES: [&str; 24] = [
    "Etc/GMT-1",
    "Etc/UTC",
    "Etc/GMT+1",
    "Etc/GMT+2",
    "Etc/GMT+3",
    "Etc/GMT+4",
    "Etc/GMT+5",
    "Etc/GMT+6",
    "Etc/GMT+7",
    "Etc/GMT+8",
    "Etc/GMT+9",
    "Etc/GMT+10",
    "Etc/GMT+11",
    "Etc/GMT+12",
    "Etc/GMT-11",
    "Etc/GMT-10",
    "Etc/GMT-9",
    "Etc/GMT-8",
    "Etc/GMT-7",
    "Etc/GMT-6",
    "Etc/GMT-5",
    "Etc/GMT-4",
    "Etc/GMT-3",
    "Etc/GMT-2",
];

/// A zone in which it is between one and two o'clock, so many seconds after the epoch.
fn zone_at(seconds: u64) -> &'static str {
    ZONES[(seconds / 3_600 % 24) as usize]
}

/// The rules of a `policy.toml` that names no zone, for a site where it is early in the morning.
///
/// Everybody in this process gets the same zone: rules that are written anew must not move the site's midnight.
pub fn in_the_morning(rules: &str) -> String {
    static ZONE: LazyLock<&str> = LazyLock::new(|| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        zone_at(since.map_or(0, |since| since.as_secs()))
    });
    format!("time-zone = \"{}\"\n{rules}", *ZONE)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use jiff::{Timestamp, ToSpan as _};

    use super::*;

    #[test]
    fn given_any_instant_then_an_hour_before_and_22_hours_after_it_are_the_same_day_there() {
        // In winter and in summer, and where a year ends.
        for midnight in ["2026-01-15", "2026-07-15", "2026-12-31"] {
            let midnight: Timestamp = format!("{midnight}T00:00:00Z").parse().unwrap();
            for second in (0_i64..24).flat_map(|hour| [hour * 3_600, hour * 3_600 + 3_599]) {
                let at = midnight + second.seconds();
                let zone = zone_at(at.as_second().try_into().unwrap());
                let there = at.to_zoned(TimeZone::get(zone).unwrap());
                assert_eq!(there.hour(), 1, "{at} in {zone}");
                for moved in [(-1).hours(), 22.hours()] {
                    assert_eq!((&there + moved).date(), there.date(), "{at} in {zone}, {moved} later");
                }
            }
        }
    }

    #[test]
    fn given_rules_then_their_zone_comes_before_all_tables_and_stays_the_same() {
        let policy = in_the_morning("week-start = \"monday\"\n\n[limits.default]\n");
        assert!(policy.starts_with("time-zone = \"Etc/"), "{policy}");
        assert!(policy.ends_with("\"\nweek-start = \"monday\"\n\n[limits.default]\n"), "{policy}");
        assert_eq!(policy, in_the_morning("week-start = \"monday\"\n\n[limits.default]\n"));
    }
}
