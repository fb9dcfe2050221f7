//! `balance`: what is allowed, used, in flight and left, for people and for accounts with everything below them.

use bursar_policy::{Limits, PeriodKind, Timestamp, Usage};

use super::Answer;
use super::caller::Tree;
use super::no::No;
use super::session::Session;
use crate::cli::entity::command::BALANCE;
use crate::snapshot::Holdings;
use crate::snapshot::holdings::LimitIndex;
use crate::store::{LimitKind, Presence};
use crate::wire::{Cell, Query};

/// One limit of one owner.
struct Row {
    user: Option<String>,
    account: Option<String>,
    kind: LimitKind,
    allowed: Option<u64>,
    used: u64,
    in_flight: u64,
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
    let ends = ends(session)?;
    let mut rows = Vec::new();
    for name in &people {
        let holding = holdings.people.iter().find(|holding| holding.subject.name.as_str() == name);
        let holding = holding.ok_or_else(|| No::Refused(format!("there is no user {name}")))?;
        let sees = caller.is(name) || caller.sees_all;
        if !sees {
            // An observer of an account sees what is booked there, not what its people have elsewhere.
            return Err(No::Refused(format!("you may see what is your own, not what is {name}'s")));
        }
        let usage = session.view.standing.person(holding.subject.uid.get());
        rows.extend(of_owner(Some(name), None, &holding.limits, &usage, &ends));
    }
    let limits = LimitIndex::of(&session.stored);
    for name in &accounts {
        let account = session.account(name)?;
        if account.state == Presence::Removed {
            return Err(No::Refused(format!("account {name} was removed")));
        }
        let usage = session.view.standing.account(name);
        rows.extend(of_owner(None, Some(name), &limits.account(&account.name), &usage, &ends));
    }
    session.table(&BALANCE, query, rows, cell)
}

/// When the current day, week and month end.
fn ends(session: &Session<'_>) -> Result<[Timestamp; 3], No> {
    let end = |kind| session.view.calendar.period(kind, session.now).map(|period| period.end);
    let [day, week, month] = PeriodKind::ALL.map(end);
    let unavailable = |error: crate::accounting::calendar::OutsideCalendar| No::Unavailable(error.to_string());
    Ok([day.map_err(unavailable)?, week.map_err(unavailable)?, month.map_err(unavailable)?])
}

fn of_owner(
    user: Option<&String>,
    account: Option<&String>,
    limits: &Limits,
    usage: &Usage,
    ends: &[Timestamp; 3],
) -> Vec<Row> {
    let row = |kind: LimitKind| {
        let (allowed, used, in_flight) = match (kind, kind.period()) {
            (_, Some(period)) => {
                let used = usage.period(period);
                (limits.cpu(period), used.settled, used.in_flight)
            }
            (LimitKind::QueuedJobs, None) => (limits.queued_jobs.map(u64::from), usage.queued.into(), 0),
            (_, None) => (limits.running_jobs.map(u64::from), usage.running.into(), 0),
        };
        let ends = kind.period().and_then(|period| ends.get(period.index()).copied());
        Row { user: user.cloned(), account: account.cloned(), kind, allowed, used, in_flight, ends }
    };
    LimitKind::ALL.iter().copied().map(row).collect()
}

fn cell(row: &Row, field: &str) -> Cell {
    let amount = |number: u64| match row.kind.period() {
        Some(_) => Cell::Seconds(number),
        None => Cell::Count(number),
    };
    let unlimited = || "unlimited".into();
    match field {
        "user" => row.user.clone().into(),
        "account" => row.account.clone().into(),
        "limit" => row.kind.word().into(),
        "allowed" => row.allowed.map_or_else(unlimited, amount),
        "used" => amount(row.used),
        // Jobs are there or not; only CPU time is held in advance.
        "in-flight" => row.kind.period().map_or(Cell::Absent, |_| amount(row.in_flight)),
        "left" => {
            let held = row.used.saturating_add(row.in_flight);
            row.allowed.map_or_else(unlimited, |allowed| amount(allowed.saturating_sub(held)))
        }
        "ends" => row.ends.into(),
        _ => Cell::Absent,
    }
}
