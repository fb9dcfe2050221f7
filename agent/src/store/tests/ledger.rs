//! The ledger: whatever is told in whatever order, its sums are those of the runs as they are.

use std::collections::BTreeMap;

use bursar_policy::Period;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::runs::{keep, run, utc};
use super::*;
use crate::accounting::Calendar;
use crate::accounting::measure::{Measures, Stint};
use crate::store::ledger::{Attribution, Part, Progress, SetAside, Span, Told, ToldBy};
use crate::store::runs::Run;

const ALWAYS: Period = Period { start: Timestamp(0), end: Timestamp(10_000_000) };

/// What the ledger says of each account: by its postings, and by its day sums.
async fn sums(store: &Store, calendar: &Calendar) -> [BTreeMap<String, Measures>; 2] {
    let mut all: [BTreeMap<String, Measures>; 2] = Default::default();
    for (sums, span) in all.iter_mut().zip([Span::Exact(ALWAYS), Span::Days(ALWAYS)]) {
        let add = |_: &Span, _, account: &Attribution, part| {
            *sums.entry(account.account.clone()).or_default() += match part {
                Part::Day(_, sum) => sum,
                Part::Posting(stint, back) => {
                    let sum = stint.within(&ALWAYS);
                    if back { -sum } else { sum }
                }
            };
        };
        store.sums(calendar, &[span], add).await.unwrap();
        sums.retain(|_, sum| !sum.is_zero());
    }
    all
}

/// The same from the runs as they are.
async fn truth(store: &Store) -> BTreeMap<String, Measures> {
    let mut sums: BTreeMap<String, Measures> = BTreeMap::new();
    for run in store.runs_overlapping("c", &Period { start: Timestamp(-1), end: Timestamp::NEVER }).await.unwrap() {
        if let Some(stint) = Stint::of(&run) {
            *sums.entry(run.account.clone()).or_default() += stint.within(&ALWAYS);
        }
    }
    sums
}

/// Sums where only what adds up over days is compared: a run is one of each day that it touches.
fn lasting(sums: &BTreeMap<String, Measures>) -> BTreeMap<&str, Vec<i64>> {
    sums.iter().map(|(account, sum)| (account.as_str(), sum.columns()[1..].to_vec())).collect()
}

async fn from_file(store: &Store, name: &str, runs: &[Run]) -> RunChanges {
    let progress = Progress { digest: name.to_owned(), bytes: 10 };
    let by = ToldBy::File { name, progress: &progress };
    store.keep(&Told { cluster: "c", by, runs, set_aside: &[], rows: 1 }, &utc(), NOW).await.unwrap()
}

#[tokio::test]
async fn given_a_runaway_that_was_fixed_then_its_time_is_posted_back_and_stays_to_be_seen() {
    let (_dir, store) = new_store().await;
    keep(&store, &[run(1, Some(100), Some(86_500), 4)], None, NOW).await.unwrap();
    keep(&store, &[run(1, Some(100), Some(100), 4)], None, NOW).await.unwrap();
    let mut postings = Vec::new();
    let each = |_: &Span, _, _: &Attribution, part| {
        if let Part::Posting(stint, back) = part {
            postings.push((back, stint.end.seconds_since(stint.start)));
        }
    };
    store.sums(&utc(), &[Span::Exact(ALWAYS)], each).await.unwrap();
    postings.sort_unstable();
    assert_eq!(postings, [(false, 0), (false, 86_400), (true, 86_400)]);
    let [exact, days] = sums(&store, &utc()).await;
    assert_eq!(exact, truth(&store).await);
    assert_eq!(lasting(&days), lasting(&exact));
}

#[tokio::test]
async fn given_postings_then_they_can_neither_be_changed_nor_deleted() {
    let (_dir, store) = new_store().await;
    keep(&store, &[run(1, Some(100), Some(200), 4)], None, NOW).await.unwrap();
    for statement in ["UPDATE posting SET sign = -1", "DELETE FROM posting"] {
        assert!(sqlx::query(statement).execute(&store.pool).await.is_err(), "{statement}");
    }
}

