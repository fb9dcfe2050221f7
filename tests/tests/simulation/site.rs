//! The site of a simulation: a tree of accounts three deep, a dozen people, their limits, and the cluster's facts.

use bursar_agent::accounting::Calendar;
use bursar_agent::config::{self, Config, ConfigPaths};
use bursar_agent::snapshot::compile::Cluster;
use bursar_agent::store::contents::Contents as Stored;
use bursar_agent::store::{
    Account, Amount, Grant, Holder, Limit, LimitKind, LimitTarget, Origin, Over, PersonState, Presence, Role, Scope,
    Subject, SubjectId, SubjectKind, Thing,
};
use bursar_policy::snapshot::{ClusterFacts, Partition};
use bursar_policy::{AccountName, GrantId, PeriodKind, Timestamp, Uid, UserName};
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use super::random::Random;

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
/// How many people there are.
pub(crate) const PEOPLE: usize = 12;
/// The uid of the first of them.
pub(crate) const FIRST_UID: u32 = 65_600;
/// CPUs of the whole cluster.
pub(crate) const CPUS: u64 = 160;
/// Seconds for which slurmctld shows a job that has ended.
pub(crate) const MIN_JOB_AGE: u64 = 300;

/// The kinds of period that limits are counted by.
pub(crate) const KINDS: [PeriodKind; 4] = [PeriodKind::Day, PeriodKind::Week, PeriodKind::Month, PeriodKind::Quarter];

/// CPU-seconds in a period of each of [`KINDS`]; `None` is unlimited.
pub(crate) type CpuLimits = [Option<u64>; KINDS.len()];

/// Everything that stays as it is during a simulation.
pub(crate) struct Site {
    /// The site's zone and week.
    pub(crate) calendar: Calendar,
    /// The examples' configuration.
    pub(crate) config: Config,
    /// What the store would hold.
    pub(crate) stored: Stored,
    /// What slurmctld says of itself.
    pub(crate) cluster: Cluster,
    /// Limits of the people, then of the accounts: the order of owners everywhere here.
    pub(crate) limits: Vec<CpuLimits>,
    /// Accounts that each person may use.
    pub(crate) granted: Vec<Vec<usize>>,
}

impl Site {
    /// A site in `zone`; the limits are random.
    pub(crate) fn new(zone: &str, seed: u64) -> Self {
        let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/examples");
        let paths = ConfigPaths { machine: examples.join("bursar.toml"), policy: examples.join("policy.toml") };
        let config = config::load(&paths).expect("the shipped examples are sound");
        let mut random = Random::of(seed, 1);
        let mut limits = Vec::new();
        for _ in 0..PEOPLE {
            limits.push(owner_limits(&mut random, 20));
        }
        for (account, _) in ACCOUNTS {
            let hours = match account {
                "uni" => 200,
                "science" | "arts" => 90,
                _ => 50,
            };
            limits.push(owner_limits(&mut random, hours));
        }
        let granted: Vec<Vec<usize>> = (0..PEOPLE)
            .map(|person| match person % 4 {
                0 => vec![3],
                1 => vec![4, 5],
                // A grant for an account in the middle covers those below.
                2 => vec![1, 3, 4],
                _ => vec![6, 3, 2, 5],
            })
            .collect();
        let stored = stored(&limits, &granted);
        let calendar =
            Calendar { zone: TimeZone::get(zone).expect("a zone"), week_start: Weekday::Monday, year_start: 11 };
        Self { calendar, config, stored, cluster: cluster(), limits, granted }
    }

    /// The owner's name.
    pub(crate) fn owner(owner: usize) -> String {
        match owner.checked_sub(PEOPLE) {
            None => format!("person {}", FIRST_UID as usize + owner),
            Some(account) => format!("account {}", ACCOUNTS[account].0),
        }
    }
}

/// The account at `account` and those above it.
pub(crate) fn line(account: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(account), |below| ACCOUNTS[*below].1)
}

/// The position of the account of this name.
pub(crate) fn account_named(name: &str) -> usize {
    ACCOUNTS.iter().position(|(known, _)| *known == name).expect("a known account")
}

fn owner_limits(random: &mut Random, hours: u64) -> CpuLimits {
    let day = random.between(hours * 1_800, hours * 5_400);
    let week = day * random.between(25, 70) / 10;
    let month = week * random.between(15, 45) / 10;
    let quarter = month * random.between(10, 30) / 10;
    let mut limits = [Some(day), Some(week), Some(month), Some(quarter)];
    for slot in &mut limits {
        if random.chance(20) {
            *slot = None;
        }
    }
    limits
}

fn stored(limits: &[CpuLimits], granted: &[Vec<usize>]) -> Stored {
    let account = |at: usize| AccountName::new(ACCOUNTS[at].0).expect("a sound name");
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
            time_zone: String::new(),
            gid: None,
            origin: Origin::Policy,
            state: Presence::Active,
        })
        .collect();
    accounts.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
    let mut grants = Vec::new();
    for (person, accounts) in granted.iter().enumerate() {
        for at in accounts {
            grants.push(Grant {
                id: GrantId(grants.len() as u64 + 1),
                holder: Holder::Subject(SubjectId(person as i64 + 1)),
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
        }
    }
    let kinds = KINDS.map(|kind| LimitKind::Consumed(Thing::Cpu, Over::Period(kind)));
    let mut all = Vec::new();
    for (owner, amounts) in limits.iter().enumerate() {
        let target = match owner.checked_sub(PEOPLE) {
            None => LimitTarget::Person(SubjectId(owner as i64 + 1)),
            Some(at) => LimitTarget::Account(account(at)),
        };
        for (kind, amount) in kinds.into_iter().zip(amounts) {
            if let Some(amount) = amount {
                let amount = Amount::AtMost(*amount);
                all.push(Limit { target: target.clone(), kind, amount, origin: Origin::Manual });
            }
        }
    }
    Stored {
        subjects,
        identities: Vec::new(),
        keys: Default::default(),
        groups: Vec::new(),
        memberships: Vec::new(),
        accounts,
        grants,
        limits: all,
    }
}

fn cluster() -> Cluster {
    let partition = |name: &str, default, max, nodes, cpus, whole| Partition {
        name: name.into(),
        default: name == "main",
        whole_nodes: whole,
        default_minutes: default,
        max_minutes: max,
        max_nodes: nodes,
        cpus_per_node: cpus,
        ..Partition::default()
    };
    Cluster {
        facts: ClusterFacts { granule: 2, threads_per_core: 2, ..ClusterFacts::default() },
        partitions: vec![
            partition("main", Some(60), Some(1_440), 8, 16, false),
            partition("long", None, Some(2_880), 8, 16, false),
            partition("whole", Some(30), Some(720), 4, 8, true),
            partition("free", None, None, 2, 8, false),
        ],
        gpu_types: Vec::new(),
    }
}
