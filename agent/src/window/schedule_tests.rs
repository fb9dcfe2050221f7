//! Openings by name where clocks change, and by property against a clock on the wall everywhere else.

use jiff::civil::{Weekday, date};
use proptest::prelude::*;

use super::*;

fn schedule(zone: &str, week: &[&str]) -> Schedule {
    Schedule {
        zone: TimeZone::get(zone).unwrap(),
        week: week.iter().map(|text| text.parse().unwrap()).collect(),
        holidays: BTreeSet::new(),
        special_days: BTreeMap::new(),
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_second())
}

/// The first openings from an instant on, in the window's own time.
fn shown(schedule: &Schedule, now: &str, count: usize) -> Vec<String> {
    let local = |at: Timestamp| {
        if at == Timestamp::NEVER {
            return at.to_string();
        }
        let zoned = jiff::Timestamp::from_second(at.0).unwrap().to_zoned(schedule.zone.clone());
        zoned.strftime("%a %Y-%m-%d %H:%M%:z").to_string()
    };
    let openings = schedule.openings(at(now)).unwrap().list;
    openings
        .iter()
        .take(count)
        .map(|opening| format!("{} until {}", local(opening.start), local(opening.end)))
        .collect()
}

#[test]
fn given_business_hours_then_the_opening_that_holds_now_comes_first() {
    let berlin = schedule("Europe/Berlin", &["mon-fri 08:00-18:00", "sat 10:00-14:00"]);
    let friday = [
        "Fri 2026-11-20 08:00+01:00 until Fri 2026-11-20 18:00+01:00",
        "Sat 2026-11-21 10:00+01:00 until Sat 2026-11-21 14:00+01:00",
        "Mon 2026-11-23 08:00+01:00 until Mon 2026-11-23 18:00+01:00",
    ];
    assert_eq!(shown(&berlin, "2026-11-20T07:00:00Z", 3), friday);
    assert_eq!(shown(&berlin, "2026-11-20T16:59:59Z", 3), friday);
    assert_eq!(shown(&berlin, "2026-11-20T17:00:00Z", 2), friday[1..]);
}

#[test]
fn given_hours_that_touch_or_overlap_then_they_are_one_opening() {
    let berlin =
        schedule("Europe/Berlin", &["fri 22:00-24:00", "sat 00:00-06:00", "sat 05:00-07:00", "sat 08:00-09:00"]);
    assert_eq!(
        shown(&berlin, "2026-11-20T12:00:00Z", 2),
        [
            "Fri 2026-11-20 22:00+01:00 until Sat 2026-11-21 07:00+01:00",
            "Sat 2026-11-21 08:00+01:00 until Sat 2026-11-21 09:00+01:00",
        ]
    );
}

#[test]
fn given_hours_over_midnight_then_they_are_found_from_either_day() {
    let nights = schedule("Europe/Berlin", &["fri 22:00-06:00"]);
    let friday = "Fri 2026-11-20 22:00+01:00 until Sat 2026-11-21 06:00+01:00";
    assert_eq!(shown(&nights, "2026-11-20T12:00:00Z", 1), [friday]);
    assert_eq!(shown(&nights, "2026-11-21T04:59:59Z", 1), [friday]);
}

#[test]
fn given_a_holiday_then_its_local_day_is_closed_from_its_first_instant_to_its_last() {
    let mut always = schedule("Europe/Berlin", &["daily 00:00-24:00"]);
    always.holidays = [date(2026, 12, 25), date(2026, 12, 26)].into();
    let openings = shown(&always, "2026-12-24T12:00:00Z", 3);
    assert_eq!(openings[0], "Wed 2026-12-23 00:00+01:00 until Fri 2026-12-25 00:00+01:00");
    assert!(openings[1].starts_with("Sun 2026-12-27 00:00+01:00 until "), "{openings:?}");
    let mut nights = schedule("Europe/Berlin", &["thu-sat 22:00-06:00"]);
    nights.holidays = [date(2026, 12, 25)].into();
    assert_eq!(
        shown(&nights, "2026-12-24T12:00:00Z", 2),
        [
            "Thu 2026-12-24 22:00+01:00 until Fri 2026-12-25 00:00+01:00",
            "Sat 2026-12-26 22:00+01:00 until Sun 2026-12-27 06:00+01:00",
        ],
        "hours that would begin on the holiday do not begin at all"
    );
}

