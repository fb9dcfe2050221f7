//! `show reading` and `show set-aside`: where the ledger has its runs from, and what it could not read.

use super::{MOST_RECORDS, cut};
use crate::cli::entity::Entity;
use crate::daemon::answer::Answer;
use crate::daemon::answer::session::{Session, passes};
use crate::store::ledger::{AsideRecord, ReadingRecord};
use crate::wire::{Cell, Query, Response};

pub(super) async fn readings(session: &Session<'_>, query: &Query) -> Answer {
    session.caller.must_see_all("what the ledger was read from")?;
    let filter = &query.filter;
    let (start, end) = session.span(filter)?;
    let readings = session.site.store.readings(MOST_RECORDS).await?;
    let notes = cut(readings.len());
    let rows = readings.into_iter().filter(|reading| {
        (start..end).contains(&reading.started_at)
            && passes(filter, "cluster", |name| reading.cluster == name)
            && passes(filter, "kind", |kind| reading.kind == kind)
    });
    let table = session.rows(Entity::Reading.schema(), query, rows, reading_cell);
    Ok(Response::Table { table, notes })
}

fn reading_cell(reading: &ReadingRecord, field: &str) -> Cell {
    match field {
        "reading" => Cell::Count(reading.id.unsigned_abs()),
        "cluster" => reading.cluster.as_str().into(),
        "kind" => reading.kind.as_str().into(),
        "source" => reading.source.as_str().into(),
        "started" => reading.started_at.into(),
        "finished" => reading.finished_at.into(),
        "from" => reading.window.map(|(from, _)| from).into(),
        "until" => reading.window.map(|(_, until)| until).into(),
        "rows" => Cell::Count(reading.rows),
        "added" => Cell::Count(reading.added),
        "changed" => Cell::Count(reading.changed),
        "set-aside" => Cell::Count(reading.set_aside),
        _ => Cell::Absent,
    }
}

pub(super) async fn set_aside(session: &Session<'_>, query: &Query) -> Answer {
    session.caller.must_see_all("rows that were set aside")?;
    let aside = session.site.store.rows_set_aside(MOST_RECORDS).await?;
    let notes = cut(aside.len());
    let rows = aside.into_iter().filter(|row| passes(&query.filter, "cluster", |name| row.cluster == name));
    let table = session.rows(Entity::SetAside.schema(), query, rows, aside_cell);
    Ok(Response::Table { table, notes })
}

fn aside_cell(row: &AsideRecord, field: &str) -> Cell {
    match field {
        "cluster" => row.cluster.as_str().into(),
        "since" => row.first_at.into(),
        "why" => row.row.why.as_str().into(),
        "row" => row.row.line.as_str().into(),
        "reading" => Cell::Count(row.reading.unsigned_abs()),
        _ => Cell::Absent,
    }
}
