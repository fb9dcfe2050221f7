//! A small world that tests of this crate share.

use crate::job::{GpuAsk, Memory, Request, Shape, TimeLimit};
use crate::limit::{Line, Measure};
use crate::role::{PersonState, Role, SubjectKind};
use crate::snapshot::{Account, Contents, Edge, Grant, Header, Kind, LiveJob, Partition, Person, Snapshot, encode};
use crate::time::{PeriodKind, Timestamp};
use crate::tres::Resource;

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
        currency: "EUR".into(),
    });
    contents.partitions = vec![Partition {
        name: "main".into(),
        default: true,
        max_minutes: Some(2_880),
        max_nodes: 4,
        cpus_per_node: 8,
        default_memory: Memory::PerCpu(100),
        memory_per_node: 4_096,
        ..Partition::default()
    }];
    let edges = |start: i64, step: i64, count: i64| {
        (0..count).map(|n| Edge { at: Timestamp(start + n * step), text: format!("edge {n}") }).collect()
    };
    contents.calendars = vec![[
        edges(TODAY.0, DAY, 10),
        edges(TODAY.0 - 6 * DAY, 7 * DAY, 5),
        edges(TODAY.0 - 21 * DAY, 30 * DAY, 4),
        edges(TODAY.0 - 52 * DAY, 92 * DAY, 3),
        edges(TODAY.0 - 325 * DAY, 365 * DAY, 3),
    ]];
    contents.accounts =
        vec![Account::new("science", None), Account::new("physics", Some(0)), Account::new("finance", None)];
    contents.people = vec![Person {
        uid: 70_001,
        gid: 70_001,
        name: "ana".into(),
        state: PersonState::Active,
        kind: SubjectKind::Member,
        default_account: Some(1),
        lines: Vec::new(),
        associations: Vec::new(),
        storage: Vec::new(),
        grants: vec![Grant {
            id: 1,
            role: Role::ComputeUser,
            account: Some(1),
            from: Timestamp(0),
            until: Timestamp::NEVER,
            revoked: false,
            until_text: String::new(),
            lines: Vec::new(),
            lifts: None,
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
        gpus: GpuAsk::default(),
        qos: None,
        cost_center: None,
    }
}

/// Job 12 as it is listed while it waits: one CPU for an hour, by Ana in `physics` and `main`.
pub(crate) fn live_job() -> LiveJob {
    LiveJob {
        job_id: 12,
        array_job_id: 0,
        uid: 70_001,
        account: "physics".into(),
        partition: "main".into(),
        qos: String::new(),
        running: false,
        begin_at: Timestamp(0),
        minutes: Some(60),
        tasks: 1,
        shape: Shape::default(),
    }
}

/// A limit on the CPU-hours of a day that nothing is held against.
pub(crate) fn cpu_hours_a_day(hours: u64) -> Line {
    Line::unused(Measure::Within(PeriodKind::Day, Resource::Cpu), hours * 3_600)
}
