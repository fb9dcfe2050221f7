//! What one decision costs at 10,000 people, 1,000 accounts and up to 100,000 jobs in flight.
//!
//! Two judges, alone and with the files around them; the load of a new snapshot, which is the longest that slurmctld
//! ever waits; and the largest `--array` expression that its protocol lets through.

use std::fs;
use std::hint::black_box;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bursar_policy::job::{self, Answer, Gate, Ledger, Memory, Request, Shape, TimeLimit, Verdict, most_tasks};
use bursar_policy::login::{self, LoginRequest};
use bursar_policy::snapshot::{
    Account, Contents, Edge, Governs, Grant, Header, Home, Kind, Opening, Partition, Person, RecentJob, Window, encode,
    file,
};
use bursar_policy::window::{Outside, Rule};
use bursar_policy::{
    Line, Measure, NodeConf, Period, PeriodKind, PersonState, Prices, Resource, Role, Snapshot, SubjectKind, Timestamp,
};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

const PEOPLE: u32 = 10_000;
const ACCOUNTS: u32 = 1_000;
const BOOKED: usize = 1_000;
const FIRST_UID: u32 = 65_536;
/// 2026-11-22 08:00:00 UTC.
const NOW: Timestamp = Timestamp(1_795_334_400);
const DAY: i64 = 86_400;
/// Somebody in the middle, whose job names the account.
const UID: u32 = FIRST_UID + 6_789;

fn name(n: u32) -> String {
    format!("person{n:05}")
}

fn account_name(n: u32) -> String {
    format!("account{n:04}")
}

/// Accounts as a tree of depth 3: 10 faculties of 9 departments of 10 groups, and 10 groups more.
fn parent(n: u32) -> Option<u32> {
    match n {
        0..10 => None,
        10..100 => Some(n % 10),
        _ => Some(10 + n % 90),
    }
}

/// Limits on jobs, and on CPU time by day, week and month, with `jobs` live jobs of one CPU-hour held against them.
fn lines(kind: Kind, jobs: u32) -> Vec<Line> {
    if kind != Kind::Controller {
        return Vec::new();
    }
    let work = u64::from(jobs) * 3_600;
    let consumed = |kind| Line {
        used: 1_000_000,
        in_flight: work,
        next: work,
        total: work,
        ..Line::unused(Measure::Within(kind, Resource::Cpu), 1 << 50)
    };
    let held = |measure, used| Line { used, ..Line::unused(measure, u64::from(u32::MAX)) };
    vec![
        held(Measure::RunningJobs, u64::from(jobs / 10)),
        held(Measure::QueuedJobs, u64::from(jobs - jobs / 10)),
        consumed(PeriodKind::Day),
        consumed(PeriodKind::Week),
        consumed(PeriodKind::Month),
    ]
}

fn contents(kind: Kind, in_flight: u32) -> Contents {
    let mut contents = Contents::empty(Header {
        kind,
        generation: 1,
        made_at: NOW,
        as_of: NOW,
        hard_limit: 259_200,
        last_known: true,
        notice: 1_209_600,
        cluster: "demo".into(),
        contact: "Ask hpc@example.org.".into(),
        currency: "EUR".into(),
    });
    contents.partitions = (0..8)
        .map(|n| Partition {
            name: format!("part{n}"),
            default: n == 0,
            default_minutes: Some(60),
            max_minutes: Some(10_080),
            max_nodes: 500,
            cpus_per_node: 128,
            max_mem_per_cpu: Some(4_096),
            default_memory: Memory::PerCpu(2_048),
            memory_per_node: 512_000,
            prices: Prices { cpu: 10_000, memory_gib: 1_000, ..Prices::default() },
            ..Partition::default()
        })
        .collect();
    let edges = |start: i64, step: i64, count: i64| {
        (0..count).map(|n| Edge { at: Timestamp(start + n * step), text: "2026-12-01 00:00 CET".into() }).collect()
    };
    let today = NOW.0 - 8 * 3_600;
    let (weeks, months) = (edges(today - 6 * DAY, 7 * DAY, 6), edges(today - 21 * DAY, 30 * DAY, 13));
    contents.calendars = vec![[edges(today, DAY, 36), weeks, months, Vec::new(), Vec::new()]];
    contents.accounts = (0..ACCOUNTS)
        .map(|n| Account {
            lines: lines(kind, in_flight / if n < 10 { 10 } else { 1_000 }),
            ..Account::new(&account_name(n), parent(n))
        })
        .collect();
    contents.people = (0..PEOPLE).map(|n| person(kind, n, in_flight / PEOPLE)).collect();
    if kind == Kind::Controller {
        contents.recent = (0..in_flight / 100)
            .map(|n| RecentJob {
                job_id: n + 1,
                uid: FIRST_UID + n % PEOPLE,
                account: Some(100 + n % 900),
                submitted: Timestamp(NOW.0 - 30),
            })
            .collect();
    }
    contents
}

