//! Each cause alone, and what is left where there is none.

use bursar_policy::{Period, Timestamp};

use super::*;

/// Three hours, of which two are rolled up.
const FRAME: Frame =
    Frame { period: Period { start: Timestamp(7_200), end: Timestamp(18_000) }, rolled_until: Timestamp(14_400) };
const WHOLE: Frame = Frame { rolled_until: Timestamp(18_000), ..FRAME };

fn run(submit: i64, start: i64, end: Option<i64>) -> Overlapping {
    Overlapping {
        job_id: 1,
        submit: Timestamp(submit),
        start: Timestamp(start),
        end: end.map(Timestamp),
        is_suspended: false,
        suspended: 0,
        reservation: 0,
        account: "optics".into(),
        user: "ben".into(),
        held: [("cpu".to_owned(), 2), ("mem".to_owned(), 100), ("node".to_owned(), 1)].into(),
    }
}

fn known(run: &Overlapping) -> Told<'_> {
    Told { run, in_ledger: true, busy: None }
}

fn reported(account: &str, user: &str, tres: &str, seconds: u64) -> Reported {
    Reported { account: account.into(), user: user.into(), tres: tres.into(), seconds }
}

/// The ledger's sum of `stretches` of ben's CPU time.
fn posted(comparison: &mut Comparison, cpu: i64) {
    let mut columns = [0; Measure::COUNT];
    columns[Measure::Cpu as usize] = cpu;
    comparison.add_ledger("optics", "ben", &Measures::from_columns(columns));
}

/// Ben's line of CPU time of one run, with what the ledger has and what slurmdbd reports of it.
fn line(frame: Frame, told: &Told<'_>, ledger: i64, slurm: u64) -> Line {
    let mut comparison = Comparison::new(frame);
    posted(&mut comparison, ledger);
    comparison.add_slurm(&[reported("optics", "ben", "cpu", slurm)], &[]);
    comparison.add_run(told);
    comparison.lines().into_iter().find(|line| line.tres == "cpu" && line.user == "ben").unwrap()
}

/// The causes of a line that are not zero.
fn causes(line: &Line) -> Vec<(Cause, i64)> {
    Cause::ALL.into_iter().map(|cause| (cause, line.of(cause))).filter(|(_, seconds)| *seconds != 0).collect()
}

#[test]
fn given_a_run_that_both_count_alike_then_nothing_differs() {
    let run = run(7_300, 7_400, Some(9_000));
    let line = line(WHOLE, &known(&run), 3_200, 3_200);
    assert!(!line.differs() && causes(&line).is_empty(), "{line:?}");
}

#[test]
fn given_a_posting_in_the_ledgers_favour_then_what_it_adds_is_unexplained() {
    let run = run(7_300, 7_400, Some(9_000));
    let line = line(WHOLE, &known(&run), 3_200 + 60, 3_200);
    assert_eq!((line.difference(), line.unexplained()), (-60, -60));
}

#[test]
fn given_a_run_that_neither_sacct_nor_the_ledger_knows_then_it_is_unexplained() {
    let mut comparison = Comparison::new(WHOLE);
    comparison.add_slurm(&[reported("optics", "ben", "cpu", 10)], &[]);
    let lines = comparison.lines();
    assert_eq!(lines.iter().map(Line::unexplained).sum::<i64>(), 0, "the account is charged less by what ben is more");
    assert!(lines.iter().any(|line| line.user == "ben" && line.unexplained() == 10), "{lines:?}");
}

#[test]
fn given_a_resized_job_then_the_time_before_is_counted_twice_by_slurmdbd_alone() {
    // The second row: its own from 10,000 on, and Slurm's from 8,000 on.
    let second = run(10_000, 8_000, Some(12_000));
    let line = line(WHOLE, &known(&second), 4_000, 8_000);
    assert_eq!(causes(&line), [(Cause::Resize, 4_000)]);
    assert_eq!(line.unexplained(), 0);
}

#[test]
fn given_a_suspension_across_the_end_then_each_counts_it_where_it_puts_it() {
    // Suspended for 2,000 s, of which slurmdbd knows that 500 lie in the period; the ledger takes all off the end.
    let run = Overlapping { suspended: 2_000, ..run(9_000, 10_000, Some(20_000)) };
    let told = Told { busy: Some(7_500), ..known(&run) };
    let line = line(WHOLE, &told, 16_000, 15_000);
    assert_eq!(causes(&line), [(Cause::Suspended, -1_000)]);
    assert_eq!(line.unexplained(), 0);
}

