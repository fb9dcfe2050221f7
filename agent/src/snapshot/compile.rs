//! Turns the store, the cluster's facts and everybody's standing into the contents of the snapshots.

use std::collections::HashMap;

use bursar_policy::job::TimeLimit;
use bursar_policy::snapshot::{
    Account, Association, Calendar as Edges, ClusterFacts, Contents, CostCenter, CostCenterRule, Grant, Group, Header,
    Home, Kind, LiveJob, Partition, Person, RecentJob,
};
use bursar_policy::{AccountName, Line, PeriodKind, Timestamp, Tres, Usage};

use super::holdings::{Holding, Holdings, Limits, ends_at};
use super::queues;
use crate::accounting::calendar::OutsideCalendar;
use crate::accounting::flight::{Flight, Stage};
use crate::accounting::settled::{Life, Terms};
use crate::accounting::{Calendar, Calendars, Pricing, Standing};
use crate::config::{AtRunningLimit, Config, Policy};
use crate::store::contents::Contents as Stored;
use crate::store::{PersonState, Presence, SubjectId};

/// Seconds after which a snapshot that nobody renews is no longer fresh.
pub const HARD_LIMIT: u64 = 72 * 3_600;
/// Seconds before a grant's end from which its holder is told.
const NOTICE: u64 = 14 * 86_400;

/// What Slurm says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cluster {
    /// How it hands out CPUs.
    pub facts: ClusterFacts,
    /// Its partitions; without prices.
    pub partitions: Vec<Partition>,
    /// The types of GPU that it has, as many as a snapshot tells apart.
    pub gpu_types: Vec<String>,
}

impl Cluster {
    /// The same as `policy` has it: with the prices of its partitions, and what jobs may run on beyond their limits.
    #[must_use]
    pub fn under(&self, policy: &Policy) -> Self {
        let mut ruled = self.clone();
        ruled.facts.slack = policy.overrun_seconds;
        for partition in &mut ruled.partitions {
            partition.prices = policy.prices.of(&partition.name, &self.gpu_types);
        }
        ruled
    }
}

/// Everything a snapshot is compiled from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The site's calendar.
    pub calendar: &'a Calendar,
    /// All calendars.
    pub calendars: &'a Calendars,
    /// The store.
    pub stored: &'a Stored,
    /// The store, resolved.
    pub holdings: &'a Holdings<'a>,
}

impl Sources<'_> {
    /// The header; generation and instant of the list are filled in when it is published.
    fn header(&self, kind: Kind, now: Timestamp) -> Header {
        Header {
            kind,
            generation: 0,
            made_at: now,
            as_of: now,
            hard_limit: HARD_LIMIT,
            last_known: true,
            notice: NOTICE,
            cluster: self.config.machine.cluster.clone(),
            contact: self.config.policy.contact.clone(),
            currency: self.config.policy.prices.currency.clone(),
        }
    }

    /// The active accounts in the store's order, with their positions.
    fn accounts(&self) -> (Vec<&crate::store::Account>, HashMap<&AccountName, u32>) {
        let accounts: Vec<_> =
            self.stored.accounts.iter().filter(|account| account.state == Presence::Active).collect();
        let positions = accounts
            .iter()
            .enumerate()
            .filter_map(|(at, account)| u32::try_from(at).ok().map(|at| (&account.name, at)))
            .collect();
        (accounts, positions)
    }

    /// Accounts and people as both main snapshots carry them; limits and what is held where there is a `ledger`.
    fn fill(&self, contents: &mut Contents, ledger: Option<&Ledger<'_>>) {
        let (accounts, positions) = self.accounts();
        contents.accounts = accounts
            .iter()
            .map(|account| Account {
                name: account.name.to_string(),
                parent: account.parent.as_ref().and_then(|parent| positions.get(parent)).copied(),
                calendar: ledger.map_or(0, |_| self.calendars.of_zone(&account.time_zone)),
                lines: ledger.map_or_else(Vec::new, |ledger| {
                    let held = ledger.standing.account(account.name.as_str());
                    ledger.lines(&self.holdings.limits.account(&account.name), &held, &Tres::ZERO)
                }),
                cost_center: account.cost_center.to_ascii_lowercase(),
                storage: Vec::new(),
            })
            .collect();
        contents.people = self.holdings.people.iter().map(|holding| self.person(holding, &positions, ledger)).collect();
    }

    fn person(
        &self,
        holding: &Holding<'_>,
        positions: &HashMap<&AccountName, u32>,
        ledger: Option<&Ledger<'_>>,
    ) -> Person {
        let subject = holding.subject;
        let uid = subject.uid.get();
        let grants = holding
            .grants
            .iter()
            .map(|grant| {
                let until = ends_at(grant);
                Grant {
                    id: grant.id.0,
                    role: grant.role,
                    account: grant.scope.account().and_then(|account| positions.get(account)).copied(),
                    from: grant.from,
                    until,
                    revoked: grant.revocation.as_ref().is_some_and(|revocation| revocation.at <= until),
                    until_text: self.calendar.text(until),
                    lifts: grant.lifts,
                    lines: ledger.map_or_else(Vec::new, |ledger| {
                        let limits = self.holdings.limits.grant(grant.id);
                        if limits.is_empty() {
                            return Vec::new();
                        }
                        let held = match grant.scope.account() {
                            Some(account) => ledger.standing.seat(uid, account.as_str()),
                            None => ledger.standing.person(uid),
                        };
                        ledger.lines(&limits, &held, &ledger.standing.life(uid, grant.id.0))
                    }),
                }
            })
            .collect();
        let seats = |ledger: &Ledger<'_>| -> Vec<Association> {
            let seat = |(account, limits): (&&AccountName, &Limits)| {
                let held = ledger.standing.seat(uid, account.as_str());
                let lines = ledger.lines(limits, &held, &Tres::ZERO);
                positions.get(*account).map(|at| Association { account: *at, lines })
            };
            holding.limits_in.iter().filter_map(seat).collect()
        };
        Person {
            uid: subject.uid.get(),
            gid: subject.uid.get(),
            name: subject.name.to_string(),
            state: subject.state,
            kind: subject.kind,
            default_account: holding.default_account.and_then(|account| positions.get(account)).copied(),
            lines: ledger.map_or_else(Vec::new, |ledger| {
                ledger.lines(&holding.limits, &ledger.standing.person(uid), &Tres::ZERO)
            }),
            associations: ledger.map_or_else(Vec::new, seats),
            storage: Vec::new(),
            grants,
            home: None,
        }
    }
}