/// A window of a quarter, daily from and to so many hours after midnight.
fn window(governs: Governs, from: i64, to: i64) -> Window {
    let midnight = NOW.0 - 8 * 3_600;
    let opening = |day: i64| Opening {
        period: Period {
            start: Timestamp(midnight + day * DAY + from * 3_600),
            end: Timestamp(midnight + day * DAY + to * 3_600),
        },
        opens: format!("day {day:02} of the quarter, 06:00 CET"),
        closes: format!("day {day:02} of the quarter, 18:00 CET"),
    };
    Window {
        name: "office".into(),
        governs: vec![governs],
        rule: Rule { outside: Outside::Wait, ends_inside: true },
        moves: true,
        openings: (0..91).map(opening).collect(),
        known_until: Timestamp(midnight + 91 * DAY),
    }
}

/// Windows: one for each of these partitions, and for an account and those above it.
fn windows(contents: &mut Contents, parts: [(i64, i64); 2]) {
    for (part, (from, to)) in ["part3", "part5"].into_iter().zip(parts) {
        contents.windows.push(window(Governs::Partition(part.into()), from, to));
    }
    let mut above = Some(100 + (UID - FIRST_UID) % 900);
    while let Some(at) = above {
        contents.windows.push(window(Governs::Account(at), 0, 23));
        above = parent(at);
    }
    // And those of others.
    contents.windows.extend((900..920).map(|at| window(Governs::Account(at), 6, 18)));
}

fn person(kind: Kind, n: u32, jobs: u32) -> Person {
    let grant = |id, account, until: Timestamp| Grant {
        id,
        role: Role::ComputeUser,
        account: Some(account),
        from: Timestamp(0),
        until,
        revoked: false,
        until_text: if until == Timestamp::NEVER { String::new() } else { "2025-01-01 00:00 CET".into() },
        lifts: None,
        lines: Vec::new(),
    };
    let own = 100 + n % 900;
    Person {
        uid: FIRST_UID + n,
        gid: FIRST_UID + n,
        name: name(n),
        state: PersonState::Active,
        kind: SubjectKind::Member,
        default_account: Some(own),
        lines: lines(kind, jobs),
        associations: Vec::new(),
        storage: Vec::new(),
        grants: vec![
            grant(3 * u64::from(n), 100 + (n + 1) % 900, Timestamp(NOW.0 - 86_400)),
            grant(3 * u64::from(n) + 1, 10 + n % 90, Timestamp::NEVER),
            grant(3 * u64::from(n) + 2, own, Timestamp::NEVER),
        ],
        home: (kind == Kind::Node).then(|| Home {
            gecos: format!("Person {n}"),
            directory: format!("/home/{}", name(n)),
            shell: "/bin/bash".into(),
            keys: vec![format!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4 {n}")],
        }),
    }
}

fn request(minutes: u32, account: &str) -> Request<'_> {
    Request {
        uid: UID,
        account: Some(account),
        partition: Some("part3,part5"),
        time_limit: TimeLimit::Minutes(minutes),
        shape: Shape { tasks: Some(16), cpus_per_task: Some(2), ..Shape::default() },
        ..Request::default()
    }
}

/// The account of the person in question.
fn own_account() -> String {
    account_name(100 + (UID - FIRST_UID) % 900)
}

/// A request of more than any limit lets through.
fn too_much(account: &str) -> Request<'_> {
    Request { array: Some("1-2000000000"), ..request(10_080, account) }
}

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

/// A folder with a published snapshot that goes when the benchmark ends.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder for snapshots"))
    }

    fn publish(&self, contents: &Contents) -> PathBuf {
        let path = self.0.path().join(if contents.header.kind == Kind::Node { "node.snap" } else { "controller.snap" });
        fs::write(&path, encode(contents).expect("contents that fit together")).expect("room for a snapshot");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("a mode");
        path
    }
}

fn owner(path: &Path) -> u32 {
    fs::metadata(path).expect("the snapshot").uid()
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
