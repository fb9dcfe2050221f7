//! What slurmdbd holds for one cluster, read with a handful of `sacctmgr show` calls.
//!
//! Findings on 22.05.8: without `WOPLimits` the listing shows the limits inherited from accounts above as if they
//! were the association's own, and a plan would never settle. Free text (description, organization) stands last in
//! its line. " Database is busy ..." may be printed in the middle of a listing and is no row. With `WOPLimits` the QOS
//! column, too, is the association's own list, empty where it inherits; cost centres (wckeys) are folded to small letters.
//! 24.11.5 and 26.05.5 print the same.

use std::collections::{BTreeMap, BTreeSet};

use bursar_policy::{AccountName, UserName};
use thiserror::Error;

use super::command::{CommandError, SlurmCommands, Tool, words};
use super::desired::{AdminLevel, ClusterName, JobLimits};
use super::fields::tres;
use super::native::{self, FoundLimits, NativeKind, Place, Resource};
use super::qos::{FoundQos, QosOwner};

/// Why slurmdbd's truth is not known.
#[derive(Debug, Error)]
pub enum FoundError {
    /// `sacctmgr` failed.
    #[error("cannot read what slurmdbd holds for cluster {cluster}")]
    Command {
        /// The cluster.
        cluster: String,
        /// Why.
        #[source]
        source: CommandError,
    },
    /// slurmdbd knows no such cluster: the listing has no root association.
    #[error("slurmdbd knows no cluster {0}: check ClusterName in slurm.conf, or run sacctmgr add cluster {0}")]
    UnknownCluster(String),
}

/// An account as slurmdbd has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoundAccount {
    /// The account above in this cluster; `None` when it has no association here.
    pub parent: Option<String>,
    /// Slurm's Description, in the case slurmdbd keeps.
    pub description: String,
    /// Slurm's Organization.
    pub organization: String,
    /// Jobs running at once in the whole account (GrpJobs), by whoever set it.
    pub grp_jobs: Option<u32>,
    /// Jobs running and waiting at once in the whole account (GrpSubmitJobs).
    pub grp_submit: Option<u32>,
}

/// A user as slurmdbd has them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoundUser {
    /// The account of jobs that name none.
    pub default_account: Option<String>,
    /// The level in Slurm.
    pub admin: AdminLevel,
}

/// The QOS of an association: its own list, not what it inherits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct FoundAccess {
    /// The QOS that jobs may ask for; none is those of the account above.
    pub list: BTreeSet<String>,
    /// The QOS of jobs that name none (DefaultQOS).
    pub default: Option<String>,
}

/// What slurmdbd holds for one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoundCluster {
    /// All accounts by name, those of other clusters included (with no parent here).
    pub accounts: BTreeMap<String, FoundAccount>,
    /// All users by name.
    pub users: BTreeMap<String, FoundUser>,
    /// The limits of each association of (user, account) without a partition.
    pub associations: BTreeMap<(String, String), JobLimits>,
    /// Associations of (user, account, partition); bursar makes none and leaves them alone.
    pub partition_associations: BTreeSet<(String, String, String)>,
    /// The limits of associations as slurmctld holds them, by user (empty is the account's own) and account.
    pub limits: BTreeMap<(String, String), FoundLimits>,
    /// The QOS of associations that have any of their own, by the same.
    pub access: BTreeMap<(String, String), FoundAccess>,
    /// All QOS by name.
    pub qos: BTreeMap<String, FoundQos>,
    /// The QOS that jobs of slurmctld are in; `None` when nobody asked.
    pub qos_of_jobs: Option<BTreeSet<String>>,
    /// The names of what slurmdbd counts, as in `gres/gpu`.
    pub tres: BTreeSet<String>,
    /// The cost centres (wckeys) of each user, in small letters.
    pub wckeys: BTreeMap<String, BTreeSet<String>>,
    /// Lines that could not be read; bursar's own names never cause one.
    pub unreadable: Vec<String>,
}

const ASSOC_FORMAT: &str = "format=cluster,account,user,partition,parentname,maxjobs,maxsubmit,grpjobs,grpsubmit,\
                            grptres,grptresrunmins,qos,defaultqos";

