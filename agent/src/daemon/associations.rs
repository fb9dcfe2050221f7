//! What the store wants of slurmdbd, and the pass that brings it there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bursar_policy::{AccountName, Clock as _, SystemClock, Timestamp, UserName};

use super::native::{self, Governed, Lifted};
use super::people::local_accounts;
use super::queues::{self, Accounts};
use super::site::{Associations, Site, Step, View, chain};
use crate::config::MachineRole;
use crate::slurm::SlurmCommands;
use crate::slurm::apply;
use crate::slurm::conf_check::LiveConf;
use crate::slurm::desired::{
    AdminLevel, AssociationState, ClusterName, DesiredAccount, DesiredCluster, DesiredUser, JobLimits, Label,
};
use crate::slurm::found::FoundCluster;
use crate::slurm::plan::plan;
use crate::slurm::uids::{Healed, heal_missing_uids, host_knows};
use crate::snapshot::{Holding, Holdings};
use crate::store::{PersonState, Presence};

/// What slurmdbd should hold, and a sentence on who was left out for now.
///
/// On the controller, an association waits for its POSIX account: slurmctld would remember for an hour that the name
/// has no uid, and refuse every job of it.
///
/// `wckeys` is whether slurmctld refuses cost centres that a person does not have, `governed` which limits it shall hold.
pub fn desired(
    view: &View,
    now: Timestamp,
    wckeys: bool,
    governed: &Governed,
) -> Result<(DesiredCluster, Option<String>), String> {
    let machine = &view.config.machine;
    let cluster =
        ClusterName::new(&machine.cluster).map_err(|error| format!("cluster {}: {error}", machine.cluster))?;
    let local = if machine.roles.contains(&MachineRole::Controller) {
        Some(local_accounts().map_err(|error| format!("cannot read /etc/passwd: {error}"))?)
    } else {
        None
    };
    let holdings = Holdings::of(&view.stored, now);
    let tree = Accounts::of(&view.stored);
    let lifted = Lifted::of(&holdings, &tree, now);
    let mut people = Vec::new();
    let mut present_people = Vec::new();
    let mut former_people = BTreeSet::new();
    let mut waiting = BTreeSet::new();
    for holding in &holdings.people {
        let name = &holding.subject.name;
        let uid = holding.subject.uid.get();
        let known = local.as_ref().is_none_or(|local| local.get(name.as_str()) == Some(&uid));
        let present = holding.subject.state == PersonState::Active && holding.access_until.is_some();
        if !present {
            former_people.insert(name.clone());
        } else if known {
            people.push(user(holding, &tree, &lifted));
            present_people.push(holding);
        } else {
            waiting.insert(name.clone());
        }
    }
    let accounts = view
        .stored
        .accounts
        .iter()
        .filter(|account| account.state == Presence::Active)
        .map(|account| DesiredAccount {
            name: account.name.clone(),
            parent: account.parent.clone(),
            description: label(&account.description, &account.name),
            organization: label(&account.cost_center, &account.name),
        })
        .collect();
    let left_out = (!waiting.is_empty()).then(|| {
        let names: Vec<&str> = waiting.iter().take(10).map(UserName::as_str).collect();
        format!("{} people wait for their account on this host: {}", waiting.len(), names.join(", "))
    });
    let mut desired = DesiredCluster { accounts, people, former_people, ..DesiredCluster::of(cluster) };
    queues::fill(&mut desired, view, &present_people, wckeys, now);
    native::fill(&mut desired, &view.stored, &holdings, &present_people, governed, &lifted);
    Ok((desired, left_out))
}

fn user(holding: &Holding<'_>, accounts: &Accounts<'_>, lifted: &Lifted) -> DesiredUser {
    let mut associations: BTreeMap<_, _> = BTreeMap::new();
    associations.extend(holding.former_accounts.iter().map(|account| ((*account).clone(), AssociationState::Revoked)));
    associations.extend(holding.accounts.iter().map(|account| {
        ((*account).clone(), AssociationState::Active(native::jobs_in(holding, account, accounts, lifted)))
    }));
    DesiredUser {
        name: holding.subject.name.clone(),
        admin: if holding.admin { AdminLevel::Administrator } else { AdminLevel::None },
        default_account: holding.default_account.cloned(),
        associations,
    }
}