#[test]
fn given_a_special_day_then_its_hours_stand_for_the_weeks() {
    let mut berlin = schedule("Europe/Berlin", &["mon-fri 08:00-18:00"]);
    let hours = |text: &str| text.parse::<DayHours>().unwrap();
    berlin.special_days.insert(date(2026, 12, 24), vec![hours("08:00-12:00")]);
    berlin.special_days.insert(date(2026, 12, 26), vec![hours("10:00-11:00"), hours("12:00-13:00")]);
    assert_eq!(
        shown(&berlin, "2026-12-24T06:00:00Z", 4),
        [
            "Thu 2026-12-24 08:00+01:00 until Thu 2026-12-24 12:00+01:00",
            "Fri 2026-12-25 08:00+01:00 until Fri 2026-12-25 18:00+01:00",
            "Sat 2026-12-26 10:00+01:00 until Sat 2026-12-26 11:00+01:00",
            "Sat 2026-12-26 12:00+01:00 until Sat 2026-12-26 13:00+01:00",
        ]
    );
}

#[test]
fn given_summer_time_in_berlin_then_hours_keep_the_wall_clock_and_skipped_ones_begin_after_the_gap() {
    let days = schedule("Europe/Berlin", &["sat-sun 00:00-12:00"]);
    let lengths = |now| -> Vec<u64> {
        days.openings(at(now)).unwrap().list.iter().take(2).map(|opening| opening.length() / 3_600).collect()
    };
    assert_eq!(lengths("2026-03-28T06:00:00Z"), [12, 11]);
    assert_eq!(lengths("2026-10-24T06:00:00Z"), [12, 13]);
    // 02:30 does not exist on 2026-03-29 and comes twice on 2026-10-25.
    let early = schedule("Europe/Berlin", &["sun 02:30-03:30"]);
    assert_eq!(
        shown(&early, "2026-03-28T12:00:00Z", 1),
        ["Sun 2026-03-29 03:00+02:00 until Sun 2026-03-29 03:30+02:00"]
    );
    assert_eq!(
        shown(&early, "2026-10-24T12:00:00Z", 1),
        ["Sun 2026-10-25 02:30+02:00 until Sun 2026-10-25 03:30+01:00"]
    );
    let late = schedule("Europe/Berlin", &["sun 01:30-02:30"]);
    assert_eq!(
        shown(&late, "2026-03-28T12:00:00Z", 1),
        ["Sun 2026-03-29 01:30+01:00 until Sun 2026-03-29 03:00+02:00"]
    );
    assert_eq!(
        shown(&late, "2026-10-24T12:00:00Z", 1),
        ["Sun 2026-10-25 01:30+02:00 until Sun 2026-10-25 02:30+01:00"]
    );
    let skipped = schedule("Europe/Berlin", &["sun 02:10-02:50"]);
    assert_eq!(
        shown(&skipped, "2026-03-28T12:00:00Z", 1),
        ["Sun 2026-04-05 02:10+02:00 until Sun 2026-04-05 02:50+02:00"],
        "hours that lie in the gap altogether are none"
    );
}

#[test]
fn given_half_hour_shifts_on_lord_howe_then_the_gap_is_half_an_hour() {
    // Forward at 02:00 on 2026-10-04, back at 02:00 on 2026-04-05, by 30 minutes each.
    let island = schedule("Australia/Lord_Howe", &["sun 02:15-03:00"]);
    assert_eq!(
        shown(&island, "2026-10-02T00:00:00Z", 1),
        ["Sun 2026-10-04 02:30+11:00 until Sun 2026-10-04 03:00+11:00"]
    );
    let island = schedule("Australia/Lord_Howe", &["sun 01:45-02:15"]);
    assert_eq!(
        shown(&island, "2026-04-03T00:00:00Z", 1),
        ["Sun 2026-04-05 01:45+11:00 until Sun 2026-04-05 02:15+10:30"]
    );
}

