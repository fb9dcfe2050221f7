//! `sync`: asks for a pass and tells what it did or would do.

use super::Answer;
use super::no::No;
use super::session::Session;
use crate::cli::entity::command::SYNC;
use crate::daemon::site::Step;
use crate::wire::{Cell, Query, Response};

pub(super) async fn sync(session: &Session<'_>, dry_run: bool, accept_drop: bool, fields: &[String]) -> Answer {
    if dry_run {
        session.caller.must_see_all("what a pass would do")?;
    } else {
        session.caller.must_administer("a pass")?;
    }
    let outcome = session.site.sync(dry_run, accept_drop).await;
    let Some(outcome) = outcome else { return Err(No::Unavailable("bursard is going down".to_owned())) };
    if !dry_run && outcome.fault.is_none() {
        let changed = u64::try_from(outcome.steps.len()).unwrap_or(u64::MAX);
        return Ok(Response::Done { changed, lines: outcome.steps.iter().map(line).collect() });
    }
    let query = Query { fields: fields.to_vec(), ..Query::default() };
    let mut notes = Vec::new();
    if outcome.steps.is_empty() && outcome.fault.is_none() {
        notes.push("nothing to change".to_owned());
    }
    let table = session.rows(&SYNC, &query, outcome.steps, cell);
    match outcome.fault {
        None => Ok(Response::Table { table, notes }),
        Some(fault) => Ok(Response::Judged { table, notes, refusal: Some(format!("the pass stopped: {fault}")) }),
    }
}

fn line(step: &Step) -> String {
    let text = format!("{}: {} {}", step.part, step.action, step.object);
    if step.detail.is_empty() { text } else { format!("{text}: {}", step.detail) }
}

fn cell(step: &Step, field: &str) -> Cell {
    match field {
        "action" => format!("{} {}", step.part, step.action).into(),
        "object" => step.object.as_str().into(),
        "detail" => step.detail.as_str().into(),
        _ => Cell::Absent,
    }
}
