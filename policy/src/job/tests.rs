//! Who may submit, what a job comes to, what is held of it, and what an edit adds, through the judge.

use proptest::prelude::*;

use super::*;
use crate::fixture::{self, NOW, TODAY, contents, cpu_hours_a_day, live_job, request, snapshot};
use crate::limit::{Line, Measure, Usage};
use crate::reason::{Code, Counted, Owner, Reason, Within};
use crate::role::{PersonState, Role};
use crate::snapshot::{Contents, LiveJob, RecentJob, Snapshot};
use crate::time::{PeriodKind, Timestamp};
use crate::tres::Tres;

const HOUR: u64 = 3_600;

fn code(verdict: &Verdict<'_>) -> Option<Code> {
    match verdict {
        Verdict::Admit(_) => None,
        Verdict::Refuse(reason) => Some(reason.code()),
    }
}

fn verdict_on(contents: &Contents, request: &Request<'_>) -> Option<Code> {
    code(&judge(&snapshot(contents), &Ledger::default(), request, NOW))
}

/// The CPU-hours of the day are used up.
const CPU_PER_DAY: Code = Code::Consumed(Counted::Cpu, Within::Period(PeriodKind::Day));

fn day_limit(hours: u64) -> Vec<Line> {
    vec![cpu_hours_a_day(hours)]
}

#[test]
fn given_each_state_of_person_and_grant_then_the_code_names_it() {
    let base = contents();
    let change = |change: &dyn Fn(&mut Contents)| {
        let mut contents = base.clone();
        change(&mut contents);
        verdict_on(&contents, &request(60))
    };
    assert_eq!(change(&|_| ()), None);
    assert_eq!(change(&|c| c.people[0].grants.clear()), Some(Code::NoGrant));
    assert_eq!(change(&|c| c.people[0].grants[0].until = NOW), Some(Code::GrantExpired));
    assert_eq!(change(&|c| c.people[0].grants[0].from = NOW.plus(1)), Some(Code::GrantNotYet));
    assert_eq!(change(&|c| c.people[0].grants[0].role = Role::Observer), Some(Code::Observer));
    assert_eq!(change(&|c| c.people[0].grants[0].account = Some(2)), Some(Code::AccountNotGranted));
    assert_eq!(change(&|c| c.people[0].grants[0].account = Some(0)), None, "a grant covers the accounts below");
    assert_eq!(change(&|c| c.people[0].grants[0].account = None), None);
    assert_eq!(change(&|c| c.people[0].default_account = None), Some(Code::NoAccount));
    assert_eq!(change(&|c| c.people[0].state = PersonState::Disabled), Some(Code::Disabled));
    assert_eq!(change(&|c| c.people[0].state = PersonState::Removed), Some(Code::Removed));
    assert_eq!(change(&|c| c.people[0].uid = 70_002), Some(Code::NoGrant));
    let admin = |c: &mut Contents| {
        c.people[0].grants[0].role = Role::ClusterAdmin;
        c.people[0].grants[0].account = Some(2);
    };
    assert_eq!(change(&admin), None, "an admin's grant covers every account");
}

#[test]
fn given_a_named_account_then_case_does_not_matter_and_a_strange_one_is_refused() {
    let named = |name| verdict_on(&contents(), &Request { account: Some(name), ..request(60) });
    assert_eq!(named("PHYSICS"), None);
    assert_eq!(named("finance"), Some(Code::AccountNotGranted));
    assert_eq!(named("nowhere"), Some(Code::AccountNotGranted));
}

#[test]
fn given_a_begin_time_past_the_grant_then_it_is_refused() {
    let mut contents = contents();
    contents.people[0].grants[0].until = NOW.plus(1_000);
    let at = |seconds| Request { begin_at: Some(NOW.plus(seconds)), ..request(60) };
    assert_eq!(verdict_on(&contents, &at(999)), None);
    assert_eq!(verdict_on(&contents, &at(1_000)), Some(Code::BeginsAfterGrant));
}

#[test]
fn given_no_time_limit_then_the_partitions_holds_and_without_one_it_is_asked_for() {
    let mut contents = contents();
    let unset = Request { time_limit: TimeLimit::Unset, ..request(0) };
    assert_eq!(verdict_on(&contents, &unset), None);
    contents.partitions[0].max_minutes = None;
    assert_eq!(verdict_on(&contents, &unset), Some(Code::NoTimeLimit));
    contents.partitions[0].default_minutes = Some(30);
    assert_eq!(verdict_on(&contents, &unset), None);
    assert_eq!(verdict_on(&contents, &Request { time_limit: TimeLimit::Unlimited, ..unset }), Some(Code::NoTimeLimit));
}

