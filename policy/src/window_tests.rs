//! Places by hand, and against a model that tries every instant.

use proptest::prelude::*;

use super::*;

const WAITS: Rule = Rule { outside: Outside::Wait, ends_inside: false };
const REFUSES: Rule = Rule { outside: Outside::Refuse, ends_inside: false };
const STRICT: Rule = Rule { outside: Outside::Wait, ends_inside: true };
const REFUSES_STRICTLY: Rule = Rule { outside: Outside::Refuse, ends_inside: true };
const KNOWN_UNTIL: Timestamp = Timestamp(1_000);

fn opening(start: i64, end: i64) -> Period {
    Period { start: Timestamp(start), end: Timestamp(end) }
}

fn window(rule: Rule, openings: &[Period]) -> Listed<'_> {
    Listed { rule, openings, known_until: KNOWN_UNTIL }
}

fn place_all<'o>(windows: &[Listed<'o>], begin: i64, seconds: u64) -> Placement<Listed<'o>> {
    place(windows.iter().copied(), Run { begin_at: Timestamp(begin), seconds })
}

#[test]
fn given_no_window_then_a_job_begins_when_it_wants_to() {
    assert_eq!(place_all(&[], 7, u64::MAX), Placement::Inside);
}

#[test]
fn given_one_window_then_its_first_instant_is_inside_and_its_last_is_not() {
    let openings = [opening(100, 200), opening(300, 400)];
    let day = window(WAITS, &openings);
    assert_eq!(place_all(&[day], 100, 500), Placement::Inside);
    assert_eq!(place_all(&[day], 199, 500), Placement::Inside);
    assert_eq!(place_all(&[day], 200, 500), Placement::Waits { until: Timestamp(300), opens: day });
    assert_eq!(place_all(&[day], 0, 500), Placement::Waits { until: Timestamp(100), opens: day });
    assert_eq!(place_all(&[day], 400, 500), Placement::Nowhere { window: day });
}

#[test]
fn given_a_window_that_refuses_then_the_next_opening_is_told() {
    let openings = [opening(100, 200), opening(300, 400)];
    let day = window(REFUSES, &openings);
    assert_eq!(place_all(&[day], 150, 500), Placement::Inside);
    assert_eq!(place_all(&[day], 250, 1), Placement::Closed { window: day, until: Timestamp(300), opens: day });
}

#[test]
fn given_a_job_that_must_end_inside_then_it_gets_an_opening_that_is_long_enough() {
    let openings = [opening(100, 200), opening(300, 350), opening(500, 700)];
    let day = window(STRICT, &openings);
    assert_eq!(place_all(&[day], 150, 50), Placement::Inside);
    assert_eq!(place_all(&[day], 150, 51), Placement::Waits { until: Timestamp(500), opens: day });
    assert_eq!(place_all(&[day], 150, 200), Placement::Waits { until: Timestamp(500), opens: day });
    assert_eq!(place_all(&[day], 150, 201), Placement::TooLong { window: day, longest: 200 });
    assert_eq!(place_all(&[day], 650, 51), Placement::TooLong { window: day, longest: 50 });
    let strict = window(REFUSES_STRICTLY, &openings);
    let until = Timestamp(500);
    assert_eq!(
        place_all(&[strict], 150, 51),
        Placement::EndsOutside { window: strict, closes: Timestamp(200), until, opens: strict }
    );
    assert_eq!(place_all(&[strict], 250, 51), Placement::Closed { window: strict, until, opens: strict });
}

#[test]
fn given_several_windows_then_the_first_instant_in_all_of_them_counts() {
    let days = [opening(100, 200), opening(300, 400), opening(500, 600)];
    let halves = [opening(150, 160), opening(390, 550)];
    let (day, half) = (window(WAITS, &days), window(WAITS, &halves));
    assert_eq!(place_all(&[day, half], 155, 1), Placement::Inside);
    assert_eq!(place_all(&[day, half], 0, 1), Placement::Waits { until: Timestamp(150), opens: half });
    assert_eq!(place_all(&[half, day], 160, 1), Placement::Waits { until: Timestamp(390), opens: half });
    assert_eq!(place_all(&[half, day], 400, 1), Placement::Waits { until: Timestamp(500), opens: day });
    let nights = [opening(200, 300), opening(400, 500)];
    let night = window(WAITS, &nights);
    assert_eq!(place_all(&[day, night], 0, 1), Placement::Nowhere { window: day });
}

