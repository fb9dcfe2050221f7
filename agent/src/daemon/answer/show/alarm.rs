//! `show alarm`: what is wrong with the daemon's parts now. Alarms that have cleared are in the daemon's log.

use bursar_policy::Timestamp;

use crate::cli::entity::Entity;
use crate::daemon::answer::Answer;
use crate::daemon::answer::session::{Session, passes};
use crate::wire::{Cell, Query, Response};

struct Row {
    raised_at: Timestamp,
    part: &'static str,
    text: String,
}

/// The kind of every alarm there is today: a part of the daemon that fails.
const KIND: &str = "fault";

pub(super) fn show(session: &Session<'_>, query: &Query) -> Answer {
    session.caller.must_see_all("what fails in bursard")?;
    let filter = &query.filter;
    let (start, end) = session.span(filter)?;
    let faults = session.site.health().into_iter().filter_map(|(part, health)| Some((part, health.fault?)));
    let rows = faults.map(|(part, (raised_at, text))| Row { raised_at, part, text }).filter(|row| {
        (start..end).contains(&row.raised_at)
            && passes(filter, "kind", |kind| kind == KIND)
            && passes(filter, "object", |object| row.part == object)
            && passes(filter, "open", |open| open == "yes")
    });
    let table = session.rows(Entity::Alarm.schema(), query, rows, cell);
    let asked_for_cleared = filter.one("open") == Some("no");
    let note = asked_for_cleared.then(|| "alarms that have cleared are in bursard's log".to_owned());
    Ok(Response::Table { table, notes: note.into_iter().collect() })
}

fn cell(row: &Row, field: &str) -> Cell {
    match field {
        "raised-at" => row.raised_at.into(),
        "kind" => KIND.into(),
        "object" => row.part.into(),
        "text" => row.text.as_str().into(),
        // Whatever is shown is open.
        "cleared-at" => Cell::Absent,
        _ => Cell::Absent,
    }
}
