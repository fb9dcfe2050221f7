use proptest::prelude::*;

use super::*;
use crate::job::Shape;
use crate::limit::{Line, Measure};
use crate::role::{Lifts, PersonState, Role, SubjectKind};
use crate::time::{Period, PeriodKind, Timestamp};
use crate::tres::Resource;
use crate::window::{Outside, Rule, Window as _};

fn header(kind: Kind) -> Header {
    Header {
        kind,
        generation: 7,
        made_at: Timestamp(1_000),
        as_of: Timestamp(990),
        hard_limit: 259_200,
        last_known: true,
        notice: 1_209_600,
        cluster: "demo".into(),
        contact: "hpc@example.org".into(),
        currency: "EUR".into(),
    }
}

fn person(uid: u32, name: &str) -> Person {
    Person {
        uid,
        gid: uid,
        name: name.into(),
        state: PersonState::Active,
        kind: SubjectKind::Member,
        default_account: Some(0),
        lines: Vec::new(),
        associations: Vec::new(),
        storage: Vec::new(),
        grants: Vec::new(),
        home: None,
    }
}

fn line(measure: Measure, limit: u64) -> Line {
    Line { measure, limit, used: 1, in_flight: 2, next: 3, total: 4 }
}

fn full() -> Contents {
    let mut contents = Contents::empty(header(Kind::Node));
    contents.accounts = vec![Account::new("zoology", Some(1)), Account::new("biology", None)];
    let mut ana = person(70_002, "ana");
    ana.grants.push(Grant {
        id: 3,
        role: Role::ComputeUser,
        account: Some(0),
        from: Timestamp(0),
        until: Timestamp(5_000),
        revoked: false,
        until_text: "1970-01-01 02:23 CET".into(),
        lines: vec![line(Measure::OfGrant(Resource::Money), 40)],
        lifts: Some(Lifts::All),
    });
    ana.lines = vec![line(Measure::QueuedJobs, 10), line(Measure::Within(PeriodKind::Week, Resource::Memory), 20)];
    ana.associations = vec![Association { account: 0, lines: vec![line(Measure::AtOnce(Resource::GpuType(1)), 30)] }];
    ana.storage = vec![OverStorage { place: "/scratch".into(), used: 11, limit: 10, refuses: true }];
    ana.home = Some(Home {
        gecos: "Ana Ä".into(),
        directory: "/home/ana".into(),
        shell: "/bin/bash".into(),
        keys: vec!["ssh-ed25519 AAAA".into(), "ssh-rsa BBBB".into()],
    });
    let mut zoe = person(70_001, "zoe");
    zoe.state = PersonState::Removed;
    zoe.home = Some(Home::default());
    contents.people = vec![ana, zoe];
    contents.groups = vec![Group { gid: 70_010, name: "lab".into(), members: vec![0, 1] }];
    contents.gpu_types = vec!["a100".into(), "h100".into()];
    contents.accounts[1].cost_center = "cc-1".into();
    contents.accounts[1].lines = vec![line(Measure::RunningJobs, 50)];
    contents.queues = vec![
        Queue {
            name: "low".into(),
            qos: "low".into(),
            default: true,
            roles: Vec::new(),
            accounts: Vec::new(),
            factor: 500_000,
            max_minutes: None,
            caps: Vec::new(),
        },
        Queue {
            name: "express".into(),
            qos: "high".into(),
            default: false,
            roles: vec![Role::ClusterAdmin, Role::ComputeUser],
            accounts: vec![1],
            factor: 2_000_000,
            max_minutes: Some(60),
            caps: vec![line(Measure::AtOnce(Resource::Cpu), 64)],
        },
    ];
    contents.cost_centers = vec![CostCenter { name: "cc-2".into(), accounts: vec![0] }];
    contents.calendars[0][0] = vec![
        Edge { at: Timestamp(0), text: "start".into() },
        Edge { at: Timestamp(86_400), text: "midnight".into() },
        Edge { at: Timestamp(172_800), text: "next midnight".into() },
    ];
    contents.recent = vec![RecentJob { job_id: 9, uid: 70_002, account: Some(0), submitted: Timestamp(980) }];
    contents.jobs = vec![LiveJob {
        job_id: 9,
        array_job_id: 8,
        uid: 70_002,
        account: "zoology".into(),
        partition: "main".into(),
        qos: "high".into(),
        running: false,
        begin_at: Timestamp(77),
        minutes: Some(60),
        tasks: 4,
        shape: Shape { min_cpus: 2, max_nodes: Some(3), ..Shape::default() },
    }];
    contents.windows = vec![window()];
    contents
}