/// What everybody holds, and how it is counted.
struct Ledger<'a> {
    standing: &'a Standing,
    gpu_types: &'a [String],
}

impl Ledger<'_> {
    /// Limits with what is held against them; those on a type of GPU that the cluster has not are left out.
    fn lines(&self, limits: &Limits, held: &Usage, life: &Tres) -> Vec<Line> {
        let line = |(kind, limit): (&crate::store::LimitKind, &u64)| {
            Some(held.line(kind.measure(self.gpu_types)?, *limit, life))
        };
        limits.iter().filter_map(line).collect()
    }
}

/// The snapshot that the plugin decides from; `cluster` with its prices.
pub fn controller(
    sources: &Sources<'_>,
    cluster: &Cluster,
    standing: &Standing,
    flight: &Flight,
    edges: Vec<Edges>,
    as_of: Timestamp,
) -> Contents {
    let policy = &sources.config.policy;
    let mut contents = Contents::empty(sources.header(Kind::Controller, as_of));
    contents.facts = cluster.facts;
    contents.facts.running_limit_refuses = policy.at_running_limit == AtRunningLimit::Refuse;
    contents.facts.tells_cost = policy.tells_cost;
    let (_, positions) = sources.accounts();
    contents.cost_centers = cost_centers(sources);
    contents.facts.cost_centers = match (policy.cost_centres.required, contents.cost_centers.is_empty()) {
        (true, _) => CostCenterRule::Required,
        (false, false) => CostCenterRule::Known,
        (false, true) => CostCenterRule::Any,
    };
    contents.partitions = cluster.partitions.clone();
    contents.gpu_types = cluster.gpu_types.clone();
    contents.calendars = edges;
    contents.queues = queues::of(policy, &positions);
    sources.fill(&mut contents, Some(&Ledger { standing, gpu_types: &cluster.gpu_types }));
    contents.recent = recent(sources, flight);
    contents
}

/// The cost centres of accounts and those that everybody may charge, as slurmdbd folds them.
fn cost_centers(sources: &Sources<'_>) -> Vec<CostCenter> {
    let listed = &sources.config.policy.cost_centres.listed;
    let names: std::collections::BTreeSet<String> = listed.iter().map(|name| name.to_ascii_lowercase()).collect();
    // An account's own is always its to charge; it needs no entry here.
    names.into_iter().map(|name| CostCenter { name, accounts: Vec::new() }).collect()
}

/// How runs and live jobs are counted: calendars, prices, kinds of period, grants.
pub fn terms(
    config: &Config,
    stored: &Stored,
    holdings: &Holdings<'_>,
    calendars: &Calendars,
    priced: &Cluster,
) -> Terms {
    let policy = &config.policy;
    let factors = policy.queues.iter().map(|queue| (queue.qos.as_str().to_owned(), queues::factor(queue))).collect();
    let prices = policy.prices.of("", &priced.gpu_types);
    // Days, weeks and months are always told, longer ones only where something is counted by them.
    let mut kinds = [true, true, true, false, false];
    for kind in holdings.limits.kinds().filter_map(crate::store::LimitKind::period) {
        if let Some(slot) = kinds.get_mut(kind.index()) {
            *slot = true;
        }
    }
    Terms {
        calendars: calendars.clone(),
        pricing: Pricing::new(&priced.gpu_types, &priced.partitions, prices, factors),
        kinds,
        lives: lives(stored, holdings),
    }
}

