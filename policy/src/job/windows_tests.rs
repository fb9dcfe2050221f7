//! Jobs and edits judged by windows.

use super::*;
use crate::fixture::{NOW, TODAY, contents, cpu_hours_a_day, live_job, request, snapshot};
use crate::reason::Code;
use crate::role::{Lifts, Role};
use crate::snapshot::{Contents, Governs, Grant, LiveJob, Opening, Queue, Window};
use crate::time::{Period, Timestamp};
use crate::window::{Outside, Rule};

const HOUR: i64 = 3_600;

fn at(hours: i64) -> Timestamp {
    Timestamp(TODAY.0 + hours * HOUR)
}

/// Open today and tomorrow, 10 to 18 o'clock; it is 8 o'clock now.
fn office(governs: Governs, outside: Outside, ends_inside: bool) -> Window {
    let opening = |day: i64| Opening {
        period: Period { start: at(day * 24 + 10), end: at(day * 24 + 18) },
        opens: format!("day {day} 10:00"),
        closes: format!("day {day} 18:00"),
    };
    Window {
        name: "office".into(),
        governs: vec![governs],
        rule: Rule { outside, ends_inside },
        moves: true,
        openings: vec![opening(0), opening(1)],
        known_until: at(14 * 24),
    }
}

fn main_partition() -> Governs {
    Governs::Partition("main".into())
}

fn with(window: Window) -> Contents {
    let mut contents = contents();
    contents.windows = vec![window];
    contents
}

/// The code of a refusal, or the hour of today from which the job may begin if it has to wait.
fn outcome(contents: &Contents, request: &Request<'_>, now: Timestamp) -> Result<Option<i64>, Code> {
    match judge(&snapshot(contents), &Ledger::default(), request, now) {
        Verdict::Admit(terms) => {
            let waits = terms.waits.map(|waits| waits.until);
            assert_eq!(terms.asked.begin_at, waits.unwrap_or(request.begin_at.unwrap_or(now).max(now)));
            Ok(waits.map(|until| (until.0 - TODAY.0) / HOUR))
        }
        Verdict::Refuse(reason) => Err(reason.code()),
    }
}

#[test]
fn given_a_window_of_each_kind_then_it_governs_those_it_names_and_nobody_else() {
    let mut queue = Queue {
        name: "short".into(),
        qos: "short".into(),
        default: true,
        roles: Vec::new(),
        accounts: Vec::new(),
        factor: 1_000_000,
        max_minutes: None,
        caps: Vec::new(),
    };
    for (governs, governed) in [
        (Governs::Partition("main".into()), true),
        (Governs::Partition("other".into()), false),
        (Governs::Queue("short".into()), true),
        (Governs::Queue("long".into()), false),
        (Governs::Role(Role::ComputeUser), true),
        (Governs::Role(Role::ClusterAdmin), false),
        (Governs::Account(1), true),
        (Governs::Account(0), true),
        (Governs::Account(2), false),
    ] {
        let mut refuses = with(office(governs.clone(), Outside::Refuse, false));
        let mut waits = with(office(governs.clone(), Outside::Wait, false));
        for contents in [&mut refuses, &mut waits] {
            contents.queues.push(queue.clone());
        }
        let expected = if governed { (Err(Code::WindowClosed), Ok(Some(10))) } else { (Ok(None), Ok(None)) };
        let outcomes = (outcome(&refuses, &request(60), NOW), outcome(&waits, &request(60), NOW));
        assert_eq!(outcomes, expected, "{governs:?}");
        assert_eq!(outcome(&refuses, &request(60), at(10)), Ok(None), "{governs:?} at its opening");
    }
    queue.name = "named".into();
    let mut named = with(office(Governs::Queue("named".into()), Outside::Refuse, false));
    named.queues.push(queue);
    let asks = Request { qos: Some("SHORT"), ..request(60) };
    assert_eq!(outcome(&named, &asks, NOW), Err(Code::WindowClosed), "a queue is known by its QOS, in any case");
}

#[test]
fn given_a_list_of_partitions_then_the_windows_of_all_of_them_count() {
    let mut contents = with(office(Governs::Partition("night".into()), Outside::Wait, false));
    let listed = |list| Request { partition: Some(list), ..request(60) };
    assert_eq!(outcome(&contents, &listed("main"), NOW), Ok(None));
    assert_eq!(outcome(&contents, &listed("main, night"), NOW), Ok(Some(10)));
    assert_eq!(outcome(&contents, &listed("nights"), NOW), Ok(None));
    let mut afternoon = office(main_partition(), Outside::Wait, false);
    afternoon.openings.truncate(1);
    afternoon.openings[0].period.start = at(15);
    contents.windows.push(afternoon);
    assert_eq!(outcome(&contents, &listed("night,main"), NOW), Ok(Some(15)), "in both at once");
    assert_eq!(outcome(&contents, &listed("night,main"), at(19)), Err(Code::WindowClosed), "never again together");
}

