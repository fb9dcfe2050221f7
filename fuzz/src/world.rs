//! A small institute with everything in it that a verdict can depend on, as the plugin would find it.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use bursar_policy::job::{Memory, Shape};
use bursar_policy::snapshot::{
    Account, Association, Contents, CostCenter, CostCenterRule, Edge, Governs, Grant, Header, Kind, LiveJob, Opening,
    OverStorage, Partition, Person, Queue, RecentJob, Window, encode,
};
use bursar_policy::window::{Outside, Rule};
use bursar_policy::{
    Gpus, Lifts, Line, Measure, Period, PeriodKind, PersonState, Prices, Resource, Role, SubjectKind, Timestamp,
};

/// 2026-11-22 08:00:00 UTC.
pub const NOW: i64 = 1_795_334_400;
/// Seconds.
pub const DAY: i64 = 86_400;
const MIDNIGHT: i64 = NOW - 8 * 3_600;

/// Uids that may have a job; everybody else's must be refused, whatever it says.
pub const SUBMITTERS: [u32; 4] = [70_001, 70_002, 70_003, 70_006];

/// What one CPU commonly goes with, so that every limit can be the first to be reached.
fn unit(resource: Resource) -> u64 {
    match resource {
        Resource::Memory => 2_048,
        Resource::Money => 20_000,
        _ => 1,
    }
}

/// A limit on every measure, some of it used.
fn lines(scale: u64) -> Vec<Line> {
    let at_once = Resource::all().map(Measure::AtOnce);
    let within = PeriodKind::ALL.into_iter().flat_map(|kind| Resource::all().map(move |r| Measure::Within(kind, r)));
    let jobs = [Measure::RunningJobs, Measure::QueuedJobs].into_iter();
    jobs.chain(at_once)
        .chain(within)
        .map(|measure| {
            let limit = match measure {
                Measure::RunningJobs | Measure::QueuedJobs => scale.saturating_mul(100),
                Measure::AtOnce(resource) => scale.saturating_mul(100 * unit(resource)),
                Measure::Within(_, resource) | Measure::OfGrant(resource) => {
                    scale.saturating_mul(3_600_000 * unit(resource))
                }
            };
            Line { used: limit / 10, in_flight: limit / 20, next: limit / 30, ..Line::unused(measure, limit) }
        })
        .filter(|line| !matches!(line.measure, Measure::AtOnce(Resource::GpuType(2..))))
        .filter(|line| !matches!(line.measure, Measure::Within(_, Resource::GpuType(2..))))
        .collect()
}

fn grant(id: u64, role: Role, account: Option<u32>, until: i64) -> Grant {
    Grant {
        id,
        role,
        account,
        from: Timestamp(0),
        until: if until == 0 { Timestamp::NEVER } else { Timestamp(until) },
        revoked: false,
        until_text: if until == 0 { String::new() } else { "2026-12-24 18:00 CET".into() },
        lines: Vec::new(),
        lifts: None,
    }
}

fn person(uid: u32, name: &str, account: Option<u32>, grants: Vec<Grant>) -> Person {
    Person {
        uid,
        gid: uid,
        name: name.into(),
        state: PersonState::Active,
        kind: SubjectKind::Member,
        default_account: account,
        lines: Vec::new(),
        associations: Vec::new(),
        storage: Vec::new(),
        grants,
        home: None,
    }
}

fn people() -> Vec<Person> {
    let mut ana = person(70_001, "ana", Some(1), vec![grant(1, Role::ComputeUser, Some(1), 0)]);
    ana.lines = lines(1);
    ana.associations = vec![Association { account: 1, lines: lines(2) }];
    // No limit of her own, an emergency grant, and another that ends.
    let mut ben = person(70_002, "ben", None, vec![grant(2, Role::ComputeUser, Some(0), NOW + 30 * DAY)]);
    ben.grants.push(Grant { lifts: Some(Lifts::All), ..grant(3, Role::ComputeUser, Some(1), NOW + DAY) });
    ben.storage = vec![OverStorage { place: "/scratch".into(), used: 11, limit: 10, refuses: false }];
    // A grant with an allowance of its own.
    let mut chi = person(70_003, "chi", Some(2), vec![grant(4, Role::ComputeUser, Some(2), NOW + 7 * DAY)]);
    chi.grants[0].lines = Resource::all()
        .filter(|resource| !matches!(resource, Resource::GpuType(2..)))
        .map(|resource| Line { used: 5, ..Line::unused(Measure::OfGrant(resource), 720_000 * unit(resource)) })
        .collect();
    let eva = person(70_004, "eva", Some(1), vec![grant(5, Role::Observer, None, 0)]);
    let mut fitz = person(70_005, "fitz", Some(1), vec![grant(6, Role::ComputeUser, Some(1), 0)]);
    fitz.state = PersonState::Disabled;
    let kim = person(70_006, "kim", Some(0), vec![grant(7, Role::ClusterAdmin, None, 0)]);
    let mut kim = kim;
    kim.grants.push(grant(8, Role::ComputeUser, Some(0), 0));
    vec![ana, ben, chi, eva, fitz, kim]
}