/// The shapes of `slurm-plugin.md` 3.2 with what slurmctld really allocated: the bound may be above, never below.
#[test]
fn given_the_recorded_shapes_then_the_bound_is_never_below_the_allocation() {
    let mut contents = contents();
    contents.facts.granule = 2;
    contents.facts.threads_per_core = 2;
    contents.partitions[0].max_mem_per_cpu = Some(500);
    let bare = Shape::default();
    let tasks = |n| Shape { tasks: Some(n), min_cpus: n, ..bare };
    let shapes = [
        (bare, 2, true),
        (tasks(3), 4, false),
        (Shape { min_cpus: 3, cpus_per_task: Some(3), ..tasks(1) }, 4, true),
        (Shape { tasks_per_node: Some(1), ..tasks(3) }, 6, true),
        (Shape { min_nodes: Some(2), max_nodes: Some(4), ..bare }, 8, true),
        (Shape { cpus_per_task: Some(5), min_nodes: Some(2), max_nodes: Some(4), ..bare }, 24, true),
        (Shape { whole_nodes: true, ..tasks(1) }, 8, true),
        (Shape { whole_nodes: true, min_nodes: Some(1), max_nodes: Some(3), ..bare }, 24, true),
        (Shape { min_cpus: 9, cpus_per_task: Some(3), one_per_core: true, ..tasks(3) }, 18, false),
        (Shape { one_per_core: true, ..tasks(4) }, 8, false),
        (Shape { memory: Memory::PerCpu(1_200), ..tasks(1) }, 4, true),
        (Shape { memory: Memory::PerNode(3_000), ..tasks(1) }, 6, false),
        (Shape { memory: Memory::PerNode(2_000), ..tasks(3) }, 6, false),
        (Shape { cpus_per_node: Some(5), ..tasks(1) }, 6, true),
    ];
    let snapshot = snapshot(&contents);
    for (shape, allocated, exact) in shapes {
        let Bound::Cost(cost) = bound(&snapshot, &Request { shape, ..request(60) }) else { panic!("{shape:?}") };
        assert!(cost.cpus() >= allocated, "{shape:?}: {} < {allocated}", cost.cpus());
        assert_eq!(cost.cpus() == allocated, exact, "{shape:?}: {} and {allocated}", cost.cpus());
    }
}

#[test]
fn given_a_partition_list_then_the_costliest_counts() {
    let mut contents = contents();
    let mut big = contents.partitions[0].clone();
    big.name = "big".into();
    big.default = false;
    big.whole_nodes = true;
    big.over_minutes = Some(10);
    contents.partitions.push(big);
    let snapshot = snapshot(&contents);
    let cost = |partition| match bound(&snapshot, &Request { partition, ..request(60) }) {
        Bound::Cost(cost) => (cost.cpus(), cost.seconds),
        Bound::Timeless(_) => panic!("timeless"),
    };
    assert_eq!(cost(None), (1, 3_600));
    assert_eq!(cost(Some("main,big")), (8, 4_200));
    assert_eq!(cost(Some("unknown")), (1, 3_600));
}

#[test]
fn given_a_limit_then_exactly_what_fits_is_admitted() {
    let mut contents = contents();
    contents.people[0].lines = day_limit(1);
    assert_eq!(verdict_on(&contents, &request(60)), None);
    assert_eq!(verdict_on(&contents, &request(61)), Some(CPU_PER_DAY));
    contents.people[0].lines[0].used = 1;
    assert_eq!(verdict_on(&contents, &request(60)), Some(CPU_PER_DAY));
}

#[test]
fn given_limits_of_person_account_and_ancestor_then_the_reason_names_the_binding_one() {
    let owner_of = |contents: &Contents| match judge(&snapshot(contents), &Ledger::default(), &request(60), NOW) {
        Verdict::Refuse(Reason::Consumed { owner: Owner::You, .. }) => "you".to_owned(),
        Verdict::Refuse(Reason::Consumed { owner: Owner::Account(name), .. }) => name.to_owned(),
        other => panic!("{other:?}"),
    };
    let mut contents = contents();
    contents.accounts[0].lines = day_limit(0);
    assert_eq!(owner_of(&contents), "science");
    contents.accounts[1].lines = day_limit(0);
    assert_eq!(owner_of(&contents), "physics");
    contents.people[0].lines = day_limit(0);
    assert_eq!(owner_of(&contents), "you");
}

