//! Plans QOS objects, which associations may use them, and people's cost centres.
//!
//! A QOS that policy names is made, or adopted when it is there already: then its values become bursar's and its
//! description says so. One that policy names no longer is taken off bursar's associations and emptied, that is, gets
//! the values of a fresh QOS; an adopted one gets its description back, one that bursar made is removed as soon as no job
//! of slurmctld and no association of anybody else is in it.

use std::collections::{BTreeMap, BTreeSet};

use bursar_policy::{AccountName, UserName};

use super::desired::{DesiredCluster, Owned};
use super::found::{FoundAccess, FoundCluster};
use super::plan::Obstacle;
use super::qos::{QosOwner, QosSettings};
use super::queue_action::QueueAction;

/// A whole list of QOS and a default, as an association should have them.
pub(super) type Access = (Vec<String>, Option<String>);

/// The calls that make and change the QOS that policy names.
pub(super) fn plan_qos(
    desired: &DesiredCluster,
    found: &FoundCluster,
    obstacles: &mut Vec<Obstacle>,
) -> Vec<QueueAction> {
    let fresh = QosSettings::default();
    let (mut made, mut changed) = (Vec::new(), Vec::new());
    for qos in &desired.qos {
        let name = qos.name.as_str();
        let mut settings = qos.settings.clone();
        settings.per_person.retain(|resource, _| {
            let known = found.counts(resource);
            if !known {
                obstacles.push(Obstacle::NotCounted(resource.clone()));
            }
            known
        });
        let present = found.qos.get(name);
        if present.is_none() {
            made.push(QueueAction::AddQos(qos.name.clone()));
        }
        let words = settings.changes_from(present.map_or(&fresh, |present| &present.settings));
        let adopted = present.filter(|present| present.owner() == QosOwner::Foreign);
        let description = adopted.map(|present| present.adopted_description());
        if !words.is_empty() || description.is_some() {
            changed.push(QueueAction::SetQos { qos: name.to_owned(), words, description });
        }
    }
    // All are made before the first is told whom it preempts.
    made.extend(changed);
    made
}

/// The calls that give up the QOS that policy names no longer; to be made when bursar's associations are out of them.
pub(super) fn plan_released(desired: &DesiredCluster, owned: &Owned<'_>, found: &FoundCluster) -> Vec<QueueAction> {
    let wanted: BTreeSet<&str> = desired.qos.iter().map(|qos| qos.name.as_str()).collect();
    let fresh = QosSettings::default();
    let mut actions = Vec::new();
    for (name, qos) in found.qos.iter().filter(|(name, _)| !wanted.contains(name.as_str())) {
        let owner = qos.owner();
        let description = match &owner {
            QosOwner::Foreign => continue,
            QosOwner::Adopted { before } => Some(before.clone()),
            QosOwner::Made => None,
        };
        let is_elsewhere = found.access.iter().any(|((user, account), access)| {
            !owned.association(user, account) && (access.list.contains(name) || access.default.as_ref() == Some(name))
        });
        let of_jobs = found.qos_of_jobs.as_ref().is_none_or(|used| used.contains(name));
        let words = fresh.changes_from(&qos.settings);
        if owner == QosOwner::Made && !is_elsewhere && !of_jobs {
            actions.push(QueueAction::DropQos(name.clone()));
        } else if !words.is_empty() || description.is_some() {
            actions.push(QueueAction::SetQos { qos: name.clone(), words, description });
        }
    }
    actions
}

/// The QOS that associations which are there should get, by what they get; new ones are made with theirs.
pub(super) fn plan_access(
    desired: &DesiredCluster,
    owned: &Owned<'_>,
    found: &FoundCluster,
) -> BTreeMap<Access, BTreeSet<(UserName, AccountName)>> {
    let kept = found.qos.iter().filter(|(_, qos)| qos.owner() != QosOwner::Foreign).map(|(name, _)| name.as_str());
    let ours: BTreeSet<&str> = desired.qos.iter().map(|qos| qos.name.as_str()).chain(kept).collect();
    let mut groups: BTreeMap<Access, BTreeSet<(UserName, AccountName)>> = BTreeMap::new();
    if ours.is_empty() {
        return groups;
    }
    let present = found.associations.keys().filter(|(user, account)| owned.association(user, account));
    let present =
        present.filter_map(|(user, account)| Some((UserName::new(user).ok()?, AccountName::new(account).ok()?)));
    let nothing = FoundAccess::default();
    for key in present {
        let has = found.access.get(&(key.0.to_string(), key.1.to_string())).unwrap_or(&nothing);
        let wish = desired.access.get(&key);
        let foreign = has.list.iter().filter(|name| !ours.contains(name.as_str())).cloned();
        let allowed = wish.into_iter().flat_map(|wish| &wish.allowed).map(ToString::to_string);
        let list: BTreeSet<String> = foreign.chain(allowed).collect();
        let fits = |name: &&String| list.contains(*name) || (list.is_empty() && !ours.contains(name.as_str()));
        let default = match wish.and_then(|wish| wish.default.as_ref()) {
            Some(name) => Some(name.to_string()),
            None => has.default.as_ref().filter(|name| !ours.contains(name.as_str())).filter(fits).cloned(),
        };
        if list != has.list || default != has.default {
            groups.entry((list.into_iter().collect(), default)).or_default().insert(key);
        }
    }
    groups
}

/// The cost centres that people lack, by what they lack; `made` are people whom the plan makes.
pub(super) fn plan_wckeys(
    desired: &DesiredCluster,
    found: &FoundCluster,
    made: &BTreeSet<&UserName>,
) -> BTreeMap<Vec<String>, Vec<UserName>> {
    let none = BTreeSet::new();
    let mut groups: BTreeMap<Vec<String>, Vec<UserName>> = BTreeMap::new();
    // Somebody whom slurmdbd does not know would be made by this, without an association.
    let known = |user: &UserName| found.users.contains_key(user.as_str()) || made.contains(user);
    for (user, wanted) in desired.wckeys.iter().filter(|(user, _)| known(user)) {
        let has = found.wckeys.get(user.as_str()).unwrap_or(&none);
        let missing: BTreeSet<String> =
            wanted.iter().map(|wckey| wckey.to_ascii_lowercase()).filter(|wckey| !has.contains(wckey)).collect();
        if !missing.is_empty() {
            groups.entry(missing.into_iter().collect()).or_default().push(user.clone());
        }
    }
    groups
}

#[cfg(test)]
#[path = "plan_queues_tests.rs"]
mod tests;
