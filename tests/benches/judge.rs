//! What one decision costs at 10,000 people, 1,000 accounts and up to 100,000 jobs in flight.
//!
//! Two judges, alone and with the files around them; the load of a new snapshot, which is the longest that slurmctld
//! ever waits; and the largest `--array` expression that its protocol lets through.

mod large;

use std::fs;
use std::hint::black_box;
use std::time::Duration;

use bursar_policy::job::{self, Answer, Gate, Ledger, Request, Verdict, most_tasks};
use bursar_policy::login::{self, LoginRequest};
use bursar_policy::snapshot::{Kind, encode, file};
use bursar_policy::{NodeConf, Snapshot, Timestamp};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use large::{BOOKED, FIRST_UID, Folder, NOW, UID, contents, name, own_account, owner, request, too_much, windows};

/// A thousand bookings of a thousand people.
fn booked(snapshot: &Snapshot) -> Ledger {
    let mut ledger = Ledger::default();
    for n in 0..BOOKED as u32 {
        let request = Request { uid: FIRST_UID + n * 7, account: None, ..request(60, "") };
        match job::judge(snapshot, &ledger, &request, NOW) {
            Verdict::Admit(terms) => ledger.book(snapshot, &terms, NOW),
            Verdict::Refuse(reason) => panic!("{}", reason.text("")),
        }
    }
    ledger
}

fn judging(c: &mut Criterion) {
    let account = own_account();
    let mut group = c.benchmark_group("job");
    for in_flight in [0, 10_000, 100_000] {
        let snapshot =
            Snapshot::decode(encode(&contents(Kind::Controller, in_flight)).expect("contents")).expect("ours");
        let ledger = booked(&snapshot);
        let accept = request(60, &account);
        let refuse = too_much(&account);
        assert!(matches!(job::judge(&snapshot, &ledger, &accept, NOW), Verdict::Admit(_)));
        assert!(matches!(job::judge(&snapshot, &ledger, &refuse, NOW), Verdict::Refuse(_)));
        group.bench_function(format!("judge, accept, {in_flight} in flight"), |b| {
            b.iter(|| job::judge(&snapshot, &ledger, black_box(&accept), NOW))
        });
        group.bench_function(format!("judge, refuse, {in_flight} in flight"), |b| {
            b.iter(|| match job::judge(&snapshot, &ledger, black_box(&refuse), NOW) {
                Verdict::Refuse(reason) => reason.text("Ask hpc@example.org."),
                Verdict::Admit(_) => String::new(),
            })
        });
        let folder = Folder::new();
        let path = folder.publish(&contents(Kind::Controller, in_flight));
        let conf = NodeConf { publisher_uid: Some(owner(&path)), controller_snapshot: path, ..NodeConf::default() };
        let ready = || {
            let gate = Gate::new(conf.clone(), Timestamp(0));
            for n in 0..BOOKED as u32 {
                let request = Request { uid: FIRST_UID + n * 7, account: None, ..request(60, "") };
                assert!(matches!(gate.submit(&request, NOW, &mut |_, _| ()), Answer::Admit { .. }));
            }
            gate
        };
        // As the plugin has it: files are read by another thread. Without, every submission looks at them itself.
        let looking = ready();
        group.bench_function(format!("gate that looks itself, accept and book, {in_flight} in flight"), |b| {
            b.iter(|| looking.submit(black_box(&accept), NOW, &mut |_, _| ()))
        });
        let ready = || ready().refreshed_by_others();
        let gate = ready();
        // Every accepted job is one more booking, as it is between two snapshots.
        group.bench_function(format!("gate, accept and book, {in_flight} in flight"), |b| {
            b.iter(|| gate.submit(black_box(&accept), NOW, &mut |_, _| ()))
        });
        let gate = ready();
        group.bench_function(format!("gate, refuse, {in_flight} in flight"), |b| {
            b.iter(|| gate.submit(black_box(&refuse), NOW, &mut |_, _| ()))
        });
    }
    group.finish();
}

/// The same job among windows: inside all, put off, and between two that are never open together.
fn in_windows(c: &mut Criterion) {
    let account = own_account();
    let accept = request(60, &account);
    let mut group = c.benchmark_group("windows");
    for (what, parts) in [
        ("inside five", [(6, 18), (7, 22)]),
        ("put off by one of five", [(6, 18), (12, 22)]),
        ("never in two of five together", [(6, 12), (13, 22)]),
    ] {
        let mut contents = contents(Kind::Controller, 0);
        windows(&mut contents, parts);
        let snapshot = Snapshot::decode(encode(&contents).expect("contents")).expect("ours");
        let ledger = Ledger::default();
        group.bench_function(format!("judge, {what}"), |b| {
            b.iter(|| job::judge(&snapshot, &ledger, black_box(&accept), NOW))
        });
    }
    group.finish();
}