/// A text as Slurm can keep it; one that it cannot keep, or none at all, becomes the account's name.
fn label(text: &str, name: &AccountName) -> Label {
    Label::new(text).unwrap_or_else(|_| Label::from(name))
}

/// Brings slurmdbd in step and heals people whom slurmctld holds without a uid.
///
/// What slurmdbd holds afterwards goes into the view, whatever came of the pass.
pub async fn sync(site: &Site, commands: &SlurmCommands, desired: &DesiredCluster) -> Result<Vec<Step>, String> {
    let synced = apply::sync(commands, desired).await.map_err(|error| chain(&error))?;
    let held = Arc::new(held(&synced.found));
    if site.view().associations.as_ref() != Some(&held) {
        site.renew(|view| view.associations = Some(held));
    }
    let steps: Vec<Step> = synced.applied.done.iter().map(|action| step(&action.to_string())).collect();
    if let Some(error) = &synced.applied.failed {
        return Err(chain(error));
    }
    if !synced.drift.is_empty() {
        let rest: Vec<String> = synced.drift.iter().take(5).map(ToString::to_string).collect();
        return Err(format!("slurmdbd does not keep what it was told; still to do: {}", rest.join("; ")));
    }
    if !steps.is_empty() {
        heal(commands.clone(), desired, Arc::clone(&site.reconfigured_at));
    }
    if !synced.obstacles.is_empty() {
        let lines: Vec<String> = synced.obstacles.iter().take(10).map(ToString::to_string).collect();
        return Err(lines.join("; "));
    }
    Ok(steps)
}

/// Looks after a change, beside everything else, whether slurmctld holds somebody without a uid.
///
/// Accounts come before their associations, so this finds something only where somebody else made an association first.
/// slurmctld answers when it has taken in all that is new, which for a whole site takes it as long again.
fn heal(commands: SlurmCommands, desired: &DesiredCluster, reconfigured_at: Arc<AtomicI64>) {
    let names: BTreeSet<UserName> = desired.people.iter().map(|person| person.name.clone()).collect();
    tokio::spawn(async move {
        // slurmctld may be down while slurmdbd is not; it asks for uids anew when it comes up.
        match heal_missing_uids(&commands, &names, host_knows).await {
            Ok(Healed { healed, .. }) if healed.is_empty() => {}
            Ok(_) => reconfigured_at.store(SystemClock.now().0, Ordering::Relaxed),
            Err(error) => tracing::warn!("{}", chain(&error)),
        }
    });
}

/// What slurmdbd holds, as answers show it.
fn held(found: &FoundCluster) -> Associations {
    let shut = found.associations.iter().map(|(key, limits)| (key.clone(), *limits == JobLimits::REVOKED)).collect();
    let defaults = found.users.iter().filter_map(|(name, user)| Some((name.clone(), user.default_account.clone()?)));
    Associations { shut, default_accounts: defaults.collect() }
}

/// What [`sync`] would do now.
pub async fn dry_run(site: &Site, commands: &SlurmCommands, governed: &Governed) -> Result<Vec<Step>, String> {
    let conf = LiveConf::read(commands).await.map_err(|error| chain(&error))?;
    let (desired, _) = desired(&site.view(), site.now(), conf.enforces_wckeys(), governed)?;
    let found = FoundCluster::read(commands, &desired.cluster).await.map_err(|error| chain(&error))?;
    Ok(plan(&desired, &found).actions.iter().map(|action| step(&action.to_string())).collect())
}

/// An action's sentence as a step: its verb and the rest.
fn step(sentence: &str) -> Step {
    let (action, object) = sentence.split_once(' ').unwrap_or((sentence, ""));
    Step { part: "slurm", action: action.to_owned(), object: object.to_owned(), detail: String::new() }
}
