//! Whether limits really hold: a deterministic simulation of people, slurmctld, slurmdbd and bursard around the real
//! judge, ledger, accounting and snapshots.
//!
//! The model knows what every job really consumed of CPUs, GPUs, memory, nodes and money, and never asks bursar for it.
//! Nothing here waits or looks at a clock; the same seed is the same run. By default one seed is run in four time zones and seasons. More of them:
//!
//! * `BURSAR_SIMULATION_SEEDS=7` or `7..20`: these seeds instead of the default one.
//! * `BURSAR_SIMULATION_JOBS=100000`: submissions per zone instead of the default number.
//!
//! Run it with `cargo test -p bursar-tests --test simulation -- --nocapture` to see the numbers.
#![expect(clippy::indexing_slicing, reason = "positions of the model's own tables")]

mod agent;
mod allocation;
mod job;
mod limits;
mod plan;
mod plugin;
mod random;
mod shrink;
mod site;
mod things;
mod truth;
mod world;

use bursar_policy::Timestamp;
use plan::{Plan, plans};
use site::Site;
use world::{Numbers, World};

/// Submissions per zone by default.
const JOBS: usize = 28_000;

/// One simulation's frame.
#[derive(Debug, Clone, Copy)]
struct Scene {
    zone: &'static str,
    from: &'static str,
    days: u64,
}

fn seeds() -> std::ops::Range<u64> {
    let number = |text: &str| text.parse::<u64>().expect("BURSAR_SIMULATION_SEEDS is N or N..M");
    match std::env::var("BURSAR_SIMULATION_SEEDS") {
        Err(_) => 1..2,
        Ok(text) => match text.split_once("..") {
            Some((first, last)) => number(first)..number(last),
            None => number(&text)..number(&text) + 1,
        },
    }
}

fn play(scene: Scene) {
    let jobs = std::env::var("BURSAR_SIMULATION_JOBS").map_or(JOBS, |text| text.parse().expect("a number of jobs"));
    for seed in seeds() {
        let from = Timestamp(scene.from.parse::<jiff::Timestamp>().expect("an instant").as_second());
        let to = from.plus(scene.days * 86_400);
        let site = Site::new(scene.zone, seed);
        let plans = plans(&site, seed, from, Timestamp(to.0 - 86_400), jobs);
        let all: Vec<&Plan> = plans.iter().collect();
        match World::new(&site, seed, &all, from, to).run(to) {
            Ok(numbers) => report(scene.zone, seed, &numbers),
            Err(violation) => {
                eprintln!("{}, seed {seed}, before shrinking: {violation}", scene.zone);
                let (left, violation) = shrink::shrink(&site, seed, &all, from, violation);
                panic!("seed {seed}, {}, {} of {jobs} submissions are enough:\n{violation}", scene.zone, left.len());
            }
        }
    }
}

fn report(zone: &str, seed: u64, numbers: &Numbers) {
    let Numbers { judged, admitted, refused_for, runs, requeued, suspended, edits, .. } = numbers;
    println!(
        "{zone}, seed {seed}: {judged} jobs judged, {admitted} admitted; {runs} runs, {requeued} of them again, \
         {suspended} suspensions, {} of {} edits made; {} lists; {} restarts of slurmctld lost {} jobs, {} rows came \
         too late",
        edits[1], edits[0], numbers.lists, numbers.restarts, numbers.lost, numbers.late
    );
    for (thing, name) in things::NAMES.into_iter().enumerate() {
        let mut text = format!("  {name}: {} refused", refused_for[thing]);
        for (kind, tallies) in site::KINDS.into_iter().zip(&numbers.tallies) {
            let tally = &tallies[thing];
            let percent = |part: u64| (u128::from(part) * 100).checked_div(tally.limit.into()).unwrap_or(0);
            if tally.periods > 0 {
                let (used, careful) = (percent(tally.consumed), percent(tally.careful));
                let (word, periods, [requeues, restarts, late]) = (kind.word(), tally.periods, tally.over.map(percent));
                text += &format!("; {periods} times {word}: {used} % consumed, {careful} % left by care");
                if requeues + restarts + late > 0 {
                    text += &format!(" (over by requeues {requeues} %, restarts {restarts} %, late rows {late} %)");
                }
            }
        }
        println!("{text}");
    }
}

#[test]
fn given_spring_in_berlin_then_nobody_consumes_more_than_a_limit() {
    play(Scene { zone: "Europe/Berlin", from: "2026-03-16T00:00:00Z", days: 25 });
}

#[test]
fn given_autumn_in_berlin_then_nobody_consumes_more_than_a_limit() {
    play(Scene { zone: "Europe/Berlin", from: "2026-10-14T00:00:00Z", days: 25 });
}

#[test]
fn given_a_midnight_that_does_not_exist_then_nobody_consumes_more_than_a_limit() {
    play(Scene { zone: "America/Havana", from: "2026-02-25T00:00:00Z", days: 25 });
}

#[test]
fn given_a_midnight_that_comes_twice_then_nobody_consumes_more_than_a_limit() {
    play(Scene { zone: "Asia/Beirut", from: "2026-10-14T00:00:00Z", days: 25 });
}

#[test]
fn given_the_same_seed_twice_then_the_same_things_happen() {
    let from = Timestamp(1_795_334_400);
    let to = from.plus(4 * 86_400);
    let played = || {
        let site = Site::new("Europe/Berlin", 7);
        let plans = plans(&site, 7, from, Timestamp(to.0 - 86_400), 800);
        let all: Vec<&Plan> = plans.iter().collect();
        World::new(&site, 7, &all, from, to).run(to).expect("limits that hold")
    };
    assert_eq!(played(), played());
}