#[test]
fn given_a_window_that_refuses_only_later_then_the_job_waits_for_both() {
    let days = [opening(100, 200), opening(300, 400)];
    let evenings = [opening(180, 250), opening(380, 450)];
    let (day, evening) = (window(REFUSES, &days), window(WAITS, &evenings));
    assert_eq!(place_all(&[day, evening], 150, 1), Placement::Waits { until: Timestamp(180), opens: evening });
    let late = [opening(250, 320)];
    let late = window(WAITS, &late);
    assert_eq!(place_all(&[day, late], 150, 1), Placement::Waits { until: Timestamp(300), opens: day });
}

#[test]
fn given_an_instant_beyond_what_is_known_then_the_answer_is_no() {
    let openings = [opening(900, 5_000)];
    let day = window(WAITS, &openings);
    assert_eq!(place_all(&[day], 999, 1), Placement::Inside);
    assert_eq!(place_all(&[day], 1_000, 1), Placement::Nowhere { window: day });
}

#[test]
fn given_numbers_at_the_edge_of_time_then_nothing_wraps() {
    let openings = [Period { start: Timestamp(i64::MIN), end: Timestamp::NEVER }];
    let always = Listed { rule: STRICT, openings: &openings, known_until: Timestamp::NEVER };
    let run = Run { begin_at: Timestamp(5), seconds: u64::MAX };
    assert_eq!(place([always].into_iter(), run), Placement::Inside);
}

/// The last instant that the model tries.
const HORIZON: i64 = 80;

fn any_window() -> impl Strategy<Value = (Rule, Vec<Period>)> {
    let rule = (any::<bool>(), any::<bool>()).prop_map(|(refuses, ends_inside)| Rule {
        outside: if refuses { Outside::Refuse } else { Outside::Wait },
        ends_inside,
    });
    // Alternating gaps and lengths make openings that ascend and never touch.
    let steps = prop::collection::vec((1_i64..12, 1_i64..15), 0..5);
    (rule, steps).prop_map(|(rule, steps)| {
        let mut at = 0;
        let openings = steps.into_iter().map(|(gap, length)| {
            let start = at + gap;
            at = start + length;
            opening(start, at)
        });
        (rule, openings.collect())
    })
}

/// Whether a run that begins at `at` keeps to the window, by the words of the rule alone.
fn keeps(window: &Listed<'_>, at: i64, seconds: u64) -> bool {
    let open = |instant: i64| window.openings.iter().any(|opening| opening.contains(Timestamp(instant)));
    let all = at..at + i64::try_from(seconds).unwrap();
    at < window.known_until.0 && open(at) && (!window.rule.ends_inside || all.into_iter().all(open))
}

proptest! {
    #[test]
    fn given_any_windows_then_the_place_is_the_first_instant_that_the_model_finds(
        windows in prop::collection::vec(any_window(), 0..4), begin in 0_i64..HORIZON, seconds in 0_u64..20,
    ) {
        let known_until = Timestamp(HORIZON);
        let windows: Vec<Listed<'_>> =
            windows.iter().map(|(rule, openings)| Listed { rule: *rule, openings, known_until }).collect();
        let fits = |at: i64| windows.iter().all(|window| keeps(window, at, seconds));
        let model = (begin..HORIZON).find(|at| fits(*at));
        let run = Run { begin_at: Timestamp(begin), seconds };
        let refuser = windows
            .iter()
            .find(|window| window.rule.outside == Outside::Refuse && !keeps(window, begin, seconds))
            .copied();
        match (place(windows.iter().copied(), run), model) {
            (Placement::Inside, Some(at)) => prop_assert_eq!(at, begin),
            (Placement::Waits { until, opens }, Some(at)) => {
                prop_assert_eq!(until, Timestamp(at));
                prop_assert!(opens.openings.iter().any(|opening| opening.start == until));
                prop_assert_eq!(refuser, None);
            }
            (Placement::Closed { window, until, .. }, Some(at)) => {
                prop_assert_eq!((until, Some(window)), (Timestamp(at), refuser));
                prop_assert!(!window.openings.iter().any(|opening| opening.contains(run.begin_at)));
            }
            (Placement::EndsOutside { window, closes, until, .. }, Some(at)) => {
                prop_assert_eq!((until, Some(window)), (Timestamp(at), refuser));
                prop_assert!(run.begin_at < closes && closes < run.begin_at.plus(seconds));
            }
            (Placement::TooLong { window, longest }, None) => {
                prop_assert!(longest < seconds);
                prop_assert!((begin..HORIZON).all(|at| !keeps(&window, at, seconds)));
            }
            (Placement::Nowhere { window }, None) => prop_assert!(!keeps(&window, begin, seconds)),
            (placement, model) => prop_assert!(false, "{placement:?} where the model says {model:?}"),
        }
    }
}