#[test]
fn given_a_midnight_in_havana_that_does_not_exist_or_comes_twice_then_days_meet_without_a_gap() {
    // Forward at 00:00 on 2026-03-08, back at 01:00 on 2026-11-01.
    let sundays = schedule("America/Havana", &["sun 00:00-06:00"]);
    assert_eq!(
        shown(&sundays, "2026-03-07T12:00:00Z", 1),
        ["Sun 2026-03-08 01:00-04:00 until Sun 2026-03-08 06:00-04:00"]
    );
    assert_eq!(
        shown(&sundays, "2026-10-31T12:00:00Z", 1),
        ["Sun 2026-11-01 00:00-04:00 until Sun 2026-11-01 06:00-05:00"]
    );
    let saturdays = schedule("America/Havana", &["sat 12:00-24:00"]);
    assert_eq!(
        shown(&saturdays, "2026-03-07T12:00:00Z", 1),
        ["Sat 2026-03-07 12:00-05:00 until Sun 2026-03-08 01:00-04:00"]
    );
    assert_eq!(
        shown(&saturdays, "2026-10-31T12:00:00Z", 1),
        ["Sat 2026-10-31 12:00-04:00 until Sun 2026-11-01 00:00-04:00"]
    );
}

#[test]
fn given_the_day_that_apia_skipped_then_it_has_no_hours() {
    let days = schedule("Pacific/Apia", &["daily 08:00-18:00"]);
    assert_eq!(
        shown(&days, "2011-12-29T18:00:00Z", 2),
        [
            "Thu 2011-12-29 08:00-10:00 until Thu 2011-12-29 18:00-10:00",
            "Sat 2011-12-31 08:00+14:00 until Sat 2011-12-31 18:00+14:00",
        ]
    );
    let nights = schedule("Pacific/Apia", &["thu-fri 22:00-06:00"]);
    assert_eq!(
        shown(&nights, "2011-12-29T18:00:00Z", 1),
        ["Thu 2011-12-29 22:00-10:00 until Sat 2011-12-31 00:00+14:00"]
    );
}

#[test]
fn given_a_window_that_never_closes_then_it_is_one_opening_without_an_end() {
    let always = schedule("Europe/Berlin", &["daily 00:00-24:00"]);
    let openings = always.openings(at("2026-11-22T08:00:00Z")).unwrap();
    assert_eq!(openings.list.len(), 1);
    assert_eq!(openings.list[0].end, Timestamp::NEVER);
    let week = schedule("Europe/Berlin", &["mon-fri 00:00-24:00"]);
    let openings = week.openings(at("2026-11-22T08:00:00Z")).unwrap();
    assert!(openings.list.iter().all(|opening| opening.length() == 5 * 86_400), "{openings:?}");
    assert_eq!(openings.list.len(), 13);
}

#[test]
fn given_an_opening_over_the_last_known_day_then_it_is_known_to_its_end() {
    let mut always = schedule("Europe/Berlin", &["daily 00:00-24:00"]);
    always.holidays.insert(date(2027, 6, 1));
    let openings = always.openings(at("2026-11-22T08:00:00Z")).unwrap();
    assert_eq!(openings.list.len(), 1);
    assert_eq!(openings.list[0].end, at("2027-05-31T22:00:00Z"));
    assert!(openings.known_until < openings.list[0].end);
}

#[test]
fn given_no_hours_then_there_is_no_opening_and_that_is_known_for_a_quarter() {
    let never = schedule("Europe/Berlin", &[]);
    let now = at("2026-11-22T08:00:00Z");
    let openings = never.openings(now).unwrap();
    assert!(openings.list.is_empty());
    assert!(openings.known_until.seconds_since(now) >= 90 * 86_400);
}

const ZONES: [&str; 9] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Havana",
    "Asia/Beirut",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Asia/Kathmandu",
];

/// A few hours of a week, as minutes.
fn any_week() -> impl Strategy<Value = Vec<String>> {
    let line = (0_usize..7, 0_u32..1440, 0_u32..=1440).prop_filter_map("hours need a length", |(day, from, to)| {
        let day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][day];
        let (from_hour, from_minute, to_hour, to_minute) = (from / 60, from % 60, to / 60, to % 60);
        (from != to).then(|| format!("{day} {from_hour:02}:{from_minute:02}-{to_hour:02}:{to_minute:02}"))
    });
    prop::collection::vec(line, 0..6)
}

