//! Whatever interrupts or doubles the readings of slurmdbd, the ledger ends as if nothing had.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use bursar_agent::accounting::measure::Measures;
use bursar_agent::accounting::{Calendar, listed};
use bursar_agent::store::Store;
use bursar_agent::store::ledger::{Attribution, Part, Span, Told, ToldBy};
use bursar_agent::store::runs::Run;
use bursar_policy::{Period, Timestamp};
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

const STORE: &str = "BURSAR_TEST_LEDGER";
const ALWAYS: Period = Period { start: Timestamp(-2 * 86_400), end: Timestamp(100 * 86_400) };
/// Readings, and the runs that each tells.
const READINGS: u32 = 12;
const RUNS: u32 = 60;

fn calendar() -> Calendar {
    Calendar { zone: TimeZone::get("Europe/Berlin").unwrap(), week_start: Weekday::Monday, year_start: 1 }
}

/// What the reading of this number tells: runs of its own, and a third of the reading before, ended otherwise.
fn told(reading: u32) -> Vec<Run> {
    let run = |jobid: u32, longer: i64| {
        let start = i64::from(jobid) * 700;
        listed::hashed(Run {
            cluster: "lab".to_owned(),
            jobid,
            submitted_at: Timestamp(start - 50),
            dbindex: String::new(),
            user_name: format!("user{}", jobid % 7),
            uid: 70_000 + jobid % 7,
            account: format!("account{}", jobid % 3),
            partition: "main".to_owned(),
            qos: "normal".to_owned(),
            wckey: String::new(),
            state: "COMPLETED".to_owned(),
            eligible_at: None,
            started_at: Some(Timestamp(start)),
            ended_at: Some(Timestamp(start + 5_000 + longer)),
            elapsed_s: 0,
            suspended_s: u64::from(jobid % 5) * 100,
            alloc_cpus: u64::from(1 + jobid % 4),
            tres: "mem=4000,node=1".to_owned(),
            timelimit_s: None,
            nodes: 1,
            node_list: String::new(),
            reservation: String::new(),
            priority: None,
            row_hash: String::new(),
        })
    };
    let own = (1..=RUNS).map(|number| run(reading * RUNS + number, 0));
    let before = (1..=RUNS).filter(|number| reading > 0 && number % 3 == 0);
    own.chain(before.map(|number| run((reading - 1) * RUNS + number, -4_000))).collect()
}

async fn keep(store: &Store, reading: u32) {
    let runs = told(reading);
    let watermark = Some(("ended", Timestamp(i64::from(reading))));
    let by = ToldBy::Slurmdbd { window: (Timestamp(0), Timestamp(1)), watermark };
    let told = Told { cluster: "lab", by, runs: &runs, set_aside: &[], rows: 0 };
    // Another collector may hold the store for longer than one waits.
    while let Err(error) = store.keep(&told, &calendar(), Timestamp(1)).await {
        assert!(format!("{error:?}").contains("locked"), "{error:?}");
    }
}

/// The sums of the ledger by account: from its postings, and from its days.
async fn sums(store: &Store) -> [BTreeMap<String, Measures>; 2] {
    let mut all: [BTreeMap<String, Measures>; 2] = Default::default();
    for (sums, span) in all.iter_mut().zip([Span::Exact(ALWAYS), Span::Days(ALWAYS)]) {
        let add = |_: &Span, _, of: &Attribution, part| {
            *sums.entry(of.account.clone()).or_default() += match part {
                Part::Day(_, sum) => sum,
                Part::Posting(stint, true) => -stint.within(&ALWAYS),
                Part::Posting(stint, false) => stint.within(&ALWAYS),
            };
        };
        store.sums(&calendar(), &[span], add).await.unwrap();
    }
    all
}

async fn undisturbed(folder: &Path) -> [BTreeMap<String, Measures>; 2] {
    let store = Store::open(&folder.join("undisturbed.db")).await.unwrap();
    for reading in 0..READINGS {
        keep(&store, reading).await;
    }
    sums(&store).await
}

/// The process that is killed: it reads everything from the beginning, as a daemon that starts does.
#[tokio::test]
async fn collector() {
    let Some(path) = std::env::var_os(STORE) else { return };
    let store = Store::open(Path::new(&path)).await.unwrap();
    for reading in 0..READINGS {
        keep(&store, reading).await;
    }
    store.close().await;
}

#[tokio::test]
async fn given_a_collector_that_is_killed_at_any_moment_then_the_next_ends_with_the_same_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let start = || {
        let arguments = ["--exact", "collector", "--test-threads=1"];
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(arguments).env(STORE, &path).stdout(Stdio::null()).spawn().unwrap()
    };
    let begun = Instant::now();
    let expected = undisturbed(folder.path()).await;
    let lasts = begun.elapsed();
    // Moments all over its life, none of them of a statement's choosing; the last one is left alone.
    for twentieth in 0..20 {
        let mut collector = start();
        std::thread::sleep(lasts * twentieth / 20);
        collector.kill().unwrap();
        collector.wait().unwrap();
    }
    assert!(start().wait().unwrap().success());
    let store = Store::open(&path).await.unwrap();
    assert_eq!(store.watermark("lab", "ended").await.unwrap(), Some(Timestamp(i64::from(READINGS) - 1)));
    assert_eq!(sums(&store).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn given_two_collectors_at_once_then_the_ledger_is_that_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let collect = |path: std::path::PathBuf| async move {
        let store = Store::open(&path).await.unwrap();
        for reading in 0..READINGS {
            keep(&store, reading).await;
        }
    };
    Store::open(&path).await.unwrap().close().await;
    let (first, second) = tokio::join!(tokio::spawn(collect(path.clone())), tokio::spawn(collect(path.clone())));
    first.unwrap();
    second.unwrap();
    let store = Store::open(&path).await.unwrap();
    let [exact, days] = sums(&store).await;
    let [alone, _] = undisturbed(folder.path()).await;
    // Whoever is behind takes back what the other has ahead, and posts it again; the sums are the same.
    assert_eq!(exact, alone);
    for (account, sum) in &days {
        assert_eq!(sum.columns()[1..], alone[account].columns()[1..], "{account}");
    }
}

#[tokio::test]
async fn given_readings_that_come_late_and_out_of_order_then_the_next_full_one_ends_with_the_same_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store.db")).await.unwrap();
    for reading in (0..READINGS).rev().step_by(3).chain((0..READINGS).step_by(5)).chain(0..READINGS) {
        keep(&store, reading).await;
    }
    assert_eq!(sums(&store).await, undisturbed(folder.path()).await);
}
