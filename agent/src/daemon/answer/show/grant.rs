//! `show grant`.

use std::collections::BTreeMap;

use bursar_policy::Timestamp;

use crate::cli::entity::Entity;
use crate::daemon::answer::Answer;
use crate::daemon::answer::session::{Session, grant_number, passes};
use crate::store::{Grant, GroupId, Holder, Lifts, SubjectId};
use crate::wire::{Cell, Query, Values};

/// Where a grant stands at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::daemon::answer) enum GrantState {
    Active,
    Future,
    Expired,
    Revoked,
}

impl GrantState {
    /// Of `grant` at `now`.
    pub(in crate::daemon::answer) fn of(grant: &Grant, now: Timestamp) -> Self {
        match grant {
            Grant { revocation: Some(_), .. } => Self::Revoked,
            Grant { until: Some(until), .. } if *until <= now => Self::Expired,
            Grant { from, .. } if now < *from => Self::Future,
            _ => Self::Active,
        }
    }

    pub(in crate::daemon::answer) const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Future => "future",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }

    /// Whether it holds or will.
    pub(in crate::daemon::answer) const fn is_open(self) -> bool {
        matches!(self, Self::Active | Self::Future)
    }
}

/// The names that grants are selected and shown by.
pub(in crate::daemon::answer) struct Names<'a> {
    users: BTreeMap<SubjectId, &'a str>,
    groups: BTreeMap<GroupId, &'a str>,
    now: Timestamp,
}

impl<'a> Names<'a> {
    pub(in crate::daemon::answer) fn of(session: &'a Session<'_>) -> Self {
        Self { users: session.user_names(), groups: session.group_names(), now: session.now }
    }

    /// The person's name, when a person holds the grant.
    pub(in crate::daemon::answer) fn user(&self, grant: &Grant) -> Option<&'a str> {
        match grant.holder {
            Holder::Subject(id) => self.users.get(&id).copied(),
            Holder::Group(_) => None,
        }
    }

    /// The group's name, when a group holds the grant.
    pub(in crate::daemon::answer) fn group(&self, grant: &Grant) -> Option<&'a str> {
        match grant.holder {
            Holder::Subject(_) => None,
            Holder::Group(id) => self.groups.get(&id).copied(),
        }
    }

    /// Whether the conditions, that on the state apart, select the grant.
    pub(in crate::daemon::answer) fn select(&self, grant: &Grant, filter: &Values) -> bool {
        let account = grant.scope.account().map(|name| name.as_str());
        passes(filter, "id", |id| grant_number(id) == Some(grant.id.0))
            && passes(filter, "user", |name| self.user(grant) == Some(name))
            && passes(filter, "group", |name| self.group(grant) == Some(name))
            && passes(filter, "role", |role| grant.role.word() == role)
            && passes(filter, "account", |name| account == Some(name))
            && passes(filter, "granted-by", |name| grant.granted_by == name)
            && passes(filter, "emergency", |word| grant.lifts.is_some() == (word == "yes"))
            && passes(filter, "origin", |origin| grant.origin.word() == origin)
            && passes(filter, "state", |state| GrantState::of(grant, self.now).word() == state)
    }
}

pub(super) fn show(session: &Session<'_>, query: &Query) -> Answer {
    let (filter, stored, caller) = (&query.filter, &session.stored, &session.caller);
    caller.may_ask_for_people(filter.list("user"))?;
    caller.may_ask_for_accounts(filter.list("account"))?;
    super::all_known("user", filter, "user", stored.subjects.iter().map(|subject| subject.name.as_str()))?;
    let names = Names::of(session);
    // What is over is shown to those who ask for it, by state or by number.
    let all = filter.has("state") || filter.has("id");
    let rows = stored
        .grants
        .iter()
        .filter(|grant| {
            let account = grant.scope.account();
            caller.sees_all || caller.holds(grant) || account.is_some_and(|name| caller.observes(name.as_str()))
        })
        .filter(|grant| all || GrantState::of(grant, session.now).is_open())
        .filter(|grant| names.select(grant, filter));
    session.table(Entity::Grant.schema(), query, rows, |grant, field| cell(grant, &names, field))
}

fn cell(grant: &Grant, names: &Names<'_>, field: &str) -> Cell {
    let revocation = grant.revocation.as_ref();
    match field {
        "id" => grant.id.to_string().into(),
        "user" => names.user(grant).into(),
        "group" => names.group(grant).into(),
        "role" => grant.role.word().into(),
        "account" => grant.scope.account().map(|name| name.as_str()).into(),
        "from" => grant.from.into(),
        "until" => grant.until.unwrap_or(Timestamp::NEVER).into(),
        "state" => GrantState::of(grant, names.now).word().into(),
        "lifts" => grant.lifts.map(Lifts::word).into(),
        "reason" => grant.reason.as_str().into(),
        "origin" => grant.origin.word().into(),
        "granted-by" => grant.granted_by.as_str().into(),
        "granted-at" => grant.granted_at.into(),
        "revoked-by" => revocation.map(|revocation| revocation.by.as_str()).into(),
        "revoked-at" => revocation.map(|revocation| revocation.at).into(),
        "revoke-reason" => revocation.map(|revocation| revocation.reason.as_str()).into(),
        _ => Cell::Absent,
    }
}
