//! Days that are no 24 hours: midnights that are missing or come twice, half hours, a day that never was.

use bursar_policy::PeriodKind;

use super::*;
use crate::accounting::Calendar;

const CARD: &str = r#"
[version.rates]
cpu-hour = "1"
[[version.window]]
name = "all-day"
open = "daily 00:00-24:00"
time-zone = "ZONE"
[[version.window]]
name = "first-hour"
open = "daily 00:00-01:00"
time-zone = "ZONE"
[[version.window]]
name = "last-hour"
open = "daily 23:00-24:00"
time-zone = "ZONE"
[[version.rule]]
during = "all-day"
factor = "2"
[[version.rule]]
during = "first-hour"
factor = "3"
[[version.rule]]
during = "last-hour"
factor = "5"
"#;

/// The minutes of one CPU that are charged on the local day with `noon`: in all, in its first hour, in its last hour.
fn minutes(zone: &str, noon: &str) -> [i128; 3] {
    let calendar =
        Calendar { zone: TimeZone::get(zone).unwrap(), week_start: jiff::civil::Weekday::Monday, year_start: 1 };
    let day = calendar.period(PeriodKind::Day, at(noon)).unwrap();
    let mut run = run(0).cpus(1);
    (run.start, run.end) = (Timestamp(day.start.0 - 200_000), day.end.plus(200_000));
    let bill = bill(&card_in("EUR", 2, &CARD.replace("ZONE", zone)), day, &[run], &[]).unwrap();
    let of = |factor: u64| {
        let inside = |line: &&Line| factor == 0 || line.of.factor == Exact::whole(factor);
        bill.lines.iter().filter(inside).map(|line| line.quantity).sum::<i128>() / 60
    };
    assert_eq!(of(1), 0, "every instant of every day lies between its 00:00 and its 24:00");
    [of(0), of(6), of(10)]
}

#[test]
fn given_a_day_with_a_clock_change_then_all_of_it_is_charged_once() {
    for (zone, noon, expected) in [
        ("America/New_York", "2026-03-08T17:00:00Z", [23 * 60, 60, 60]),
        // 01:00 comes twice, and a window that ends then ends with the last coming.
        ("America/New_York", "2026-11-01T17:00:00Z", [25 * 60, 120, 60]),
        ("Europe/London", "2026-03-29T12:00:00Z", [23 * 60, 60, 60]),
        ("Europe/London", "2026-10-25T12:00:00Z", [25 * 60, 120, 60]),
        // Midnight does not exist, and the day begins at 01:00: its first hour never was.
        ("America/Havana", "2026-03-08T16:00:00Z", [23 * 60, 0, 60]),
        ("Africa/Cairo", "2026-04-24T10:00:00Z", [23 * 60, 0, 60]),
        ("Asia/Beirut", "2026-03-29T10:00:00Z", [23 * 60, 0, 60]),
        ("America/Santiago", "2026-09-06T16:00:00Z", [23 * 60, 0, 60]),
        // The hour before midnight comes twice.
        ("Asia/Beirut", "2026-10-24T10:00:00Z", [25 * 60, 60, 120]),
        ("Africa/Cairo", "2026-10-29T10:00:00Z", [25 * 60, 60, 120]),
        ("America/Santiago", "2026-04-04T16:00:00Z", [25 * 60, 60, 120]),
        // Half an hour.
        ("Australia/Lord_Howe", "2026-04-05T01:00:00Z", [24 * 60 + 30, 60, 60]),
        ("Australia/Lord_Howe", "2026-10-04T01:00:00Z", [23 * 60 + 30, 60, 60]),
        // Around Ramadan, the other way round.
        ("Africa/Casablanca", "2026-02-15T12:00:00Z", [25 * 60, 60, 60]),
        ("Africa/Casablanca", "2026-03-22T12:00:00Z", [23 * 60, 60, 60]),
        // Offsets that are no whole hours.
        ("Asia/Kathmandu", "2026-06-10T06:00:00Z", [24 * 60, 60, 60]),
        ("Australia/Eucla", "2026-06-10T03:00:00Z", [24 * 60, 60, 60]),
        // The days around one that was skipped.
        ("Pacific/Apia", "2011-12-29T22:00:00Z", [24 * 60, 60, 60]),
        ("Pacific/Apia", "2011-12-30T22:00:00Z", [24 * 60, 60, 60]),
    ] {
        assert_eq!(minutes(zone, noon), expected, "{zone} {noon}");
    }
}

#[test]
fn given_a_version_from_a_day_without_midnight_then_it_holds_from_the_days_first_instant() {
    let text = "time-zone = \"America/Havana\"\n[[currency]]\ncode = \"EUR\"\n[[version]]\nfrom = 2026-03-08\n";
    assert_eq!(card(text).versions[0].from, at("2026-03-08T05:00:00Z"));
    let from = |zone: &str, from: &str| {
        let text = format!("time-zone = \"{zone}\"\n[[currency]]\ncode = \"EUR\"\n[[version]]\nfrom = {from}\n");
        card(&text).versions[0].from
    };
    assert_eq!(from("Asia/Kathmandu", "2026-06-01"), at("2026-05-31T18:15:00Z"));
    assert_eq!(from("Asia/Beirut", "2026-10-25"), at("2026-10-24T22:00:00Z"));
    assert_eq!(from("Europe/Berlin", "2026-06-15T09:00:00"), at("2026-06-15T07:00:00Z"));
    assert_eq!(from("Europe/Berlin", "2026-06-15T09:00:00-05:00"), at("2026-06-15T14:00:00Z"));
}

#[test]
fn given_days_of_a_month_with_a_change_then_they_add_up_to_the_month() {
    let calendar = |zone: &str| Calendar {
        zone: TimeZone::get(zone).unwrap(),
        week_start: jiff::civil::Weekday::Monday,
        year_start: 1,
    };
    for (zone, within) in [("Australia/Lord_Howe", "2026-04-10T00:00:00Z"), ("Asia/Beirut", "2026-10-10T00:00:00Z")] {
        let calendar = calendar(zone);
        let month = calendar.period(PeriodKind::Month, at(within)).unwrap();
        let card = card_in("EUR", 2, &CARD.replace("ZONE", zone));
        let mut run = run(0).cpus(3);
        (run.start, run.end) = (Timestamp(month.start.0 - 1), month.end.plus(1));
        let quantity = |period| {
            let bill = bill(&card, period, std::slice::from_ref(&run), &[]).unwrap();
            bill.lines.iter().map(|line| line.quantity).sum::<i128>()
        };
        let (mut days, mut from) = (0, month.start);
        while from < month.end {
            let day = calendar.period(PeriodKind::Day, from).unwrap();
            days += quantity(day);
            from = day.end;
        }
        assert_eq!(days, quantity(month), "{zone}");
        assert_eq!(days, 3 * i128::from(month.length()), "{zone}");
    }
}
