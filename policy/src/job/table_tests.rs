//! Every role, every way to enter or change a job, and every state that decides, in one table.
//!
//! The table is committed as `snapshots/…given_every_role_way_and_state….snap`; a cell is `yes`, `waits` for a job that
//! is put off to its window's next opening, or the code of the no.

use std::fmt::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use super::*;
use crate::NodeConf;
use crate::fixture::{NOW, contents, live_job, request};
use crate::limit::{Line, Measure};
use crate::role::{Lifts, PersonState, Role};
use crate::snapshot::{
    Account, Contents, CostCenterRule, Governs, Grant, Kind, LiveJob, Opening, OverStorage, Queue, Window, encode,
};
use crate::time::{Period, PeriodKind, Timestamp};
use crate::tres::{Gpus, Resource};
use crate::window::{Outside, Rule};

const HOUR: u64 = 3_600;
const ANA: u32 = 70_001;

/// A way for a job to enter or to change.
enum Way {
    Submit(Request<'static>),
    Edit(Edit<'static>),
}

fn ways() -> Vec<(&'static str, Way)> {
    let submit = |change: &dyn Fn(&mut Request<'static>)| {
        let mut asked = request(60);
        change(&mut asked);
        Way::Submit(asked)
    };
    let edit = |change: &dyn Fn(&mut Edit<'static>)| {
        let mut edit = Edit { job: "12", ..Edit::default() };
        change(&mut edit);
        Way::Edit(edit)
    };
    vec![
        ("sbatch", submit(&|_| ())),
        ("array", submit(&|job| job.array = Some("1-4"))),
        ("later", submit(&|job| job.begin_at = Some(NOW.plus(20 * 86_400)))),
        ("gpu", submit(&|job| job.gpus.per_node = Some("gres:gpu:1"))),
        ("-A oth", submit(&|job| job.account = Some("finance"))),
        ("-q high", submit(&|job| job.qos = Some("high"))),
        ("wckey", submit(&|job| job.cost_center = Some("cc-9"))),
        ("no -t", submit(&|job| job.time_limit = TimeLimit::Unset)),
        ("rename", edit(&|_| ())),
        ("shrink", edit(&|edit| edit.time_limit = Some(TimeLimit::Minutes(10)))),
        ("longer", edit(&|edit| edit.time_limit = Some(TimeLimit::Minutes(90)))),
        ("wider", edit(&|edit| edit.tasks = Some(2))),
        ("to acct", edit(&|edit| edit.account = Some("finance"))),
        ("to high", edit(&|edit| edit.qos = Some("high"))),
        ("retag", edit(&|edit| edit.cost_center = Some("cc-9"))),
        ("release", edit(&|edit| edit.releases = true)),
        ("at once", edit(&|edit| edit.begin_at = Some(NOW))),
    ]
}

/// What is changed in a world where everything is in order.
type Change = fn(&mut Contents);

fn states() -> Vec<(&'static str, &'static str, Change)> {
    fn ana(contents: &mut Contents) -> &mut crate::snapshot::Person {
        &mut contents.people[0]
    }
    fn grant(contents: &mut Contents) -> &mut Grant {
        &mut contents.people[0].grants[0]
    }
    fn full(measure: Measure, limit: u64) -> Line {
        Line { used: limit, ..Line::unused(measure, limit) }
    }
    fn within(kind: PeriodKind, resource: Resource) -> Line {
        full(Measure::Within(kind, resource), 100 * HOUR)
    }
    vec![
        ("in order", "", |_| ()),
        ("grant", "none", |world| ana(world).grants.clear()),
        ("grant", "begins later", |world| grant(world).from = NOW.plus(60)),
        ("grant", "ended", |world| grant(world).until = NOW),
        ("grant", "withdrawn", |world| {
            grant(world).until = NOW;
            grant(world).revoked = true;
        }),
        ("grant", "ends in 10 days", |world| grant(world).until = NOW.plus(10 * 86_400)),
        ("person", "disabled", |world| ana(world).state = PersonState::Disabled),
        ("person", "gone", |world| ana(world).state = PersonState::Removed),
        ("person", "no default account", |world| ana(world).default_account = None),
        ("limit", "hours of the day used", |world| {
            ana(world).lines = vec![within(PeriodKind::Day, Resource::Cpu)];
        }),
        ("limit", "hours of tomorrow taken", |world| {
            let line = Line::unused(Measure::Within(PeriodKind::Day, Resource::Cpu), 100 * HOUR);
            ana(world).lines = vec![Line { next: 100 * HOUR, ..line }];
        }),
        ("limit", "one hour of the month left", |world| {
            ana(world).lines = vec![Line { used: 99 * HOUR, ..within(PeriodKind::Month, Resource::Cpu) }];
        }),
        ("limit", "GPU-hours used", |world| ana(world).lines = vec![within(PeriodKind::Week, Resource::Gpu)]),
        ("limit", "memory-hours used", |world| {
            ana(world).lines = vec![within(PeriodKind::Quarter, Resource::Memory)];
        }),
        ("limit", "node-hours used", |world| ana(world).lines = vec![within(PeriodKind::Year, Resource::Node)]),
        ("limit", "account's money spent", |world| {
            world.accounts[0].lines = vec![within(PeriodKind::Month, Resource::Money)];
        }),
        ("limit", "grant's hours used", |world| {
            grant(world).lines = vec![full(Measure::OfGrant(Resource::Cpu), HOUR)];
        }),
        ("limit", "3 may wait, 1 does", |world| {
            ana(world).lines = vec![Line { used: 1, ..Line::unused(Measure::QueuedJobs, 3) }];
        }),
        ("limit", "1 may run, 1 does", |world| ana(world).lines = vec![full(Measure::RunningJobs, 1)]),
        ("limit", "none may run", |world| ana(world).lines = vec![full(Measure::RunningJobs, 0)]),
        ("limit", "1 CPU at once", |world| {
            ana(world).lines = vec![full(Measure::AtOnce(Resource::Cpu), 1)];
        }),
        ("limit", "no GPU at once", |world| ana(world).lines = vec![full(Measure::AtOnce(Resource::Gpu), 0)]),
        ("storage", "over, refused", |world| {
            let (place, used, limit) = ("/scratch".to_owned(), 2, 1);
            ana(world).storage = vec![OverStorage { place, used, limit, refuses: true }];
        }),
        ("storage", "over, warned", |world| {
            let (place, used, limit) = ("/scratch".to_owned(), 2, 1);
            ana(world).storage = vec![OverStorage { place, used, limit, refuses: false }];
        }),
        ("window", "partition's, closed, refuses", |world| {
            world.windows = vec![window(Governs::Partition("main".into()), Outside::Refuse, 2)];
        }),
        ("window", "partition's, closed, they wait", |world| {
            world.windows = vec![window(Governs::Partition("main".into()), Outside::Wait, 2)];
        }),
        ("window", "another partition's, closed", |world| {
            world.windows = vec![window(Governs::Partition("night".into()), Outside::Refuse, 2)];
        }),
        ("window", "account above's, closed, refuses", |world| {
            world.windows = vec![window(Governs::Account(0), Outside::Refuse, 2)];
        }),
        ("window", "queue high's, closed, refuses", |world| {
            world.windows = vec![window(Governs::Queue("high".into()), Outside::Refuse, 2)];
        }),
        ("window", "compute-users', closed, they wait", |world| {
            world.windows = vec![window(Governs::Role(Role::ComputeUser), Outside::Wait, 2)];
        }),
        ("window", "open for an hour, must end inside", |world| {
            world.windows = vec![window(Governs::Partition("main".into()), Outside::Refuse, 0)];
        }),
        ("window", "closed, lifted by an emergency", |world| {
            world.windows = vec![window(Governs::Partition("main".into()), Outside::Refuse, 2)];
            let emergency = Grant { id: 9, lifts: Some(Lifts::Windows), ..grant(world).clone() };
            ana(world).grants.push(emergency);
        }),
        ("limit", "hours used, lifted by an emergency", |world| {
            ana(world).lines = vec![within(PeriodKind::Day, Resource::Cpu)];
            let emergency = Grant { id: 9, lifts: Some(Lifts::Limits), ..grant(world).clone() };
            ana(world).grants.push(emergency);
        }),
        ("cost centre", "must be known", |world| world.facts.cost_centers = CostCenterRule::Known),
        ("cost centre", "must be there", |world| world.facts.cost_centers = CostCenterRule::Required),
        ("cluster", "partition has no time limit", |world| world.partitions[0].max_minutes = None),
        ("snapshot", "stale, last known holds", |world| world.header.made_at = Timestamp(0)),
        ("snapshot", "stale, nothing holds", |world| {
            world.header.made_at = Timestamp(0);
            world.header.last_known = false;
        }),
        ("snapshot", "none", |world| world.header.generation = 0),
        ("slurmctld", "just started", |world| world.header.as_of = Timestamp(NOW.0 - 60)),
        ("job list", "job not in it yet", |world| world.jobs.clear()),
    ]
}

/// A window that opens so many hours from now, for one hour, and for one on each of the next days.
fn window(governs: Governs, outside: Outside, hours: i64) -> Window {
    let opening = |day: i64| {
        let start = Timestamp(NOW.0 + day * 86_400 + hours * 3_600);
        Opening { period: Period { start, end: start.plus(HOUR) }, opens: String::new(), closes: String::new() }
    };
    Window {
        name: "office".into(),
        governs: vec![governs],
        rule: Rule { outside, ends_inside: true },
        moves: true,
        openings: (0..30).map(opening).collect(),
        known_until: NOW.plus(30 * 86_400),
    }
}

/// The world in order: Ana holds `role`, her job 12 waits, there are queues and GPUs.
fn world(role: Role) -> Contents {
    let mut world = contents();
    world.accounts.push(Account::new("empty", None));
    world.gpu_types = vec!["a100".into()];
    world.partitions[0].gpus_per_node = Gpus { all: 2, typed: [2, 0, 0, 0, 0, 0, 0, 0] };
    world.partitions[0].prices.cpu = 10_000;
    let queue = |name: &str, roles: &[Role]| Queue {
        name: name.into(),
        qos: name.into(),
        default: name == "normal",
        roles: roles.to_vec(),
        accounts: Vec::new(),
        factor: 1_000_000,
        max_minutes: None,
        caps: Vec::new(),
    };
    world.queues = vec![queue("normal", &[]), queue("high", &[Role::ClusterAdmin])];
    world.people[0].grants[0].role = role;
    world.jobs = vec![LiveJob { qos: "normal".into(), ..live_job() }];
    world
}

/// What the gate says to `way` by `editor` in `world`.
fn verdict(world: &Contents, way: &Way, editor: u32) -> &'static str {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, kind| {
        let mut world = world.clone();
        world.header.kind = kind;
        let path = folder.path().join(name);
        std::fs::write(&path, encode(&world).unwrap()).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    };
    // Generation 0 stands for a file that is not there.
    if world.header.generation > 0 {
        put("controller.snap", Kind::Controller);
        put("jobs.snap", Kind::Jobs);
    }
    let conf = NodeConf {
        controller_snapshot: folder.path().join("controller.snap"),
        publisher_uid: Some(std::fs::metadata(folder.path()).unwrap().uid()),
        ..NodeConf::default()
    };
    let gate = Gate::new(conf, Timestamp(NOW.0 - 10));
    let answer = match way {
        Way::Submit(request) => gate.submit(request, NOW, &mut |_, _| ()),
        Way::Edit(edit) => gate.modify(edit, editor, NOW, &mut |_, _| ()),
    };
    match answer {
        Answer::Admit { begin_at: Some(_), .. } => "waits",
        Answer::Admit { .. } => "yes",
        Answer::Refuse { code, .. } => code.as_str().trim_start_matches("BSR-"),
    }
}

