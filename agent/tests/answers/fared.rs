//! How runs fared: waits, outcomes, peaks and corrections, as the caller may see them.

use bursar_agent::accounting::flight::LiveJob;
use bursar_agent::store::Run;
use bursar_agent::wire::{Cell, Response, Table};

use super::world::*;

/// The rows with each cell as a short text.
fn rows(table: &Table) -> Vec<Vec<String>> {
    let text = |cell: &Cell| match cell {
        Cell::Text(text) | Cell::Decimal(text) => text.clone(),
        Cell::Count(count) | Cell::Seconds(count) => count.to_string(),
        Cell::Parts(amount, parts) => format!("{amount}/{parts}"),
        Cell::Instant(at) => at.to_string(),
        Cell::Absent => "-".to_owned(),
    };
    table.rows.iter().map(|row| row.iter().map(text).collect()).collect()
}

/// A run of ana's that waited so long, and could have started halfway.
fn waited(now: bursar_policy::Timestamp, jobid: u32, from: i64, wait: i64) -> Run {
    Run {
        submitted_at: at(now, from - wait),
        eligible_at: Some(at(now, from - wait / 2)),
        ..run(now, jobid, "ana", "physics", from, Some(from + 50))
    }
}

#[tokio::test]
async fn given_runs_and_jobs_that_wait_then_waits_are_told_by_nearest_rank_and_so_far() {
    let world = World::with(
        |now| {
            let mut runs: Vec<Run> = (1..=20).map(|n| waited(now, n, -900, i64::from(n) * 100)).collect();
            // One that never had nodes, one that was given other nodes while it ran, one that began before.
            runs.push(Run { started_at: None, ..run(now, 21, "ana", "physics", -900, Some(-900)) });
            let resized = run(now, 22, "ana", "physics", -800, Some(-300));
            runs.push(Run { submitted_at: at(now, -500), ..resized });
            runs.push(run(now, 23, "ana", "physics", -9_000, Some(-300)));
            runs.push(Run { qos: "high".to_owned(), ..waited(now, 24, -700, 7) });
            runs
        },
        |now| {
            vec![
                LiveJob { tasks: 3, begin_at: at(now, -60), ..live(now, 31, ANA, "physics", None) },
                LiveJob { submitted_at: at(now, -400), ..live(now, 32, ANA, "physics", None) },
            ]
        },
    )
    .await;
    let format = "format=qos,runs,wait-p50,wait-p90,wait-p95,wait-max,planned-p95,waiting";
    let line = format!("report waits start=now-1000seconds by=qos {format}");
    let table = world.table(ROOT, &line).await;
    assert_eq!(
        rows(&table),
        [["high", "1", "7", "7", "7", "7", "3", "0"], ["normal", "20", "1000", "1800", "1900", "2000", "950", "4"],]
            .map(|row| row.map(str::to_owned).to_vec())
    );
    // Nobody waits in a period that is over.
    let over = format!("report waits start=now-1000seconds end=now-10seconds {format}");
    assert_eq!(rows(&world.table(ROOT, &over).await)[0][7], "0");
    let format = "format=cluster,waiting-longest,waiting-planned";
    let so_far = world.table(ROOT, &format!("report waits start=now-1000seconds {format}")).await;
    let so_far = &so_far.rows[0][1..];
    assert!(matches!(so_far, [Cell::Seconds(400..500), Cell::Seconds(5..100)]), "{so_far:?}");
}

#[tokio::test]
async fn given_runs_that_ended_in_many_ways_then_each_outcome_has_its_share_of_its_own_group() {
    let world = World::with(
        |now| {
            let of = |jobid, state: &str, account, length: i64| Run {
                state: state.to_owned(),
                ..run(now, jobid, "ana", account, -100 - length, Some(-100))
            };
            vec![
                of(1, "COMPLETED", "physics", 600),
                of(2, "TIMEOUT", "physics", 200),
                of(3, "REQUEUED", "physics", 0),
                of(4, "CANCELLED", "chemistry", 100),
                // Never had nodes; ended before; goes on.
                Run { started_at: None, ..of(5, "CANCELLED", "physics", 0) },
                run(now, 6, "ana", "physics", -9_000, Some(-8_000)),
                run(now, 7, "ana", "physics", -50, None),
            ]
        },
        |now| vec![live(now, 7, ANA, "physics", Some(50))],
    )
    .await;
    let line = "report completion start=now-300seconds by=account";
    let told = rows(&world.table(ROOT, line).await);
    assert_eq!(
        told,
        [
            ["chemistry", "cancelled", "1", "10000/100", "400", "10000/100"],
            ["physics", "completed", "1", "3333/100", "2400", "7500/100"],
            ["physics", "timeout", "1", "3333/100", "800", "2500/100"],
            ["physics", "requeued", "1", "3333/100", "0", "0/100"],
        ]
        .map(|row| row.map(str::to_owned).to_vec())
    );
}