/// Whether somebody who only looks at calendar and clock on the wall calls the window open.
fn by_the_wall(schedule: &Schedule, at: Timestamp) -> bool {
    let now = jiff::Timestamp::from_second(at.0).unwrap().to_zoned(schedule.zone.clone());
    let minute = now.hour() as u16 * 60 + now.minute() as u16;
    let on = |day: Date, minute: u16| {
        !schedule.holidays.contains(&day)
            && schedule
                .week
                .iter()
                .filter(|line| line.on(day.weekday()))
                .any(|line| (line.hours.from()..line.hours.to()).contains(&minute))
    };
    let today = now.date();
    !schedule.holidays.contains(&today) && (on(today, minute) || on(today.yesterday().unwrap(), minute + 1440))
}

/// Whether the clock on the wall shows this time twice.
fn comes_twice(schedule: &Schedule, at: Timestamp) -> bool {
    let local = jiff::Timestamp::from_second(at.0).unwrap().to_zoned(schedule.zone.clone()).datetime();
    matches!(schedule.zone.to_ambiguous_timestamp(local).offset(), AmbiguousOffset::Fold { .. })
}

proptest! {
    #[test]
    fn given_any_week_then_it_is_open_when_the_clock_on_the_wall_says_so(
        zone in prop::sample::select(&ZONES[..]),
        week in any_week(),
        // 2010 to 2027, which has Apia's skipped day.
        now in 1_262_304_000_i64..1_830_000_000,
        holiday in 0_i32..14,
        instants in prop::collection::vec(0_i64..14 * 86_400, 1..40),
    ) {
        let mut schedule = schedule(zone, &week.iter().map(String::as_str).collect::<Vec<_>>());
        let today = jiff::Timestamp::from_second(now).unwrap().to_zoned(schedule.zone.clone()).date();
        schedule.holidays.insert(today.checked_add(jiff::Span::new().days(holiday)).unwrap());
        let openings = schedule.openings(Timestamp(now)).unwrap();
        prop_assert!(openings.list.iter().all(|opening| opening.start < opening.end && opening.end > Timestamp(now)));
        prop_assert!(openings.list.windows(2).all(|pair| pair[0].end < pair[1].start));
        prop_assert!(openings.list.iter().all(|opening| opening.start < openings.known_until));
        for instant in instants {
            let instant = Timestamp(now + instant);
            let open = openings.list.iter().any(|opening| opening.contains(instant));
            prop_assert_eq!(schedule.is_open(instant).unwrap(), open);
            let wall = by_the_wall(&schedule, instant);
            // At a time that comes twice the window may be open although the wall says no, never the other way round.
            prop_assert!(open == wall || (open && comes_twice(&schedule, instant)), "{instant} open {open} wall {wall}");
        }
    }

    #[test]
    fn given_a_later_instant_then_the_openings_that_are_left_are_the_same(
        zone in prop::sample::select(&ZONES[..]), week in any_week(), now in 1_262_304_000_i64..1_830_000_000, later in 0_i64..30 * 86_400,
    ) {
        let schedule = schedule(zone, &week.iter().map(String::as_str).collect::<Vec<_>>());
        let (before, after) = (schedule.openings(Timestamp(now)).unwrap(), schedule.openings(Timestamp(now + later)).unwrap());
        let left: Vec<Period> = before.list.into_iter().filter(|opening| Timestamp(now + later) < opening.end).collect();
        let known: Vec<Period> = after.list.into_iter().filter(|opening| opening.start < before.known_until).collect();
        // Only where an opening began days ago is its first instant not followed back.
        prop_assert_eq!(left.len(), known.len());
        for (left, known) in left.iter().zip(&known) {
            prop_assert!(left.end == known.end && (left.start == known.start || known.start <= Timestamp(now + later)));
        }
    }
}

#[test]
fn given_a_weekday_then_lines_know_their_days() {
    let line: WeekHours = "sat-mon 08:00-09:00".parse().unwrap();
    let days: Vec<Weekday> = [Weekday::Monday, Weekday::Tuesday, Weekday::Saturday, Weekday::Sunday]
        .into_iter()
        .filter(|day| line.on(*day))
        .collect();
    assert_eq!(days, [Weekday::Monday, Weekday::Saturday, Weekday::Sunday]);
}