#[test]
fn given_every_role_way_and_state_then_the_verdicts_are_those_of_the_table() {
    let ways = ways();
    let mut table = String::from("A cell is `yes`, `waits`, or the number of the code BSR-… that refuses.\n");
    let editors = [
        ("compute-user, the job's owner", Role::ComputeUser, ANA),
        ("cluster-admin, the job's owner", Role::ClusterAdmin, ANA),
        ("observer, the job's owner", Role::Observer, ANA),
        ("operator of Slurm whom bursar does not know, on the job of a compute-user", Role::ComputeUser, 4_000),
    ];
    for (title, role, editor) in editors {
        // An operator's own submissions are not the owner's, and are not judged here.
        let ways = || ways.iter().filter(|(_, way)| editor == ANA || matches!(way, Way::Edit(_)));
        let _ = writeln!(table, "\n{title}");
        let _ = write!(table, "{:40}", "");
        for (name, _) in ways() {
            let _ = write!(table, " {name:>7}");
        }
        for (part, state, change) in states() {
            let mut world = world(role);
            change(&mut world);
            let _ = write!(table, "\n{:40}", format!("{part}: {state}").trim_end_matches(": "));
            for (_, way) in ways() {
                let _ = write!(table, " {:>7}", verdict(&world, way, editor));
            }
        }
        table.push('\n');
    }
    insta::assert_snapshot!(table);
}
