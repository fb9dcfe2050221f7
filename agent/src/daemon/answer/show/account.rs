//! `show account`.

use std::collections::BTreeMap;

use bursar_policy::AccountName;

use crate::cli::entity::Entity;
use crate::daemon::answer::Answer;
use crate::daemon::answer::caller::Tree;
use crate::daemon::answer::session::{Session, passes};
use crate::snapshot::Holdings;
use crate::store::{Account, Presence};
use crate::wire::{Cell, Query, Values};

struct Row<'a> {
    account: &'a Account,
    users: u64,
    /// How far below the top it lies, when the tree was asked for.
    depth: usize,
}

pub(super) fn show(session: &Session<'_>, query: &Query) -> Answer {
    let (filter, stored, caller) = (&query.filter, &session.stored, &session.caller);
    caller.may_ask_for_accounts(filter.list("account"))?;
    super::all_known("account", filter, "account", stored.accounts.iter().map(|account| account.name.as_str()))?;
    let holdings = Holdings::of(stored, session.now);
    let mut users: BTreeMap<&AccountName, u64> = BTreeMap::new();
    for account in holdings.people.iter().flat_map(|holding| &holding.accounts) {
        *users.entry(*account).or_default() += 1;
    }
    let tree = query.has_flag("tree").then(|| Tree::of(stored));
    let mut rows: Vec<(Vec<&str>, Row<'_>)> = stored
        .accounts
        .iter()
        .filter(|account| caller.knows_account(account.name.as_str()))
        .filter(|account| wanted(account, filter))
        .map(|account| {
            let mut path = vec![account.name.as_str()];
            if let Some(tree) = &tree {
                path = tree.line(account.name.as_str()).collect();
                path.reverse();
            }
            let users = users.get(&account.name).copied().unwrap_or(0);
            let row = Row { account, users, depth: path.len().saturating_sub(1) };
            (path, row)
        })
        .collect();
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    session.table(Entity::Account.schema(), query, rows.into_iter().map(|(_, row)| row), cell)
}

/// Whether the conditions select the account; a tombstone is selected by its state or its name.
pub(in crate::daemon::answer) fn wanted(account: &Account, filter: &Values) -> bool {
    let dug_up = filter.has("state") || filter.has("account");
    let parent = account.parent.as_ref().map(AccountName::as_str);
    (account.state == Presence::Active || dug_up)
        && passes(filter, "account", |name| account.name.as_str() == name)
        && passes(filter, "parent", |name| parent.unwrap_or("root") == name)
        && passes(filter, "cost-centre", |centre| account.cost_center == centre)
        && passes(filter, "origin", |origin| account.origin.word() == origin)
        && passes(filter, "state", |state| account.state.word() == state)
}

fn cell(row: &Row<'_>, field: &str) -> Cell {
    let account = row.account;
    match field {
        "account" => format!("{}{}", " ".repeat(row.depth), account.name).into(),
        "parent" => account.parent.as_ref().map_or("root", AccountName::as_str).into(),
        "cost-centre" => account.cost_center.as_str().into(),
        "users" => Cell::Count(row.users),
        "state" => account.state.word().into(),
        "description" => account.description.as_str().into(),
        "origin" => account.origin.word().into(),
        "gid" => account.gid.map(|gid| Cell::Count(gid.get().into())).unwrap_or(Cell::Absent),
        _ => Cell::Absent,
    }
}
