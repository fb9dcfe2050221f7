//! Rows as sacct of many years wrote them, and rows that are none.

use super::*;

const HEADER: &str = "JobID|JobIDRaw|Cluster|Partition|QOS|Account|UID|User|Submit|Eligible|Start|End|Elapsed|Suspended|\
    State|NNodes|NCPUS|AllocTRES|Timelimit|NodeList|JobName";
const ROW: &str = "163485|163485|old|gpu|normal|chem|380693|ana|2016-12-22T07:15:12|2016-12-22T07:15:12|\
    2016-12-22T07:15:13|2016-12-22T08:15:13|01:00:00|00:00:00|CANCELLED by 380693|1|12|\
    billing=12,cpu=12,gres/gpu=2,mem=31000M,node=1|37-14:00:00|n1|a name";

fn read_row(row: &str) -> Result<Row, &'static str> {
    read_as(HEADER, row)
}

fn read_as(header: &str, row: &str) -> Result<Row, &'static str> {
    let columns = Columns::of_header(header, false).unwrap();
    let site = Site { cluster: None, zone: &TimeZone::UTC, uid: &|name| (name == "ben").then_some(1_002) };
    read(row, &columns, &site)
}

fn run(row: &str) -> Run {
    match read_row(row) {
        Ok(Row::Ended(run)) => *run,
        other => panic!("{other:?}"),
    }
}

#[test]
fn given_a_row_of_2016_then_the_run_has_all_that_is_charged() {
    let run = run(ROW);
    assert_eq!((run.jobid, run.uid, run.state.as_str()), (163_485, 380_693, "CANCELLED"));
    assert_eq!(run.ended_at.unwrap().seconds_since(run.started_at.unwrap()), 3_600);
    assert_eq!((run.alloc_cpus, run.nodes, run.timelimit_s), (12, 1, Some(3_247_200)));
    assert!(run.tres.contains("gres/gpu=2") && run.tres.contains("mem=31000"), "{}", run.tres);
}

#[test]
fn given_a_job_that_never_got_nodes_then_it_used_nothing_though_its_request_stands_there() {
    let never = run(&ROW.replace("|n1|", "|None assigned|").replace("01:00:00", "00:00:00"));
    assert_eq!((never.started_at, never.ended_at.is_some()), (None, true));
}

#[test]
fn given_rows_that_are_no_ended_jobs_then_they_are_told_apart() {
    assert_eq!(
        read_row(&ROW.replace("CANCELLED by 380693", "RUNNING").replace("2016-12-22T08:15:13", "Unknown")),
        Ok(Row::NotEnded)
    );
    assert_eq!(read_row(&ROW.replace("163485|163485", "163485.batch|163485.batch")), Ok(Row::Step));
    for (from, to, why) in [
        ("163485|163485", "163485|x", "JobIDRaw"),
        ("CANCELLED by 380693", "EXPLODED", "State"),
        ("2016-12-22T08:15:13", "Unknown", "End"),
        ("2016-12-22T08:15:13", "2016-12-22T06:15:13", "End"),
        ("2016-12-22T07:15:12|2016", "soon|2016", "Submit"),
        ("01:00:00", "an hour", "Elapsed"),
        ("mem=31000M", "mem=lots", "AllocTRES"),
        ("|380693|ana", "|root|ana", "UID"),
        ("|12|billing", "|12|x|billing", "AllocTRES"),
    ] {
        assert_eq!(read_row(&ROW.replacen(from, to, 1)), Err(why), "{to}");
    }
}

#[test]
fn given_a_resized_run_then_it_starts_at_its_own_submit() {
    let resized = run(&ROW.replacen("2016-12-22T07:15:12", "2016-12-22T07:45:13", 1));
    assert_eq!(resized.ended_at.unwrap().seconds_since(resized.started_at.unwrap()), 1_800);
}

#[test]
fn given_the_hour_that_comes_twice_then_elapsed_says_which_was_meant() {
    let columns = Columns::of_header(HEADER, false).unwrap();
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let site = Site { cluster: None, zone: &zone, uid: &|_| None };
    let row = ROW
        .replace("2016-12-22T07:15:13", "2016-10-30T02:10:00")
        .replace("2016-12-22T08:15:13", "2016-10-30T02:20:00")
        .replace("2016-12-22T07:15:12", "2016-10-30T01:00:00")
        .replace("01:00:00", "01:10:00")
        .replace("2016-10-30T01:10:00", "2016-10-30T01:00:00");
    let Ok(Row::Ended(run)) = read(&row, &columns, &site) else { panic!("{row}") };
    assert_eq!(run.ended_at.unwrap().seconds_since(run.started_at.unwrap()), 4_200);
}

#[test]
fn given_a_dump_without_uids_then_names_that_the_site_knows_get_theirs() {
    let header = "JobIDRaw|Cluster|User|Account|State|Submit|Start|End|AllocCPUS";
    let uid = |user: &str| match read_as(header, &format!("7|old|{user}|chem|COMPLETED|100|200|300|4")) {
        Ok(Row::Ended(run)) => (run.uid, run.alloc_cpus, run.elapsed_s),
        other => panic!("{other:?}"),
    };
    assert_eq!(uid("ben"), (1_002, 4, 100));
    assert_eq!(uid("somebody"), (Run::NO_UID, 4, 100));
}