#[test]
fn given_a_begin_of_its_own_then_the_job_is_judged_at_that_instant() {
    let contents = with(office(main_partition(), Outside::Refuse, false));
    let begin = |hour| Request { begin_at: Some(at(hour)), ..request(60) };
    assert_eq!(outcome(&contents, &begin(12), NOW), Ok(None));
    assert_eq!(outcome(&contents, &begin(20), NOW), Err(Code::WindowClosed));
    assert_eq!(outcome(&contents, &begin(0), at(12)), Ok(None), "a past begin is now");
    assert_eq!(outcome(&contents, &begin(15 * 24), NOW), Err(Code::WindowClosed), "beyond what is known");
    let waits = with(office(main_partition(), Outside::Wait, false));
    assert_eq!(outcome(&waits, &begin(20), NOW), Ok(Some(34)));
}

#[test]
fn given_a_job_that_must_end_inside_then_its_time_limit_has_to_fit() {
    let mut waits = with(office(main_partition(), Outside::Wait, true));
    let refuses = with(office(main_partition(), Outside::Refuse, true));
    for contents in [&waits, &refuses] {
        assert_eq!(outcome(contents, &request(3 * 60), at(15)), Ok(None));
        assert_eq!(outcome(contents, &request(8 * 60 + 1), at(15)), Err(Code::WindowTooShort));
    }
    assert_eq!(outcome(&waits, &request(3 * 60 + 1), at(15)), Ok(Some(34)));
    assert_eq!(outcome(&refuses, &request(3 * 60 + 1), at(15)), Err(Code::WindowTooShort));
    waits.facts.slack = 90;
    assert_eq!(outcome(&waits, &request(3 * 60), at(15)), Ok(None), "slurmctld's own time is not the job's");
}

#[test]
fn given_a_grant_that_ends_before_the_opening_then_the_job_is_not_let_in_to_wait() {
    let mut contents = with(office(main_partition(), Outside::Wait, false));
    contents.people[0].grants[0].until = at(10);
    assert_eq!(outcome(&contents, &request(60), NOW), Err(Code::BeginsAfterGrant));
    contents.people[0].grants[0].until = at(11);
    assert_eq!(outcome(&contents, &request(60), NOW), Ok(Some(10)));
}

#[test]
fn given_a_job_that_waits_then_it_needs_room_where_it_begins() {
    let mut contents = with(office(main_partition(), Outside::Wait, false));
    contents.people[0].lines = vec![cpu_hours_a_day(1)];
    assert_eq!(outcome(&contents, &request(60), at(19)), Ok(Some(34)));
    contents.people[0].lines[0].used = 3_600;
    assert_eq!(outcome(&contents, &request(60), at(19)), Ok(Some(34)), "today's use is not tomorrow's");
    contents.people[0].lines[0].next = 3_600;
    assert!(outcome(&contents, &request(60), at(19)).is_err());
}

/// A grant beside the ordinary one, until 9 o'clock.
fn emergency(lifts: Lifts) -> Grant {
    Grant { id: 9, until: at(9), lifts: Some(lifts), ..contents().people[0].grants[0].clone() }
}

fn terms_of(contents: &Contents, request: &Request<'_>) -> Result<Option<u64>, Code> {
    match judge(&snapshot(contents), &Ledger::default(), request, NOW) {
        Verdict::Admit(terms) => {
            assert_eq!(terms.waits, None);
            Ok(terms.emergency)
        }
        Verdict::Refuse(reason) => Err(reason.code()),
    }
}

#[test]
fn given_an_emergency_then_it_lifts_what_it_says_and_is_told() {
    let mut closed = with(office(main_partition(), Outside::Refuse, false));
    let mut full = contents();
    full.people[0].lines = vec![cpu_hours_a_day(0)];
    let refused = outcome(&full, &request(60), NOW).unwrap_err();
    for lifts in [Lifts::Windows, Lifts::Limits, Lifts::All] {
        for contents in [&mut closed, &mut full] {
            contents.people[0].grants.truncate(1);
            contents.people[0].grants.push(emergency(lifts));
        }
        let windows = if lifts.windows() { Ok(Some(9)) } else { Err(Code::WindowClosed) };
        assert_eq!(terms_of(&closed, &request(60)), windows, "{lifts}");
        let limits = if lifts.limits() { Ok(Some(9)) } else { Err(refused) };
        assert_eq!(terms_of(&full, &request(60)), limits, "{lifts}");
    }
    let mut neither = contents();
    neither.people[0].grants.push(emergency(Lifts::All));
    assert_eq!(terms_of(&neither, &request(60)), Ok(None), "what is not needed is not told");
}

