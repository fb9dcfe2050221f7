//! What is stored where, who is told of it, and what is said of readings that fail or grow old.

use std::sync::Arc;
use std::time::Duration;

use bursar_agent::config::StorageSource;
use bursar_agent::daemon::storage::Storage;
use bursar_agent::storage::{Place, Places, kept};
use bursar_agent::wire::{Cell, Response};
use tokio::sync::Notify;

use super::world::*;

fn text(word: &str) -> Cell {
    Cell::Text(word.to_owned())
}

/// The site as if `place` were what is known of /scratch.
fn known(world: &World, place: Place) {
    world.site.renew(|view| view.storage = Arc::new(Places::from([("/scratch".to_owned(), place)])));
}

/// State and detail of /scratch in `bursar status`.
async fn status(world: &World, uid: u32) -> (Cell, String) {
    let table = world.table(uid, "status").await;
    let Cell::Text(detail) = cell(&table, "part", "storage /scratch", "detail") else { panic!("{table:?}") };
    (cell(&table, "part", "storage /scratch", "state").clone(), detail.clone())
}

#[tokio::test]
async fn given_a_reading_then_used_and_allowed_are_told_and_whoever_stores_the_last_byte_allowed_is_not_over() {
    let world = World::new().await;
    let table = world.table(ROOT, "show storage format=user,account,used,allowed,over,consequence").await;
    let gb = |number: u64| Cell::Parts(number << 30, 1 << 30);
    let (yes, no) = (Cell::yes_no(true), Cell::yes_no(false));
    let expected = [
        [text("ana"), Cell::Absent, gb(12), gb(10), yes.clone(), text("refused")],
        [text("ben"), Cell::Absent, gb(1), gb(10), no.clone(), Cell::Absent],
        [Cell::Absent, text("chemistry"), gb(40), gb(40), no, Cell::Absent],
        [Cell::Absent, text("physics"), gb(50), gb(40), yes, text("refused")],
    ];
    assert_eq!(table.rows, expected.map(|row| row.to_vec()));
    assert_eq!(world.table(ROOT, "show storage over=yes").await.rows.len(), 2);
    let elsewhere = world.run(ROOT, "show storage place=/home").await;
    assert!(matches!(&elsewhere, Response::Refused { message, .. } if message == "there is no place /home"));
}

#[tokio::test]
async fn given_a_reading_that_fails_then_status_says_why_and_until_when_the_last_good_one_counts() {
    let world = World::new().await;
    let good = stored_on_scratch(world.now);
    assert_eq!(status(&world, OLAF).await, (text("ok"), "3 people and 2 accounts read; jobs are refused".to_owned()));
    let fault = Some((world.now, "/usr/local/sbin/usage failed (exit status: 1): no server".to_owned()));
    known(&world, Place { fault, ..good });
    let (state, detail) = status(&world, OLAF).await;
    let until = world.site.view().calendar.text(at(world.now, 86_400));
    assert_eq!(state, text("failed"));
    assert!(detail.starts_with("/usr/local/sbin/usage failed (exit status: 1): no server; the last good"), "{detail}");
    assert!(detail.ends_with(&format!("stays in force until {until}")), "{detail}");
    assert_eq!(status(&world, ANA).await, (text("failed"), "ask an administrator".to_owned()));
}

#[tokio::test]
async fn given_a_reading_that_grows_old_then_it_is_late_and_at_last_counts_for_nobody() {
    let world = World::new().await;
    known(&world, stored_on_scratch(at(world.now, -901)));
    let (state, detail) = status(&world, OLAF).await;
    assert!(state == text("late") && detail.contains("stays in force until"), "{state:?} {detail}");
    known(&world, stored_on_scratch(at(world.now, -90_000)));
    let (state, detail) = status(&world, OLAF).await;
    assert!(state == text("late") && detail.ends_with("nobody is warned or refused for it"), "{state:?} {detail}");
    let line = "show storage user=ana format=used,over,consequence";
    let Response::Table { table, notes } = world.run(ANA, line).await else { panic!("no table") };
    assert_eq!(table.rows[0][1..], [Cell::yes_no(true), Cell::Absent]);
    assert!(notes.iter().any(|note| note.ends_with("nobody is warned or refused for it any more")), "{notes:?}");
}

