//! `show storage`: what people and accounts store at each place, and what they may.

use bursar_policy::Timestamp;

use crate::cli::entity::Entity;
use crate::config::StoragePlace;
use crate::config::storage::GB;
use crate::daemon::answer::Answer;
use crate::daemon::answer::session::{Session, passes};
use crate::storage::{Standing, Stored};
use crate::store::{PersonState, Presence};
use crate::wire::{Cell, Query, Response};

struct Row<'a> {
    user: Option<&'a str>,
    account: Option<&'a str>,
    place: &'a StoragePlace,
    stored: Stored,
    allowed: Option<u64>,
    read_at: Timestamp,
    /// Whether the reading still counts.
    counts: bool,
}

impl Row<'_> {
    fn is_over(&self) -> bool {
        self.allowed.is_some_and(|allowed| self.stored.used > allowed)
    }
}

pub(super) fn show(session: &Session<'_>, query: &Query) -> Answer {
    let (filter, stored, caller) = (&query.filter, &session.stored, &session.caller);
    caller.may_ask_for_people(filter.list("user"))?;
    caller.may_ask_for_accounts(filter.list("account"))?;
    super::all_known("user", filter, "user", stored.subjects.iter().map(|subject| subject.name.as_str()))?;
    super::all_known("account", filter, "account", stored.accounts.iter().map(|account| account.name.as_str()))?;
    let configured = &session.view.config.policy.storage;
    super::all_known("place", filter, "place", configured.iter().map(|place| place.name.as_str()))?;
    let people = stored.subjects.iter().filter(|subject| subject.state != PersonState::Removed);
    let accounts = stored.accounts.iter().filter(|account| account.state == Presence::Active);
    let people: Vec<&str> =
        people.map(|subject| subject.name.as_str()).filter(|name| caller.sees_all || caller.is(name)).collect();
    let accounts: Vec<&str> =
        accounts.map(|account| account.name.as_str()).filter(|name| caller.knows_account(name)).collect();
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    for place in configured.iter().filter(|place| passes(filter, "place", |name| place.name == name)) {
        let standing = Standing::of(place, &session.view.storage, session.now);
        let Some(reading) = standing.reading() else {
            notes.push(format!("{} has not been read yet", place.name));
            continue;
        };
        let counts = standing.in_force().is_some();
        if !counts {
            let at = session.view.calendar.text(reading.read_at);
            notes.push(format!("{} was last read {at}; nobody is warned or refused for it any more", place.name));
        }
        let read_at = reading.read_at;
        for name in &people {
            let Some(stored) = reading.usages.people.get(*name).copied() else { continue };
            let allowed = place.allows_person(name, &stored);
            rows.push(Row { user: Some(name), account: None, place, stored, allowed, read_at, counts });
        }
        for name in &accounts {
            let Some(stored) = reading.usages.accounts.get(*name).copied() else { continue };
            let allowed = place.allows_account(name, &stored);
            rows.push(Row { user: None, account: Some(name), place, stored, allowed, read_at, counts });
        }
    }
    let any_owner = !filter.has("user") && !filter.has("account");
    rows.retain(|row| {
        let named = |key: &str, name: Option<&str>| {
            name.is_some_and(|name| filter.list(key).iter().any(|wanted| wanted == name))
        };
        (any_owner || named("user", row.user) || named("account", row.account))
            && passes(filter, "over", |word| (word == "yes") == row.is_over())
    });
    rows.sort_by_key(|row| (row.user.is_none(), row.user, row.account, &row.place.name));
    let table = session.rows(Entity::Storage.schema(), query, rows, cell);
    Ok(Response::Table { table, notes })
}

fn cell(row: &Row<'_>, field: &str) -> Cell {
    match field {
        "user" => row.user.into(),
        "account" => row.account.into(),
        "place" => row.place.name.as_str().into(),
        "used" => Cell::Parts(row.stored.used, GB),
        "allowed" => row.allowed.map_or_else(|| "unlimited".into(), |allowed| Cell::Parts(allowed, GB)),
        "over" => Cell::yes_no(row.is_over()),
        "read-at" => row.read_at.into(),
        "source-limit" => row.stored.limit.map_or(Cell::Absent, |limit| Cell::Parts(limit, GB)),
        "consequence" => match (row.is_over() && row.counts, row.place.refuses) {
            (false, _) => Cell::Absent,
            (true, false) => "warned".into(),
            (true, true) => "refused".into(),
        },
        _ => Cell::Absent,
    }
}
