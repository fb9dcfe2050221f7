//! `show association`: what the grants ask for, held against what slurmdbd last told.

use std::collections::{BTreeMap, BTreeSet};

use bursar_policy::AccountName;

use crate::cli::entity::Entity;
use crate::daemon::answer::Answer;
use crate::daemon::answer::no::No;
use crate::daemon::answer::session::{Session, passes};
use crate::snapshot::holdings::ends_at;
use crate::snapshot::{Holding, Holdings};
use crate::store::{Presence, Role, Scope};
use crate::wire::{Cell, Query};

struct Row {
    account: String,
    user: String,
    default: bool,
    state: &'static str,
    grants: Vec<String>,
}

pub(super) fn show(session: &Session<'_>, query: &Query) -> Answer {
    let (filter, stored, caller) = (&query.filter, &session.stored, &session.caller);
    caller.may_ask_for_people(filter.list("user"))?;
    let Some(found) = &session.view.associations else {
        return Err(No::Unavailable("slurmdbd has not been read yet; see `bursar status`".to_owned()));
    };
    let holdings = Holdings::of(stored, session.now);
    let mut rows = BTreeMap::new();
    for holding in &holdings.people {
        let name = holding.subject.name.as_str();
        for account in &holding.accounts {
            let key = (name.to_owned(), account.to_string());
            let state = match found.shut.get(&key) {
                Some(false) => "present",
                // Shut although it is wanted open: the next pass opens it.
                Some(true) => "revoked",
                None => "missing",
            };
            let default = match found.default_accounts.get(name) {
                Some(known) => known == account.as_str(),
                None => holding.default_account == Some(*account),
            };
            rows.insert(key, (default, state, grants(holding, account, session)));
        }
    }
    let people: BTreeSet<&str> = stored.subjects.iter().map(|subject| subject.name.as_str()).collect();
    let active = stored.accounts.iter().filter(|account| account.state == Presence::Active);
    let accounts: BTreeSet<&str> = active.map(|account| account.name.as_str()).collect();
    for (key @ (user, account), shut) in &found.shut {
        let ours = people.contains(user.as_str()) && accounts.contains(account.as_str());
        let state = if ours && *shut { "revoked" } else { "foreign" };
        let default = found.default_accounts.get(user) == Some(account);
        rows.entry(key.clone()).or_insert((default, state, Vec::new()));
    }
    let rows = rows
        .into_iter()
        .map(|((user, account), (default, state, grants))| Row { account, user, default, state, grants })
        .filter(|row| caller.sees_row(&row.user, &row.account))
        .filter(|row| {
            passes(filter, "user", |name| row.user == name)
                && passes(filter, "account", |name| row.account == name)
                && passes(filter, "state", |state| row.state == state)
        });
    session.table(Entity::Association.schema(), query, rows, |row, field| match field {
        "cluster" => session.cluster().into(),
        _ => cell(row, field),
    })
}

/// The grants that hold now and ask for this association.
fn grants(holding: &Holding<'_>, account: &AccountName, session: &Session<'_>) -> Vec<String> {
    let asks = |scope: &Scope| match scope {
        Scope::Cluster => true,
        Scope::Account(name) => name == account,
    };
    let held = holding.grants.iter().filter(|grant| {
        grant.from <= session.now
            && session.now < ends_at(grant)
            && grant.role != Role::Observer
            && (grant.role != Role::ClusterAdmin || grant.scope != Scope::Cluster)
            && asks(&grant.scope)
    });
    held.map(|grant| grant.id.to_string()).collect()
}

fn cell(row: &Row, field: &str) -> Cell {
    match field {
        "account" => row.account.as_str().into(),
        "user" => row.user.as_str().into(),
        "default" => Cell::yes_no(row.default),
        "state" => row.state.into(),
        "grants" => row.grants.join(",").into(),
        _ => Cell::Absent,
    }
}