fn window() -> Window {
    let opening = |start, end, opens: &str, closes: &str| Opening {
        period: Period { start: Timestamp(start), end: Timestamp(end) },
        opens: opens.into(),
        closes: closes.into(),
    };
    Window {
        name: "office".into(),
        governs: vec![
            Governs::Partition("main".into()),
            Governs::Queue("low".into()),
            Governs::Role(Role::ClusterAdmin),
            Governs::Account(0),
        ],
        rule: Rule { outside: Outside::Refuse, ends_inside: true },
        moves: false,
        openings: vec![opening(100, 200, "one", "two"), opening(300, 400, "three", "four")],
        known_until: Timestamp(1_000),
    }
}

#[test]
fn given_windows_then_each_governs_whom_it_names_and_finds_its_openings() {
    let snapshot = Snapshot::decode(encode(&full()).unwrap()).unwrap();
    let windows: Vec<_> = snapshot.windows().collect();
    let zoology = snapshot.account("zoology").unwrap().position;
    let governs: Vec<_> = windows.iter().map(|window| window.governs()).collect();
    assert_eq!(
        governs,
        [
            GovernsRef::Partition("main"),
            GovernsRef::Queue("low"),
            GovernsRef::Role(Role::ClusterAdmin),
            GovernsRef::Account(zoology)
        ]
    );
    assert_eq!(windows.iter().map(WindowRef::target).collect::<Vec<_>>(), ["main", "low", "cluster-admin", "zoology"]);
    let office = windows[0];
    assert_eq!((office.name(), office.rule(), office.moves()), ("office", window().rule, false));
    assert_eq!(office.known_until(), Timestamp(1_000));
    for (at, start) in
        [(0, Some(100)), (100, Some(100)), (199, Some(100)), (200, Some(300)), (399, Some(300)), (400, None)]
    {
        assert_eq!(office.opening_after(Timestamp(at)).map(|opening| opening.start.0), start, "{at}");
    }
    assert_eq!(office.opens_text(Timestamp(300)).to_string(), "three");
    assert_eq!(office.closes_text(Timestamp(200)).to_string(), "two");
    assert_eq!(office.opens_text(Timestamp(150)).to_string(), "1970-01-01 00:02 UTC");
    let ana = snapshot.person(70_002).unwrap();
    assert_eq!(ana.grants().next().unwrap().lifts, Some(Lifts::All));
}

#[test]
fn given_openings_that_touch_or_go_back_then_they_are_not_laid_out() {
    for (at, end) in [(0, 300), (0, 350), (1, 300)] {
        let mut contents = full();
        contents.windows[0].openings[at].period.end = Timestamp(end);
        assert_eq!(encode(&contents), Err(EncodeError::Openings("office".into())), "{at} {end}");
    }
}

