//! `show user`.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::entity::Entity;
use crate::daemon::answer::Answer;
use crate::daemon::answer::session::{Session, passes};
use crate::snapshot::holdings::ends_at;
use crate::snapshot::{Holding, Holdings};
use crate::store::{Identity, PersonState, Role, SubjectId};
use crate::wire::{Cell, Query};

struct Row<'a> {
    holding: &'a Holding<'a>,
    identity: Option<&'a Identity>,
    groups: &'a [&'a str],
    keys: usize,
    roles: BTreeSet<Role>,
}

pub(super) fn show(session: &Session<'_>, query: &Query) -> Answer {
    let (filter, stored, caller) = (&query.filter, &session.stored, &session.caller);
    caller.may_ask_for_people(filter.list("user"))?;
    caller.may_ask_for_accounts(filter.list("account"))?;
    super::all_known("user", filter, "user", stored.subjects.iter().map(|subject| subject.name.as_str()))?;
    super::all_known("account", filter, "account", stored.accounts.iter().map(|account| account.name.as_str()))?;
    super::all_known("group", filter, "group", stored.groups.iter().map(|group| group.name.as_str()))?;
    let holdings = Holdings::of(stored, session.now);
    let identities: BTreeMap<SubjectId, &Identity> = stored.identities.iter().map(|id| (id.subject, id)).collect();
    let group_names = session.group_names();
    let mut groups: BTreeMap<SubjectId, Vec<&str>> = BTreeMap::new();
    for (group, subject) in &stored.memberships {
        groups.entry(*subject).or_default().extend(group_names.get(group));
    }
    groups.values_mut().for_each(|names| names.sort_unstable());
    let mut rows: Vec<Row<'_>> = holdings
        .people
        .iter()
        .map(|holding| Row {
            holding,
            identity: identities.get(&holding.subject.id).copied(),
            groups: groups.get(&holding.subject.id).map_or(&[], Vec::as_slice),
            keys: stored.keys.get(&holding.subject.id).map_or(0, Vec::len),
            roles: roles(holding, session),
        })
        .filter(|row| {
            let name = row.holding.subject.name.as_str();
            caller.sees_all || caller.is(name) || row.holding.accounts.iter().any(|a| caller.observes(a.as_str()))
        })
        .filter(|row| wanted(row, query))
        .collect();
    rows.sort_by_key(|row| &row.holding.subject.name);
    session.table(Entity::User.schema(), query, rows, cell)
}

fn roles(holding: &Holding<'_>, session: &Session<'_>) -> BTreeSet<Role> {
    if holding.subject.state != PersonState::Active {
        return BTreeSet::new();
    }
    let now = session.now;
    let held = holding.grants.iter().filter(|grant| grant.from <= now && now < ends_at(grant));
    held.map(|grant| grant.role).collect()
}

fn wanted(row: &Row<'_>, query: &Query) -> bool {
    let (filter, subject) = (&query.filter, row.holding.subject);
    // A tombstone is shown to those who ask for it, by state or by name.
    let buried = subject.state == PersonState::Removed;
    let dug_up = ["state", "user", "uid", "id"].iter().any(|key| filter.has(key));
    (!buried || dug_up)
        && passes(filter, "user", |name| subject.name.as_str() == name)
        && passes(filter, "uid", |uid| subject.uid.to_string() == uid)
        && passes(filter, "source", |source| row.identity.is_some_and(|id| id.source == source))
        && passes(filter, "id", |id| row.identity.is_some_and(|known| known.immutable_id == id))
        && passes(filter, "kind", |kind| subject.kind.word() == kind)
        && passes(filter, "state", |state| subject.state.word() == state)
        && passes(filter, "group", |group| row.groups.contains(&group))
        && passes(filter, "account", |account| row.holding.accounts.iter().any(|held| held.as_str() == account))
        && passes(filter, "role", |role| row.roles.iter().any(|held| held.word() == role))
}

fn cell(row: &Row<'_>, field: &str) -> Cell {
    let (holding, subject) = (row.holding, row.holding.subject);
    match field {
        "user" => subject.name.as_str().into(),
        "uid" => Cell::Count(subject.uid.get().into()),
        "name" => subject.display_name.as_str().into(),
        "kind" => subject.kind.word().into(),
        "state" => subject.state.word().into(),
        "roles" => row.roles.iter().map(|role| role.word()).collect::<Vec<_>>().join(",").into(),
        "accounts" => holding.accounts.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(",").into(),
        "default-account" => holding.default_account.map(|name| name.as_str()).into(),
        "groups" => row.groups.join(",").into(),
        "mail" => subject.mail.clone().into(),
        "source" => row.identity.map(|id| id.source.as_str()).into(),
        "id" => row.identity.map(|id| id.immutable_id.as_str()).into(),
        "keys" => Cell::Count(u64::try_from(row.keys).unwrap_or(u64::MAX)),
        "first-seen" => subject.first_seen.into(),
        "changed-at" => subject.changed_at.into(),
        _ => Cell::Absent,
    }
}
