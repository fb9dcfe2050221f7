//! What slurmdbd holds for one cluster, read with three `sacctmgr show` calls.
//!
//! Findings on 22.05.8: without `WOPLimits` the listing shows the limits inherited from accounts above as if they
//! were the association's own, and a plan would never settle. Free text (description, organization) stands last in
//! its line. " Database is busy ..." may be printed in the middle of a listing and is no row. 24.11.5 and 26.05.5 print the same.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::command::{CommandError, SlurmCommands, Tool, words};
use super::desired::{AdminLevel, ClusterName, JobLimits};

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
    /// Lines that could not be read; bursar's own names never cause one.
    pub unreadable: Vec<String>,
}

const ASSOC_FORMAT: &str = "format=cluster,account,user,partition,parentname,maxjobs,maxsubmit,grpjobs,grpsubmit";

impl FoundCluster {
    /// Reads accounts, users and associations of `cluster`; nothing is changed.
    pub async fn read(commands: &SlurmCommands, cluster: &ClusterName) -> Result<Self, FoundError> {
        let failed = |source| FoundError::Command { cluster: cluster.to_string(), source };
        let of_cluster = format!("cluster={cluster}");
        let mut found = Self::default();
        let assoc = words(&["-n", "-P", "show", "assoc", "where", &of_cluster, "WOPLimits", ASSOC_FORMAT]);
        let text = commands.read(Tool::Sacctmgr, &assoc).await.map_err(failed)?;
        if !found.take_associations(cluster, &text) {
            return Err(FoundError::UnknownCluster(cluster.to_string()));
        }
        let accounts = words(&["-n", "-P", "show", "account", "format=account,organization,description"]);
        found.take_accounts(&commands.read(Tool::Sacctmgr, &accounts).await.map_err(failed)?);
        let users = words(&["-n", "-P", "show", "user", "format=user,defaultaccount,adminlevel"]);
        found.take_users(&commands.read(Tool::Sacctmgr, &users).await.map_err(failed)?);
        Ok(found)
    }

    /// Takes the association listing and says whether the cluster's root association was in it.
    fn take_associations(&mut self, cluster: &ClusterName, text: &str) -> bool {
        let mut root_seen = false;
        for line in rows(text) {
            let fields: Vec<&str> = line.split('|').collect();
            let [of, account, user, partition, parent, jobs, submit, grp_jobs, grp_submit] = fields.as_slice() else {
                self.unreadable.push(line.to_owned());
                continue;
            };
            if *of != cluster.as_str() {
                continue;
            }
            let numbers = [jobs, submit, grp_jobs, grp_submit].map(|text| limit(text));
            let [Some(max_jobs), Some(max_submit), Some(grp_jobs), Some(grp_submit)] = numbers else {
                self.unreadable.push(line.to_owned());
                continue;
            };
            let (account, user) = ((*account).to_owned(), (*user).to_owned());
            if user.is_empty() {
                root_seen |= account == "root";
                let entry = self.accounts.entry(account).or_default();
                entry.parent = Some((*parent).to_owned());
                entry.grp_jobs = grp_jobs;
                entry.grp_submit = grp_submit;
            } else if partition.is_empty() {
                self.associations.insert((user, account), JobLimits { max_jobs, max_submit });
            } else {
                self.partition_associations.insert((user, account, (*partition).to_owned()));
            }
        }
        root_seen
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
fn limit(text: &str) -> Option<Option<u32>> {
    if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Recorded from sacctmgr 22.05.8.
    const ASSOC: &str = "lab|root||||||1000|\nlab|root|root||||||\nlab|chem|||root||||\nlab|chem|ana|||3|||\n\
        lab|phys|||root|||50|\nlab|phys|ana|short|||||\nlab|phys|ana||||||\nlab|phys|cy|||4|9||\n";

    #[test]
    fn given_recorded_listings_then_own_limits_parents_defaults_and_levels_are_read() {
        let cluster = ClusterName::new("lab").unwrap();
        let mut found = FoundCluster::default();
        assert!(found.take_associations(&cluster, ASSOC));
        found.take_accounts(" Database is busy or waiting for lock from other user.\nchem|cc1|physics, dept\n");
        found.take_users("ana|lasers|Operator\ncy|phys|Not Set\ndee||None\nroot|root|Administrator\n");
        assert_eq!(found.unreadable, Vec::<String>::new());
        assert_eq!(
            found.associations[&("cy".into(), "phys".into())],
            JobLimits { max_jobs: Some(4), max_submit: Some(9) }
        );
        assert_eq!(found.associations[&("ana".into(), "phys".into())], JobLimits::default());
        assert!(found.partition_associations.contains(&("ana".into(), "phys".into(), "short".into())));
        assert_eq!(found.accounts["phys"].grp_jobs, Some(50));
        assert_eq!(found.accounts["chem"].description, "physics, dept");
        assert_eq!(found.users["ana"].admin, AdminLevel::Operator);
        assert_eq!(found.users["dee"].default_account, None);
    }

    #[test]
    fn given_a_listing_without_the_root_association_then_the_cluster_is_unknown() {
        let mut found = FoundCluster::default();
        assert!(!found.take_associations(&ClusterName::new("other").unwrap(), ""));
        assert!(!found.take_associations(&ClusterName::new("other").unwrap(), "lab|root|||||||\n"));
        assert!(!found.take_associations(&ClusterName::new("lab").unwrap(), "lab|a|b\nlab|phys|cy|||x|9||\n"));
        assert_eq!(found.unreadable.len(), 2);
    }
}