impl FoundCluster {
    /// Reads all that there is of `cluster`; nothing is changed.
    pub async fn read(commands: &SlurmCommands, cluster: &ClusterName) -> Result<Self, FoundError> {
        let failed = |source| FoundError::Command { cluster: cluster.to_string(), source };
        let show = async |what: &[&str]| {
            let args = [&["-n", "-P", "show"], what].concat();
            commands.read(Tool::Sacctmgr, &words(&args)).await.map_err(failed)
        };
        let of_cluster = format!("cluster={cluster}");
        let mut found = Self::default();
        if !found.take_associations(cluster, &show(&["assoc", "where", &of_cluster, "WOPLimits", ASSOC_FORMAT]).await?)
        {
            return Err(FoundError::UnknownCluster(cluster.to_string()));
        }
        found.take_accounts(&show(&["account", "format=account,organization,description"]).await?);
        found.take_users(&show(&["user", "format=user,defaultaccount,adminlevel"]).await?);
        found.take_qos(&show(&["qos", FoundQos::FORMAT]).await?);
        found.take_tres(&show(&["tres", "format=type,name"]).await?);
        found.take_wckeys(&show(&["wckey", "where", &of_cluster, "format=user,wckey"]).await?);
        if found.qos.values().any(|qos| qos.owner() == QosOwner::Made) {
            let args = words(&["-h", "-a", "-t", "all", "-o", "%q"]);
            // Without slurmctld nobody knows which QOS its jobs are in, and none is taken away.
            if let Ok(text) = commands.read(Tool::Squeue, &args).await {
                found.qos_of_jobs = Some(text.lines().map(|line| line.trim().to_owned()).collect());
            }
        }
        Ok(found)
    }

    /// Reads only associations with their limits, and what slurmdbd counts.
    pub async fn read_limits(commands: &SlurmCommands, cluster: &ClusterName) -> Result<Self, FoundError> {
        let failed = |source| FoundError::Command { cluster: cluster.to_string(), source };
        let of_cluster = format!("cluster={cluster}");
        let mut found = Self::default();
        let args = words(&["-n", "-P", "show", "assoc", "where", &of_cluster, "WOPLimits", ASSOC_FORMAT]);
        if !found.take_associations(cluster, &commands.read(Tool::Sacctmgr, &args).await.map_err(failed)?) {
            return Err(FoundError::UnknownCluster(cluster.to_string()));
        }
        let args = words(&["-n", "-P", "show", "tres", "format=type,name"]);
        found.take_tres(&commands.read(Tool::Sacctmgr, &args).await.map_err(failed)?);
        Ok(found)
    }

    /// Takes the association listing and says whether the cluster's root association was in it.
    fn take_associations(&mut self, cluster: &ClusterName, text: &str) -> bool {
        let mut root_seen = false;
        for line in rows(text) {
            let fields: Vec<&str> = line.split('|').collect();
            let Some((of, _)) = fields.split_first() else { continue };
            if fields.len() == 13 && *of != cluster.as_str() {
                continue;
            }
            match self.take_association(&fields) {
                Some(is_root) => root_seen |= is_root,
                None => self.unreadable.push(line.to_owned()),
            }
        }
        root_seen
    }

    /// Takes one association and says whether it is the cluster's root; nothing if it cannot be read.
    fn take_association(&mut self, fields: &[&str]) -> Option<bool> {
        let [_, account, user, partition, parent, jobs, submit, grp_jobs, grp_submit, at_once, remaining, qos, default] =
            fields
        else {
            return None;
        };
        let (max_jobs, max_submit) = (limit(jobs)?, limit(submit)?);
        let (grp_jobs, grp_submit) = (limit(grp_jobs)?, limit(grp_submit)?);
        let mut limits = FoundLimits::new();
        limits.extend(grp_jobs.map(|jobs| (NativeKind::GrpJobs, u64::from(jobs))));
        limits.extend(grp_submit.map(|jobs| (NativeKind::GrpSubmitJobs, u64::from(jobs))));
        native::take(&mut limits, &tres(at_once)?, NativeKind::GrpTres);
        native::take(&mut limits, &tres(remaining)?, NativeKind::GrpTresRunMins);
        let (account, user) = ((*account).to_owned(), (*user).to_owned());
        if !partition.is_empty() {
            self.partition_associations.insert((user, account, (*partition).to_owned()));
            return Some(false);
        }
        let list: BTreeSet<String> = qos.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let default = (!default.is_empty()).then(|| (*default).to_owned());
        let key = (user, account);
        if !list.is_empty() || default.is_some() {
            self.access.insert(key.clone(), FoundAccess { list, default });
        }
        if !limits.is_empty() {
            self.limits.insert(key.clone(), limits);
        }
        let (user, account) = key;
        if !user.is_empty() {
            self.associations.insert((user, account), JobLimits { max_jobs, max_submit });
            return Some(false);
        }
        let is_root = account == "root";
        let entry = self.accounts.entry(account).or_default();
        entry.parent = Some((*parent).to_owned());
        entry.grp_jobs = grp_jobs;
        entry.grp_submit = grp_submit;
        Some(is_root)
    }

