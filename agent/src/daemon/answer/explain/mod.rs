//! `explain`: what the plugin or the PAM module would say, by the same judges on the same facts, rule by rule.

mod job;
mod login;
mod time_limit;

use std::sync::Arc;

use bursar_policy::{Code, Snapshot, Timestamp};

use super::Answer;
use super::no::No;
use super::session::Session;
use super::show::in_unit;
use crate::store::Unit;
use crate::wire::{Cell, Explained, Query, Response};

pub(super) fn explain(session: &Session<'_>, what: Explained, query: &Query) -> Answer {
    let snapshot = session.view.snapshot.as_ref().map(Arc::clone);
    let snapshot = snapshot.ok_or_else(|| {
        No::Unavailable("no snapshot has been published yet, so nothing is judged; see `bursar status`".to_owned())
    })?;
    let name = subject(session, query)?;
    let at = session.instant(&query.filter, "at")?.unwrap_or(session.now);
    match what {
        Explained::Job => job::explain(session, query, &snapshot, &name, at),
        Explained::Login => login::explain(session, query, &snapshot, &name, at),
    }
}

/// Whom it is about.
fn subject(session: &Session<'_>, query: &Query) -> Result<String, No> {
    let caller = &session.caller;
    match (query.filter.one("user"), caller.name()) {
        (Some(name), _) if caller.sees_all || caller.is(name) => Ok(name.to_owned()),
        (Some(name), _) => Err(No::Refused(format!("you may see what is your own, not what is {name}'s"))),
        (None, Some(name)) => Ok(name.to_string()),
        (None, None) => {
            Err(No::Usage(format!("{} is not a person of the directory; name one with user=", caller.actor)))
        }
    }
}

/// The uid of a name; of a person whom the snapshot does not know yet, the store's.
fn uid(session: &Session<'_>, snapshot: &Snapshot, name: &str) -> Result<u32, No> {
    match snapshot.person_named(name) {
        Some(person) => Ok(person.uid()),
        None => session.person(name).map(|person| person.uid.get()),
    }
}

/// One rule and how it fared.
struct Row {
    rule: String,
    /// Nothing for a rule that was not reached.
    allows: Option<bool>,
    code: Option<Code>,
    numbers: Option<Numbers>,
    detail: String,
}

/// What a limit was held against.
struct Numbers {
    unit: Unit,
    allowed: Option<u64>,
    used: Option<u64>,
    in_flight: Option<u64>,
    asked: u64,
}

impl Row {
    fn verdict(refusal: Option<(Code, String)>, admitted: String) -> Self {
        let rule = "verdict".to_owned();
        match refusal {
            None => Self { rule, allows: Some(true), code: None, numbers: None, detail: admitted },
            Some((code, text)) => Self { rule, allows: Some(false), code: Some(code), numbers: None, detail: text },
        }
    }
}

fn answer(
    session: &Session<'_>,
    what: Explained,
    query: &Query,
    rows: Vec<Row>,
    notes: Vec<String>,
    refusal: Option<(Code, String)>,
) -> Answer {
    let table = session.rows(what.schema().0, query, rows, cell);
    let refusal = refusal.map(|(code, text)| format!("refused: {text} ({code})"));
    Ok(Response::Judged { table, notes, refusal })
}

fn cell(row: &Row, field: &str) -> Cell {
    let amount = |pick: fn(&Numbers) -> Option<u64>| match &row.numbers {
        None => Cell::Absent,
        Some(numbers) => pick(numbers).map_or(Cell::Absent, |amount| in_unit(numbers.unit, amount)),
    };
    match field {
        "rule" => row.rule.as_str().into(),
        "outcome" => row.allows.map(|allows| if allows { "allow" } else { "refuse" }).into(),
        "code" => row.code.map(Code::as_str).into(),
        "allowed" => amount(|numbers| numbers.allowed),
        "used" => amount(|numbers| numbers.used),
        "in-flight" => amount(|numbers| numbers.in_flight),
        "asked" => amount(|numbers| Some(numbers.asked)),
        "detail" => row.detail.as_str().into(),
        _ => Cell::Absent,
    }
}

/// A grant in a phrase.
fn grant_text(session: &Session<'_>, snapshot: &Snapshot, grant: &bursar_policy::snapshot::GrantRef<'_>) -> String {
    let scope = match grant.account.and_then(|at| snapshot.account_at(at)) {
        Some(account) => format!("account {}", account.name),
        None => "the cluster".to_owned(),
    };
    let until = match grant.until {
        Timestamp::NEVER => "without end".to_owned(),
        until => format!("until {}", session.view.calendar.text(until)),
    };
    format!("G{} {} on {scope} {until}", grant.id, grant.role)
}
