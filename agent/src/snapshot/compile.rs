//! Turns the store, the cluster's facts and everybody's standing into the contents of the snapshots.

use std::collections::HashMap;

use bursar_policy::job::TimeLimit;
use bursar_policy::snapshot::{
    Account, ClusterFacts, Contents, Edge, Grant, Group, Header, Home, Kind, LiveJob, Partition, Person, RecentJob,
};
use bursar_policy::{AccountName, PeriodKind, Timestamp};

use super::holdings::{Holding, Holdings, ends_at};
use crate::accounting::flight::{Flight, Stage};
use crate::accounting::{Calendar, Standing};
use crate::config::{AtRunningLimit, Config};
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
    /// Its partitions.
    pub partitions: Vec<Partition>,
}

/// Everything a snapshot is compiled from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The site's calendar.
    pub calendar: &'a Calendar,
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

    /// Accounts and people as both main snapshots carry them; usage where `standing` is given.
    fn fill(&self, contents: &mut Contents, standing: Option<&Standing>) {
        let (accounts, positions) = self.accounts();
        contents.accounts = accounts
            .iter()
            .map(|account| Account {
                name: account.name.to_string(),
                parent: account.parent.as_ref().and_then(|parent| positions.get(parent)).copied(),
                limits: self.holdings.limits.account(&account.name),
                usage: standing.map(|standing| standing.account(account.name.as_str())).unwrap_or_default(),
            })
            .collect();
        contents.people =
            self.holdings.people.iter().map(|holding| self.person(holding, &positions, standing)).collect();
    }

    fn person(
        &self,
        holding: &Holding<'_>,
        positions: &HashMap<&AccountName, u32>,
        standing: Option<&Standing>,
    ) -> Person {
        let subject = holding.subject;
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
                }
            })
            .collect();
        Person {
            uid: subject.uid.get(),
            gid: subject.uid.get(),
            name: subject.name.to_string(),
            state: subject.state,
            kind: subject.kind,
            default_account: holding.default_account.and_then(|account| positions.get(account)).copied(),
            limits: holding.limits,
            usage: standing.map(|standing| standing.person(subject.uid.get())).unwrap_or_default(),
            grants,
            home: None,
        }
    }
}

/// The snapshot that the plugin decides from.
pub fn controller(
    sources: &Sources<'_>,
    cluster: &Cluster,
    standing: &Standing,
    flight: &Flight,
    periods: [Vec<Edge>; 3],
    as_of: Timestamp,
) -> Contents {
    let mut contents = Contents::empty(sources.header(Kind::Controller, as_of));
    contents.facts = cluster.facts;
    contents.facts.running_limit_refuses = sources.config.policy.at_running_limit == AtRunningLimit::Refuse;
    contents.partitions = cluster.partitions.clone();
    contents.periods = periods;
    sources.fill(&mut contents, Some(standing));
    contents.recent = recent(sources, flight);
    contents
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

/// The edges of the site's periods from now on.
pub fn periods(
    calendar: &Calendar,
    now: Timestamp,
) -> Result<[Vec<Edge>; 3], crate::accounting::calendar::OutsideCalendar> {
    let [day, week, month] = PeriodKind::ALL.map(|kind| calendar.edges(kind, now));
    Ok([day?, week?, month?])
}
