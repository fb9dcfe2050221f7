//! `show limit`.

use std::collections::BTreeMap;

use crate::cli::entity::Entity;
use crate::daemon::answer::Answer;
use crate::daemon::answer::session::{Session, passes};
use crate::store::{Amount, Limit, LimitKind, LimitTarget, SubjectId, Unit};
use crate::wire::{Cell, Query, Values};

pub(super) fn show(session: &Session<'_>, query: &Query) -> Answer {
    let (filter, stored, caller) = (&query.filter, &session.stored, &session.caller);
    caller.may_ask_for_people(filter.list("user"))?;
    caller.may_ask_for_accounts(filter.list("account"))?;
    super::all_known("user", filter, "user", stored.subjects.iter().map(|subject| subject.name.as_str()))?;
    super::all_known("account", filter, "account", stored.accounts.iter().map(|account| account.name.as_str()))?;
    let names = session.user_names();
    let sees = |limit: &&Limit| match &limit.target {
        LimitTarget::Person(id) | LimitTarget::PersonIn(id, _) => {
            caller.sees_all || caller.person.as_ref().is_some_and(|person| person.id == *id)
        }
        LimitTarget::Account(name) | LimitTarget::EachIn(name) => caller.knows_account(name.as_str()),
        LimitTarget::Grant(_) => caller.sees_all,
        LimitTarget::DefaultRole(_) | LimitTarget::DefaultGuest | LimitTarget::Default => true,
    };
    let rows = stored.limits.iter().filter(sees).filter(|limit| wanted(limit, &names, filter));
    session.table(Entity::Limit.schema(), query, rows, |limit, field| cell(limit, &names, field))
}

/// Whether the conditions select the limit; those on whom it binds add up.
pub(in crate::daemon::answer) fn wanted(limit: &Limit, names: &BTreeMap<SubjectId, &str>, filter: &Values) -> bool {
    let owners = ["user", "account", "default", "each-in", "grant"];
    let any_owner = !owners.iter().any(|key| filter.has(key));
    let of = |key: &str, value: Option<&str>| {
        value.is_some_and(|value| filter.list(key).iter().any(|wanted| wanted == value))
    };
    let seat = match &limit.target {
        LimitTarget::PersonIn(_, account) => Some(account.as_str()),
        _ => None,
    };
    let grant = grant(limit);
    // in-account= narrows user= down to the limits there; without it the person's own over all accounts are meant.
    let owned = of("user", user(limit, names)) && filter.one("in-account") == seat
        || matches!(limit.target, LimitTarget::Account(_)) && of("account", account(limit))
        || matches!(limit.target, LimitTarget::EachIn(_)) && of("each-in", account(limit))
        || of("grant", grant.as_deref())
        || of("default", default(limit));
    (any_owner || owned)
        && passes(filter, "limit", |kind| limit.kind.word() == kind)
        && passes(filter, "origin", |origin| limit.origin.word() == origin)
}

fn user<'a>(limit: &Limit, names: &BTreeMap<SubjectId, &'a str>) -> Option<&'a str> {
    match &limit.target {
        LimitTarget::Person(id) | LimitTarget::PersonIn(id, _) => names.get(id).copied(),
        _ => None,
    }
}

fn account(limit: &Limit) -> Option<&str> {
    match &limit.target {
        LimitTarget::Account(name) | LimitTarget::PersonIn(_, name) | LimitTarget::EachIn(name) => Some(name.as_str()),
        _ => None,
    }
}

fn grant(limit: &Limit) -> Option<String> {
    match &limit.target {
        LimitTarget::Grant(id) => Some(id.0.to_string()),
        _ => None,
    }
}

fn default(limit: &Limit) -> Option<&'static str> {
    match &limit.target {
        LimitTarget::Person(_) | LimitTarget::Account(_) | LimitTarget::PersonIn(..) | LimitTarget::Grant(_) => None,
        LimitTarget::EachIn(_) => Some("each"),
        LimitTarget::DefaultRole(role) => Some(role.word()),
        LimitTarget::DefaultGuest => Some("guest"),
        LimitTarget::Default => Some("all"),
    }
}

/// What a limit allows, in the unit of its kind.
pub(in crate::daemon::answer) fn amount(kind: LimitKind, amount: Amount) -> Cell {
    match amount {
        Amount::Unlimited => "unlimited".into(),
        Amount::AtMost(amount) => in_unit(kind.unit(), amount),
    }
}

/// An amount in base units, as people read it.
pub(in crate::daemon::answer) fn in_unit(unit: Unit, amount: u64) -> Cell {
    match unit {
        Unit::Count => Cell::Count(amount),
        Unit::Hours => Cell::Seconds(amount),
        Unit::Decimal(parts) => Cell::Parts(amount, parts),
    }
}

fn cell(limit: &Limit, names: &BTreeMap<SubjectId, &str>, field: &str) -> Cell {
    match field {
        "user" => user(limit, names).into(),
        "account" => account(limit).into(),
        "default" => default(limit).into(),
        "grant" => grant(limit).into(),
        "limit" => limit.kind.word().into(),
        "value" => amount(limit.kind, limit.amount),
        "origin" => limit.origin.word().into(),
        _ => Cell::Absent,
    }
}
