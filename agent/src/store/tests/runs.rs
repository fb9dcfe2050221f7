//! Runs as they were last told, and the CPU time they used.

use bursar_policy::Period;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use super::*;
use crate::accounting::Calendar;
use crate::store::ledger::{Told, ToldBy};
use crate::store::runs::{Run, RunChanges};

/// Keeps runs of cluster `c` as a reading of slurmdbd does.
pub(super) async fn keep(
    store: &Store,
    runs: &[Run],
    watermark: Option<(&str, Timestamp)>,
    now: Timestamp,
) -> Result<RunChanges, Error> {
    let by = ToldBy::Slurmdbd { window: (Timestamp(0), now), watermark };
    store.keep(&Told { cluster: "c", by, runs, set_aside: &[], rows: 0 }, &utc(), now).await
}

pub(super) fn utc() -> Calendar {
    Calendar { zone: TimeZone::UTC, week_start: Weekday::Monday, year_start: 1 }
}

pub(super) fn run(jobid: u32, started: Option<i64>, ended: Option<i64>, cpus: u64) -> Run {
    Run {
        cluster: "c".to_owned(),
        jobid,
        submitted_at: Timestamp(0),
        dbindex: "18446744073709551613".to_owned(),
        user_name: "ana".to_owned(),
        uid: 65_536,
        account: "phys".to_owned(),
        partition: "main".to_owned(),
        qos: "normal".to_owned(),
        wckey: String::new(),
        state: "COMPLETED".to_owned(),
        eligible_at: None,
        started_at: started.map(Timestamp),
        ended_at: ended.map(Timestamp),
        elapsed_s: 0,
        suspended_s: 0,
        alloc_cpus: cpus,
        tres: format!("cpu={cpus}"),
        timelimit_s: Some(60),
        nodes: 1,
        node_list: String::new(),
        reservation: String::new(),
        priority: None,
        row_hash: format!("{jobid} {started:?} {ended:?} {cpus}"),
    }
}

fn period(start: i64, end: i64) -> Period {
    Period { start: Timestamp(start), end: Timestamp(end) }
}

#[tokio::test]
async fn given_the_same_window_twice_then_the_second_reading_changes_nothing() {
    let (_dir, store) = new_store().await;
    let batch = [run(1, Some(10), Some(20), 2), run(2, Some(10), None, 1)];
    let key = |jobid| (jobid, Timestamp(0));
    let watermark = Some(("ended", Timestamp(20)));
    let changes = keep(&store, &batch, watermark, NOW).await.unwrap();
    assert_eq!(changes, RunChanges { added: vec![key(1), key(2)], changed: vec![] });
    assert!(keep(&store, &batch, watermark, NOW.plus(5)).await.unwrap().is_empty());
    let ended = [run(2, Some(10), Some(30), 1), run(2, Some(10), Some(30), 1)];
    let changes = keep(&store, &ended, Some(("ended", Timestamp(30))), NOW).await.unwrap();
    assert_eq!(changes, RunChanges { added: vec![], changed: vec![key(2)] });
    assert_eq!(store.watermark("c", "ended").await.unwrap(), Some(Timestamp(30)));
    assert_eq!(store.watermark("c", "open").await.unwrap(), None);
    assert_eq!(store.runs_overlapping("c", &period(0, 100)).await.unwrap(), [batch[0].clone(), ended[0].clone()]);
    assert!(store.open_runs("c").await.unwrap().is_empty());
}

#[tokio::test]
async fn given_a_run_of_another_cluster_then_neither_runs_nor_watermark_are_kept() {
    let (_dir, store) = new_store().await;
    let stray = Run { cluster: "d".to_owned(), ..run(2, None, None, 1) };
    let batch = [run(1, Some(10), Some(20), 2), stray];
    assert!(keep(&store, &batch, Some(("ended", Timestamp(20))), NOW).await.is_err());
    assert_eq!(store.watermark("c", "ended").await.unwrap(), None);
    assert!(store.runs_overlapping("c", &period(0, 100)).await.unwrap().is_empty());
}

#[tokio::test]
async fn given_periods_then_only_seconds_inside_count_and_edges_do_not() {
    let (_dir, store) = new_store().await;
    let batch = [
        run(1, Some(0), Some(100), 2),
        run(2, Some(100), Some(200), 3),
        run(3, Some(150), None, 1),
        run(4, None, None, 8),
        run(5, Some(120), Some(120), 8),
    ];
    keep(&store, &batch, None, NOW).await.unwrap();
    let used = async |from, to, as_of| {
        let period = period(from, to);
        let runs = store.runs_overlapping("c", &period).await.unwrap();
        runs.iter().map(|run| run.cpu_seconds(&period, Timestamp(as_of))).sum::<u64>()
    };
    assert_eq!(used(0, 100, 160).await, 200);
    assert_eq!(used(100, 200, 160).await, 300 + 10);
    assert_eq!(used(50, 150, 160).await, 100 + 150);
    assert_eq!(used(200, 300, 160).await, 0);
}

#[test]
fn given_a_resized_run_then_it_counts_from_its_second_submit_time() {
    let resized = Run { submitted_at: Timestamp(6), ..run(1, Some(0), Some(15), 1) };
    assert_eq!(resized.cpu_seconds(&period(0, 100), NOW), 9);
}

#[test]
fn given_a_suspended_run_then_every_cutting_of_the_timeline_adds_up_to_elapsed_times_cpus() {
    let suspended = Run { suspended_s: 30, ..run(1, Some(10), Some(110), 4) };
    let whole = suspended.cpu_seconds(&period(0, 1_000), NOW);
    assert_eq!(whole, 70 * 4);
    for cut in 0..=130 {
        let parts = suspended.cpu_seconds(&period(0, cut), NOW) + suspended.cpu_seconds(&period(cut, 1_000), NOW);
        assert_eq!(parts, whole, "cut at {cut}");
    }
}

#[tokio::test]
async fn given_ten_thousand_runs_in_one_batch_then_all_are_kept() {
    let (_dir, store) = new_store().await;
    let batch: Vec<Run> = (1..=10_000).map(|jobid| run(jobid, Some(0), Some(10), 1)).collect();
    assert_eq!(keep(&store, &batch, None, NOW).await.unwrap().added.len(), 10_000);
    assert!(keep(&store, &batch, None, NOW).await.unwrap().is_empty());
    assert_eq!(store.runs_overlapping("c", &period(0, 100)).await.unwrap().len(), 10_000);
}