#[tokio::test]
async fn given_runs_on_record_and_a_live_job_then_the_peak_is_of_all_of_them_and_nothing_was_held_that_was_taken_back()
{
    let world = World::with(
        |now| {
            vec![
                run(now, 1, "ana", "physics", -900, Some(-300)),
                run(now, 2, "ben", "chemistry", -500, Some(-100)),
                run(now, 3, "ana", "physics", -9_000, Some(-300)),
            ]
        },
        |now| vec![live(now, 4, ANA, "physics", Some(400))],
    )
    .await;
    // The third was no such run: it ended as it began.
    let shorter = run(world.now, 3, "ana", "physics", -9_000, Some(-9_000));
    keep_runs(&world.site.store, &[shorter], world.now).await;
    let format = "format=account,resource,peak,began,lasted";
    let start = format!("start=uts{} {format}", world.now.0 - 1_000);
    let all = rows(&world.table(ROOT, &format!("report peaks {start}")).await);
    let text = |began: i64| (world.now.0 + began).to_string();
    assert_eq!(all[0][1..], ["cpus".to_owned(), "10".to_owned(), text(-400), "100".to_owned()]);
    let of_account = rows(&world.table(ROOT, &format!("report peaks by=account {start}")).await);
    let cpus: Vec<_> = of_account.iter().filter(|row| row[1] == "cpus").collect();
    assert_eq!(cpus[0][..], ["chemistry".to_owned(), "cpus".to_owned(), "4".to_owned(), text(-500), "400".to_owned()]);
    assert_eq!(cpus[1][..], ["physics".to_owned(), "cpus".to_owned(), "6".to_owned(), text(-400), "100".to_owned()]);
}

#[tokio::test]
async fn given_runs_that_were_told_otherwise_then_each_correction_says_what_it_was_and_is_and_who_told_it() {
    let world = World::with(
        |now| {
            vec![
                run(now, 1, "ana", "physics", -900, Some(-300)),
                run(now, 2, "ana", "physics", -900, Some(-300)),
                run(now, 3, "ben", "chemistry", -900, Some(-300)),
                run(now, 4, "ben", "chemistry", -900, Some(-300)),
            ]
        },
        |_| Vec::new(),
    )
    .await;
    let (now, store) = (world.now, &world.site.store);
    // A runaway that was fixed; one that never ran; one that was somebody else's account; one told as it is.
    let moved = Run { row_hash: "moved".to_owned(), ..run(now, 3, "ben", "physics", -900, Some(-300)) };
    let never = Run { started_at: None, ..run(now, 2, "ana", "physics", -900, Some(-301)) };
    let as_it_is = run(now, 4, "ben", "chemistry", -900, Some(-300));
    keep_runs(store, &[run(now, 1, "ana", "physics", -900, Some(-900)), never, moved, as_it_is], now).await;
    // A file of some age has no say over slurmdbd.
    keep_file(store, "old.txt", &[run(now, 1, "ana", "physics", -900, Some(-800))], now).await;
    let line = "report corrections start=now-1day end=now+1day \
                format=job-id,user,account-before,account,before,after,change,reading,told-by,source";
    let Response::Table { table, notes } = world.run(ROOT, line).await else { panic!("no table") };
    let row = |texts: [&str; 10]| texts.map(str::to_owned).to_vec();
    let expected = [
        row(["1", "ana", "physics", "physics", "2400", "0", "-0.6667", "2", "slurmdbd", "-"]),
        row(["2", "ana", "physics", "physics", "2400", "0", "-0.6667", "2", "slurmdbd", "-"]),
        row(["3", "ben", "chemistry", "physics", "2400", "2400", "0.0000", "2", "slurmdbd", "-"]),
    ];
    assert_eq!(rows(&table), expected);
    assert!(notes.iter().any(|note| note == "3 runs were told otherwise: 0:00:00 more, 1:20:00 less"), "{notes:?}");
    // Who observes physics sees what became theirs, and not what it was of others.
    let of_pia = rows(&world.table(PIA, line).await);
    assert_eq!(of_pia[..2], expected[..2]);
    assert_eq!(of_pia[2], row(["3", "ben", "-", "physics", "-", "2400", "-", "2", "slurmdbd", "-"]));
    assert_eq!(rows(&world.table(ANA, line).await), expected[..2]);
    assert_eq!(rows(&world.table(BEN, line).await), expected[2..]);
    // What concerns an account is what was charged to it or is.
    let of_chemistry = rows(&world.table(ROOT, &format!("{line} account=chemistry")).await);
    assert_eq!(of_chemistry, expected[2..]);
    assert!(world.table(ROOT, "report corrections start=now-2days end=now-1day").await.rows.is_empty());
}

#[tokio::test]
async fn given_runs_of_two_people_then_each_sees_how_their_own_fared_and_no_other_cluster() {
    let world = World::with(
        |now| vec![run(now, 1, "ana", "physics", -900, Some(-300)), run(now, 2, "ben", "chemistry", -900, Some(-300))],
        |_| Vec::new(),
    )
    .await;
    for report in ["waits", "completion", "peaks"] {
        let line = format!("report {report} start=now-1day by=user format=user");
        let Response::Table { table, notes } = world.run(BEN, &line).await else { panic!("no table") };
        assert!(rows(&table).iter().all(|row| row == &["ben"]) && !table.rows.is_empty(), "{report}: {table:?}");
        assert!(notes.iter().any(|note| note == "only runs that you may see are counted"), "{report}: {notes:?}");
        let line = format!("report {report} start=now-1day by=account format=account");
        let of_physics = world.table(PIA, &line).await;
        assert!(rows(&of_physics).iter().all(|row| row == &["physics"]) && !of_physics.rows.is_empty(), "{report}");
        let elsewhere = format!("report {report} start=now-1day cluster=all");
        assert!(matches!(world.run(PIA, &elsewhere).await, Response::Refused { .. }), "{report}");
        let of_ana = format!("report {report} start=now-1day user=ana");
        assert!(matches!(world.run(BEN, &of_ana).await, Response::Refused { .. }), "{report}");
    }
}
