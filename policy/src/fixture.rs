//! A small world that tests of this crate share.

use crate::job::{Request, Shape, TimeLimit};
use crate::limit::{Limits, Usage};
use crate::role::{PersonState, Role, SubjectKind};
use crate::snapshot::{Account, Contents, Edge, Grant, Header, Kind, Partition, Person, Snapshot, encode};
use crate::time::Timestamp;

/// 2026-11-22 08:00:00 UTC, a Sunday.
pub(crate) const NOW: Timestamp = Timestamp(1_795_334_400);
/// The midnight before [`NOW`].
pub(crate) const TODAY: Timestamp = Timestamp(1_795_305_600);
const DAY: i64 = 86_400;

/// Ana (70001) with an open grant for account `physics`, below `science`; partition `main` of 4 nodes with 8 CPUs.
pub(crate) fn contents() -> Contents {
    let mut contents = Contents::empty(Header {
        kind: Kind::Controller,
        generation: 1,
        made_at: NOW,
        as_of: NOW,
        hard_limit: 259_200,
        last_known: true,
        notice: 14 * 86_400,
        cluster: "demo".into(),
        contact: "Ask hpc@example.org.".into(),
    });
    contents.partitions = vec![Partition {
        name: "main".into(),
        default: true,
        whole_nodes: false,
        default_minutes: None,
        max_minutes: Some(2_880),
        over_minutes: Some(0),
        max_nodes: 4,
        cpus_per_node: 8,
        max_mem_per_cpu: None,
    }];
    let edges = |start: i64, step: i64, count: i64| {
        (0..count).map(|n| Edge { at: Timestamp(start + n * step), text: format!("edge {n}") }).collect()
    };
    contents.periods =
        [edges(TODAY.0, DAY, 10), edges(TODAY.0 - 6 * DAY, 7 * DAY, 5), edges(TODAY.0 - 21 * DAY, 30 * DAY, 4)];
    contents.accounts = vec![
        Account { name: "science".into(), parent: None, limits: Limits::default(), usage: Usage::default() },
        Account { name: "physics".into(), parent: Some(0), limits: Limits::default(), usage: Usage::default() },
        Account { name: "finance".into(), parent: None, limits: Limits::default(), usage: Usage::default() },
    ];
    contents.people = vec![Person {
        uid: 70_001,
        gid: 70_001,
        name: "ana".into(),
        state: PersonState::Active,
        kind: SubjectKind::Member,
        default_account: Some(1),
        limits: Limits::default(),
        usage: Usage::default(),
        grants: vec![Grant {
            id: 1,
            role: Role::ComputeUser,
            account: Some(1),
            from: Timestamp(0),
            until: Timestamp::NEVER,
            revoked: false,
            until_text: String::new(),
        }],
        home: None,
    }];
    contents
}

/// The snapshot of these contents.
pub(crate) fn snapshot(contents: &Contents) -> Snapshot {
    Snapshot::decode(encode(contents).unwrap()).unwrap()
}

/// One CPU for this many minutes, by Ana.
pub(crate) fn request(minutes: u32) -> Request<'static> {
    Request {
        uid: 70_001,
        account: None,
        partition: None,
        time_limit: TimeLimit::Minutes(minutes),
        begin_at: None,
        array: None,
        shape: Shape::default(),
    }
}
