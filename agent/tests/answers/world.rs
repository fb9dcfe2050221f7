//! A small site: a store with people in every role, a view, and the answers about it.
//!
//! * ada administers, olaf observes the cluster, pia observes physics, ana submits on physics, ben, a guest, on
//!   chemistry, dora is disabled, tom is gone.
//! * Accounts: science above physics and chemistry, from policy.toml; lab, added by hand.

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use bursar_agent::accounting::flight::{Ground, LiveJob, Stage};
use bursar_agent::accounting::{Calendar, Flight, Settled, Standing};
use bursar_agent::config::{self, Config, ConfigPaths};
use bursar_agent::daemon::site::{Associations, SyncRequest};
use bursar_agent::daemon::{Answers, Site, View};
use bursar_agent::snapshot::compile::{self, Cluster, Sources};
use bursar_agent::snapshot::{Holdings, windows};
use bursar_agent::storage::{Place, Places, Reading, Stored, Usages};
use bursar_agent::store::grants::NewGrant;
use bursar_agent::store::ledger::{Progress, SetAside, Told, ToldBy};
use bursar_agent::store::logins::{Login, LoginDecision};
use bursar_agent::store::numbers::UidPool;
use bursar_agent::store::refused::{RefusedIdentity, RefusedKind};
use bursar_agent::store::runs::Run;
use bursar_agent::store::sync::{ChangedPerson, GroupImage, PersonImage, SourceChanges};
use bursar_agent::store::*;
use bursar_agent::wire::{Cell, Handler, Peer, Query, Request, Response, Table, Values};
use bursar_policy::job::{Shape, TimeLimit};
use bursar_policy::snapshot::{Partition, encode};
use bursar_policy::{AccountName, Clock, Snapshot, SystemClock, Timestamp, UserName};
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use tokio::sync::mpsc;

pub(crate) const ROOT: u32 = 0;
// The two groups have the first numbers of the pool.
pub(crate) const ADA: u32 = 65_538;
pub(crate) const OLAF: u32 = 65_539;
pub(crate) const PIA: u32 = 65_540;
pub(crate) const ANA: u32 = 65_541;
pub(crate) const BEN: u32 = 65_542;
pub(crate) const DORA: u32 = 65_543;
pub(crate) const TOM: u32 = 65_544;
pub(crate) const STRANGER: u32 = 99_998;

const PEOPLE: [&str; 7] = ["ada", "olaf", "pia", "ana", "ben", "dora", "tom"];

const POLICY: &str = r#"
time-zone = "Europe/Berlin"
week-start = "monday"
contact = "hpc@example.org"
[limits.default]
running-jobs = 50
queued-jobs = 200
[limits.guest]
cpu-hours-per-day = 24
[limits.compute-user]
cpu-hours-per-month = 5000
[[account]]
name = "science"
description = "Faculty of science"
[[account]]
name = "physics"
parent = "science"
description = "Department of physics"
cost-center = "CC-1100"
[account.limits]
cpu-hours-per-month = 100
[[account]]
name = "chemistry"
description = "Department of chemistry"
parent = "science"
[[window]]
name = "nights"
partition = ["night", "attic"]
open = ["mon-fri 20:00-06:00", "sat,sun 00:00-24:00"]
outside = "wait"
[[mapping]]
group = "g-admins"
role = "cluster-admin"
scope = "cluster"
[[mapping]]
group = "g-physics"
role = "compute-user"
account = "physics"
[[storage]]
name = "/scratch"
from = "command"
command = ["/usr/local/sbin/usage"]
over = "refuse"
person-gb = 10
account-gb = 40
[[queue]]
name = "high"
qos = "urgent"
priority = 1000
roles = ["compute-user"]
accounts = ["physics"]
preempts = ["normal"]
charge-factor = "2"
[queue.limits]
running-jobs = 2
queued-jobs = 10
cpus = 64
gpus = 2
nodes = 4
memory-gb = 100
max-time = "2-00"
[[queue]]
name = "normal"
default = true
"#;

