//! Every order in which threads of slurmctld and the plugin's loader can meet in the gate, tried by loom.
//!
//! Run by `make test` with `--cfg loom`, which exchanges the locks of `crate::sync`; the rest is the gate that ships.

use std::os::unix::fs::PermissionsExt as _;

use loom::thread;

use super::*;
use crate::fixture::{NOW, contents, request, snapshot};
use crate::limit::{Line, Measure};
use crate::snapshot::{Contents, RecentJob, encode};

const UID: u32 = 70_001;

/// A list of `generation` whose only limit is one on waiting jobs, of which it counts some.
fn list(generation: u64, limit: u64, used: u64) -> Contents {
    let mut contents = contents();
    contents.header.generation = generation;
    contents.header.as_of = NOW.plus(generation);
    contents.people[0].lines = vec![Line { used, ..Line::unused(Measure::QueuedJobs, limit) }];
    contents
}

fn gate(conf: NodeConf) -> Arc<Gate> {
    Arc::new(Gate::new(conf, Timestamp(0)).refreshed_by_others())
}

/// A gate that was given `first`, as if it had read it.
fn gate_with(first: &Snapshot) -> Arc<Gate> {
    let gate = gate(NodeConf::default());
    gate.looked_at.store(NOW.0, Ordering::Release);
    renew(&gate, first);
    gate
}

fn renew(gate: &Gate, snapshot: &Snapshot) {
    lock(&gate.files).aside.renew(&gate.desk, Arc::new(snapshot.clone()), NOW);
}

fn is_admitted(gate: &Gate) -> bool {
    matches!(gate.submit(&request(60), NOW, &mut |_, line| panic!("{line}")), Answer::Admit { .. })
}

fn submitter(gate: &Arc<Gate>) -> thread::JoinHandle<bool> {
    let gate = Arc::clone(gate);
    thread::spawn(move || is_admitted(&gate))
}

/// What is booked for the person, for those who decide and for whoever brings the next snapshot.
fn booked(gate: &Gate) -> [u32; 2] {
    let mut files = lock(&gate.files);
    files.aside.catch_up(&gate.desk);
    let aside = files.aside.ledger().person(UID).queued;
    gate.desk.decide(NOW, |sight| [sight.unwrap().ledger.person(UID).queued, aside])
}

#[test]
fn given_two_submissions_and_room_for_one_then_one_is_admitted() {
    let first = snapshot(&list(1, 1, 0));
    loom::model(move || {
        let gate = gate_with(&first);
        let other = submitter(&gate);
        let own = is_admitted(&gate);
        assert!(own != other.join().unwrap());
        assert_eq!(booked(&gate), [1, 1]);
    });
}

#[test]
fn given_a_newer_list_meanwhile_then_what_it_counts_is_counted_once_and_new_bookings_stay() {
    // Two jobs fit. One is booked, and the second list shows it: whoever saw that list with the old bookings would
    // refuse both submissions, and whoever saw the old list without them would admit both.
    let first = snapshot(&list(1, 2, 0));
    let mut second = list(2, 2, 1);
    second.recent = vec![RecentJob { job_id: 1, uid: UID, account: Some(1), submitted: NOW }];
    let second = snapshot(&second);
    loom::model(move || {
        let gate = gate_with(&first);
        assert!(is_admitted(&gate));
        let others = [submitter(&gate), submitter(&gate)];
        renew(&gate, &second);
        let admitted = others.map(|other| other.join().unwrap());
        assert_eq!(admitted.iter().filter(|admitted| **admitted).count(), 1, "{admitted:?}");
        assert!(!is_admitted(&gate));
        assert_eq!(booked(&gate), [1, 1]);
    });
}

#[test]
fn given_two_newer_lists_meanwhile_then_no_booking_is_lost_between_them() {
    let lists = [1, 2, 3].map(|generation| snapshot(&list(generation, 1, 0)));
    loom::model(move || {
        let gate = gate_with(&lists[0]);
        let other = submitter(&gate);
        renew(&gate, &lists[1]);
        renew(&gate, &lists[2]);
        assert!(other.join().unwrap());
        assert!(!is_admitted(&gate));
        assert_eq!(booked(&gate), [1, 1]);
    });
}

#[test]
fn given_submissions_before_anything_was_read_then_each_waits_for_the_first_reading() {
    let directory = std::env::temp_dir().join(format!("bursar-threads-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("controller.snap");
    std::fs::write(&path, encode(&list(1, 2, 0)).unwrap()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&path).unwrap());
    // The list of live jobs is not published: nobody waits for it, and only its absence is told.
    loom::model(move || {
        let conf = NodeConf { publisher_uid: Some(owner), controller_snapshot: path.clone(), ..NodeConf::default() };
        let gate = gate(conf);
        let submitter = || {
            let gate = Arc::clone(&gate);
            thread::spawn(move || matches!(gate.submit(&request(60), NOW, &mut |_, _| ()), Answer::Admit { .. }))
        };
        let others = [submitter(), submitter()];
        gate.refresh(NOW, &mut |_, _| ());
        assert_eq!(others.map(|other| other.join().unwrap()), [true, true]);
        assert_eq!(booked(&gate), [2, 2]);
    });
    std::fs::remove_dir_all(directory).unwrap();
}
