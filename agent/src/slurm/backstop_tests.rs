//! The values of the backstop over time: sound, not in the way of what was let in, and few.

use proptest::prelude::*;

use super::*;

const HOUR: u64 = 3_600;

fn person(user: &str) -> Place {
    Place::Person(UserName::new(user).unwrap(), AccountName::new("physics").unwrap())
}

fn needs(need: Need) -> Needs {
    BTreeMap::from([(person("ana"), BTreeMap::from([(Resource::Cpu, Some(need))]))])
}

fn nobody_limited(names: &[&str]) -> BTreeMap<Place, FoundLimits> {
    names.iter().map(|name| (person(name), FoundLimits::new())).collect()
}

fn pass_once(needs: &Needs, written: &mut BTreeMap<Place, FoundLimits>) {
    let call = plan(needs, written).calls.remove(0);
    note(written, &call);
}

fn minutes(written: &BTreeMap<Place, FoundLimits>) -> Option<u64> {
    written[&person("ana")].get(&NativeKind::GrpTresRunMins(Resource::Cpu)).copied()
}

#[test]
fn given_an_owner_without_jobs_then_the_value_is_what_is_left_and_beside_jobs_it_is_rounded_down_and_holds() {
    let mut written = nobody_limited(&["ana"]);
    let idle = needs(Need { left: 1_000 * HOUR, ..Need::default() });
    let pass = plan(&idle, &written);
    assert_eq!(pass.calls.len(), 1);
    assert_eq!(pass.calls[0].urgency, Urgency::TooHigh, "there was no limit at all");
    assert_eq!(pass.calls[0].action.to_string(), "limit ana in physics to remaining cpu-minutes 60000");
    note(&mut written, &pass.calls[0]);
    let busy = needs(Need { left: 999 * HOUR, rate: 60, ..Need::default() });
    assert_eq!(plan(&busy, &written), Pass::default());
    let busy = needs(Need { left: 998 * HOUR, rate: 60, ..Need::default() });
    pass_once(&busy, &mut written);
    assert_eq!(minutes(&written), Some(57_344));
    assert_eq!(plan(&idle, &written), Pass::default(), "less than a sixteenth");
    let less = needs(Need { left: 960 * HOUR, ..Need::default() });
    assert_eq!(plan(&less, &written), Pass::default());
    let lifted = BTreeMap::from([(person("ana"), BTreeMap::from([(Resource::Cpu, None)]))]);
    let pass = plan(&lifted, &written);
    assert_eq!(pass.calls[0].urgency, Urgency::TooLow);
    assert_eq!(pass.calls[0].action.to_string(), "limit ana in physics to remaining cpu-minutes unlimited");
    note(&mut written, &pass.calls[0]);
    assert_eq!((plan(&lifted, &written), minutes(&written)), (Pass::default(), None));
}

#[test]
fn given_a_job_that_needs_all_that_is_left_then_it_is_not_held_up_and_one_minute_more_is() {
    let mut written = nobody_limited(&["ana"]);
    let full = needs(Need { left: 10 * HOUR, waiting: 10 * HOUR, ..Need::default() });
    pass_once(&full, &mut written);
    assert_eq!(minutes(&written), Some(600));
    // Accepted before a limit was lowered: it waits.
    let over = needs(Need { left: 5 * HOUR, waiting: 10 * HOUR, over: true, ..Need::default() });
    pass_once(&over, &mut written);
    assert_eq!(minutes(&written), Some(300));
    // A week's job under a day's limit: of each day's limit it takes a day.
    let long = needs(Need { left: 100 * HOUR, waiting: 168 * HOUR, ..Need::default() });
    pass_once(&long, &mut written);
    assert_eq!(minutes(&written), Some(168 * 60));
    assert_eq!(plan(&long, &written), Pass::default());
    let nothing = needs(Need::default());
    pass_once(&nothing, &mut written);
    assert_eq!(minutes(&written), Some(0));
}