    fn take_qos(&mut self, text: &str) {
        for line in rows(text) {
            match FoundQos::parse(line) {
                Some((name, qos)) => {
                    self.qos.insert(name, qos);
                }
                None => self.unreadable.push(line.to_owned()),
            }
        }
    }

    fn take_tres(&mut self, text: &str) {
        for line in rows(text) {
            match line.split_once('|') {
                Some((kind, "")) => self.tres.insert(kind.to_owned()),
                Some((kind, name)) => self.tres.insert(format!("{kind}/{name}")),
                None => continue,
            };
        }
    }

    fn take_wckeys(&mut self, text: &str) {
        for (user, wckey) in rows(text).filter_map(|line| line.split_once('|')) {
            // A default that nobody gave is listed with a star.
            self.wckeys.entry(user.to_owned()).or_default().insert(wckey.trim_start_matches('*').to_owned());
        }
    }

    fn take_accounts(&mut self, text: &str) {
        for line in rows(text) {
            let mut fields = line.splitn(3, '|');
            if let (Some(name), Some(organization), Some(description)) = (fields.next(), fields.next(), fields.next()) {
                let entry = self.accounts.entry(name.to_owned()).or_default();
                entry.organization = organization.to_owned();
                entry.description = description.to_owned();
            } else {
                self.unreadable.push(line.to_owned());
            }
        }
    }

    fn take_users(&mut self, text: &str) {
        for line in rows(text) {
            let fields: Vec<&str> = line.split('|').collect();
            let admin = match fields.get(2).copied() {
                Some("None" | "Not Set" | "") => Some(AdminLevel::None),
                Some("Operator") => Some(AdminLevel::Operator),
                Some("Administrator") => Some(AdminLevel::Administrator),
                _ => None,
            };
            match (fields.as_slice(), admin) {
                ([name, default, _], Some(admin)) => {
                    let default_account = (!default.is_empty()).then(|| (*default).to_owned());
                    self.users.insert((*name).to_owned(), FoundUser { default_account, admin });
                }
                _ => self.unreadable.push(line.to_owned()),
            }
        }
    }

    /// The limits of every association, of those without any too.
    pub fn limits_by_place(&self) -> BTreeMap<Place, FoundLimits> {
        let of = |user: &str, account: &str| {
            self.limits.get(&(user.to_owned(), account.to_owned())).cloned().unwrap_or_default()
        };
        let accounts = self.accounts.keys().filter(|name| self.has_account(name));
        let accounts = accounts.filter_map(|name| Some((Place::Account(AccountName::new(name).ok()?), of("", name))));
        let people = self.associations.keys().filter_map(|(user, account)| {
            let place = Place::Person(UserName::new(user).ok()?, AccountName::new(account).ok()?);
            Some((place, of(user, account)))
        });
        accounts.chain(people).collect()
    }

    /// Whether slurmdbd counts `resource`; a limit on another fails the whole call.
    pub fn counts(&self, resource: &Resource) -> bool {
        resource.is_basic() || self.tres.contains(&resource.to_string())
    }

    /// Whether the account has an association in this cluster.
    pub fn has_account(&self, name: &str) -> bool {
        self.accounts.get(name).is_some_and(|account| account.parent.is_some())
    }
}

/// The lines of a listing that are rows; notices of the client start with a blank and hold no field separator.
fn rows(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim().is_empty() && (line.contains('|') || !line.starts_with(' ')))
}

/// A limit column: empty is none; the outer `None` is a column that is no number.
pub(super) fn limit(text: &str) -> Option<Option<u32>> {
    if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) }
}

#[cfg(test)]
#[path = "found_tests.rs"]
mod tests;