#[test]
fn given_a_suspension_within_the_period_then_memory_goes_on_and_nothing_differs() {
    let run = Overlapping { suspended: 500, ..run(7_200, 8_000, Some(10_000)) };
    let mut comparison = Comparison::new(WHOLE);
    let mut columns = [0; Measure::COUNT];
    (columns[Measure::Cpu as usize], columns[Measure::Memory as usize]) = (3_000, 200_000);
    comparison.add_ledger("optics", "ben", &Measures::from_columns(columns));
    comparison.add_slurm(&[reported("optics", "ben", "cpu", 3_000), reported("optics", "ben", "mem", 200_000)], &[]);
    comparison.add_run(&known(&run));
    let lines = comparison.lines();
    let bens: Vec<&Line> = lines.iter().filter(|line| line.user == "ben").collect();
    assert!(bens.iter().all(|line| !line.differs() && causes(line).is_empty()), "{bens:?}");
}

#[test]
fn given_hours_that_are_not_rolled_up_then_they_are_the_current_hour() {
    let run = run(13_000, 13_400, Some(15_400));
    let line = line(FRAME, &known(&run), 4_000, 2_000);
    assert_eq!(causes(&line), [(Cause::CurrentHour, -2_000)]);
    assert_eq!(line.unexplained(), 0);
}

#[test]
fn given_a_run_without_end_or_one_that_was_not_read_yet_then_slurmdbd_has_it_alone() {
    let open = run(7_200, 8_000, None);
    let open_line = line(FRAME, &known(&open), 0, 2 * 6_400);
    assert_eq!(causes(&open_line), [(Cause::Open, 12_800)]);
    let late = run(7_200, 8_000, Some(9_000));
    let late_line = line(FRAME, &Told { in_ledger: false, ..known(&late) }, 0, 2_000);
    assert_eq!(causes(&late_line), [(Cause::Late, 2_000)]);
    assert_eq!((open_line.unexplained(), late_line.unexplained()), (0, 0));
}

#[test]
fn given_a_job_that_is_suspended_now_then_slurmdbd_may_have_less_of_it_and_not_more() {
    let paused = Overlapping { is_suspended: true, ..run(7_200, 8_000, None) };
    let less = line(FRAME, &known(&paused), 0, 3_000);
    assert_eq!((causes(&less), less.unexplained()), (vec![(Cause::Open, 3_000)], 0));
    let more = line(FRAME, &known(&paused), 0, 12_900);
    assert_eq!(more.unexplained(), 100);
}

#[test]
fn given_an_accounts_own_seconds_then_they_are_its_row_without_all_below_it() {
    let association = |id: &str, account: &str, user: &str, parent: &str| Association {
        id: id.into(),
        account: account.into(),
        user: user.into(),
        parent: parent.into(),
    };
    let associations = [
        association("1", "root", "", ""),
        association("4", "physics", "", "root"),
        association("5", "optics", "", "physics"),
        association("6", "optics", "ben", ""),
    ];
    let rows = [("root", "", 9_200), ("physics", "", 9_200), ("optics", "", 9_200), ("optics", "ben", 2_000)];
    let rows = rows.map(|(account, user, seconds)| reported(account, user, "cpu", seconds));
    let reservation = Reservation {
        id: 7,
        associations: vec!["5".into()],
        start: Timestamp(7_200),
        end: Timestamp(9_000),
        held: [("cpu".to_owned(), 4)].into(),
    };
    let run = run(7_200, 8_000, Some(9_000));
    let mut comparison = Comparison::new(WHOLE);
    posted(&mut comparison, 2_000);
    comparison.add_slurm(&rows, &associations);
    comparison.add_run(&known(&run));
    comparison.add_reserved(std::slice::from_ref(&reservation), &[&run], &associations);
    let lines = comparison.lines();
    let differing: Vec<_> = lines.iter().filter(|line| line.differs()).collect();
    assert_eq!(differing.len(), 1, "{lines:?}");
    assert_eq!((differing[0].account.as_str(), differing[0].user.as_str()), ("optics", ""));
    assert_eq!((causes(differing[0]), differing[0].unexplained()), (vec![(Cause::Reserved, 7_200)], 0));
}