#[test]
fn given_more_to_write_than_a_pass_may_then_what_lets_too_much_through_goes_first() {
    let names: Vec<String> = (0..40).map(|n| format!("u{n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut written = nobody_limited(&names);
    let kind = NativeKind::GrpTresRunMins(Resource::Cpu);
    let mut needs = Needs::new();
    for (n, name) in (0u64..).zip(&names) {
        // The second half has too high a value, and needs are all different.
        written.get_mut(&person(name)).unwrap().insert(kind.clone(), if n < 20 { 1 } else { 1_000_000 });
        let need = Need { left: (10 << (n / 2)) * HOUR / 100, ..Need::default() };
        needs.insert(person(name), BTreeMap::from([(Resource::Cpu, Some(need))]));
    }
    let pass = plan(&needs, &written);
    assert_eq!(pass.calls.len(), CALLS);
    assert!(pass.calls[..5].iter().all(|call| call.urgency == Urgency::TooHigh), "{:?}", pass.calls[0]);
    assert!(pass.put_off > 0);
    let mut rounds = 0;
    while let Some(call) = plan(&needs, &written).calls.first().cloned() {
        note(&mut written, &call);
        rounds += 1;
    }
    assert!(rounds < 40, "two owners of one value share a call: {rounds}");
}

#[test]
fn given_people_and_accounts_with_one_value_then_accounts_share_a_call_and_people_of_one_account_do() {
    let account = |name: &str| Place::Account(AccountName::new(name).unwrap());
    let mut written = nobody_limited(&["ana", "ben"]);
    written.extend([(account("a"), FoundLimits::new()), (account("b"), FoundLimits::new())]);
    let all = written.keys().cloned().chain([person("gone")]);
    let need = Need { left: 16 * HOUR, ..Need::default() };
    let needs: Needs = all.map(|place| (place, BTreeMap::from([(Resource::Cpu, Some(need))]))).collect();
    let lines: Vec<String> = plan(&needs, &written).calls.iter().map(|call| call.action.to_string()).collect();
    assert_eq!(
        lines,
        ["limit a,b to remaining cpu-minutes 960", "limit ana,ben in physics to remaining cpu-minutes 960"]
    );
}

#[test]
fn given_a_months_budget_that_is_eaten_up_without_a_pause_then_it_is_written_fewer_than_a_hundred_times() {
    let mut written = nobody_limited(&["ana"]);
    let (mut left, rate, mut calls) = (20_000 * HOUR, 100, 0);
    while left > 0 {
        let pass = plan(&needs(Need { left, remaining: left, rate, ..Need::default() }), &written);
        pass.calls.iter().for_each(|call| note(&mut written, call));
        calls += pass.calls.len();
        left = left.saturating_sub(2 * rate);
    }
    assert!((50..100).contains(&calls), "{calls}");
}

proptest! {
    #[test]
    fn given_any_needs_over_time_then_a_value_neither_lets_too_much_through_nor_holds_up_what_was_let_in(
        history in proptest::collection::vec(
            (0u64..1_000_000, 0u64..500_000, 0u64..500_000, 0u64..200, any::<bool>()), 1..40),
    ) {
        let mut written = nobody_limited(&["ana"]);
        for (left, remaining, waiting, rate, over) in history {
            let need = Need { left, remaining, waiting, rate, over };
            for call in plan(&needs(need), &written).calls { note(&mut written, &call); }
            let value = minutes(&written).unwrap();
            let let_in = if waiting == 0 { 0 } else { remaining + waiting };
            let most = if over { left } else { left.max(let_in + 59) };
            prop_assert!(value * 60 <= most + rate * SLACK, "{value} {need:?}");
            prop_assert!(value * 60 >= if over { let_in.min(left / 60 * 60) } else { let_in }, "{value} {need:?}");
            prop_assert_eq!(plan(&needs(need), &written), Pass::default());
        }
    }
}