#[test]
fn given_an_emergency_that_does_not_hold_here_and_now_then_it_lifts_nothing() {
    let closed = with(office(main_partition(), Outside::Refuse, false));
    let refuses = |change: &dyn Fn(&mut Grant), request: &Request<'_>| {
        let mut contents = closed.clone();
        let mut grant = emergency(Lifts::All);
        change(&mut grant);
        contents.people[0].grants.push(grant);
        terms_of(&contents, request) == Err(Code::WindowClosed)
    };
    assert!(!refuses(&|_| (), &request(60)));
    assert!(refuses(&|grant| grant.until = NOW, &request(60)), "it has ended");
    assert!(refuses(&|grant| grant.from = NOW.plus(1), &request(60)), "it has not begun");
    assert!(refuses(&|grant| grant.account = Some(2), &request(60)), "it is for another account");
    assert!(refuses(&|grant| grant.role = Role::Observer, &request(60)), "it lets nobody submit");
    assert!(refuses(&|_| (), &Request { begin_at: Some(at(9)), ..request(60) }), "the job begins after it");
}

#[test]
fn given_a_refusal_then_the_sentence_names_the_window_and_the_next_opening() {
    let told = |contents: &Contents, request: &Request<'_>, now| {
        let snapshot = snapshot(contents);
        match judge(&snapshot, &Ledger::default(), request, now) {
            Verdict::Refuse(reason) => reason.to_string(),
            Verdict::Admit(terms) => notice::waits(&terms.waits.unwrap(), &snapshot),
        }
    };
    let refuses = with(office(main_partition(), Outside::Refuse, true));
    assert_eq!(
        told(&refuses, &request(60), NOW),
        "window office of partition main is closed now: this job could begin day 0 10:00"
    );
    assert_eq!(
        told(&refuses, &Request { begin_at: Some(at(20)), ..request(60) }, NOW),
        "window office of partition main is closed then: this job could begin day 1 10:00"
    );
    assert_eq!(
        told(&refuses, &request(200), at(15)),
        "window office of partition main closes day 0 18:00, and this job may run for 3:20:00: it could begin day 1 10:00"
    );
    assert_eq!(
        told(&refuses, &request(1_000), NOW),
        "this job may run for 16:40:00, and window office of partition main is never open for so long: 8:00:00 at most"
    );
    assert_eq!(
        told(&refuses, &request(60), at(60)),
        "this job may run for 1:00:00, and window office of partition main is never open for so long: 0:00:00 at most"
    );
    let waits = with(office(Governs::Account(0), Outside::Wait, false));
    assert_eq!(
        told(&waits, &request(60), NOW),
        "this job can begin day 0 10:00 at the earliest, when window office of account science opens"
    );
    let role = with(office(Governs::Role(Role::ComputeUser), Outside::Refuse, false));
    assert_eq!(
        told(&role, &request(60), at(60)),
        "window office of role compute-user is closed now, and no opening is known at which this job could begin"
    );
}

/// A job that waits for the window to open.
fn live() -> LiveJob {
    LiveJob { begin_at: at(10), ..live_job() }
}

/// The hour to which an edit at 8 o'clock puts the job's begin, if it does, or the code of a refusal.
fn edited(contents: &Contents, job: LiveJob, edit: &Edit<'_>) -> Result<Option<i64>, Code> {
    let mut contents = contents.clone();
    contents.jobs = vec![job];
    let snapshot = snapshot(&contents);
    let jobs: Vec<_> = snapshot.live_jobs(12).collect();
    let terms = judge_edit(&snapshot, &Ledger::default(), &jobs, edit, &[], NOW).map_err(|reason| reason.code())?;
    Ok(terms.iter().find_map(|terms| terms.waits).map(|waits| (waits.until.0 - TODAY.0) / HOUR))
}