fn opening(day: i64, from: i64, to: i64) -> Opening {
    Opening {
        period: Period {
            start: Timestamp(MIDNIGHT + day * DAY + from * 3_600),
            end: Timestamp(MIDNIGHT + day * DAY + to * 3_600),
        },
        opens: format!("day {day}, {from}:00 CET"),
        closes: format!("day {day}, {to}:00 CET"),
    }
}

fn window(name: &str, governs: Vec<Governs>, (from, to): (i64, i64), outside: Outside) -> Window {
    Window {
        name: name.into(),
        governs,
        rule: Rule { outside, ends_inside: true },
        moves: true,
        openings: (0..60).map(|day| opening(day, from, to)).collect(),
        known_until: Timestamp(MIDNIGHT + 60 * DAY),
    }
}

fn partitions() -> Vec<Partition> {
    let prices = Prices { cpu: 10_000, gpu: 500_000, memory_gib: 1_000, node: 3, ..Prices::default() };
    let main = Partition {
        name: "main".into(),
        default: true,
        default_minutes: Some(10),
        max_minutes: Some(10_080),
        max_nodes: 4,
        cpus_per_node: 64,
        max_mem_per_cpu: Some(4_096),
        default_memory: Memory::PerCpu(2_048),
        memory_per_node: 256_000,
        sockets_per_node: 2,
        prices,
        ..Partition::default()
    };
    let mut gpus = Gpus { all: 8, ..Gpus::default() };
    gpus.typed[0] = 4;
    gpus.typed[1] = 4;
    let mut dear = prices;
    dear.gpu_types[0] = Some(2_000_000);
    let gpu = Partition {
        name: "gpu".into(),
        default: false,
        default_minutes: None,
        max_minutes: None,
        over_minutes: None,
        gpus_per_node: gpus,
        cpus_per_gpu: Some(8),
        memory_per_gpu: Some(32_000),
        prices: dear,
        ..main.clone()
    };
    let fast = Partition { name: "fast".into(), default: false, whole_nodes: true, max_nodes: 1, ..main.clone() };
    let ghost = Partition { name: "ghost".into(), ..Partition::default() };
    vec![main, gpu, fast, ghost]
}

