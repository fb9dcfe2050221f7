//! The site of a simulation: a tree of accounts three deep, a dozen people, their limits, and the cluster's facts.

use bursar_agent::accounting::Calendar;
use bursar_agent::config::{self, Config, ConfigPaths};
use bursar_agent::snapshot::compile::Cluster;
use bursar_agent::store::contents::Contents as Stored;
use bursar_agent::store::{
    Account, Grant, Holder, Origin, PersonState, Presence, Role, Scope, Subject, SubjectId, SubjectKind,
};
use bursar_policy::job::Memory;
use bursar_policy::snapshot::{ClusterFacts, Partition};
use bursar_policy::{AccountName, Gpus, GrantId, PeriodKind, Timestamp, Uid, UserName};
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use super::limits::{self, Owner, Rule};
use super::random::Random;
use super::things::{GPU_TYPES, PRICES, queues};

/// Accounts by name with the one above, parents first.
pub(crate) const ACCOUNTS: [(&str, Option<usize>); 7] = [
    ("uni", None),
    ("science", Some(0)),
    ("arts", Some(0)),
    ("physics", Some(1)),
    ("biology", Some(1)),
    ("history", Some(2)),
    ("spinoff", None),
];
/// Accounts that are counted in zones of their own.
const ZONES: [(usize, &str); 2] = [(2, "Asia/Tokyo"), (6, "America/New_York")];
/// How many people there are.
pub(crate) const PEOPLE: usize = 12;
/// The uid of the first of them.
pub(crate) const FIRST_UID: u32 = 65_600;
/// CPUs of the whole cluster.
pub(crate) const CPUS: u64 = 224;
/// GPUs of the whole cluster.
pub(crate) const GPUS: u64 = 24;
/// Seconds that a job lives on at most when it has reached its limit.
pub(crate) const OVERRUN: u64 = 45;
/// Seconds for which slurmctld shows a job that has ended.
pub(crate) const MIN_JOB_AGE: u64 = 300;

/// The kinds of period that limits are counted by.
pub(crate) const KINDS: [PeriodKind; 4] = [PeriodKind::Day, PeriodKind::Week, PeriodKind::Month, PeriodKind::Quarter];

/// Everything that stays as it is during a simulation.
pub(crate) struct Site {
    /// The site's zone and week.
    pub(crate) calendar: Calendar,
    /// The site's calendar, and those of [`ZONES`].
    pub(crate) calendars: Vec<Calendar>,
    /// The example of `bursar.toml`, and a policy of prices and queues.
    pub(crate) config: Config,
    /// What the store would hold.
    pub(crate) stored: Stored,
    /// What slurmctld says of itself.
    pub(crate) cluster: Cluster,
    /// The limits.
    pub(crate) rules: Vec<Rule>,
    /// Who holds each grant, and for which account; their numbers start at 1.
    pub(crate) grants: Vec<(usize, usize)>,
    /// Accounts that each person may use.
    pub(crate) granted: Vec<Vec<usize>>,
}

impl Site {
    /// A site in `zone`; the limits are random.
    pub(crate) fn new(zone: &str, seed: u64) -> Self {
        let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/examples");
        let folder = tempfile::tempdir().expect("a folder");
        let policy = folder.path().join("policy.toml");
        let head = "time-zone = \"UTC\"\nweek-start = \"monday\"\ncontact = \"Ask.\"\n";
        let head = format!("{head}overrun-seconds = {OVERRUN}\n");
        std::fs::write(&policy, format!("{head}{PRICES}{}", queues())).expect("a policy");
        let paths = ConfigPaths { machine: examples.join("bursar.toml"), policy };
        let config = config::load(&paths).expect("a sound policy");
        let mut random = Random::of(seed, 1);
        let granted: Vec<Vec<usize>> = (0..PEOPLE)
            .map(|person| match person % 4 {
                0 => vec![3],
                1 => vec![4, 5],
                // A grant for an account in the middle covers those below.
                2 => vec![1, 3, 4],
                _ => vec![6, 3, 2, 5],
            })
            .collect();
        let rules = limits::draw(&mut random, &granted);
        let grants: Vec<(usize, usize)> = granted
            .iter()
            .enumerate()
            .flat_map(|(person, accounts)| accounts.iter().map(move |at| (person, *at)))
            .collect();
        let stored = stored(&rules, &grants);
        let calendar =
            |zone| Calendar { zone: TimeZone::get(zone).expect("a zone"), week_start: Weekday::Monday, year_start: 11 };
        let calendars = std::iter::once(zone).chain(ZONES.map(|(_, zone)| zone)).map(calendar).collect();
        let cluster = cluster().under(&config.policy);
        Self { calendar: calendar(zone), calendars, config, stored, cluster, rules, grants, granted }
    }

