//! Recorded sacct lines, of 22.05.8 where nothing else is said, and lines that must be kept aside.

use super::*;

const TIMEOUT: &str = "17|3|lab|ana|1001|chem|main|normal|TIMEOUT|1795321627|1795321627|1795321627|1795321931|304|\
    00:00:00|5|1|billing=2,cpu=2,mem=1000M,node=1|n1|4294901757|";
const REQUEUED: &str = "2|2|lab|ana|1001|lasers|main|normal|REQUEUED|1795321627|1795321627|1795321627|1795321803|176|\
    00:00:00|30|1|billing=4,cpu=4,mem=2000M,node=1|n1|4294901757|";
const NEVER_RAN: &str = "23|32|lab|ben|1002|lasers|main|normal|CANCELLED by 0|1795321803|Unknown|None|1795322042|0|\
    00:00:00|100000|1||None assigned|0|";
/// Of 26.05.5; those of 24.11.5 look the same.
const SUSPENDED_26_05: &str = "11|13152349535478323200|demo|root|0|root|main|normal|COMPLETED|1795530816|1795530816|\
    1795530816|1795530820|3|00:00:01|10|1|billing=1,cpu=1,mem=100M,node=1|n1|4294901757|";
const NEVER_RAN_26_05: &str = "10|13152349535477793792|demo|root|0|root|main|normal|CANCELLED by 0|1795530816|Unknown|\
    None|1795530816|0|00:00:00|10|1||None assigned|0|";

fn read_line(line: &str) -> Result<SettledRun, Quarantined> {
    parse(line.as_bytes(), WckeyColumn::Untrusted)
}

#[test]
fn given_recorded_runs_then_their_intervals_and_cpu_seconds_are_read() {
    let run = read_line(TIMEOUT).unwrap();
    assert_eq!(run.interval(), Some((Timestamp(1_795_321_627), Timestamp(1_795_321_931))));
    assert_eq!(run.cpu_seconds(), 608);
    assert_eq!(run.time_limit, TimeLimit::Seconds(300));
    assert_eq!(read_line(REQUEUED).unwrap().cpu_seconds(), 704);
    let never = read_line(NEVER_RAN).unwrap();
    assert_eq!((never.start, never.interval(), never.cpu_seconds()), (None, None, 0));
    assert_eq!(never.state, EndState::Cancelled);
    let keyed = parse(format!("{TIMEOUT}|*wk").as_bytes(), WckeyColumn::Enforced).unwrap();
    assert_eq!(keyed.wckey.as_deref(), Some("*wk"));
}

#[test]
fn given_runs_as_26_05_has_them_then_only_slurmdbds_own_number_needs_all_64_bits() {
    let run = read_line(SUSPENDED_26_05).unwrap();
    assert_eq!(run.db_index, "13152349535478323200");
    assert!(run.db_index.parse::<i64>().is_err());
    assert_eq!((run.elapsed, run.suspended, run.cpu_seconds()), (3, 1, 3));
    let never = read_line(NEVER_RAN_26_05).unwrap();
    assert_eq!((never.start, never.eligible, never.cpu_seconds()), (None, None, 0));
}

#[test]
fn given_a_run_after_a_resize_then_it_starts_at_its_own_submit() {
    let line = TIMEOUT.replacen("1795321627", "1795321633", 1);
    let run = read_line(&line).unwrap();
    assert_eq!(run.start, Some(Timestamp(1_795_321_633)));
    assert_eq!(run.cpu_seconds(), 2 * 298);
}

#[test]
fn given_suspended_seconds_then_the_cpus_do_not_count_them() {
    let run = read_line(&TIMEOUT.replace("00:00:00", "00:01:40")).unwrap();
    assert_eq!(run.cpu_seconds(), 2 * 204);
}

#[test]
fn given_an_old_cancelled_row_with_a_filled_allocation_then_it_never_ran() {
    let line = NEVER_RAN.replace("|None|", "|1795322042|").replace("|1||", "|1|cpu=4,node=1|");
    assert_eq!(read_line(&line).unwrap().interval(), None);
}

#[test]
fn given_a_bad_line_then_it_is_kept_aside_with_the_field_that_is_wrong() {
    for (line, why) in [
        (TIMEOUT.replace("TIMEOUT", "EXPLODED"), "State"),
        (TIMEOUT.replace("|1795321931|", "|1795321000|"), "End"),
        (TIMEOUT.replace("|1795321931|", "|Unknown|"), "End"),
        (TIMEOUT.replacen("17|", "17_3|", 1), "JobIDRaw"),
        (TIMEOUT.replacen("|3|", "||", 1), "DBIndex"),
        (TIMEOUT.replace("|1001|", "||"), "UID"),
        (TIMEOUT.replace("cpu=2", "cpu=x"), "AllocTRES"),
        (TIMEOUT.replace("billing=2,cpu=2,mem=1000M,node=1", ""), "AllocTRES"),
        (format!("{TIMEOUT}|evil"), "field count"),
        ("d".to_owned(), "field count"),
        (String::new(), "field count"),
    ] {
        let kept = read_line(&line).unwrap_err();
        assert_eq!((kept.why, kept.line), (why, line));
    }
    assert_eq!(parse(b"\xff\xfe", WckeyColumn::Untrusted).unwrap_err().why, "field count");
}

#[test]
fn given_the_last_end_then_the_window_reaches_back_and_never_before_what_sacct_takes() {
    let now = Timestamp(1_795_322_000);
    let untrusted = WckeyColumn::Untrusted;
    let window = EndedIn::since(Some(Timestamp(1_795_320_000)), 7_200, now, untrusted);
    assert_eq!((window.from, window.until), (Timestamp(1_795_312_800), now));
    assert_eq!(EndedIn::since(None, 7_200, now, untrusted).from, Timestamp(EARLIEST));
    let ahead = EndedIn::since(Some(Timestamp(now.0 + 99)), 10, now, untrusted);
    assert_eq!(ahead.from, Timestamp(now.0 - 10));
}

#[test]
fn given_a_long_window_then_its_parts_leave_no_gap() {
    let whole = EndedIn { from: Timestamp(2_000_000), until: Timestamp(2_000_250), wckey: WckeyColumn::Untrusted };
    let parts: Vec<(i64, i64)> = whole.split(100).map(|part| (part.from.0, part.until.0)).collect();
    assert_eq!(parts, [(2_000_000, 2_000_100), (2_000_100, 2_000_200), (2_000_200, 2_000_250)]);
    assert_eq!(EndedIn { until: whole.from, ..whole }.split(0).count(), 1);
}

proptest::proptest! {
    #[test]
    fn given_any_line_then_reading_it_does_not_panic(line in "[0-9a-zA-Z|=,:_ -]{0,200}") {
        let _ = read_line(&line);
    }
}
