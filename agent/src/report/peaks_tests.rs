//! Peaks: small cases by hand, any case against a count of every second, a million runs for the time it takes.

use proptest::prelude::*;

use super::*;

fn period(start: i64, end: i64) -> Period {
    Period { start: Timestamp(start), end: Timestamp(end) }
}

fn run(start: i64, end: i64, cpus: u64) -> Stint {
    Stint {
        submitted: Timestamp(start),
        eligible: None,
        start: Timestamp(start),
        end: Timestamp(end),
        over: true,
        suspended: 0,
        cpus,
        nodes: 1,
        memory_mib: 2_048 * cpus,
        gpus: 0,
        billing: 0,
    }
}

fn peaks(runs: &[Stint], period: Period) -> Vec<Peak> {
    let mut level = Level::default();
    runs.iter().for_each(|run| level.add(run, false, &period));
    level.peaks(&period)
}

#[test]
fn given_runs_that_overlap_then_the_peak_is_told_with_its_first_instant_and_how_long_it_stayed() {
    let all = peaks(&[run(0, 100, 4), run(50, 80, 8), run(80, 90, 8), run(200, 230, 12)], period(-1_000, 1_000));
    let told: Vec<_> = all.iter().map(|peak| (peak.resource.word(), peak.most, peak.began.0, peak.lasted)).collect();
    // One run ends as another begins: there is no more at once, and no gap.
    assert_eq!(told, [("cpus", 12, 50, 40), ("nodes", 2, 50, 40), ("memory-gb", 24_576, 50, 40)]);
}

#[test]
fn given_runs_next_to_each_other_or_without_length_then_they_are_not_held_at_once() {
    let all = peaks(&[run(0, 100, 4), run(100, 200, 4), run(50, 50, 99)], period(0, 1_000));
    assert_eq!((all[0].most, all[0].began.0, all[0].lasted), (4, 0, 200));
}

#[test]
fn given_a_period_within_runs_then_only_what_lies_in_it_counts() {
    let all = peaks(&[run(0, 10_000, 4), run(0, 100, 90), run(5_000, 9_000, 1)], period(900, 4_500));
    assert_eq!((all[0].most, all[0].began.0, all[0].lasted, all[0].mean_p95), (4, 900, 3_600, 400));
    assert!(peaks(&[run(0, 100, 4)], period(500, 900)).is_empty());
}

#[test]
fn given_a_run_that_was_taken_back_then_it_was_never_held() {
    let mut level = Level::default();
    for (stint, back) in [(run(0, 86_400, 64), false), (run(0, 86_400, 64), true), (run(0, 60, 64), false)] {
        level.add(&stint, back, &period(0, 86_400));
    }
    let all = level.peaks(&period(0, 86_400));
    assert_eq!((all[0].most, all[0].lasted, all[0].mean_p95), (64, 60, 0));
}

#[test]
fn given_quarters_of_an_hour_then_the_95th_percentile_is_of_their_means() {
    // Of 20 quarters one is full of 10 CPUs, one for two thirds of it, and the others are idle.
    let all = peaks(&[run(900, 1_800, 10), run(3_600, 4_200, 10)], period(0, 18_000));
    assert_eq!((all[0].most, all[0].mean_p95), (10, 666));
}

/// The same by a count of every second: the peak, when and how long, and the mean.
fn counted(runs: &[Stint], period: Period) -> (u64, i64, u64, u64) {
    let held = |at: i64| runs.iter().filter(|run| run.start.0 <= at && at < run.end.0).map(|run| run.cpus).sum::<u64>();
    let seconds: Vec<(i64, u64)> = (period.start.0..period.end.0).map(|at| (at, held(at))).collect();
    let most = seconds.iter().map(|(_, level)| *level).max().unwrap();
    let began = seconds.iter().find(|(_, level)| *level == most).unwrap().0;
    let lasted = seconds.iter().filter(|(at, _)| *at >= began).take_while(|(_, level)| *level == most).count();
    let mut slots: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
    for (at, level) in &seconds {
        let slot = slots.entry(at.div_euclid(900)).or_default();
        *slot = (slot.0 + level, slot.1 + 1);
    }
    let mut means: Vec<u64> = slots.values().map(|(sum, length)| sum * 100 / length).collect();
    means.sort_unstable();
    (most, began, u64::try_from(lasted).unwrap(), means[rank(means.len(), 95).unwrap()])
}

proptest! {
    #[test]
    fn given_any_runs_and_period_then_a_count_of_every_second_says_the_same(
        runs in proptest::collection::vec((-2_000_i64..6_000, 0_i64..3_000, 1_u64..9), 1..12),
        start in -1_000_i64..2_000, length in 1_i64..5_000,
    ) {
        let runs: Vec<Stint> = runs.into_iter().map(|(start, length, cpus)| run(start, start + length, cpus)).collect();
        let period = period(start, start + length);
        let (most, began, lasted, mean) = counted(&runs, period);
        match peaks(&runs, period).first() {
            None => prop_assert_eq!(most, 0),
            Some(peak) => {
                prop_assert_eq!((peak.most, peak.began.0, peak.lasted, peak.mean_p95), (most, began, lasted, mean));
            }
        }
    }
}

/// A year of a million runs: about a second where everything is optimised, some without.
#[test]
fn given_a_million_runs_then_the_sweep_ends_soon_and_what_was_held_adds_up() {
    let year = period(1_700_000_000, 1_731_622_400);
    let mut level = Level::default();
    let mut state = 1_u64;
    for _ in 0..1_000_000 {
        // A generator of numbers that needs no crate: Knuth's, by its upper bits.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let start = year.start.0 + i64::try_from(state >> 33).unwrap() % 31_622_400;
        level.add(&run(start, start + 3_600, 4), false, &year);
    }
    let begun = std::time::Instant::now();
    let peak = level.peaks(&year)[0];
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    // A million hours of 4 CPUs in a year of 8,784 hours: 455 at a time.
    assert!(peak.most > 455 && peak.most < 1_000 && peak.mean_p95 > 45_500, "{peak:?}");
}
