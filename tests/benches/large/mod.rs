//! A site of 10,000 people, 1,000 accounts and up to 100,000 jobs in flight, as it is published.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use bursar_policy::job::{Memory, Request, Shape, TimeLimit};
use bursar_policy::snapshot::{
    Account, Contents, Edge, Governs, Grant, Header, Home, Kind, Opening, Partition, Person, RecentJob, Window, encode,
};
use bursar_policy::window::{Outside, Rule};
use bursar_policy::{Line, Measure, Period, PeriodKind, PersonState, Prices, Resource, Role, SubjectKind, Timestamp};

pub(crate) const PEOPLE: u32 = 10_000;
const ACCOUNTS: u32 = 1_000;
pub(crate) const BOOKED: usize = 1_000;
pub(crate) const FIRST_UID: u32 = 65_536;
/// 2026-11-22 08:00:00 UTC.
pub(crate) const NOW: Timestamp = Timestamp(1_795_334_400);
const DAY: i64 = 86_400;
/// Somebody in the middle, whose job names the account.
pub(crate) const UID: u32 = FIRST_UID + 6_789;

pub(crate) fn name(n: u32) -> String {
    format!("person{n:05}")
}

pub(crate) fn account_name(n: u32) -> String {
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

pub(crate) fn contents(kind: Kind, in_flight: u32) -> Contents {
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
pub(crate) fn windows(contents: &mut Contents, parts: [(i64, i64); 2]) {
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

pub(crate) fn request(minutes: u32, account: &str) -> Request<'_> {
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
pub(crate) fn own_account() -> String {
    account_name(100 + (UID - FIRST_UID) % 900)
}

/// A request of more than any limit lets through.
pub(crate) fn too_much(account: &str) -> Request<'_> {
    Request { array: Some("1-2000000000"), ..request(10_080, account) }
}

/// A folder with a published snapshot that goes when the benchmark ends.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder for snapshots"))
    }

    pub(crate) fn publish(&self, contents: &Contents) -> PathBuf {
        let path = self.0.path().join(if contents.header.kind == Kind::Node { "node.snap" } else { "controller.snap" });
        let aside = self.0.path().join("new");
        fs::write(&aside, encode(contents).expect("contents that fit together")).expect("room for a snapshot");
        fs::set_permissions(&aside, fs::Permissions::from_mode(0o640)).expect("a mode");
        fs::rename(aside, &path).expect("a new file in its place");
        path
    }
}

pub(crate) fn owner(path: &Path) -> u32 {
    fs::metadata(path).expect("the snapshot").uid()
}