#[test]
fn given_a_job_near_midnight_then_both_days_are_checked() {
    let mut contents = contents();
    contents.people[0].lines = day_limit(10);
    let late = TODAY.plus(86_400 - 600);
    let judge_at =
        |contents: &Contents, minutes| code(&judge(&snapshot(contents), &Ledger::default(), &request(minutes), late));
    contents.people[0].lines[0].used = 10 * HOUR - 600;
    assert_eq!(judge_at(&contents, 600), None, "ten minutes today, the rest tomorrow");
    contents.people[0].lines[0].used += 1;
    assert_eq!(judge_at(&contents, 600), Some(CPU_PER_DAY));
    contents.people[0].lines[0].used = 0;
    contents.people[0].lines[0].next = 1;
    let world = snapshot(&contents);
    let refused = judge(&world, &Ledger::default(), &request(600), late);
    assert!(matches!(refused, Verdict::Refuse(Reason::Consumed { next: true, .. })), "{refused:?}");
}

#[test]
fn given_an_agent_gone_over_midnight_then_what_was_in_flight_still_counts() {
    let mut contents = contents();
    contents.people[0].lines = day_limit(2);
    let line = &mut contents.people[0].lines[0];
    *line = Line { used: 2 * HOUR, in_flight: 0, next: HOUR, total: 2 * HOUR, ..*line };
    let snapshot = snapshot(&contents);
    let at = |days: u64, minutes| {
        code(&judge(&snapshot, &Ledger::default(), &request(minutes), TODAY.plus(days * 86_400 + 60)))
    };
    assert_eq!(at(0, 60), Some(CPU_PER_DAY));
    assert_eq!(at(1, 60), Some(CPU_PER_DAY), "tomorrow's tomorrow may still see all of it");
    assert_eq!(at(2, 60), Some(CPU_PER_DAY));
    assert_eq!(at(40, 60), Some(Code::Unavailable), "the calendar has run out");
}

#[test]
fn given_jobs_that_begin_in_two_days_then_they_need_room_together() {
    let mut contents = contents();
    contents.people[0].lines = day_limit(2);
    let snapshot = snapshot(&contents);
    let mut ledger = Ledger::default();
    let later = Request { begin_at: Some(NOW.plus(2 * 86_400)), ..request(60) };
    let mut code_of = |request: &Request<'static>| match judge(&snapshot, &ledger, request, NOW) {
        Verdict::Admit(terms) => {
            ledger.book(&snapshot, &terms, NOW);
            None
        }
        Verdict::Refuse(reason) => Some(reason.code()),
    };
    assert_eq!([code_of(&later), code_of(&later), code_of(&later)], [None, None, Some(CPU_PER_DAY)]);
    let at_once = Asked { jobs: 1, cost: Cost::of_cpus(1, 60), begin_at: NOW }.usage(&snapshot, 0, NOW);
    assert_eq!(at_once.periods[0].in_flight_next.cpus(), 60);
}

#[test]
fn given_an_array_then_every_task_counts() {
    let mut contents = contents();
    contents.people[0].lines = day_limit(10);
    let array = |text| verdict_on(&contents, &Request { array: Some(text), ..request(60) });
    assert_eq!(array("1-10%1"), None);
    assert_eq!(array("1-11%1"), Some(CPU_PER_DAY));
    assert_eq!(array("0-2000000000"), Some(CPU_PER_DAY));
    assert_eq!(array(&"1,".repeat(600_000)), Some(Code::Input));
}

#[test]
fn given_job_limits_then_waiting_jobs_are_counted_and_running_ones_make_others_wait() {
    let mut contents = contents();
    let usage = Usage { running: 2, queued: 2, ..Usage::default() };
    let lines = |usage: &Usage| {
        [(Measure::RunningJobs, 2), (Measure::QueuedJobs, 3)]
            .map(|(measure, limit)| usage.line(measure, limit, &Tres::ZERO))
            .to_vec()
    };
    contents.people[0].lines = lines(&usage);
    assert_eq!(verdict_on(&contents, &request(60)), None);
    contents.people[0].lines = lines(&Usage { queued: 3, ..usage });
    assert_eq!(verdict_on(&contents, &request(60)), Some(Code::QueuedJobs));
    contents.people[0].lines = lines(&Usage { queued: 0, ..usage });
    contents.facts.running_limit_refuses = true;
    assert_eq!(verdict_on(&contents, &request(60)), Some(Code::RunningJobs));
    contents.facts.running_limit_refuses = false;
    contents.people[0].lines[0].limit = 0;
    assert_eq!(verdict_on(&contents, &request(60)), Some(Code::RunningJobs), "none can ever run");
}

