//! The life of a reservation, searched exhaustively in small worlds: the ledger and the judge that ship, driven by a
//! slurmctld, an agent and users that do everything they can do, in every order.
#![forbid(unsafe_code)]

mod life;
mod world;

use std::time::Instant;

use life::Life;
use stateright::{Checker, Model};
use world::{Kind, Limits, World, limits};

const OPEN: Limits = Limits { hours: None, queued: None };

fn life(kinds: Vec<Kind>, person: Limits, accounts: [Limits; 3]) -> Life {
    Life {
        world: World::new(kinds, person, accounts),
        jobs: 3,
        until: 4,
        ends: false,
        requeues: 0,
        restarts: 0,
        deaths: 0,
        in_time: true,
        published_before_restart: true,
        settles: false,
    }
}

fn search(name: &str, life: Life) -> impl Checker<Life> {
    let begun = Instant::now();
    let checker = life.checker().threads(2).spawn_bfs().join();
    let (states, unique) = (checker.state_count(), checker.unique_state_count());
    eprintln!("{name}: {states} states, {unique} distinct, depth {}, {:?}", checker.max_depth(), begun.elapsed());
    for (property, path) in checker.discoveries() {
        eprintln!("  {property}: {:?}", path.into_actions());
    }
    checker
}

/// Searches for a state that contradicts the assumption's property.
fn found(name: &str, life: Life, property: &'static str) {
    let checker = search(name, life);
    assert!(checker.discovery(property).is_some(), "{property}: nothing found");
}

const UNCOUNTED: &str = "nothing goes uncounted";
const TWICE: &str = "what is seen counts once";
const EXCEEDED: &str = "no limit is exceeded";

#[test]
fn given_equal_jobs_then_no_order_of_events_breaks_a_limit_leaks_or_counts_twice() {
    search("equal", life(vec![Kind::hour(1)], limits(2, 2), [OPEN; 3])).assert_properties();
}

#[test]
fn given_jobs_that_end_then_no_order_of_events_breaks_a_limit_leaks_or_counts_twice() {
    let life = life(vec![Kind::hour(1)], limits(2, 2), [OPEN; 3]);
    search("ends", Life { ends: true, until: 3, ..life }).assert_properties();
}

#[test]
fn given_a_requeue_then_no_order_of_events_breaks_a_limit_leaks_or_counts_twice() {
    let life = life(vec![Kind::hour(1)], limits(2, 2), [OPEN; 3]);
    search("requeues", Life { requeues: 1, ..life }).assert_properties();
}

#[test]
fn given_restarts_then_no_order_of_events_breaks_a_limit_leaks_or_counts_twice() {
    let life = life(vec![Kind::hour(1)], limits(2, 2), [OPEN; 3]);
    search("restarts", Life { restarts: 1, deaths: 1, ..life }).assert_properties();
}

#[test]
fn given_two_accounts_and_two_sizes_then_no_order_of_events_breaks_a_limit_leaks_or_counts_twice() {
    let small = Kind { minutes: 30, ..Kind::hour(1) };
    let kinds = vec![Kind::hour(1), small, Kind::hour(2)];
    let life = life(kinds, limits(2, 9), [OPEN, limits(1, 9), OPEN]);
    search("accounts", life).assert_properties();
}

#[test]
fn given_jobs_large_in_different_ways_then_no_order_of_events_breaks_a_limit_leaks_or_counts_twice() {
    let array = Kind { minutes: 10, tasks: 3, ..Kind::hour(1) };
    let tomorrow = Kind { minutes: 120, tomorrow: true, ..Kind::hour(1) };
    search("shapes", life(vec![array, tomorrow], limits(3, 4), [OPEN; 3])).assert_properties();
}

#[test]
fn given_edits_then_no_order_of_events_breaks_a_limit_leaks_or_counts_twice() {
    let growing = Kind { raised: Some(90), ..Kind::hour(1) };
    let life = life(vec![growing], limits(3, 9), [OPEN; 3]);
    search("edits", life).assert_properties();
}

#[test]
fn given_a_controller_that_restarts_before_its_jobs_are_published_then_the_model_finds_what_goes_uncounted() {
    let life = life(vec![Kind::hour(1)], limits(2, 2), [OPEN; 3]);
    let life = Life { restarts: 1, published_before_restart: false, until: 2, ..life };
    found("early restart", life, EXCEEDED);
}

#[test]
fn given_a_gate_that_waits_for_a_list_after_a_restart_then_no_limit_is_exceeded() {
    let life = life(vec![Kind::hour(1)], limits(2, 2), [OPEN; 3]);
    let life = Life { restarts: 1, published_before_restart: false, settles: true, ..life };
    // Until the list comes some go uncounted, and none is admitted against what they hold.
    let checker = search("settling", life);
    checker.assert_no_discovery(EXCEEDED);
    checker.assert_any_discovery(UNCOUNTED);
}

#[test]
fn given_jobs_created_after_the_grace_then_the_model_finds_what_goes_uncounted() {
    let life = life(vec![Kind::hour(1)], limits(2, 2), [OPEN; 3]);
    found("late creation", Life { in_time: false, ..life }, UNCOUNTED);
}

#[test]
fn given_an_agent_that_leaves_out_settled_jobs_then_the_model_finds_what_counts_twice() {
    let mut life = life(vec![Kind::hour(1)], limits(2, 2), [OPEN; 3]);
    life.world.forgets_settled = true;
    found("forgetful agent", Life { ends: true, jobs: 2, until: 2, ..life }, TWICE);
}
