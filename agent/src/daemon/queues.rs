//! What policy's queues and cost centres mean for Slurm: QOS, who may use them, wckeys.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bursar_policy::{AccountName, Timestamp};

use super::site::View;
use crate::config::{OnPreempt, Policy, Queue};
use crate::slurm::desired::{DesiredCluster, DesiredQos, QosAccess};
use crate::slurm::native::Resource;
use crate::slurm::qos::{PreemptMode, QosName, QosSettings};
use crate::snapshot::Holding;
use crate::snapshot::holdings::ends_at;
use crate::store::contents::Contents;
use crate::store::{Presence, Role, Scope};

/// The QOS of the queues.
pub fn qos(policy: &Policy) -> Vec<DesiredQos> {
    policy
        .queues
        .iter()
        .map(|queue| DesiredQos { name: queue.qos.clone(), settings: settings(queue, policy) })
        .collect()
}

fn settings(queue: &Queue, policy: &Policy) -> QosSettings {
    let is_preempted = policy.queues.iter().any(|other| other.preempts.contains(&queue.name));
    let victims = policy.queues.iter().filter(|other| queue.preempts.contains(&other.name));
    let caps = &queue.caps;
    let of = [
        (Resource::Cpu, caps.cpus),
        (Resource::Gpu, caps.gpus),
        (Resource::Node, caps.nodes),
        (Resource::Memory, caps.memory_mb),
    ];
    QosSettings {
        priority: queue.priority,
        preempts: victims.map(|victim| victim.qos.to_string()).collect(),
        preempt_mode: match queue.on_preempt {
            // Where nobody preempts it there is nothing to say.
            _ if !is_preempted => PreemptMode::Cluster,
            OnPreempt::Requeue => PreemptMode::Requeue,
            OnPreempt::Cancel => PreemptMode::Cancel,
        },
        grace_seconds: queue.grace_seconds,
        usage_per_mille: queue.fair_share_factor.per_mille(),
        max_jobs: caps.running_jobs,
        // Slurm counts running and waiting jobs together, so waiting ones alone cannot be capped.
        max_submit: caps.running_jobs.zip(caps.queued_jobs).map(|(running, queued)| running.saturating_add(queued)),
        per_person: of.into_iter().filter_map(|(resource, cap)| Some((resource, cap?))).collect(),
        max_minutes: caps.max_time.map(|seconds| seconds / 60),
    }
}

/// The accounts with those above them and their cost centres.
pub struct Accounts<'v> {
    parents: HashMap<&'v str, &'v str>,
    cost_centers: HashMap<&'v str, &'v str>,
}

impl<'v> Accounts<'v> {
    /// Those that are active.
    pub fn of(stored: &'v Contents) -> Self {
        let active = || stored.accounts.iter().filter(|account| account.state == Presence::Active);
        let parent =
            |account: &'v crate::store::Account| Some((account.name.as_str(), account.parent.as_ref()?.as_str()));
        Self {
            parents: active().filter_map(parent).collect(),
            cost_centers: active().map(|account| (account.name.as_str(), account.cost_center.as_str())).collect(),
        }
    }

    /// The account and those above it; a circle ends after as many steps as there are accounts.
    pub fn upwards<'s>(&'s self, account: &'s str) -> impl Iterator<Item = &'s str> {
        let step = |name: &&'s str| self.parents.get(*name).copied();
        std::iter::successors(Some(account), step).take(self.cost_centers.len())
    }
}

/// Puts the queues that each person may use, and the cost centres that they need, into `desired`.
///
/// `wckeys` is whether slurmctld refuses cost centres that a person does not have.
pub fn fill(desired: &mut DesiredCluster, view: &View, people: &[&Holding<'_>], wckeys: bool, now: Timestamp) {
    let policy = &view.config.policy;
    let accounts = Accounts::of(&view.stored);
    desired.qos = qos(policy);
    for holding in people {
        let name = &holding.subject.name;
        if !policy.queues.is_empty() {
            for account in &holding.accounts {
                let access = access(policy, holding, account, &accounts, now);
                desired.access.insert((name.clone(), (*account).clone()), access);
            }
        }
        if wckeys {
            let of_accounts = holding.accounts.iter().filter_map(|account| accounts.cost_centers.get(account.as_str()));
            let of_accounts = of_accounts.filter(|key| !key.is_empty()).map(|key| (*key).to_owned());
            let all: BTreeSet<String> = of_accounts.chain(policy.cost_centres.listed.iter().cloned()).collect();
            desired.wckeys.insert(name.clone(), all);
        }
    }
}

fn access(
    policy: &Policy,
    holding: &Holding<'_>,
    account: &AccountName,
    accounts: &Accounts<'_>,
    now: Timestamp,
) -> QosAccess {
    let admitting: BTreeMap<&QosName, &Queue> = policy
        .queues
        .iter()
        .filter(|queue| admits(queue, holding, account, accounts, now))
        .map(|queue| (&queue.qos, queue))
        .collect();
    QosAccess {
        default: admitting.values().find(|queue| queue.is_default).map(|queue| queue.qos.clone()),
        allowed: admitting.into_keys().cloned().collect(),
    }
}

/// Whether a queue is open to a person's jobs of an account.
pub fn admits(
    queue: &Queue,
    holding: &Holding<'_>,
    account: &AccountName,
    accounts: &Accounts<'_>,
    now: Timestamp,
) -> bool {
    queue.admits(&roles_in(holding, account, now), accounts.upwards(account.as_str()))
}

/// The roles that a person has now, in an account or everywhere.
fn roles_in(holding: &Holding<'_>, account: &AccountName, now: Timestamp) -> BTreeSet<Role> {
    let holds = holding.grants.iter().filter(|grant| grant.from <= now && now < ends_at(grant));
    let here = holds.filter(|grant| match &grant.scope {
        Scope::Cluster => true,
        Scope::Account(name) => name == account,
    });
    here.map(|grant| grant.role).collect()
}