    /// The position of the calendar that an owner's limits are counted by.
    pub(crate) fn calendar_of(owner: Owner) -> usize {
        match owner {
            Owner::Person(_) | Owner::Grant(_) => 0,
            Owner::Account(at) | Owner::Seat(_, at) => {
                ZONES.iter().position(|(zoned, _)| *zoned == at).map_or(0, |position| position + 1)
            }
        }
    }
}

/// The name of the account at a position.
pub(crate) fn account(at: usize) -> AccountName {
    AccountName::new(ACCOUNTS[at].0).expect("a sound name")
}

/// The account at `account` and those above it.
pub(crate) fn line(account: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(account), |below| ACCOUNTS[*below].1)
}

/// The position of the account of this name.
pub(crate) fn account_named(name: &str) -> usize {
    ACCOUNTS.iter().position(|(known, _)| *known == name).expect("a known account")
}

fn stored(rules: &[Rule], grants: &[(usize, usize)]) -> Stored {
    let subjects = (0..PEOPLE)
        .map(|person| Subject {
            id: SubjectId(person as i64 + 1),
            uid: Uid::new(FIRST_UID + person as u32).expect("a sound uid"),
            name: UserName::new(&format!("user{person:02}")).expect("a sound name"),
            display_name: String::new(),
            mail: None,
            kind: SubjectKind::Member,
            state: PersonState::Active,
            first_seen: Timestamp(0),
            changed_at: Timestamp(0),
        })
        .collect();
    let mut accounts: Vec<Account> = (0..ACCOUNTS.len())
        .map(|at| Account {
            name: account(at),
            parent: ACCOUNTS[at].1.map(account),
            description: String::new(),
            cost_center: String::new(),
            time_zone: ZONES.iter().find(|(zoned, _)| *zoned == at).map_or("", |(_, zone)| zone).to_owned(),
            gid: None,
            origin: Origin::Policy,
            state: Presence::Active,
        })
        .collect();
    accounts.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
    let grants = grants.iter().zip(1..).map(|((person, at), id)| Grant {
        id: GrantId(id),
        holder: Holder::Subject(SubjectId(*person as i64 + 1)),
        role: Role::ComputeUser,
        scope: Scope::Account(account(*at)),
        lifts: None,
        from: Timestamp(0),
        until: None,
        reason: String::new(),
        origin: Origin::Manual,
        granted_by: String::new(),
        granted_at: Timestamp(0),
        revocation: None,
    });
    Stored {
        subjects,
        identities: Vec::new(),
        keys: Default::default(),
        groups: Vec::new(),
        memberships: Vec::new(),
        accounts,
        grants: grants.collect(),
        limits: limits::stored(rules),
    }
}

fn cluster() -> Cluster {
    let partition = |name: &str, default, max, nodes, cpus, memory| Partition {
        name: name.into(),
        default: name == "main",
        whole_nodes: name == "whole",
        default_minutes: default,
        max_minutes: max,
        max_nodes: nodes,
        cpus_per_node: cpus,
        default_memory: memory,
        memory_per_node: if name == "gpu" { 131_072 } else { 65_536 },
        sockets_per_node: 2,
        ..Partition::default()
    };
    let mut partitions = vec![
        partition("main", Some(60), Some(1_440), 8, 16, Memory::PerCpu(2_048)),
        partition("long", None, Some(2_880), 8, 16, Memory::Unset),
        partition("whole", Some(30), Some(720), 4, 8, Memory::PerCpu(1_024)),
        partition("free", None, None, 2, 8, Memory::PerNode(4_096)),
        partition("gpu", Some(60), Some(1_440), 6, 16, Memory::PerNode(8_192)),
    ];
    partitions[1].max_mem_per_cpu = Some(3_000);
    // A node has four of the one type or two of the other.
    partitions[4].gpus_per_node = Gpus { all: 4, typed: [4, 2, 0, 0, 0, 0, 0, 0] };
    Cluster {
        facts: ClusterFacts { granule: 2, threads_per_core: 2, ..ClusterFacts::default() },
        partitions,
        gpu_types: GPU_TYPES.map(str::to_owned).to_vec(),
    }
}