#[test]
fn given_an_edit_then_it_is_judged_by_the_windows_that_then_govern_the_job() {
    let refuses = with(office(main_partition(), Outside::Refuse, true));
    let waits = with(office(main_partition(), Outside::Wait, true));
    let begin = |hour| Edit { begin_at: Some(at(hour)), ..Edit::default() };
    let minutes = |minutes| Edit { time_limit: Some(TimeLimit::Minutes(minutes)), ..Edit::default() };
    let released = Edit { releases: true, ..Edit::default() };
    let held = live_job;
    for (edit, refused, shifted) in [
        (begin(8), Err(Code::WindowClosed), Ok(Some(10))),
        (begin(12), Ok(None), Ok(None)),
        (begin(20), Err(Code::WindowClosed), Ok(Some(34))),
        (minutes(8 * 60), Ok(None), Ok(None)),
        (minutes(9 * 60), Err(Code::WindowTooShort), Err(Code::WindowTooShort)),
        (minutes(30), Ok(None), Ok(None)),
        (released, Ok(None), Ok(None)),
    ] {
        assert_eq!(edited(&refuses, live(), &edit), refused, "{edit:?}");
        assert_eq!(edited(&waits, live(), &edit), shifted, "{edit:?}");
    }
    assert_eq!(edited(&refuses, held(), &begin(8)), Err(Code::WindowClosed), "no begin is listed of what is held");
    assert_eq!(edited(&waits, held(), &begin(8)), Ok(Some(10)));
    assert_eq!(edited(&refuses, held(), &released), Err(Code::WindowClosed));
    assert_eq!(edited(&waits, held(), &released), Ok(Some(10)));
}

#[test]
fn given_a_job_that_is_moved_then_the_windows_of_its_new_place_count() {
    let elsewhere = LiveJob { partition: "free".into(), begin_at: NOW, ..live_job() };
    let moved = Edit { partition: Some("main"), ..Edit::default() };
    let mut contents = with(office(main_partition(), Outside::Wait, false));
    assert_eq!(edited(&contents, elsewhere.clone(), &moved), Ok(Some(10)));
    contents.windows[0].governs = vec![Governs::Account(2)];
    contents.people[0].grants[0].account = None;
    let account = Edit { account: Some("finance"), ..Edit::default() };
    assert_eq!(edited(&contents, elsewhere.clone(), &account), Ok(Some(10)));
    contents.windows[0].rule.outside = Outside::Refuse;
    assert_eq!(edited(&contents, elsewhere.clone(), &account), Err(Code::WindowClosed));
    contents.people[0].grants.push(Grant { account: None, ..emergency(Lifts::Windows) });
    assert_eq!(edited(&contents, elsewhere, &account), Ok(None));
}

#[test]
fn given_an_edit_that_concerns_no_window_then_it_passes_while_it_is_closed() {
    let refuses = with(office(main_partition(), Outside::Refuse, false));
    let waiting = || LiveJob { begin_at: NOW, ..live_job() };
    for edit in [
        Edit { cost_center: Some("cc-1"), ..Edit::default() },
        Edit { time_limit: Some(TimeLimit::Minutes(30)), ..Edit::default() },
        Edit { partition: Some("main"), ..Edit::default() },
    ] {
        assert_eq!(edited(&refuses, waiting(), &edit), Ok(None), "{edit:?}");
    }
}

#[test]
fn given_a_waiting_job_then_it_is_moved_only_when_it_would_begin_outside() {
    let mut contents = with(office(main_partition(), Outside::Refuse, true));
    let moved = |contents: &Contents, request: &Request<'_>, now| {
        let request = Request { account: Some("physics"), partition: Some("main"), ..*request };
        moved_to(&snapshot(contents), &request, now).map(|at| (at.0 - TODAY.0) / HOUR)
    };
    assert_eq!(moved(&contents, &request(60), NOW), Some(10));
    assert_eq!(moved(&contents, &request(60), at(12)), None);
    assert_eq!(moved(&contents, &request(60), at(17)), None);
    assert_eq!(moved(&contents, &request(61), at(17)), Some(34), "it no longer fits before closing");
    assert_eq!(moved(&contents, &Request { begin_at: Some(at(34)), ..request(60) }, at(18)), None, "moved already");
    assert_eq!(moved(&contents, &request(9 * 60), NOW), Some(14 * 24), "it fits nowhere");
    assert_eq!(moved(&contents, &Request { uid: 4, ..request(60) }, NOW), None, "nobody's");
    contents.people[0].grants.push(emergency(Lifts::Windows));
    assert_eq!(moved(&contents, &request(60), NOW), None, "lifted");
    assert_eq!(moved(&contents, &request(60), at(9)), Some(10), "and no longer");
    contents.windows[0].moves = false;
    assert_eq!(moved(&contents, &request(60), at(9)), None);
}
