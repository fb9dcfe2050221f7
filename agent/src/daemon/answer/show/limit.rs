//! `show limit`.

use std::collections::BTreeMap;

use crate::cli::entity::Entity;
use crate::daemon::answer::Answer;
use crate::daemon::answer::session::{Session, passes};
use crate::store::{Amount, Limit, LimitKind, LimitTarget, SubjectId};
use crate::wire::{Cell, Query, Values};

pub(super) fn show(session: &Session<'_>, query: &Query) -> Answer {
    let (filter, stored, caller) = (&query.filter, &session.stored, &session.caller);
    caller.may_ask_for_people(filter.list("user"))?;
    caller.may_ask_for_accounts(filter.list("account"))?;
    super::all_known("user", filter, "user", stored.subjects.iter().map(|subject| subject.name.as_str()))?;
    super::all_known("account", filter, "account", stored.accounts.iter().map(|account| account.name.as_str()))?;
    let names = session.user_names();
    let sees = |limit: &&Limit| match &limit.target {
        LimitTarget::Person(id) => caller.sees_all || caller.person.as_ref().is_some_and(|person| person.id == *id),
        LimitTarget::Account(name) => caller.knows_account(name.as_str()),
        LimitTarget::DefaultRole(_) | LimitTarget::DefaultGuest | LimitTarget::Default => true,
    };
    let rows = stored.limits.iter().filter(sees).filter(|limit| wanted(limit, &names, filter));
    session.table(Entity::Limit.schema(), query, rows, |limit, field| cell(limit, &names, field))
}

/// Whether the conditions select the limit; those on whom it binds add up.
pub(in crate::daemon::answer) fn wanted(limit: &Limit, names: &BTreeMap<SubjectId, &str>, filter: &Values) -> bool {
    let owners = ["user", "account", "default"];
    let any_owner = !owners.iter().any(|key| filter.has(key));
    let of = |key: &str, value: Option<&str>| {
        value.is_some_and(|value| filter.list(key).iter().any(|wanted| wanted == value))
    };
    let owned = of("user", user(limit, names)) || of("account", account(limit)) || of("default", default(limit));
    (any_owner || owned)
        && passes(filter, "limit", |kind| limit.kind.word() == kind)
        && passes(filter, "origin", |origin| limit.origin.word() == origin)
}

fn user<'a>(limit: &Limit, names: &BTreeMap<SubjectId, &'a str>) -> Option<&'a str> {
    match &limit.target {
        LimitTarget::Person(id) => names.get(id).copied(),
        _ => None,
    }
}

fn account(limit: &Limit) -> Option<&str> {
    match &limit.target {
        LimitTarget::Account(name) => Some(name.as_str()),
        _ => None,
    }
}

fn default(limit: &Limit) -> Option<&'static str> {
    match &limit.target {
        LimitTarget::Person(_) | LimitTarget::Account(_) => None,
        LimitTarget::DefaultRole(role) => Some(role.word()),
        LimitTarget::DefaultGuest => Some("guest"),
        LimitTarget::Default => Some("all"),
    }
}

/// An amount in the unit of its kind.
pub(in crate::daemon::answer) fn amount(kind: LimitKind, amount: Amount) -> Cell {
    match amount {
        Amount::Unlimited => "unlimited".into(),
        Amount::AtMost(seconds) if kind.period().is_some() => Cell::Seconds(seconds),
        Amount::AtMost(jobs) => Cell::Count(jobs),
    }
}

fn cell(limit: &Limit, names: &BTreeMap<SubjectId, &str>, field: &str) -> Cell {
    match field {
        "user" => user(limit, names).into(),
        "account" => account(limit).into(),
        "default" => default(limit).into(),
        "limit" => limit.kind.word().into(),
        "value" => amount(limit.kind, limit.amount),
        "origin" => limit.origin.word().into(),
        _ => Cell::Absent,
    }
}
