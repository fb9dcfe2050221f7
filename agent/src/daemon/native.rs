//! Which limits of policy slurmctld holds itself, and in which words of Slurm.
//!
//! A kind is bursar's to keep on accounts, or on people's associations, as soon as some limit of an account, or of
//! people, counts it; until bursard ends it stays bursar's, so that a limit that policy takes back is taken back in
//! Slurm, too. A kind that policy never named stays as it was set by hand.
//!
//! Where an emergency grant lifts limits, Slurm holds none of what is at once, for its holder there and for the accounts
//! above, and holds up nothing that the plugin let in.
//!
//! Left to the plugin alone are money, which Slurm knows nothing of, and what one grant lets its holder consume.
//! A person's limits at once stand on each of their associations: over several accounts only the plugin adds up.

use std::collections::{BTreeMap, BTreeSet};

use bursar_policy::{AccountName, Timestamp};

use super::queues::Accounts;
use crate::slurm::desired::{DesiredCluster, JobLimits};
use crate::slurm::native::{GpuType, NativeKind, NativeLimits, Place, Resource};
use crate::snapshot::holdings::{Limits, ends_at};
use crate::snapshot::{Holding, Holdings};
use crate::store::contents::Contents;
use crate::store::{Lifts, LimitKind, LimitTarget, Presence, Scope, Thing};

/// The kinds that bursar keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Governed {
    /// On accounts.
    pub accounts: BTreeSet<NativeKind>,
    /// On people's associations.
    pub people: BTreeSet<NativeKind>,
}

impl Governed {
    /// Adds the kinds that the store's limits count.
    pub fn learn(&mut self, stored: &Contents) {
        for limit in &stored.limits {
            let kinds = match limit.target {
                LimitTarget::Account(_) => &mut self.accounts,
                LimitTarget::Grant(_) => continue,
                _ => &mut self.people,
            };
            kinds.extend(native(limit.kind));
            // Slurm counts running and waiting jobs together.
            kinds.extend((limit.kind == LimitKind::QueuedJobs).then_some(NativeKind::GrpSubmitJobs));
        }
    }

    /// The resources of which consumption is kept on accounts, or on people's associations.
    pub fn consumed(kinds: &BTreeSet<NativeKind>) -> impl Iterator<Item = &Resource> {
        kinds.iter().filter_map(|kind| match kind {
            NativeKind::GrpTresRunMins(resource) => Some(resource),
            _ => None,
        })
    }
}

/// Where emergency grants lift limits now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lifted {
    places: BTreeSet<Place>,
}

impl Lifted {
    /// Finds the grants.
    pub fn of(holdings: &Holdings<'_>, accounts: &Accounts<'_>, now: Timestamp) -> Self {
        let mut places = BTreeSet::new();
        for holding in &holdings.people {
            let lifting = holding
                .grants
                .iter()
                .filter(|grant| grant.lifts.is_some_and(Lifts::limits) && grant.from <= now && now < ends_at(grant));
            for grant in lifting {
                let covers = |account: &AccountName| match &grant.scope {
                    Scope::Cluster => true,
                    Scope::Account(name) => accounts.upwards(account.as_str()).any(|above| above == name.as_str()),
                };
                for account in holding.accounts.iter().filter(|account| covers(account)) {
                    places.insert(Place::Person(holding.subject.name.clone(), (*account).clone()));
                    let above = accounts.upwards(account.as_str());
                    places.extend(above.filter_map(|name| AccountName::new(name).ok()).map(Place::Account));
                }
            }
        }
        Self { places }
    }

    /// Whether limits are lifted here.
    pub fn at(&self, place: &Place) -> bool {
        self.places.contains(place)
    }
}

/// What Slurm calls a thing; nothing for money.
pub fn resource(thing: Thing) -> Option<Resource> {
    match thing {
        Thing::Cpu => Some(Resource::Cpu),
        Thing::Memory => Some(Resource::Memory),
        Thing::Node => Some(Resource::Node),
        Thing::Gpu(None) => Some(Resource::Gpu),
        Thing::Gpu(Some(of)) => GpuType::new(of.as_str()).map(Resource::GpuOf),
        Thing::Money => None,
    }
}

fn native(kind: LimitKind) -> Option<NativeKind> {
    match kind {
        LimitKind::RunningJobs => Some(NativeKind::GrpJobs),
        LimitKind::QueuedJobs => None,
        LimitKind::AtOnce(thing) => resource(thing).map(NativeKind::GrpTres),
        LimitKind::Consumed(thing, _) => resource(thing).map(NativeKind::GrpTresRunMins),
    }
}