#[test]
fn given_contents_then_every_lookup_finds_what_was_put_in() {
    let snapshot = Snapshot::decode(encode(&full()).unwrap()).unwrap();
    assert_eq!((snapshot.generation(), snapshot.cluster(), snapshot.contact()), (7, "demo", "hpc@example.org"));
    let ana = snapshot.person(70_002).unwrap();
    assert_eq!((ana.name(), ana.gid()), ("ana", 70_002));
    assert_eq!(ana.default_account().unwrap().name, "zoology");
    let lines: Vec<_> = ana.lines().iter().collect();
    assert_eq!(lines[1], line(Measure::Within(PeriodKind::Week, Resource::Memory), 20));
    let zoology = snapshot.account("zoology").unwrap().position;
    assert_eq!(ana.lines_in(zoology).unwrap().iter().next().unwrap().limit, 30);
    assert!(ana.lines_in(snapshot.account("biology").unwrap().position).is_none());
    assert_eq!(ana.storage().iter().next().unwrap().place, "/scratch");
    assert_eq!(ana.grants().next().unwrap().lines.iter().count(), 1);
    assert_eq!(snapshot.gpu_types().collect::<Vec<_>>(), ["a100", "h100"]);
    let high = snapshot.queue("high").unwrap();
    assert_eq!((high.name(), high.factor(), high.max_minutes()), ("express", 2_000_000, Some(60)));
    assert!(high.is_open_to(Role::ComputeUser, zoology) && !high.is_open_to(Role::Observer, zoology));
    assert!(snapshot.queues().any(|queue| queue.is_default() && queue.is_open_to(Role::Observer, zoology)));
    let center = snapshot.cost_center("cc-2").unwrap();
    assert!(center.is_open_to(zoology) && !center.is_open_to(snapshot.account("biology").unwrap().position));
    assert_eq!(snapshot.currency(), "EUR");
    let grant = ana.grants().next().unwrap();
    assert_eq!(snapshot.account_at(grant.account.unwrap()).unwrap().name, "zoology");
    assert_eq!(ana.home().unwrap().keys, ["ssh-ed25519 AAAA", "ssh-rsa BBBB"]);
    assert_eq!(snapshot.person_named("zoe").unwrap().uid(), 70_001);
    assert!(snapshot.person_named("bob").is_none() && snapshot.person(1).is_none());
    let line: Vec<_> = snapshot.account_line(grant.account.unwrap()).map(|account| account.name).collect();
    assert_eq!(line, ["zoology", "biology"]);
    let positions: Vec<_> = snapshot.account_line_positions(grant.account.unwrap()).collect();
    assert_eq!(positions.iter().map(|at| snapshot.account_at(*at).unwrap().name).collect::<Vec<_>>(), line);
    assert_eq!(snapshot.account_line_positions(2).count(), 0);
    assert_eq!(snapshot.groups().next().unwrap().members, ["ana", "zoe"]);
    assert_eq!(snapshot.live_jobs(8).next().unwrap().shape.max_nodes, Some(3));
    assert_eq!(snapshot.recent().count(), 1);
}

#[test]
fn given_an_instant_then_its_period_is_found_and_beyond_the_edges_there_is_none() {
    let snapshot = Snapshot::decode(encode(&full()).unwrap()).unwrap();
    let at = |second| snapshot.period(0, PeriodKind::Day, Timestamp(second)).map(|p| (p.ordinal, p.end_text));
    assert_eq!(at(-1), None);
    assert_eq!(at(0), Some((0, "midnight")));
    assert_eq!(at(86_399), Some((0, "midnight")));
    assert_eq!(at(86_400), Some((1, "next midnight")));
    assert_eq!(at(172_800), None);
}

#[test]
fn given_contents_that_contradict_themselves_then_they_are_not_laid_out() {
    let mut twice = full();
    twice.people[1].uid = 70_002;
    assert_eq!(encode(&twice), Err(EncodeError::Twice("uid 70002".into())));
    let mut twice = full();
    twice.people[1].name = "ana".into();
    assert_eq!(encode(&twice), Err(EncodeError::Twice("the name ana".into())));
    let mut cycle = full();
    cycle.accounts[1].parent = Some(0);
    assert!(matches!(encode(&cycle), Err(EncodeError::Cycle(_))));
    let mut dangling = full();
    dangling.groups[0].members = vec![2];
    assert_eq!(encode(&dangling), Err(EncodeError::Dangling("group lab".into())));
}