/// Admits and books until refused; how many were admitted.
fn admitted(snapshot: &Snapshot, ledger: &mut Ledger, tries: usize, now: Timestamp) -> usize {
    (0..tries)
        .filter(|_| match judge(snapshot, ledger, &request(60), now) {
            Verdict::Admit(terms) => {
                ledger.book(snapshot, &terms, now);
                true
            }
            Verdict::Refuse(_) => false,
        })
        .count()
}

#[test]
fn given_a_burst_against_room_for_ten_then_exactly_ten_are_admitted() {
    let mut contents = contents();
    contents.accounts[0].lines = day_limit(10);
    let snapshot = snapshot(&contents);
    assert_eq!(admitted(&snapshot, &mut Ledger::default(), 500, NOW), 10);
}

#[test]
fn given_a_list_that_shows_the_jobs_then_their_bookings_are_struck_off_and_nothing_counts_twice() {
    let mut contents = contents();
    contents.people[0].lines = day_limit(10);
    let mut ledger = Ledger::default();
    assert_eq!(admitted(&snapshot(&contents), &mut ledger, 6, NOW), 6);
    // Four of the six are in the list by now, and counted there.
    contents.header.as_of = NOW.plus(2);
    let line = &mut contents.people[0].lines[0];
    *line = Line { in_flight: 4 * HOUR, next: 4 * HOUR, total: 4 * HOUR, ..*line };
    contents.recent =
        (1..=4).map(|job_id| RecentJob { job_id, uid: 70_001, account: Some(1), submitted: NOW.plus(1) }).collect();
    let listed = snapshot(&contents);
    ledger.reconcile(&listed, NOW.plus(2));
    assert_eq!(ledger.person(70_001).queued, 2);
    assert_eq!(admitted(&listed, &mut ledger, 500, NOW.plus(2)), 4);
}

#[test]
fn given_jobs_of_different_size_then_the_largest_bookings_stay() {
    let contents = contents();
    let world = snapshot(&contents);
    let mut ledger = Ledger::default();
    for minutes in [60, 600, 6] {
        let Verdict::Admit(terms) = judge(&world, &ledger, &request(minutes), NOW) else { panic!("refused") };
        ledger.book(&world, &terms, NOW);
    }
    let mut later = contents;
    later.header.as_of = NOW.plus(1);
    later.recent = vec![RecentJob { job_id: 1, uid: 70_001, account: Some(1), submitted: NOW }];
    ledger.reconcile(&snapshot(&later), NOW.plus(1));
    assert_eq!(ledger.person(70_001).in_flight_total.cpus(), 11 * HOUR);
}

#[test]
fn given_a_job_that_never_appears_then_its_booking_ends_after_the_grace() {
    let mut contents = contents();
    let mut ledger = Ledger::default();
    assert_eq!(admitted(&snapshot(&contents), &mut ledger, 3, NOW), 3);
    contents.header.as_of = NOW.plus(GRACE);
    ledger.reconcile(&snapshot(&contents), NOW.plus(GRACE));
    assert_eq!(ledger.len(), 3);
    contents.header.as_of = NOW.plus(GRACE + 1);
    ledger.reconcile(&snapshot(&contents), NOW.plus(GRACE + 1));
    assert!(ledger.is_empty());
    assert_eq!(ledger.person(70_001), Usage::default());
    assert_eq!(ledger.account(0), Usage::default());
}

fn edit_code(contents: &Contents, edit: &Edit<'_>) -> Option<Code> {
    let snapshot = snapshot(contents);
    let jobs: Vec<_> = snapshot.live_jobs(12).collect();
    judge_edit(&snapshot, &Ledger::default(), &jobs, edit, &[], NOW).err().map(|reason| reason.code())
}

#[test]
fn given_an_edit_that_raises_nothing_then_it_is_never_refused() {
    let mut contents = contents();
    contents.people[0].lines = day_limit(0);
    contents.people[0].grants.clear();
    contents.jobs = vec![live_job()];
    for edit in [
        Edit { time_limit: Some(TimeLimit::Minutes(60)), ..Edit::default() },
        Edit { time_limit: Some(TimeLimit::Minutes(1)), ..Edit::default() },
        Edit { account: Some("Physics"), ..Edit::default() },
        Edit { min_cpus: Some(1), ..Edit::default() },
    ] {
        assert_eq!(edit_code(&contents, &edit), None, "{edit:?}");
    }
    assert!(!Edit { job: "12", ..Edit::default() }.may_raise());
}