/// Running jobs, and running and waiting ones together, as far as there are limits on them.
pub fn jobs(limits: &Limits) -> JobLimits {
    let jobs = |kind| limits.get(&kind).map(|jobs| u32::try_from(*jobs).unwrap_or(u32::MAX - 1));
    let (running, queued) = (jobs(LimitKind::RunningJobs), jobs(LimitKind::QueuedJobs));
    JobLimits { max_jobs: running, max_submit: running.zip(queued).map(|(r, q)| r.saturating_add(q)) }
}

/// The job limits of a person in an account: the strictest of their own, and of those there or above.
pub fn jobs_in(holding: &Holding<'_>, account: &AccountName, accounts: &Accounts<'_>, lifted: &Lifted) -> JobLimits {
    if lifted.at(&Place::Person(holding.subject.name.clone(), account.clone())) {
        return JobLimits::default();
    }
    let least = |a: Option<u32>, b: Option<u32>| a.into_iter().chain(b).min();
    limits_at(holding, account, accounts).map(jobs).fold(JobLimits::default(), |all, one| JobLimits {
        max_jobs: least(all.max_jobs, one.max_jobs),
        max_submit: least(all.max_submit, one.max_submit),
    })
}

/// The limits that bind a person in an account: over all, and in it and the accounts above it.
fn limits_at<'h>(
    holding: &'h Holding<'_>,
    account: &'h AccountName,
    accounts: &'h Accounts<'_>,
) -> impl Iterator<Item = &'h Limits> {
    let here = move |name: &AccountName| accounts.upwards(account.as_str()).any(|above| above == name.as_str());
    let in_accounts = holding.limits_in.iter().filter(move |(name, _)| here(name)).map(|(_, limits)| limits);
    std::iter::once(&holding.limits).chain(in_accounts)
}

/// The resources at once of all these limits, the strictest of each.
fn at_once<'l>(all: impl Iterator<Item = &'l Limits>) -> BTreeMap<NativeKind, u64> {
    let mut strictest: BTreeMap<NativeKind, u64> = BTreeMap::new();
    for (kind, amount) in all.flatten().filter(|(kind, _)| matches!(kind, LimitKind::AtOnce(_))) {
        if let Some(kind) = native(*kind) {
            strictest.entry(kind).and_modify(|least| *least = (*least).min(*amount)).or_insert(*amount);
        }
    }
    strictest
}

/// What is kept of `governed`: the value where there is one, none where there is not.
fn kept(governed: &BTreeSet<NativeKind>, values: &BTreeMap<NativeKind, u64>) -> NativeLimits {
    let of_jobs = |kind: &NativeKind| matches!(kind, NativeKind::GrpJobs | NativeKind::GrpSubmitJobs);
    let kinds = governed.iter().filter(|kind| of_jobs(kind) || matches!(kind, NativeKind::GrpTres(_)));
    kinds.map(|kind| (kind.clone(), values.get(kind).copied())).collect()
}

/// Puts the limits of what runs and waits at once into `desired`.
pub fn fill(
    desired: &mut DesiredCluster,
    stored: &Contents,
    holdings: &Holdings<'_>,
    people: &[&Holding<'_>],
    governed: &Governed,
    lifted: &Lifted,
) {
    let accounts = Accounts::of(stored);
    for account in stored.accounts.iter().filter(|account| account.state == Presence::Active) {
        let limits = holdings.limits.account(&account.name);
        let of_jobs = jobs(&limits);
        let mut values = at_once(std::iter::once(&limits));
        values.extend(of_jobs.max_jobs.map(|jobs| (NativeKind::GrpJobs, u64::from(jobs))));
        values.extend(of_jobs.max_submit.map(|jobs| (NativeKind::GrpSubmitJobs, u64::from(jobs))));
        desired.limits.insert(Place::Account(account.name.clone()), kept(&governed.accounts, &values));
    }
    // People's job limits are MaxJobs and MaxSubmitJobs of their associations, which are bursar's wholly.
    let governed: BTreeSet<NativeKind> =
        governed.people.iter().filter(|kind| kind.resource().is_some()).cloned().collect();
    for holding in people {
        for account in &holding.accounts {
            let values = at_once(limits_at(holding, account, &accounts));
            let place = Place::Person(holding.subject.name.clone(), (*account).clone());
            desired.limits.insert(place, kept(&governed, &values));
        }
    }
    for (place, limits) in &mut desired.limits {
        if lifted.at(place) {
            limits.values_mut().for_each(|value| *value = None);
        }
    }
    desired.limits.retain(|_, limits| !limits.is_empty());
}