/// The grants whose consumption is limited, with each holder.
fn lives(stored: &Stored, holdings: &Holdings<'_>) -> Vec<Life> {
    let counted = |id| holdings.limits.grant(id).keys().any(|kind| kind.is_of_grant());
    let mut lives = Vec::new();
    for holding in &holdings.people {
        for grant in holding.grants.iter().filter(|grant| counted(grant.id)) {
            let accounts = grant.scope.account().map(|top| {
                let mut below: std::collections::HashSet<String> = [top.to_string()].into();
                // Accounts of the store come in no order of their tree; each round finds one more level.
                loop {
                    let found: Vec<String> = stored
                        .accounts
                        .iter()
                        .filter(|account| account.parent.as_ref().is_some_and(|above| below.contains(above.as_str())))
                        .map(|account| account.name.to_string())
                        .filter(|name| !below.contains(name))
                        .collect();
                    if found.is_empty() {
                        break below;
                    }
                    below.extend(found);
                }
            });
            lives.push(Life { uid: holding.subject.uid.get(), grant: grant.id.0, from: grant.from, accounts });
        }
    }
    lives
}

/// Submissions that the plugin may still hold bookings for.
fn recent(sources: &Sources<'_>, flight: &Flight) -> Vec<RecentJob> {
    let (_, positions) = sources.accounts();
    let positions: HashMap<&str, u32> = positions.into_iter().map(|(name, at)| (name.as_str(), at)).collect();
    let mut jobs: Vec<RecentJob> = flight
        .seen()
        .map(|(job_id, submitted, uid, account)| RecentJob {
            job_id,
            uid,
            account: positions.get(account).copied(),
            submitted,
        })
        .collect();
    jobs.sort_by_key(|job| (job.job_id, job.submitted));
    jobs
}

/// The snapshot that the plugin looks edits up in.
pub fn jobs(sources: &Sources<'_>, flight: &Flight, as_of: Timestamp) -> Contents {
    let mut contents = Contents::empty(sources.header(Kind::Jobs, as_of));
    contents.jobs = flight
        .live()
        .map(|job| LiveJob {
            job_id: job.job_id,
            array_job_id: job.array_job_id,
            uid: job.uid,
            account: job.account.clone(),
            partition: job.partition.clone(),
            qos: job.qos.clone(),
            running: job.stage != Stage::Waiting,
            begin_at: job.begin_at,
            minutes: match job.time_limit {
                TimeLimit::Minutes(minutes) => Some(minutes),
                TimeLimit::Unset | TimeLimit::Unlimited => None,
            },
            tasks: job.tasks,
            shape: job.shape,
        })
        .collect();
    contents.jobs.sort_by_key(|job| job.job_id);
    contents
}

/// The snapshot that hosts are brought in step with and that PAM decides from.
pub fn node(sources: &Sources<'_>, now: Timestamp) -> Contents {
    let mut contents = Contents::empty(sources.header(Kind::Node, now));
    sources.fill(&mut contents, None);
    let hosts = &sources.config.machine.hosts;
    let mut keys: HashMap<SubjectId, Vec<String>> = HashMap::new();
    for (subject, texts) in &sources.stored.keys {
        keys.insert(*subject, texts.clone());
    }
    for (person, holding) in contents.people.iter_mut().zip(&sources.holdings.people) {
        let subject = holding.subject;
        person.home = Some(Home {
            gecos: subject.display_name.clone(),
            directory: hosts.home_base.join(subject.name.as_str()).display().to_string(),
            shell: hosts.shell.display().to_string(),
            keys: keys.remove(&subject.id).unwrap_or_default(),
        });
    }
    let positions: HashMap<SubjectId, u32> = sources
        .holdings
        .people
        .iter()
        .enumerate()
        .filter(|(_, holding)| holding.subject.state == PersonState::Active)
        .filter_map(|(at, holding)| u32::try_from(at).ok().map(|at| (holding.subject.id, at)))
        .collect();
    let mut members: HashMap<_, Vec<u32>> = HashMap::new();
    for (group, subject) in &sources.stored.memberships {
        if let Some(position) = positions.get(subject) {
            members.entry(*group).or_default().push(*position);
        }
    }
    contents.groups = sources
        .stored
        .groups
        .iter()
        .filter(|group| group.state == Presence::Active)
        .filter_map(|group| {
            let gid = group.gid?;
            let members = members.remove(&group.id).unwrap_or_default();
            Some(Group { gid: gid.get(), name: group.name.to_string(), members })
        })
        .collect();
    contents
}

/// The calendars that are counted by: the site's, and those of accounts in zones of their own.
pub fn calendars(site: &Calendar, stored: &Stored) -> Calendars {
    let active = stored.accounts.iter().filter(|account| account.state == Presence::Active);
    Calendars::new(site.clone(), active.map(|account| account.time_zone.as_str()))
}

/// The edges of every calendar's periods from now on.
pub fn edges(calendars: &Calendars, now: Timestamp) -> Result<Vec<Edges>, OutsideCalendar> {
    let mut all = Vec::new();
    for calendar in calendars.iter() {
        let mut edges = Edges::default();
        for (slot, kind) in edges.iter_mut().zip(PeriodKind::ALL) {
            *slot = calendar.edges(kind, now)?;
        }
        all.push(edges);
    }
    Ok(all)
}