/// What slurmdbd holds: ana as wanted, ben revoked where he was, and two that are somebody else's.
fn associations() -> Associations {
    let held = [("ana", "physics", false), ("ben", "physics", true), ("eve", "theirs", false), ("root", "root", false)];
    let name = |(user, account): (&str, &str)| (user.to_owned(), account.to_owned());
    Associations {
        shut: held.into_iter().map(|(user, account, shut)| (name((user, account)), shut)).collect(),
        default_accounts: [("ana", "physics"), ("ben", "physics"), ("eve", "theirs")].into_iter().map(name).collect(),
    }
}

pub(crate) struct World {
    pub(crate) site: Arc<Site>,
    pub(crate) answers: Arc<Answers>,
    pub(crate) requests: mpsc::Receiver<SyncRequest>,
    pub(crate) now: Timestamp,
    pub(crate) dir: tempfile::TempDir,
}

pub(crate) fn account(name: &str) -> AccountName {
    AccountName::new(name).expect("an account name")
}

pub(crate) fn at(now: Timestamp, seconds: i64) -> Timestamp {
    Timestamp(now.0 + seconds)
}

fn user(name: &str) -> UserName {
    UserName::new(name).expect("a user name")
}

impl World {
    /// The site with its people; nothing has run yet.
    pub(crate) async fn new() -> Self {
        Self::with(|_| Vec::new(), |_| Vec::new()).await
    }

    /// The site with runs on record and jobs in slurmctld's list, at the present.
    pub(crate) async fn with(runs: impl Fn(Timestamp) -> Vec<Run>, live: impl Fn(Timestamp) -> Vec<LiveJob>) -> Self {
        let now = SystemClock.now();
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).expect("a folder that others may enter");
        let (paths, config) = configuration(dir.path());
        let store = Store::open(&dir.path().join("store.db")).await.expect("a store");
        people(&store, now).await;
        store.bring_in_step(&config, &cause(now)).await.expect("policy.toml in the store");
        grants(&store, now).await;
        keep_runs(&store, &runs(now), now).await;
        logins(&store, now).await;
        let view = view(&store, config, live(now), now).await;
        let (site, requests) = Site::new(paths, store, view);
        let site = Arc::new(site);
        Self { answers: Arc::new(Answers::new(Arc::clone(&site))), site, requests, now, dir }
    }

    pub(crate) async fn ask(&self, uid: u32, request: Request) -> Response {
        let request = request.checked().expect("a request that the command line would send");
        self.answers.handle(Peer { uid, gid: uid, pid: None }, request).await
    }

    /// Asks as the command line would: `bursar LINE`.
    pub(crate) async fn run(&self, uid: u32, line: &str) -> Response {
        self.ask(uid, parse(line)).await
    }

    /// The table of a command that is answered with one.
    pub(crate) async fn table(&self, uid: u32, line: &str) -> Table {
        match self.run(uid, line).await {
            Response::Table { table, .. } | Response::Judged { table, .. } => table,
            other => panic!("{line} as {uid}: {other:?}"),
        }
    }
}

/// The request of a command line, with every change asked for as a real one.
pub(crate) fn parse(line: &str) -> Request {
    let words: Vec<String> = line.split_whitespace().map(|word| word.replace('~', " ")).collect();
    match bursar_agent::cli::grammar::parse(&words) {
        Ok(invocation) => match invocation.command {
            bursar_agent::cli::grammar::Command::Ask(request, _) => request,
            other => panic!("{line}: {other:?}"),
        },
        Err(error) => panic!("{line}: {error}"),
    }
}

/// The cell of a table in the first row where `key` has this text.
pub(crate) fn cell<'t>(table: &'t Table, key: &str, value: &str, field: &str) -> &'t Cell {
    let place = |name: &str| table.columns.iter().position(|column| column.name == name).expect("a column");
    let (key, field) = (place(key), place(field));
    let row = table.rows.iter().find(|row| row[key] == Cell::Text(value.to_owned()));
    &row.unwrap_or_else(|| panic!("no {value} in {table:?}"))[field]
}

pub(crate) fn query(fields: &[&str]) -> Query {
    let fields = fields.iter().map(|field| (*field).to_owned()).collect();
    Query { filter: Values::default(), fields, flags: Vec::new() }
}

