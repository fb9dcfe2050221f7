//! `balance`: what is allowed, used, in flight and left, for people and for accounts with everything below them.

use std::collections::BTreeSet;

use bursar_policy::{PeriodKind, Timestamp, Tres, Usage};

use super::Answer;
use super::caller::Tree;
use super::no::No;
use super::session::Session;
use super::show::in_unit;
use crate::cli::entity::command::BALANCE;
use crate::snapshot::Holdings;
use crate::snapshot::compile;
use crate::snapshot::holdings::{LimitIndex, Limits};
use crate::store::{LimitKind, Over, Presence, Thing};
use crate::wire::{Cell, Query};

/// One limit of one owner.
struct Row {
    user: Option<String>,
    account: Option<String>,
    kind: LimitKind,
    allowed: Option<u64>,
    used: u64,
    in_flight: Option<u64>,
    ends: Option<Timestamp>,
}

pub(super) fn balance(session: &Session<'_>, query: &Query) -> Answer {
    let (filter, caller) = (&query.filter, &session.caller);
    caller.may_ask_for_people(filter.list("user"))?;
    caller.may_ask_for_accounts(filter.list("account"))?;
    let holdings = Holdings::of(&session.stored, session.now);
    let tree = Tree::of(&session.stored);
    let (people, mut accounts) = if filter.is_empty() {
        let own = caller.name().ok_or_else(|| {
            No::Usage(format!("{} is not a person of the directory; name one with user= or account=", caller.actor))
        })?;
        let holding = holdings.people.iter().find(|holding| holding.subject.name == *own);
        let granted = holding.into_iter().flat_map(|holding| &holding.accounts);
        let line = granted.flat_map(|account| tree.line(account.as_str())).map(str::to_owned).collect();
        (vec![own.to_string()], line)
    } else {
        (filter.list("user").to_vec(), filter.list("account").to_vec())
    };
    accounts.sort();
    accounts.dedup();
    let calendars = compile::calendars(&session.view.calendar, &session.stored);
    let types = &session.view.cluster.gpu_types;
    let mut rows = Vec::new();
    let mut add = |user: Option<&str>,
                   account: Option<&str>,
                   kinds: BTreeSet<LimitKind>,
                   limits: &Limits,
                   usage: &Usage,
                   life: &Tres| {
        let zone = account.and_then(|name| session.stored.accounts.iter().find(|one| one.name.as_str() == name));
        let calendar = calendars.at(zone.map_or(0, |account| calendars.of_zone(&account.time_zone)));
        for kind in kinds {
            let Some(measure) = kind.measure(types) else { continue };
            let allowed = limits.get(&kind).copied();
            let line = usage.line(measure, allowed.unwrap_or(u64::MAX), life);
            let period = kind.period().zip(calendar).map(|(period, calendar)| calendar.period(period, session.now));
            let ends = period.transpose().map_err(|error| No::Unavailable(error.to_string()))?.map(|period| period.end);
            let (user, account) = (user.map(str::to_owned), account.map(str::to_owned));
            // Jobs are there or not; only what is consumed is held in advance.
            let in_flight = matches!(kind, LimitKind::Consumed(..)).then_some(line.in_flight);
            rows.push(Row { user, account, kind, allowed, used: line.used, in_flight, ends });
        }
        Ok::<(), No>(())
    };
    for name in &people {
        let holding = holdings.people.iter().find(|holding| holding.subject.name.as_str() == name);
        let holding = holding.ok_or_else(|| No::Refused(format!("there is no user {name}")))?;
        let sees = caller.is(name) || caller.sees_all;
        if !sees {
            // An observer of an account sees what is booked there, not what its people have elsewhere.
            return Err(No::Refused(format!("you may see what is your own, not what is {name}'s")));
        }
        let (standing, uid) = (&session.view.standing, holding.subject.uid.get());
        add(Some(name), None, shown(&holding.limits), &holding.limits, &standing.person(uid), &Tres::ZERO)?;
        for (account, limits) in &holding.limits_in {
            let usage = standing.seat(uid, account.as_str());
            let kinds = limits.keys().copied().collect();
            add(Some(name), Some(account.as_str()), kinds, limits, &usage, &Tres::ZERO)?;
        }
        for grant in &holding.grants {
            let limits = holdings.limits.grant(grant.id);
            if limits.is_empty() {
                continue;
            }
            let account = grant.scope.account().map(|account| account.as_str());
            let usage = account.map_or_else(|| standing.person(uid), |account| standing.seat(uid, account));
            let kinds = limits.keys().copied().collect();
            add(Some(name), account, kinds, &limits, &usage, &standing.life(uid, grant.id.0))?;
        }
    }
    let limits = LimitIndex::of(&session.stored);
    for name in &accounts {
        let account = session.account(name)?;
        if account.state == Presence::Removed {
            return Err(No::Refused(format!("account {name} was removed")));
        }
        let own = limits.account(&account.name);
        add(None, Some(name), shown(&own), &own, &session.view.standing.account(name), &Tres::ZERO)?;
    }
    session.table(&BALANCE, query, rows, cell)
}

/// The limits that are worth a row: those that somebody set, and what everybody asks for.
fn shown(limits: &Limits) -> BTreeSet<LimitKind> {
    let days = [PeriodKind::Day, PeriodKind::Week, PeriodKind::Month];
    let always = days.map(|kind| LimitKind::Consumed(Thing::Cpu, Over::Period(kind)));
    let jobs = [LimitKind::RunningJobs, LimitKind::QueuedJobs];
    jobs.into_iter().chain(always).chain(limits.keys().copied()).collect()
}

fn cell(row: &Row, field: &str) -> Cell {
    let amount = |number: u64| in_unit(row.kind.unit(), number);
    let unlimited = || "unlimited".into();
    match field {
        "user" => row.user.clone().into(),
        "account" => row.account.clone().into(),
        "limit" => row.kind.word().into(),
        "allowed" => row.allowed.map_or_else(unlimited, amount),
        "used" => amount(row.used),
        "in-flight" => row.in_flight.map_or(Cell::Absent, amount),
        "left" => {
            let held = row.used.saturating_add(row.in_flight.unwrap_or(0));
            row.allowed.map_or_else(unlimited, |allowed| amount(allowed.saturating_sub(held)))
        }
        "ends" => row.ends.into(),
        _ => Cell::Absent,
    }
}