#[tokio::test]
async fn given_a_place_that_was_not_read_yet_then_it_says_so_and_has_no_rows() {
    let world = World::new().await;
    world.site.renew(|view| view.storage = Arc::default());
    let Response::Table { table, notes } = world.run(ROOT, "show storage").await else { panic!("no table") };
    assert_eq!((table.rows.len(), notes), (0, vec!["/scratch has not been read yet".to_owned()]));
    let (state, detail) = status(&world, OLAF).await;
    assert!(state == text("late") && detail.starts_with("not read yet"), "{state:?} {detail}");
}

/// Has /scratch read by this script, and nothing else.
fn read_by(world: &World, script: &str) {
    world.site.renew(|view| {
        let mut config = (*view.config).clone();
        let place = config.policy.storage.first_mut().expect("/scratch");
        place.every = Duration::from_secs(1);
        let argv = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
        place.source = StorageSource::Command { argv, timeout: Duration::from_secs(20) };
        view.config = Arc::new(config);
    });
}

/// Waits for readings until `look` gives something.
async fn wait_for<T>(world: &World, laid_out: &Notify, look: impl Fn(&Place) -> Option<T>) -> T {
    let last = || world.site.view().storage.get("/scratch").cloned();
    let seen = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            if let Some(seen) = last().and_then(|place| look(&place)) {
                return seen;
            }
            laid_out.notified().await;
        }
    });
    seen.await.unwrap_or_else(|_| panic!("last seen: {:?}", last()))
}

#[tokio::test]
async fn given_readings_then_good_ones_are_kept_and_bad_ones_leave_the_last_good_one_in_force() {
    let world = World::new().await;
    world.site.renew(|view| view.storage = Arc::default());
    read_by(&world, "echo user ana 7");
    let laid_out = Arc::new(Notify::new());
    tokio::spawn(Storage::new(Arc::clone(&world.site), Arc::clone(&laid_out)).run());
    let used = |place: &Place| place.reading.as_ref()?.usages.people.get("ana").map(|stored| stored.used);
    let first = wait_for(&world, &laid_out, |place| used(place).map(|used| (used, place.fault.clone()))).await;
    assert_eq!(first, (7, None));

    read_by(&world, "echo user ana 8; echo user ben 9K");
    let (kept, fault) = wait_for(&world, &laid_out, |place| Some((used(place)?, place.fault.clone()?.1))).await;
    assert_eq!(kept, 7);
    assert!(fault.contains("line 2 has bytes that are no whole number below 2^64: \"user ben 9K\""), "{fault}");
    let alarm = world.table(OLAF, "show alarm").await;
    let Cell::Text(told) = cell(&alarm, "object", "storage", "text") else { panic!("{alarm:?}") };
    assert!(told.starts_with("/scratch: the output of /bin/sh is not taken in: line 2"), "{told}");

    read_by(&world, "echo user ana 5");
    let healed = |place: &Place| place.fault.is_none().then(|| used(place))?.filter(|used| *used != 7);
    assert_eq!(wait_for(&world, &laid_out, healed).await, 5);
    assert_eq!(world.table(OLAF, "show alarm").await.rows.len(), 0);
    let kept = kept::load(&kept::path(&world.dir.path().join("store.db"))).expect("readings that were kept");
    assert_eq!(used(&kept["/scratch"]), Some(5), "they outlast a restart");

    world.site.renew(|view| {
        let mut config = (*view.config).clone();
        config.policy.storage.clear();
        view.config = Arc::new(config);
    });
    let gone = tokio::time::timeout(Duration::from_secs(30), async {
        while !world.site.view().storage.is_empty() {
            laid_out.notified().await;
        }
    });
    gone.await.expect("a place that is no longer configured is forgotten");
}
