//! Plans the limits that slurmctld holds: what differs from the wish, and nothing that the wish does not name.

use std::collections::{BTreeMap, BTreeSet};

use bursar_policy::{AccountName, UserName};

use super::action::{NewAccount, NewAssociation};
use super::desired::{DesiredCluster, Owned};
use super::found::FoundCluster;
use super::native::{FoundLimits, NativeLimits, Place, Resource};
use super::plan::Obstacle;

/// Associations by the limits that they should get.
#[derive(Debug, Default)]
pub(super) struct NativeGroups {
    /// Of accounts.
    pub(super) accounts: BTreeMap<NativeLimits, Vec<AccountName>>,
    /// Of people.
    pub(super) people: BTreeMap<NativeLimits, BTreeSet<(UserName, AccountName)>>,
}

/// What has to be set where; `accounts` and `associations` are those that the plan makes.
pub(super) fn plan_native(
    desired: &DesiredCluster,
    owned: &Owned<'_>,
    found: &FoundCluster,
    (accounts, associations): (&[NewAccount], &[NewAssociation]),
    obstacles: &mut Vec<Obstacle>,
) -> NativeGroups {
    let mut groups = NativeGroups::default();
    let mut unknown: BTreeSet<&Resource> = BTreeSet::new();
    let new_accounts: BTreeSet<&str> = accounts.iter().map(|new| new.name.as_str()).collect();
    let new: BTreeSet<(&str, &str)> =
        associations.iter().map(|new| (new.user.as_str(), new.account.as_str())).collect();
    let none = FoundLimits::new();
    for (place, wanted) in &desired.limits {
        let (user, account) = match place {
            Place::Account(account) => ("", account.as_str()),
            Place::Person(user, account) => (user.as_str(), account.as_str()),
        };
        let key = (user.to_owned(), account.to_owned());
        let is_ours_and_there = match place {
            Place::Account(_) => {
                owned.accounts.contains(account) && (found.has_account(account) || new_accounts.contains(account))
            }
            Place::Person(..) => {
                owned.association(user, account)
                    && (found.associations.contains_key(&key) || new.contains(&(user, account)))
            }
        };
        if !is_ours_and_there {
            continue;
        }
        let has = found.limits.get(&key).unwrap_or(&none);
        let mut changes = NativeLimits::new();
        for (kind, value) in wanted {
            let known = kind.resource().is_none_or(|resource| found.counts(resource));
            if !known {
                unknown.extend(kind.resource());
            } else if has.get(kind) != value.as_ref() {
                changes.insert(kind.clone(), *value);
            }
        }
        if changes.is_empty() {
            continue;
        }
        match place {
            Place::Account(account) => groups.accounts.entry(changes).or_default().push(account.clone()),
            Place::Person(user, account) => {
                groups.people.entry(changes).or_default().insert((user.clone(), account.clone()));
            }
        }
    }
    obstacles.extend(unknown.into_iter().cloned().map(Obstacle::NotCounted));
    groups
}