fn cause(now: Timestamp) -> Cause<'static> {
    Cause { actor: "tester", now, reason: "so that there is something" }
}

fn configuration(dir: &Path) -> (ConfigPaths, Config) {
    let machine = format!(
        "cluster = \"lab\"\nroles = [\"controller\"]\n[paths]\nstore = \"{0}/store.db\"\n\
         [[source]]\nname = \"directory\"\nkind = \"directory\"\npath = \"{0}/directory.toml\"\n",
        dir.display()
    );
    let paths = ConfigPaths { machine: dir.join("bursar.toml"), policy: dir.join("policy.toml") };
    std::fs::write(&paths.machine, machine).expect("bursar.toml");
    std::fs::write(&paths.policy, POLICY).expect("policy.toml");
    let config = config::load(&paths).expect("a sound configuration");
    (paths, config)
}

fn person(name: &str) -> PersonImage {
    let groups: &[&str] = match name {
        "ada" => &["g-admins"],
        "ana" | "dora" => &["g-physics"],
        _ => &[],
    };
    PersonImage {
        name: user(name),
        source_name: name.to_owned(),
        display_name: format!("Person {name}"),
        mail: Some(format!("{name}@example.org")),
        kind: if name == "ben" { SubjectKind::Guest } else { SubjectKind::Member },
        state: if name == "dora" { PersonState::Disabled } else { PersonState::Active },
        keys: BTreeSet::from([format!("ssh-ed25519 {name}")]),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
    }
}

async fn people(store: &Store, now: Timestamp) {
    let group = |name: &str| {
        let image = GroupImage { name: user(name), description: format!("Group {name}"), state: Presence::Active };
        (format!("g-{name}"), image)
    };
    let refused = RefusedIdentity {
        kind: RefusedKind::Person,
        immutable_id: "p-root".to_owned(),
        source_name: "root".to_owned(),
        reason: "the name \"root\" is reserved for the system".to_owned(),
    };
    let changes = SourceChanges {
        source: "directory".to_owned(),
        new_people: PEOPLE.iter().map(|name| (format!("p-{name}"), person(name))).collect(),
        new_groups: vec![group("admins"), group("physics")],
        refused: vec![refused],
        ..SourceChanges::default()
    };
    let pool = UidPool::default();
    store.apply_source(&changes, pool, &cause(now)).await.expect("people");
    let gone = ChangedPerson {
        action: "person.remove",
        subject: store.subject_by_name(&user("tom")).await.expect("tom").id,
        immutable_id: "p-tom".to_owned(),
        before: person("tom"),
        after: PersonImage { state: PersonState::Removed, keys: BTreeSet::new(), ..person("tom") },
    };
    let changes =
        SourceChanges { source: "directory".to_owned(), changed_people: vec![gone], ..SourceChanges::default() };
    store.apply_source(&changes, pool, &cause(now)).await.expect("tom's end");
}

async fn grants(store: &Store, now: Timestamp) {
    let mut by_hand = Vec::new();
    for (name, role, scope, until) in [
        ("olaf", Role::Observer, Scope::Cluster, None),
        ("pia", Role::Observer, Scope::Account(account("physics")), None),
        ("ben", Role::ComputeUser, Scope::Account(account("chemistry")), Some(at(now, 86_400))),
        ("ben", Role::ComputeUser, Scope::Account(account("physics")), None),
    ] {
        let holder = Holder::Subject(store.subject_by_name(&user(name)).await.expect("a person").id);
        let new = NewGrant { holder, role, scope, lifts: None, from: at(now, -86_400), until };
        by_hand.push(store.add_grant(&new, &cause(now)).await.expect("a grant"));
    }
    let last = by_hand.last().expect("grants").id;
    store.revoke_grant(last, &cause(now)).await.expect("a revocation");
    store.add_account(&account("lab"), None, "The lab", "CC-2", &cause(now)).await.expect("lab");
    let first = by_hand.first().expect("grants").id;
    let per_grant = LimitKind::parse("money-per-grant").expect("a kind of limit");
    store.set_limit(&LimitTarget::Grant(first), per_grant, Amount::AtMost(9), &cause(now)).await.expect("a limit");
    let ana = LimitTarget::Person(store.subject_by_name(&user("ana")).await.expect("ana").id);
    store.set_limit(&ana, cpu_hours_per_day(), Amount::Unlimited, &cause(now)).await.expect("a limit");
    store.set_limit(&ana, LimitKind::QueuedJobs, Amount::AtMost(3), &cause(now)).await.expect("a limit");
}

