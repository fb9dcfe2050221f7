//! Turns what a plan wants where into as few calls as say exactly that.

use std::collections::{BTreeMap, BTreeSet};

use bursar_policy::{AccountName, UserName};

use super::action::Action;
use super::desired::{AdminLevel, JobLimits};
use super::plan_native::NativeGroups;
use super::plan_queues::Access;
use super::queue_action::QueueAction;

/// Names per `modify` call; 10,000 names of 31 bytes would come near the limit of one argument (128 KiB).
pub(super) const NAME_BATCH: usize = 2_000;

/// The associations that there are, or will be once everything new is made: user, account, limits.
pub(super) type ByUser<'a> = BTreeMap<&'a str, BTreeMap<&'a str, JobLimits>>;
/// Associations by what they should get.
pub(super) type LimitGroups = BTreeMap<JobLimits, BTreeSet<(UserName, AccountName)>>;

pub(super) fn push_defaults(actions: &mut Vec<Action>, groups: BTreeMap<AccountName, Vec<UserName>>) {
    for (account, users) in groups {
        for users in users.chunks(NAME_BATCH) {
            actions.push(Action::SetDefault { account: account.clone(), users: users.to_vec() });
        }
    }
}

pub(super) fn push_admin(actions: &mut Vec<Action>, level: AdminLevel, users: Vec<UserName>) {
    for users in users.chunks(NAME_BATCH) {
        actions.push(Action::SetAdmin { level, users: users.to_vec() });
    }
}

pub(super) fn push_limits(actions: &mut Vec<Action>, groups: LimitGroups, present: &ByUser<'_>) {
    for (limits, pairs) in groups {
        push_grouped(actions, pairs, present, |users, accounts| Action::SetLimits { users, accounts, limits });
    }
}

pub(super) fn push_native(actions: &mut Vec<Action>, groups: NativeGroups, present: &ByUser<'_>) {
    for (limits, accounts) in groups.accounts {
        for accounts in accounts.chunks(NAME_BATCH) {
            let (accounts, limits) = (accounts.to_vec(), limits.clone());
            actions.push(Action::Queue(QueueAction::SetNative { users: Vec::new(), accounts, limits }));
        }
    }
    for (limits, pairs) in groups.people {
        push_grouped(actions, pairs, present, |users, accounts| {
            Action::Queue(QueueAction::SetNative { users, accounts, limits: limits.clone() })
        });
    }
}

pub(super) fn push_access(
    actions: &mut Vec<Action>,
    groups: BTreeMap<Access, BTreeSet<(UserName, AccountName)>>,
    present: &ByUser<'_>,
) {
    for ((list, default), pairs) in groups {
        push_grouped(actions, pairs, present, |users, accounts| {
            Action::Queue(QueueAction::SetAccess { users, accounts, list: list.clone(), default: default.clone() })
        });
    }
}

pub(super) fn push_wckeys(actions: &mut Vec<Action>, groups: BTreeMap<Vec<String>, Vec<UserName>>) {
    for (wckeys, users) in groups {
        for users in users.chunks(NAME_BATCH) {
            actions.push(Action::Queue(QueueAction::AddWckeys { users: users.to_vec(), wckeys: wckeys.clone() }));
        }
    }
}

fn push_grouped(
    actions: &mut Vec<Action>,
    pairs: BTreeSet<(UserName, AccountName)>,
    present: &ByUser<'_>,
    call: impl Fn(Vec<UserName>, Vec<AccountName>) -> Action,
) {
    grouped(&pairs, present, |users, accounts| actions.push(call(users, accounts)));
}

/// One call when users x accounts holds nothing else that exists, otherwise one call per account.
pub(super) fn grouped(
    pairs: &BTreeSet<(UserName, AccountName)>,
    present: &ByUser<'_>,
    mut call: impl FnMut(Vec<UserName>, Vec<AccountName>),
) {
    let users: BTreeSet<&UserName> = pairs.iter().map(|(user, _)| user).collect();
    let mut by_account: BTreeMap<&AccountName, Vec<UserName>> = BTreeMap::new();
    for (user, account) in pairs {
        by_account.entry(account).or_default().push(user.clone());
    }
    let accounts: BTreeSet<&str> = by_account.keys().map(|account| account.as_str()).collect();
    let touched: usize = users
        .iter()
        .filter_map(|user| present.get(user.as_str()))
        .map(|of_user| of_user.keys().filter(|account| accounts.contains(*account)).count())
        .sum();
    if touched == pairs.len() && by_account.len() > 1 {
        let all: Vec<UserName> = users.into_iter().cloned().collect();
        let accounts: Vec<AccountName> = by_account.into_keys().cloned().collect();
        all.chunks(NAME_BATCH).for_each(|users| call(users.to_vec(), accounts.clone()));
        return;
    }
    for (account, users) in by_account {
        users.chunks(NAME_BATCH).for_each(|users| call(users.to_vec(), vec![account.clone()]));
    }
}
