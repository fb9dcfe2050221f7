//! Balance, report, status and sync.

use bursar_agent::daemon::site::{Step, SyncOutcome};
use bursar_agent::store::Run;
use bursar_agent::wire::{Cell, Response};
use bursar_policy::PeriodKind;

use super::world::*;

#[tokio::test]
async fn given_use_and_jobs_then_the_balance_adds_up_for_the_person_and_each_account_above() {
    let world = World::with(
        |now| vec![run(now, 1, "ana", "physics", -40, Some(-4))],
        |now| vec![live(now, 2, ANA, "physics", Some(60)), live(now, 3, ANA, "physics", None)],
    )
    .await;
    let table = world.table(ANA, "balance").await;
    let owners: Vec<(&Cell, &Cell)> = table.rows.iter().step_by(5).map(|row| (&row[0], &row[1])).collect();
    let text = |name: &str| Cell::Text(name.to_owned());
    assert_eq!(
        owners,
        [(&text("ana"), &Cell::Absent), (&Cell::Absent, &text("physics")), (&Cell::Absent, &text("science")),]
    );
    // What of the run lies in this month, whenever the test runs.
    let month = world.site.view().calendar.period(PeriodKind::Month, world.now).expect("a month");
    let used = 4 * month.overlap(at(world.now, -40), at(world.now, -4));
    let row = table.rows.iter().find(|row| row[1] == text("physics") && row[2] == text("cpu-hours-per-month"));
    let row = row.expect("the account's month");
    let Cell::Seconds(in_flight) = row[5] else { panic!("{row:?}") };
    assert_eq!((&row[3], &row[4]), (&Cell::Seconds(360_000), &Cell::Seconds(used)));
    assert!(in_flight > 0);
    assert_eq!((&row[6], &row[7]), (&Cell::Seconds(360_000 - used - in_flight), &Cell::Instant(month.end.0)));
    let jobs = table.rows.iter().find(|row| row[0] == text("ana") && row[2] == text("queued-jobs"));
    let jobs = jobs.expect("ana's jobs");
    assert_eq!((&jobs[3], &jobs[4], &jobs[6]), (&Cell::Count(3), &Cell::Count(1), &Cell::Count(2)));
}

#[tokio::test]
async fn given_runs_and_live_jobs_then_the_report_sums_them_up_the_tree_and_says_what_is_provisional() {
    let world = World::with(
        |now| {
            vec![
                run(now, 1, "ana", "physics", -900, Some(-300)),
                run(now, 2, "ben", "chemistry", -900, Some(-600)),
                run(now, 3, "ana", "physics", -200, None),
            ]
        },
        |now| vec![live(now, 3, ANA, "physics", Some(200))],
    )
    .await;
    let Response::Table { table, notes } = world.run(ROOT, "report usage start=now-1day tree").await else {
        panic!("no table")
    };
    // The live job goes on, so its part is at least what it was when the site was made.
    let of = |account: &str| match cell(&table, "account", account, "used") {
        Cell::Seconds(seconds) => *seconds,
        other => panic!("{other:?}"),
    };
    assert_eq!(of("science"), of(" physics") + of(" chemistry"));
    assert_eq!(of(" chemistry"), 4 * 300);
    let open = of(" physics") - 4 * 600;
    assert!((400..420).contains(&open), "{open}");
    assert!(notes.iter().any(|note| note.contains("provisional")), "{notes:?}");
    let line = format!("report usage start=uts{} end=uts{}", world.now.0 - 700, world.now.0 - 650);
    let clipped = world.table(ROOT, &line).await;
    assert_eq!(cell(&clipped, "user", "ana", "used"), &Cell::Seconds(200));
    assert_eq!(cell(&clipped, "user", "ben", "used"), &Cell::Seconds(200));
    let below = world.table(ROOT, "report usage start=now-1day account=science user=ben").await;
    assert_eq!(below.rows.len(), 1);
    assert!(matches!(world.run(ROOT, "report usage start=now end=now-1day").await, Response::Usage { .. }));
}

#[tokio::test]
async fn given_a_fault_then_status_has_it_and_people_are_not_told_the_detail() {
    let world = World::new().await;
    world.site.report("sources", Err("source directory: no such file".to_owned()));
    world.site.report("snapshot", Ok("published".to_owned()));
    let table = world.table(OLAF, "status").await;
    assert_eq!(cell(&table, "part", "sources", "state"), &Cell::Text("failed".into()));
    assert_eq!(cell(&table, "part", "sources", "detail"), &Cell::Text("source directory: no such file".into()));
    assert_eq!(cell(&table, "part", "store", "state"), &Cell::Text("ok".into()));
    let Cell::Text(snapshot) = cell(&table, "part", "snapshot", "detail") else { panic!("{table:?}") };
    assert!(snapshot.starts_with("generation 7, "), "{snapshot}");
    let theirs = world.table(ANA, "status").await;
    assert_eq!(cell(&theirs, "part", "sources", "detail"), &Cell::Text("ask an administrator".into()));
    let alarms = world.table(OLAF, "show alarm").await;
    assert_eq!(cell(&alarms, "object", "sources", "kind"), &Cell::Text("fault".into()));
    world.site.report("sources", Ok("read".to_owned()));
    assert_eq!(world.table(OLAF, "show alarm").await.rows.len(), 0);
}

