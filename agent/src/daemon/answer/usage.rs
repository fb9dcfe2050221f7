//! `report usage` and `report cost-centres`: from settled runs, and from live jobs as far as they have come.

use std::collections::{HashMap, HashSet};

use bursar_policy::{Period, PeriodKind, Timestamp};

use super::Answer;
use super::caller::Tree;
use super::no::No;
use super::session::Session;
use crate::cli::amount::{Unit, show_decimal};
use crate::cli::entity::command::{REPORT_COST_CENTRES, REPORT_USAGE};
use crate::report::usage::{Line, Used, by_cost_centre, by_person, in_tree, used};
use crate::wire::{Cell, Query, Response};

pub(super) async fn report(session: &Session<'_>, query: &Query) -> Answer {
    let (period, all) = consumed(session, query).await?;
    let tree = Tree::of(&session.stored);
    let lines = by_person(&all);
    let total = lines.iter().fold(0_u64, |sum, line| sum.saturating_add(line.cpu_seconds));
    let notes = notes(session, &period, lines.iter().any(|line| line.in_flight > 0), total);
    let lines = if query.has_flag("tree") { in_tree(&lines, |account| tree.parent(account)) } else { lines };
    let table = session.rows(&REPORT_USAGE, query, lines, |line, field| cell(session, line, field));
    Ok(Response::Table { table, notes })
}

/// `report cost-centres`: the same runs by what they are charged to, with the part that carries nothing.
pub(super) async fn by_centre(session: &Session<'_>, query: &Query) -> Answer {
    let (period, all) = consumed(session, query).await?;
    let lines = by_cost_centre(&all);
    let total = lines.iter().fold(0_u64, |sum, line| sum.saturating_add(line.cpu_seconds));
    let mut notes = notes(session, &period, lines.iter().any(|line| line.in_flight > 0), total);
    let untagged = lines.iter().find(|line| line.cost_centre.is_empty());
    notes.push(match untagged {
        Some(line) => format!(
            "{} % of the CPU time, in {} runs, carries no cost centre",
            show_decimal(line.share, 100),
            line.runs
        ),
        None => "everything carries a cost centre".to_owned(),
    });
    let table = session.rows(&REPORT_COST_CENTRES, query, lines, |line, field| match field {
        "cluster" => session.cluster().into(),
        "cost-centre" => if line.cost_centre.is_empty() { "(none)" } else { &line.cost_centre }.into(),
        "jobs" => Cell::Count(line.runs),
        "used" => Cell::Seconds(line.cpu_seconds),
        "share" => Cell::Parts(line.share, 100),
        "in-flight" => Cell::Seconds(line.in_flight),
        _ => Cell::Absent,
    });
    Ok(Response::Table { table, notes })
}

/// The parts of runs that lie in the period asked for and that the caller may see.
async fn consumed(session: &Session<'_>, query: &Query) -> Result<(Period, Vec<Used>), No> {
    let (filter, caller) = (&query.filter, &session.caller);
    caller.may_ask_for_people(filter.list("user"))?;
    caller.may_ask_for_accounts(filter.list("account"))?;
    let period = period(session, query)?;
    let tree = Tree::of(&session.stored);
    let mut accounts = HashSet::new();
    for account in filter.list("account") {
        // A removed account has a past, so its name is enough.
        session.account(account)?;
        accounts.insert(account.clone());
        accounts.extend(tree.below(account));
    }
    for name in filter.list("user") {
        session.person(name)?;
    }
    let runs = session.site.store.runs_overlapping(session.cluster(), &period).await?;
    let names = session.names_by_uid();
    let centres: HashMap<&str, &str> =
        session.stored.accounts.iter().map(|account| (account.name.as_str(), account.cost_center.as_str())).collect();
    let mut all = used(
        &runs,
        session.view.flight.listed(),
        &period,
        session.now,
        |uid| names.get(&uid).map(|name| (*name).to_owned()),
        |account| {
            let mut line = tree.line(account).filter_map(|name| centres.get(name).copied());
            line.find(|centre| !centre.is_empty()).map(str::to_owned)
        },
    );
    all.retain(|used: &Used| {
        caller.sees_row(&used.user, &used.account)
            && (accounts.is_empty() || accounts.contains(&used.account))
            && (!filter.has("user") || filter.list("user").contains(&used.user))
    });
    Ok((period, all))
}

/// From `start=` to `end=`; without them, this month until now.
fn period(session: &Session<'_>, query: &Query) -> Result<Period, No> {
    let end = session.instant(&query.filter, "end")?.unwrap_or(session.now);
    let start = match session.instant(&query.filter, "start")? {
        Some(start) => start,
        None => {
            let month = session.view.calendar.period(PeriodKind::Month, session.now);
            month.map_err(|error| No::Unavailable(error.to_string()))?.start
        }
    };
    if end <= start {
        return Err(No::Usage("the period ends before it begins; check start= and end=".to_owned()));
    }
    Ok(Period { start, end })
}

fn notes(session: &Session<'_>, period: &Period, provisional: bool, total: u64) -> Vec<String> {
    let text = |at: Timestamp| match at {
        Timestamp::NEVER => "never".to_owned(),
        at => session.view.calendar.text(at),
    };
    let mut notes =
        vec![format!("{} until {}: {} in all", text(period.start), text(period.end), Unit::Clock.show(total))];
    if provisional {
        notes.push(format!(
            "runs that have not ended are counted as of {}; their part is provisional",
            text(session.now)
        ));
    }
    if !session.caller.sees_all {
        notes.push("only runs that you may see are counted".to_owned());
    }
    notes
}

fn cell(session: &Session<'_>, line: &Line, field: &str) -> Cell {
    let account = || session.stored.accounts.iter().find(|account| account.name.as_str() == line.account);
    let person = |name: &str| session.stored.subjects.iter().find(|subject| subject.name.as_str() == name);
    match field {
        "cluster" => session.cluster().into(),
        "account" => format!("{}{}", " ".repeat(line.depth), line.account).into(),
        "user" => line.user.clone().into(),
        "name" => line.user.as_deref().and_then(person).map(|person| person.display_name.as_str()).into(),
        "jobs" => Cell::Count(line.runs),
        "used" => Cell::Seconds(line.cpu_seconds),
        "cost-centre" => account().map(|account| account.cost_center.as_str()).into(),
        "in-flight" => Cell::Seconds(line.in_flight),
        _ => Cell::Absent,
    }
}