#[tokio::test]
async fn given_a_run_whose_text_alone_changed_then_nothing_is_posted() {
    let (_dir, store) = new_store().await;
    keep(&store, &[run(1, Some(100), Some(200), 4)], None, NOW).await.unwrap();
    let renumbered = Run { dbindex: "7".to_owned(), row_hash: "other".to_owned(), ..run(1, Some(100), Some(200), 4) };
    let changes = keep(&store, &[renumbered], None, NOW).await.unwrap();
    assert_eq!(changes.changed.len(), 1);
    let mut count = 0;
    store.sums(&utc(), &[Span::Exact(ALWAYS)], |_, _, _, _| count += 1).await.unwrap();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn given_a_file_then_it_never_replaces_what_slurmdbd_told() {
    let (_dir, store) = new_store().await;
    keep(&store, &[run(1, Some(100), Some(200), 4)], None, NOW).await.unwrap();
    let changes = from_file(&store, "old", &[run(1, Some(100), Some(900), 4), run(2, Some(0), Some(10), 1)]).await;
    assert_eq!((changes.added.len(), changes.changed.len()), (1, 0));
    // slurmdbd has the last word on what a file told.
    keep(&store, &[run(2, Some(0), Some(20), 1)], None, NOW).await.unwrap();
    let [exact, _] = sums(&store, &utc()).await;
    assert_eq!(exact["phys"].get(crate::accounting::measure::Measure::Cpu), 4 * 100 + 20);
}

#[tokio::test]
async fn given_two_rows_of_a_run_in_one_file_then_their_order_does_not_matter_and_a_later_file_replaces_both() {
    let rows = [run(1, Some(100), Some(200), 4), run(1, Some(100), Some(300), 4)];
    for order in [[0, 1], [1, 0]] {
        let (_dir, store) = new_store().await;
        for at in order {
            from_file(&store, "one", std::slice::from_ref(&rows[at])).await;
        }
        assert_eq!(store.runs_overlapping("c", &ALWAYS).await.unwrap()[0].ended_at, Some(Timestamp(300)));
        from_file(&store, "two", &rows[..1]).await;
        assert_eq!(store.runs_overlapping("c", &ALWAYS).await.unwrap()[0].ended_at, Some(Timestamp(200)));
    }
}

#[tokio::test]
async fn given_rows_that_tell_no_run_then_each_is_kept_once() {
    let (_dir, store) = new_store().await;
    let aside = [SetAside { line: "garbage".to_owned(), why: "number of columns".to_owned() }];
    for _ in 0..2 {
        let by = ToldBy::Slurmdbd { window: (Timestamp(0), NOW), watermark: None };
        let told = Told { cluster: "c", by, runs: &[], set_aside: &aside, rows: 1 };
        store.keep(&told, &utc(), NOW).await.unwrap();
    }
    let kept = store.rows_set_aside(9).await.unwrap();
    assert_eq!(kept.iter().map(|kept| &kept.row).collect::<Vec<_>>(), [&aside[0]]);
    let readings = store.readings(9).await.unwrap();
    assert_eq!(readings.iter().map(|reading| (reading.rows, reading.set_aside)).collect::<Vec<_>>(), [(1, 1)]);
}

#[tokio::test]
async fn given_another_zone_then_the_days_are_summed_up_anew() {
    let (_dir, store) = new_store().await;
    keep(&store, &[run(1, Some(86_000), Some(87_000), 1)], None, NOW).await.unwrap();
    let days = async |calendar: &Calendar| {
        let mut days = Vec::new();
        let each = |_: &Span, _, _: &Attribution, part| {
            if let Part::Day(at, _) = part {
                days.push(at.0);
            }
        };
        store.sums(calendar, &[Span::Days(ALWAYS)], each).await.unwrap();
        days
    };
    assert_eq!(days(&utc()).await, [0, 86_400]);
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let berlin = Calendar { zone, week_start: Weekday::Monday, year_start: 1 };
    assert_eq!(days(&berlin).await, [82_800]);
}

#[tokio::test]
async fn given_a_run_of_nine_months_with_both_changes_of_the_clocks_then_no_day_is_over_filled_and_all_add_up() {
    let (_dir, store) = new_store().await;
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let berlin = Calendar { zone, week_start: Weekday::Monday, year_start: 1 };
    // From 15 February to 15 November 2026, noon in Berlin.
    let (start, end) = (1_771_153_200, 1_794_740_400);
    let by = ToldBy::Slurmdbd { window: (Timestamp(0), NOW), watermark: None };
    let long = [run(1, Some(start), Some(end), 2)];
    store.keep(&Told { cluster: "c", by, runs: &long, set_aside: &[], rows: 1 }, &berlin, NOW).await.unwrap();
    let mut days = BTreeMap::new();
    let each = |_: &Span, _, _: &Attribution, part| {
        if let Part::Day(at, sum) = part {
            days.insert(at, sum.get(crate::accounting::measure::Measure::Cpu));
        }
    };
    let all = Period { start: Timestamp(0), end: Timestamp(1_800_000_000) };
    store.sums(&berlin, &[Span::Days(all)], each).await.unwrap();
    assert_eq!(days.values().sum::<i64>(), 2 * (end - start));
    let hours: Vec<i64> = days.values().map(|seconds| seconds / 7_200).collect();
    assert_eq!(hours.len(), 274);
    assert_eq!((hours[0], hours[42], hours[252], hours[273]), (12, 23, 25, 12));
    assert!(hours.iter().enumerate().all(|(day, hours)| [0, 42, 252, 273].contains(&day) || *hours == 24), "{hours:?}");
}

#[tokio::test]
async fn given_a_job_number_that_comes_again_after_years_then_both_runs_are_kept() {
    let (_dir, store) = new_store().await;
    let then = run(7, Some(1_000), Some(2_000), 1);
    let now = Run { submitted_at: Timestamp(300_000_000), ..run(7, Some(300_000_000), Some(300_000_500), 1) };
    keep(&store, &[then], None, NOW).await.unwrap();
    assert_eq!(keep(&store, &[now], None, NOW).await.unwrap().added.len(), 1);
    let period = Period { start: Timestamp(0), end: Timestamp::NEVER };
    assert_eq!(store.runs_overlapping("c", &period).await.unwrap().len(), 2);
}

prop_compose! {
    /// A run as it may be told at some time: of few jobs, so that they are told again and otherwise.
    fn a_telling()(
        jobid in 1..8_u32,
        start in prop::option::weighted(0.9, 0..400_000_i64),
        length in 0..200_000_i64,
        cpus in 1..5_u64,
        account in 0..3_usize,
        suspended in 0..1_000_u64,
    ) -> Run {
        let end = start.unwrap_or(0) + length;
        let mut run = run(jobid, start, Some(end), cpus);
        run.account = ["phys", "chem", "bio"][account].to_owned();
        run.suspended_s = suspended;
        crate::accounting::listed::hashed(run)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn given_any_readings_in_any_order_and_again_then_the_ledger_is_that_of_the_runs_as_they_are(
        readings in prop::collection::vec(prop::collection::vec(a_telling(), 0..6), 1..6),
        again in 0..6_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_dir, store) = new_store().await;
            for runs in readings.iter().chain(readings.get(again)) {
                keep(&store, runs, None, NOW).await.unwrap();
            }
            let [exact, days] = sums(&store, &utc()).await;
            let truth = truth(&store).await;
            prop_assert_eq!(lasting(&exact), lasting(&truth));
            prop_assert_eq!(lasting(&days), lasting(&truth));
            Ok(())
        })?;
    }

    #[test]
    fn given_the_rows_of_a_file_in_any_order_and_any_parts_then_the_ledger_is_the_same(
        rows in prop::collection::vec(a_telling(), 1..12),
        order in any::<prop::sample::Index>(),
        size in 1..12_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_dir, first) = new_store().await;
            from_file(&first, "file", &rows).await;
            let (_dir, second) = new_store().await;
            let mut shuffled = rows.clone();
            shuffled.rotate_left(order.index(rows.len()));
            shuffled.reverse();
            for part in shuffled.chunks(size) {
                from_file(&second, "file", part).await;
            }
            prop_assert_eq!(sums(&first, &utc()).await, sums(&second, &utc()).await);
            Ok(())
        })?;
    }
}