async fn logins(store: &Store, now: Timestamp) {
    let login = |name: &str, uid, decision, code: &str| Login {
        event_id: format!("e-{name}"),
        at: at(now, -60),
        node: "login1".to_owned(),
        service: "sshd".to_owned(),
        user_name: name.to_owned(),
        uid: Some(uid),
        decision,
        code: code.to_owned(),
        rhost: "192.0.2.7".to_owned(),
        method: "publickey".to_owned(),
        key_fingerprint: "SHA256:abc".to_owned(),
    };
    let logins = [login("ana", ANA, LoginDecision::Opened, ""), login("dora", DORA, LoginDecision::Refused, "BSR-114")];
    store.add_logins(&logins).await.expect("logins");
}

/// Keeps runs as a reading of slurmdbd does.
pub(crate) async fn keep_runs(store: &Store, runs: &[Run], now: Timestamp) {
    let calendar =
        Calendar { zone: TimeZone::get("Europe/Berlin").expect("a zone"), week_start: Weekday::Monday, year_start: 1 };
    let by = ToldBy::Slurmdbd { window: (Timestamp(0), now), watermark: None };
    let aside = [SetAside { line: "no row".to_owned(), why: "bad field count".to_owned() }];
    let rows = u64::try_from(runs.len()).expect("few") + 1;
    let told = Told { cluster: "lab", by, runs, set_aside: &aside, rows };
    store.keep(&told, &calendar, now).await.expect("runs in the ledger");
}

/// Keeps runs as an import of a file does.
pub(crate) async fn keep_file(store: &Store, name: &str, runs: &[Run], now: Timestamp) {
    let calendar =
        Calendar { zone: TimeZone::get("Europe/Berlin").expect("a zone"), week_start: Weekday::Monday, year_start: 1 };
    let rows = u64::try_from(runs.len()).expect("few");
    let progress = Progress { digest: name.to_owned(), bytes: 10 };
    let by = ToldBy::File { name, progress: &progress };
    let told = Told { cluster: "lab", by, runs, set_aside: &[], rows };
    store.keep(&told, &calendar, now).await.expect("runs in the ledger");
}

/// A run of `name` on `account`, 4 CPUs, from and to so many seconds after now; one without an end goes on.
pub(crate) fn run(now: Timestamp, jobid: u32, name: &str, account: &str, from: i64, to: Option<i64>) -> Run {
    let ended_at = to.map(|seconds| at(now, seconds));
    Run {
        cluster: "lab".to_owned(),
        jobid,
        submitted_at: at(now, from - 10),
        dbindex: jobid.to_string(),
        user_name: name.to_owned(),
        uid: PEOPLE.iter().position(|known| *known == name).map_or(4_000, |at| ADA + u32::try_from(at).expect("few")),
        account: account.to_owned(),
        partition: "main".to_owned(),
        qos: "normal".to_owned(),
        wckey: "CC-1100".to_owned(),
        state: if to.is_some() { "COMPLETED" } else { "RUNNING" }.to_owned(),
        eligible_at: Some(at(now, from - 10)),
        started_at: Some(at(now, from)),
        ended_at,
        elapsed_s: to.map_or(0, |to| (to - from).unsigned_abs()),
        suspended_s: 0,
        alloc_cpus: 4,
        tres: "billing=4,cpu=4".to_owned(),
        timelimit_s: Some(3_600),
        nodes: 1,
        node_list: "n1".to_owned(),
        reservation: String::new(),
        priority: None,
        row_hash: format!("{jobid} {to:?}"),
    }
}

