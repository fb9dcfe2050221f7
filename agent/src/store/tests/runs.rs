//! Runs and the CPU time they used.

use bursar_policy::Period;

use super::*;
use crate::store::runs::{Run, RunChanges};

fn run(jobid: u32, started: Option<i64>, ended: Option<i64>, cpus: u64) -> Run {
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
    let changes = store.keep_runs("c", &batch, watermark, NOW).await.unwrap();
    assert_eq!(changes, RunChanges { added: vec![key(1), key(2)], changed: vec![] });
    assert!(store.keep_runs("c", &batch, watermark, NOW.plus(5)).await.unwrap().is_empty());
    let ended = [run(2, Some(10), Some(30), 1), run(2, Some(10), Some(30), 1)];
    let changes = store.keep_runs("c", &ended, Some(("ended", Timestamp(30))), NOW).await.unwrap();
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
    assert!(store.keep_runs("c", &batch, Some(("ended", Timestamp(20))), NOW).await.is_err());
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
    store.keep_runs("c", &batch, None, NOW).await.unwrap();
    let used = async |from, to, as_of| {
        let usage = store.usage("c", &period(from, to), Timestamp(as_of)).await.unwrap();
        usage.iter().map(|usage| usage.cpu_seconds).sum::<u64>()
    };
    assert_eq!(used(0, 100, 160).await, 200);
    assert_eq!(used(100, 200, 160).await, 300 + 10);
    assert_eq!(used(50, 150, 160).await, 100 + 150);
    assert_eq!(used(200, 300, 160).await, 0);
    let usage = store.usage("c", &period(0, 1_000), Timestamp(160)).await.unwrap();
    assert_eq!((usage[0].user_name.as_str(), usage[0].account.as_str(), usage[0].runs), ("ana", "phys", 3));
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
    assert_eq!(store.keep_runs("c", &batch, None, NOW).await.unwrap().added.len(), 10_000);
    assert!(store.keep_runs("c", &batch, None, NOW).await.unwrap().is_empty());
    assert_eq!(store.usage("c", &period(0, 100), NOW).await.unwrap()[0].cpu_seconds, 100_000);
}