#[test]
fn given_an_edit_that_raises_then_only_the_difference_needs_room() {
    let mut contents = contents();
    contents.people[0].lines = day_limit(2);
    contents.people[0].lines[0].in_flight = HOUR;
    contents.people[0].lines[0].next = HOUR;
    contents.jobs = vec![live_job()];
    let minutes = |minutes| Edit { time_limit: Some(TimeLimit::Minutes(minutes)), ..Edit::default() };
    assert_eq!(edit_code(&contents, &minutes(120)), None);
    assert_eq!(edit_code(&contents, &minutes(121)), Some(CPU_PER_DAY));
    assert_eq!(edit_code(&contents, &Edit { min_cpus: Some(2), ..Edit::default() }), None);
    assert_eq!(edit_code(&contents, &Edit { tasks: Some(3), ..Edit::default() }), Some(CPU_PER_DAY));
    assert_eq!(edit_code(&contents, &Edit { whole_nodes: Some(true), ..Edit::default() }), Some(CPU_PER_DAY));
    assert_eq!(
        edit_code(&contents, &Edit { account: Some("finance"), ..Edit::default() }),
        Some(Code::AccountNotGranted)
    );
    contents.people[0].grants[0].account = None;
    assert_eq!(edit_code(&contents, &Edit { account: Some("finance"), ..Edit::default() }), None);
    contents.accounts[2].lines = day_limit(0);
    assert_eq!(edit_code(&contents, &Edit { account: Some("finance"), ..Edit::default() }), Some(CPU_PER_DAY));
}

#[test]
fn given_an_edit_that_begins_sooner_then_the_period_it_comes_into_needs_room() {
    let mut contents = contents();
    contents.people[0].lines = day_limit(2);
    contents.people[0].lines[0].used = 2 * HOUR;
    contents.jobs = vec![LiveJob { begin_at: NOW.plus(86_400), ..live_job() }];
    let begin = |at| Edit { begin_at: Some(at), ..Edit::default() };
    assert_eq!(edit_code(&contents, &begin(NOW)), Some(CPU_PER_DAY));
    assert_eq!(edit_code(&contents, &begin(NOW.plus(2 * 86_400))), None);
    contents.people[0].lines[0].used = HOUR;
    assert_eq!(edit_code(&contents, &begin(NOW)), None);
}

#[test]
fn given_a_job_with_its_partitions_time_then_it_is_bounded_by_the_time_of_the_one_it_is_moved_to() {
    let mut contents = contents();
    contents.people[0].lines = day_limit(4);
    contents.partitions[0].default_minutes = Some(60);
    let mut long = contents.partitions[0].clone();
    long.name = "long".into();
    long.default = false;
    long.default_minutes = Some(600);
    contents.partitions.push(long);
    let edit = Edit { partition: Some("long"), ..Edit::default() };
    contents.jobs = vec![live_job()];
    assert_eq!(edit_code(&contents, &edit), Some(CPU_PER_DAY));
    contents.jobs = vec![LiveJob { minutes: Some(61), ..live_job() }];
    assert_eq!(edit_code(&contents, &edit), None, "a limit of its own goes with it");
}

proptest! {
    #[test]
    fn given_more_usage_then_no_refusal_becomes_an_admission(
        limit in 0_u64..50, used in 0_u64..50, more in 0_u64..50, minutes in 1_u32..3_000,
    ) {
        let mut contents = contents();
        contents.people[0].lines = day_limit(limit);
        contents.people[0].lines[0].used = used * HOUR;
        let before = verdict_on(&contents, &request(minutes));
        contents.people[0].lines[0].used += more * HOUR;
        let after = verdict_on(&contents, &request(minutes));
        prop_assert!(before.is_none() || after.is_some());
    }

    #[test]
    fn given_any_begin_time_then_a_day_is_never_charged_more_than_its_seconds(
        begin in -100_000_i64..400_000, minutes in 0_u32..10_000, jobs in 0_u64..1_000,
    ) {
        let contents = contents();
        let snapshot = snapshot(&contents);
        let cost = Cost::of_cpus(3, u64::from(minutes) * 60);
        let usage = Asked { jobs, cost, begin_at: Timestamp(NOW.0 + begin) }.usage(&snapshot, 0, NOW);
        let day = usage.period(PeriodKind::Day);
        prop_assert!(day.in_flight.cpus() <= jobs * 3 * 57_600);
        prop_assert!(day.in_flight_next.cpus() <= jobs * 3 * 86_400);
        prop_assert!(!day.in_flight.exceeds(&usage.in_flight_total));
        prop_assert!(!day.in_flight_next.exceeds(&usage.in_flight_total));
    }
}

#[test]
fn given_the_fixture_then_now_is_a_sunday_morning() {
    assert_eq!(fixture::NOW.to_string(), "2026-11-22 08:00 UTC");
}