/// The limit on the CPU-hours of a day.
pub(crate) fn cpu_hours_per_day() -> LimitKind {
    LimitKind::parse("cpu-hours-per-day").expect("a kind of limit")
}

/// A job that `uid` has running on `account` since so many seconds before now, 2 CPUs, or that waits.
pub(crate) fn live(now: Timestamp, job_id: u32, uid: u32, account: &str, since: Option<i64>) -> LiveJob {
    LiveJob {
        job_id,
        array_job_id: 0,
        uid,
        account: account.to_owned(),
        partition: "main".to_owned(),
        submitted_at: at(now, -since.unwrap_or(0) - 5),
        begin_at: Timestamp(0),
        stage: since.map_or(Stage::Waiting, |seconds| Stage::Running(at(now, -seconds))),
        tasks: 1,
        time_limit: TimeLimit::Minutes(60),
        shape: Shape { min_cpus: 2, ..Shape::default() },
        qos: "normal".to_owned(),
        held: since.map_or_else(Vec::new, |_| vec![("cpu".to_owned(), 2)]),
        fresh: true,
    }
}

/// ana and physics are over, ben is not, and eve is nobody to bursar.
pub(crate) fn stored_on_scratch(read_at: Timestamp) -> Place {
    let lines = [("ana", 12), ("ben", 1), ("eve", 99)];
    let stored = |name: &str, gb: u64| (name.to_owned(), Stored { used: gb << 30, limit: Some(9 << 30) });
    let usages = Usages {
        people: lines.into_iter().map(|(name, gb)| stored(name, gb)).collect(),
        accounts: [("physics", 50), ("chemistry", 40)].into_iter().map(|(name, gb)| stored(name, gb)).collect(),
    };
    Place { reading: Some(Arc::new(Reading { read_at, usages })), fault: None }
}

async fn view(store: &Store, config: Config, live: Vec<LiveJob>, now: Timestamp) -> View {
    let calendar = Calendar::of_policy(&config.policy);
    let stored = store.contents().await.expect("contents");
    let cluster = Cluster {
        partitions: vec![Partition {
            name: "main".into(),
            default: true,
            default_minutes: Some(60),
            max_minutes: Some(2_880),
            max_nodes: 4,
            cpus_per_node: 8,
            ..Partition::default()
        }],
        ..Cluster::default()
    };
    let mut flight = Flight::default();
    flight.take(live, now);
    let calendars = compile::calendars(&calendar, &stored);
    let holdings = Holdings::of(&stored, now);
    let terms = compile::terms(&config, &stored, &holdings, &calendars, &cluster);
    let pricing = terms.pricing.clone();
    let settled = Settled::read(store, "lab", terms, now).await.expect("sums");
    let edges = compile::edges(&calendars, now).expect("periods");
    let ground = Ground::new(&cluster, &[], edges.clone(), pricing, now).expect("ground");
    let parent = |name: &str| {
        let account = stored.accounts.iter().find(|account| account.name.as_str() == name)?;
        account.parent.as_ref().map(|parent| parent.as_str())
    };
    let standing = Standing::reckon(&settled, &flight, &ground, parent, |_| 0);
    let (calendar_of_site, calendars) = (&calendar, &calendars);
    let sources =
        Sources { config: &config, calendar: calendar_of_site, calendars, stored: &stored, holdings: &holdings };
    let mut contents = compile::controller(&sources, &cluster, &standing, &flight, edges, now);
    contents.header.generation = 7;
    let windows = &config.policy.windows;
    let openings = windows::lay_out(windows, now).expect("openings");
    contents.windows = windows::of(windows, &openings, &contents.accounts);
    let snapshot = Snapshot::decode(encode(&contents).expect("bytes")).expect("a snapshot");
    View {
        config: Arc::new(config),
        calendar,
        stored: Arc::new(stored),
        snapshot: Some(Arc::new(snapshot)),
        flight: Arc::new(flight),
        standing: Arc::new(standing),
        cluster: Arc::new(cluster),
        associations: Some(Arc::new(associations())),
        storage: Arc::new(Places::from([("/scratch".to_owned(), stored_on_scratch(now))])),
    }
}