fn loading(c: &mut Criterion) {
    let mut group = c.benchmark_group("snapshot");
    let folder = Folder::new();
    let controller = contents(Kind::Controller, 100_000);
    let path = folder.publish(&controller);
    let owners = [owner(&path)];
    let bytes = fs::read(&path).expect("the snapshot");
    eprintln!("controller.snap has {} bytes", bytes.len());
    group.bench_function("lay out, as bursard does", |b| b.iter(|| encode(black_box(&controller))));
    group.bench_function("checksum", |b| b.iter(|| crc32fast::hash(black_box(&bytes))));
    group.bench_function("decode", |b| b.iter_batched(|| bytes.clone(), Snapshot::decode, BatchSize::LargeInput));
    group.bench_function("read and decode", |b| b.iter(|| file::read(black_box(&path), &owners)));
    let snapshot = Snapshot::decode(bytes).expect("ours");
    let ledger = booked(&snapshot);
    group.bench_function("reconcile 1000 bookings with 1000 recent jobs", |b| {
        b.iter_batched(
            || ledger.clone(),
            |mut ledger| {
                ledger.reconcile(&snapshot, NOW);
                ledger
            },
            BatchSize::LargeInput,
        )
    });
    // The whole pause: a submission that finds a new file.
    let conf = NodeConf { publisher_uid: Some(owners[0]), controller_snapshot: path.clone(), ..NodeConf::default() };
    let account = own_account();
    let accept = request(60, &account);
    group.bench_function("gate, submission that finds a new snapshot", |b| {
        let gate = Gate::new(conf.clone(), Timestamp(0));
        b.iter_batched(
            || drop(folder.publish(&controller)),
            |()| gate.submit(&accept, NOW, &mut |_, _| ()),
            BatchSize::PerIteration,
        )
    });
    group.finish();
}

fn login(c: &mut Criterion) {
    let folder = Folder::new();
    let path = folder.publish(&contents(Kind::Node, 0));
    let owners = [owner(&path)];
    let name = name(UID - FIRST_UID);
    let request = LoginRequest { uid: UID, name: &name, service: "sshd" };
    let mut group = c.benchmark_group("login");
    group.bench_function("read the host's snapshot and judge, as PAM does", |b| {
        b.iter(|| {
            let (snapshot, _) = file::read(black_box(&path), &owners).expect("ours");
            login::judge(&snapshot, &request, NOW)
        })
    });
    let (snapshot, _) = file::read(&path, &owners).expect("ours");
    assert!(matches!(login::judge(&snapshot, &request, NOW), login::Verdict::Admit(_)));
    group.bench_function("judge", |b| b.iter(|| login::judge(&snapshot, black_box(&request), NOW)));
    group.finish();
}

fn hostile(c: &mut Criterion) {
    let mut group = c.benchmark_group("array");
    let range = "0-18446744073709551615,".repeat(43_690) + "1";
    let ones = "1,".repeat(500_000) + "1";
    let digits = "9".repeat(1_000_000);
    for (what, text) in [("huge ranges", &range), ("single tasks", &ones), ("one number", &digits)] {
        group.bench_function(format!("1 MB of {what}"), |b| b.iter(|| most_tasks(black_box(text))));
    }
    // The longest that is counted at all.
    let longest = "12345,".repeat(2_730) + "1";
    group.bench_function("16 KB of single tasks", |b| b.iter(|| most_tasks(black_box(&longest))));
    let snapshot = Snapshot::decode(encode(&contents(Kind::Controller, 0)).expect("contents")).expect("ours");
    let account = own_account();
    let refused = Request { array: Some(&ones), ..request(60, &account) };
    let ledger = Ledger::default();
    group.bench_function("1 MB judged", |b| b.iter(|| job::judge(&snapshot, &ledger, black_box(&refused), NOW)));
    group.bench_function("1-1000", |b| b.iter(|| most_tasks(black_box("1-1000"))));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .without_plots()
        .sample_size(50)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3));
    targets = judging, in_windows, loading, login, hostile
}
criterion_main!(benches);
