//! Plans changes of accounts.

use bursar_policy::AccountName;

use super::{Plan, Step, account_name};
use crate::daemon::answer::no::No;
use crate::daemon::answer::session::Session;
use crate::daemon::answer::show::wanted_account;
use crate::store::accounts::AccountChange;
use crate::store::{Account, Origin, Presence};
use crate::wire::{Change, Values};

pub(super) fn plan(session: &Session<'_>, change: &Change) -> Result<Plan, No> {
    match change {
        Change::Add { set, .. } => add(session, set),
        Change::Modify { filter, set, .. } => modify(session, filter, set),
        Change::Delete { filter, .. } => {
            let accounts = selected(session, filter)?;
            let mut plan = Vec::with_capacity(accounts.len());
            for account in &accounts {
                can_go(session, account, &accounts)?;
                plan.push((Step::RemoveAccount(account.name.clone()), format!("delete account {}", account.name)));
            }
            // Children first, because a parent with children cannot go.
            let depth =
                |name: &AccountName| super::super::caller::Tree::of(&session.stored).line(name.as_str()).count();
            plan.sort_by_key(|(step, _)| match step {
                Step::RemoveAccount(name) => std::cmp::Reverse(depth(name)),
                _ => std::cmp::Reverse(0),
            });
            Ok(plan)
        }
    }
}

fn add(session: &Session<'_>, set: &Values) -> Result<Plan, No> {
    let parent = parent(session, set)?.flatten();
    let description = set.one("description").unwrap_or_default();
    let cost_centre = set.one("cost-centre").unwrap_or_default();
    let below = parent.as_ref().map_or("root", AccountName::as_str);
    let mut plan = Vec::new();
    for text in set.list("account") {
        let name = AccountName::new(text).map_err(|why| No::Usage(format!("the account name {text:?} {why}")))?;
        if session.account(text).is_ok_and(|account| account.state == Presence::Active) {
            return Err(No::Refused(format!("account {name} is there already; change it with modify")));
        }
        let line = format!("add account {name} below {below}");
        let (parent, description, cost_centre) = (parent.clone(), description.to_owned(), cost_centre.to_owned());
        plan.push((Step::AddAccount { name, parent, description, cost_centre }, line));
    }
    Ok(plan)
}

fn modify(session: &Session<'_>, filter: &Values, set: &Values) -> Result<Plan, No> {
    let text = |key: &str| set.has(key).then(|| set.one(key).unwrap_or_default().to_owned());
    let change = AccountChange {
        parent: parent(session, set)?,
        description: text("description"),
        cost_center: text("cost-centre"),
    };
    let mut plan = Vec::new();
    for account in selected(session, filter)? {
        let mut lines = Vec::new();
        if let Some(parent) = change.parent.as_ref().filter(|parent| **parent != account.parent) {
            lines.push(format!("parent={}", parent.as_ref().map_or("root", AccountName::as_str)));
        }
        if let Some(text) = change.description.as_ref().filter(|text| **text != account.description) {
            lines.push(format!("description={text}"));
        }
        if let Some(text) = change.cost_center.as_ref().filter(|text| **text != account.cost_center) {
            lines.push(format!("cost-centre={text}"));
        }
        if !lines.is_empty() {
            let line = format!("modify account {}: {}", account.name, lines.join(", "));
            plan.push((Step::ModifyAccount(account.name.clone(), change.clone()), line));
        }
    }
    Ok(plan)
}

/// The parent that is asked for: `root` is Slurm's own top.
fn parent(session: &Session<'_>, set: &Values) -> Result<Option<Option<AccountName>>, No> {
    match set.one("parent") {
        None => Ok(None),
        Some("root") => Ok(Some(None)),
        Some(text) => account_name(session, text).map(|name| Some(Some(name))),
    }
}

/// The accounts that the conditions select; none of them is `policy.toml`'s, and there is one.
fn selected<'a>(session: &'a Session<'_>, filter: &Values) -> Result<Vec<&'a Account>, No> {
    for name in filter.list("account") {
        account_name(session, name)?;
    }
    let all = session.stored.accounts.iter();
    let selected: Vec<_> =
        all.filter(|account| account.state == Presence::Active && wanted_account(account, filter)).collect();
    if selected.is_empty() {
        return Err(No::Refused("no account fits the conditions".to_owned()));
    }
    match selected.iter().find(|account| account.origin == Origin::Policy) {
        Some(account) => Err(No::Refused(format!("account {} comes from policy.toml; change it there", account.name))),
        None => Ok(selected),
    }
}

/// What the store would refuse, told before anything is done.
fn can_go(session: &Session<'_>, account: &Account, going: &[&Account]) -> Result<(), No> {
    let name = &account.name;
    let stays = |other: &&Account| {
        other.state == Presence::Active
            && other.parent.as_ref() == Some(name)
            && !going.iter().any(|gone| gone.name == other.name)
    };
    if let Some(child) = session.stored.accounts.iter().find(stays) {
        return Err(No::Refused(format!("account {} lies below {name}; move or delete it first", child.name)));
    }
    let held = |grant: &&crate::store::Grant| grant.scope.account() == Some(name) && grant.revocation.is_none();
    match session.stored.grants.iter().find(held) {
        Some(grant) => Err(No::Refused(format!("grant {} is on account {name}; revoke it first", grant.id))),
        None => Ok(()),
    }
}