#[test]
fn given_a_snapshot_cut_short_anywhere_then_it_is_refused() {
    let bytes = encode(&full()).unwrap();
    for len in 0..bytes.len() {
        assert!(Snapshot::decode(bytes[..len].to_vec()).is_err(), "{len} bytes");
    }
}

/// Puts the right checksum on altered bytes, so that the bounds are what refuses them.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() >= 24 {
        let checksum = crc32fast::hash(&bytes[16..]);
        bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
    }
    bytes
}

/// Walks everything a reader can reach.
fn walk(snapshot: &Snapshot) {
    for person in snapshot.people() {
        let _ = (person.name(), person.default_account(), person.home());
        for grant in person.grants() {
            let _ = grant.account.map(|at| snapshot.account_line(at).count());
            let _ = grant.account.map(|at| snapshot.account_line_positions(at).count());
        }
        let _ = snapshot.person_named(person.name());
    }
    let _ = (snapshot.groups().count(), snapshot.recent().count(), snapshot.partitions().count());
    let _ = snapshot.queues().filter(|queue| queue.is_open_to(Role::ComputeUser, 0)).count();
    let _ = snapshot.cost_centers().filter(|center| center.is_open_to(0)).count();
    let _ =
        snapshot.people().map(|person| person.lines().iter().count() + person.storage().iter().count()).sum::<usize>();
    let _ = (snapshot.gpu_types().count(), snapshot.people().filter_map(|person| person.lines_in(0)).count());
    let _ = (snapshot.live_jobs(9).count(), snapshot.contact(), snapshot.cluster());
    for kind in PeriodKind::ALL {
        let _ = snapshot.period(0, kind, Timestamp(100_000));
    }
    for window in snapshot.windows() {
        let _ = (window.name(), window.target(), window.governs(), window.rule());
        for at in [0, 150, 300, 1_000] {
            let _ = (
                window.opening_after(Timestamp(at)),
                window.opens_text(Timestamp(at)),
                window.closes_text(Timestamp(at)),
            );
        }
    }
}

proptest! {
    #[test]
    fn given_any_bytes_then_the_reader_does_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(Snapshot::decode(bytes).is_err());
    }

    #[test]
    fn given_one_flipped_byte_then_the_checksum_refuses_it(at in 0_usize..1200, flip in 1_u8..) {
        let mut bytes = encode(&full()).unwrap();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        prop_assert!(Snapshot::decode(bytes).is_err());
    }

    #[test]
    fn given_altered_bytes_with_a_right_checksum_then_the_bounds_hold(
        changes in proptest::collection::vec((0_usize..4000, any::<u8>()), 1..6),
    ) {
        let mut bytes = encode(&full()).unwrap();
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        if let Ok(snapshot) = Snapshot::decode(sealed(bytes)) {
            walk(&snapshot);
        }
    }
}

proptest! {
    #[test]
    fn given_any_uids_then_everybody_is_found_and_nobody_else(
        uids in proptest::collection::btree_set(any::<u32>(), 0..64),
        even in proptest::collection::btree_set(70_000_u32..70_200, 0..200),
        others in proptest::collection::vec(69_990_u32..70_210, 16),
    ) {
        let uids: std::collections::BTreeSet<u32> = uids.into_iter().chain(even).collect();
        let mut contents = Contents::empty(header(Kind::Controller));
        contents.people =
            uids.iter().map(|uid| Person { default_account: None, ..person(*uid, &format!("u{uid}")) }).collect();
        let snapshot = Snapshot::decode(encode(&contents).unwrap()).unwrap();
        for uid in &uids {
            prop_assert_eq!(snapshot.person(*uid).map(|person| person.uid()), Some(*uid));
        }
        for uid in others.into_iter().chain([0, u32::MAX]) {
            prop_assert_eq!(snapshot.person(uid).is_some(), uids.contains(&uid));
        }
    }
}