#[tokio::test]
async fn given_a_pass_then_its_steps_and_its_fault_are_told() {
    let mut world = World::new().await;
    let (_, closed) = tokio::sync::mpsc::channel(1);
    let mut requests = std::mem::replace(&mut world.requests, closed);
    tokio::spawn(async move {
        while let Some(request) = requests.recv().await {
            let step = Step { part: "store", action: "add".into(), object: "user zoe".into(), detail: "uid 7".into() };
            let fault = (!request.accept_drop && !request.dry_run).then(|| "it would take access away".to_owned());
            let _ = request.reply.send(SyncOutcome { steps: vec![step], fault });
        }
    });
    let Response::Judged { table, refusal, .. } = world.run(ADA, "sync").await else { panic!("no fault") };
    assert_eq!((table.rows.len(), refusal.as_deref()), (1, Some("the pass stopped: it would take access away")));
    let done = world.run(ADA, "sync --accept-drop").await;
    assert_eq!(done, Response::Done { changed: 1, lines: vec!["store: add user zoe: uid 7".to_owned()] });
    let table = world.table(OLAF, "sync --dry-run").await;
    assert!(table.rows[0].iter().all(|cell| *cell != Cell::Absent), "{table:?}");
    assert!(matches!(world.run(OLAF, "sync").await, Response::Refused { .. }));
}

#[tokio::test]
async fn given_associations_then_wanted_found_revoked_and_foreign_ones_are_told_apart() {
    let world = World::new().await;
    let table = world.table(ROOT, "show association format=account,user,state,default,grants").await;
    let state = |user: &str, account: &str| {
        let text = |name: &str| Cell::Text(name.to_owned());
        let row = table.rows.iter().find(|row| row.contains(&text(user)) && row.contains(&text(account)));
        row.unwrap_or_else(|| panic!("{user} {account}: {table:?}"))[2].clone()
    };
    assert_eq!(state("ana", "physics"), Cell::Text("present".into()));
    assert_eq!(state("ben", "chemistry"), Cell::Text("missing".into()));
    assert_eq!(state("ben", "physics"), Cell::Text("revoked".into()));
    assert_eq!(state("eve", "theirs"), Cell::Text("foreign".into()));
    // Slurm's own root is the fifth.
    assert_eq!(table.rows.len(), 5);
}

#[tokio::test]
async fn given_slurmdbd_that_was_not_read_yet_then_associations_are_unavailable() {
    let world = World::new().await;
    world.site.renew(|view| view.associations = None);
    assert!(matches!(world.run(ROOT, "show association").await, Response::Unavailable { .. }));
}

#[tokio::test]
async fn given_a_window_then_everybody_sees_whether_it_is_open_and_its_next_edges() {
    let world = World::new().await;
    let table = world.table(ANA, "show window partition=attic format=window,governs,names,state,opens,closes").await;
    let [row] = table.rows.as_slice() else { panic!("{table:?}") };
    let text = |name: &str| Cell::Text(name.to_owned());
    assert_eq!(row[..3], [text("nights"), text("partition"), text("night,attic")]);
    let (Cell::Instant(opens), Cell::Instant(closes)) = (&row[4], &row[5]) else { panic!("{row:?}") };
    let open = *opens <= world.now.0 && world.now.0 < *closes;
    assert!(world.now.0 < *closes && (row[3] == text("open")) == open, "{row:?}");
    assert!(world.table(ANA, "show window account=physics").await.rows.is_empty());
    assert!(matches!(world.run(ANA, "show window window=days").await, Response::Refused { .. }));
}

#[tokio::test]
async fn given_runs_with_and_without_a_cost_centre_then_the_share_of_each_is_told() {
    let untagged = |now| Run { wckey: String::new(), ..run(now, 3, "ana", "bare", -800, Some(-700)) };
    let world = World::with(
        |now| {
            let tagged = Run { wckey: "CC-9".to_owned(), ..run(now, 1, "ana", "physics", -900, Some(-700)) };
            let inherited = Run { wckey: String::new(), ..run(now, 2, "ana", "physics", -800, Some(-700)) };
            vec![tagged, inherited, untagged(now)]
        },
        |_| Vec::new(),
    )
    .await;
    let Response::Table { table, notes } = world.run(ROOT, "report cost-centres start=now-1day").await else {
        panic!("no table")
    };
    let rows: Vec<(Cell, Cell, Cell)> =
        table.rows.iter().map(|row| (row[1].clone(), row[3].clone(), row[4].clone())).collect();
    assert_eq!(
        rows,
        [
            (Cell::Text("(none)".into()), Cell::Seconds(400), Cell::Parts(2_500, 100)),
            (Cell::Text("cc-1100".into()), Cell::Seconds(400), Cell::Parts(2_500, 100)),
            (Cell::Text("cc-9".into()), Cell::Seconds(800), Cell::Parts(5_000, 100)),
        ]
    );
    assert!(notes.iter().any(|note| note == "25.00 % of the CPU time, in 1 runs, carries no cost centre"), "{notes:?}");
}