/// The institute, without jobs.
pub fn institute(kind: Kind) -> Contents {
    let mut contents = Contents::empty(Header {
        kind,
        generation: 1,
        made_at: Timestamp(NOW),
        as_of: Timestamp(NOW),
        hard_limit: 259_200,
        last_known: true,
        notice: 1_209_600,
        cluster: "demo".into(),
        contact: "Ask hpc@example.org.".into(),
        currency: "EUR".into(),
    });
    if kind == Kind::Jobs {
        contents.jobs = jobs();
        return contents;
    }
    contents.facts.granule = 2;
    contents.facts.threads_per_core = 2;
    contents.facts.slack = 60;
    contents.facts.running_limit_refuses = true;
    contents.facts.tells_cost = true;
    contents.facts.cost_centers = CostCenterRule::Required;
    contents.partitions = partitions();
    contents.gpu_types = vec!["a100".into(), "h100".into()];
    let edges = |start: i64, step: i64, count: i64| {
        (0..count).map(|n| Edge { at: Timestamp(start + n * step), text: "2026-12-01 00:00 CET".into() }).collect()
    };
    let calendar = [
        edges(MIDNIGHT, DAY, 36),
        edges(MIDNIGHT - 6 * DAY, 7 * DAY, 6),
        edges(MIDNIGHT - 21 * DAY, 30 * DAY, 13),
        edges(MIDNIGHT - 52 * DAY, 92 * DAY, 4),
        edges(MIDNIGHT - 325 * DAY, 365 * DAY, 3),
    ];
    contents.calendars = vec![calendar.clone(), calendar];
    let science = Account { lines: lines(50), cost_center: "cc-1".into(), ..Account::new("science", None) };
    let physics = Account { lines: lines(10), calendar: 1, ..Account::new("physics", Some(0)) };
    let mut finance = Account::new("finance", None);
    finance.storage = vec![OverStorage { place: "/work".into(), used: 2, limit: 1, refuses: true }];
    contents.accounts = vec![science, physics, finance];
    contents.people = people();
    let queue = |name: &str, qos: &str| Queue {
        name: name.into(),
        qos: qos.into(),
        default: name == "low",
        roles: Vec::new(),
        accounts: Vec::new(),
        factor: 500_000,
        max_minutes: None,
        caps: Vec::new(),
    };
    let caps = Resource::all().filter(|resource| !matches!(resource, Resource::GpuType(2..)));
    contents.queues = vec![
        queue("low", "low"),
        Queue {
            roles: vec![Role::ComputeUser],
            accounts: vec![1],
            factor: 4_000_000,
            max_minutes: Some(60),
            caps: caps.map(|resource| Line::unused(Measure::AtOnce(resource), 64)).collect(),
            ..queue("express", "high")
        },
    ];
    contents.cost_centers = vec![
        CostCenter { name: "cc-1".into(), accounts: Vec::new() },
        CostCenter { name: "cc-2".into(), accounts: vec![1] },
    ];
    contents.recent = (1..4)
        .map(|job_id| RecentJob { job_id, uid: 70_001, account: Some(1), submitted: Timestamp(NOW - 30) })
        .collect();
    contents.windows = vec![
        window("evening", vec![Governs::Partition("fast".into())], (6, 23), Outside::Wait),
        window("office", vec![Governs::Queue("express".into()), Governs::Account(2)], (7, 18), Outside::Wait),
        window("admins", vec![Governs::Role(Role::ClusterAdmin)], (9, 17), Outside::Refuse),
        window("dear", vec![Governs::Partition("gpu".into())], (8, 20), Outside::Refuse),
    ];
    contents
}

/// Live jobs of each kind that an update can be of.
fn jobs() -> Vec<LiveJob> {
    let job = |job_id, uid, running| LiveJob {
        job_id,
        array_job_id: 0,
        uid,
        account: "physics".into(),
        partition: "main".into(),
        qos: "low".into(),
        running,
        begin_at: Timestamp(0),
        minutes: Some(60),
        tasks: 1,
        shape: Shape { min_cpus: 2, max_nodes: Some(3), ..Shape::default() },
    };
    let mut gpus = Gpus { all: 2, ..Gpus::default() };
    gpus.typed[0] = 2;
    vec![
        job(1, 70_001, false),
        job(2, 70_001, true),
        LiveJob { array_job_id: 9, tasks: 1_000, ..job(3, 70_001, false) },
        LiveJob { array_job_id: 9, ..job(4, 70_001, true) },
        LiveJob { minutes: None, partition: "gpu,main".into(), qos: String::new(), ..job(5, 70_002, false) },
        LiveJob {
            account: "finance".into(),
            begin_at: Timestamp(NOW + DAY),
            shape: Shape { gpus, memory: Memory::PerNode(0), open_ended: true, ..Shape::default() },
            ..job(6, 70_003, false)
        },
        LiveJob { account: "gone".into(), partition: "gone".into(), ..job(7, 70_001, false) },
        job(10, 70_005, false),
    ]
}

/// The published files of the institute.
#[derive(Debug)]
pub struct Published {
    /// Where the plugin's own is.
    pub controller: PathBuf,
    /// Whose they are.
    pub owner: u32,
}

impl Published {
    /// Writes them into a folder of this process's own.
    ///
    /// # Panics
    /// Where that cannot be done: then there is nothing to judge by.
    pub fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("bursar-fuzz-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap_or_else(|cause| panic!("cannot make {}: {cause}", folder.display()));
        let owner = fs::metadata(&folder).map_or(0, |meta| meta.uid());
        let controller = folder.join("controller.snap");
        publish(&controller, &institute(Kind::Controller));
        publish(&folder.join("jobs.snap"), &institute(Kind::Jobs));
        Self { controller, owner }
    }
}

impl Default for Published {
    fn default() -> Self {
        Self::new()
    }
}

fn publish(path: &Path, contents: &Contents) {
    let bytes = encode(contents).unwrap_or_else(|cause| panic!("the institute contradicts itself: {cause}"));
    let written = fs::write(path, bytes).and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o640)));
    written.unwrap_or_else(|cause| panic!("cannot write {}: {cause}", path.display()));
}
