//! `import usage`: takes a part of a dump into the ledger.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use jiff::tz::TimeZone;

use super::Answer;
use super::no::No;
use super::session::Session;
use crate::import::row::{self, Row, Site};
use crate::import::{Columns, Records};
use crate::store::ledger::{Progress, SetAside, Told, ToldBy};
use crate::store::runs::{Run, RunChanges};
use crate::wire::Response;
use crate::wire::import::{Dump, Imported, Part};

/// What a part of a dump holds.
#[derive(Debug, Default)]
struct Read {
    /// By cluster.
    runs: BTreeMap<String, Vec<Run>>,
    set_aside: Vec<SetAside>,
    imported: Imported,
}

pub(super) async fn import(session: &Session<'_>, dump: &Dump, part: &Part) -> Answer {
    session.caller.must_administer("importing usage")?;
    let store = &session.site.store;
    if part.lines.is_empty() && !part.last {
        let progress = store.import_progress(&dump.digest).await?;
        let bytes = progress.map_or(0, |(_, progress)| progress.bytes);
        return Ok(Response::Imported(Imported { bytes, ..Imported::default() }));
    }
    let names = dump.columns.iter().map(String::as_str);
    let columns = Columns::of(names, dump.separator, dump.cluster.is_some());
    let columns = columns.map_err(|error| No::Usage(error.to_string()))?;
    let zone = match &dump.zone {
        None => session.view.calendar.zone.clone(),
        Some(name) => {
            TimeZone::get(name).map_err(|_| No::Usage(format!("{name} is no time zone that this host has")))?
        }
    };
    let read = read(session, dump, &columns, &zone, part);
    let changes = keep(session, dump, part, &read).await?;
    // What the site's own cluster used of its limits may be more now.
    session.site.imports.fetch_add(1, Ordering::Relaxed);
    let mut imported = read.imported;
    let runs = read.runs.values().fold(0_u64, |sum, runs| sum.saturating_add(count(runs)));
    (imported.added, imported.changed) = (count(&changes.added), count(&changes.changed));
    imported.known = runs.saturating_sub(imported.added).saturating_sub(imported.changed);
    Ok(Response::Imported(imported))
}

fn read(session: &Session<'_>, dump: &Dump, columns: &Columns, zone: &TimeZone, part: &Part) -> Read {
    let uids: BTreeMap<&str, u32> =
        session.stored.subjects.iter().map(|subject| (subject.name.as_str(), subject.uid.get())).collect();
    let site = Site { cluster: dump.cluster.as_deref(), zone, uid: &|name| uids.get(name).copied() };
    let mut read = Read::default();
    let mut records = Records::new(columns);
    let mut at = part.from;
    read.imported.bytes = at;
    // A row may go on after the last line, so rows count only once it is known where they end.
    let mut rows: Vec<String> = Vec::new();
    for (length, line) in &part.lines {
        let mut whole = Vec::new();
        records.take(line, |row| whole.push(row.to_owned()));
        // The row that begins with this line may go on as well.
        let begins = at;
        at = at.saturating_add(*length);
        let settled = if columns.ends_free() { begins } else { at };
        if !whole.is_empty() || records.is_between_rows() {
            let held = if columns.ends_free() { whole.pop() } else { None };
            rows.drain(..).chain(whole).for_each(|row| take(&row, columns, &site, &mut read));
            rows.extend(held);
            if records.is_between_rows() {
                read.imported.bytes = read.imported.bytes.max(settled);
            }
        }
    }
    // A part that is one row and no more has to end somewhere.
    if part.last || read.imported.bytes == part.from {
        records.flush(|row| rows.push(row.to_owned()));
        rows.iter().for_each(|row| take(row, columns, &site, &mut read));
        read.imported.bytes = at;
    }
    read
}

fn take(row: &str, columns: &Columns, site: &Site<'_>, read: &mut Read) {
    if row.trim().is_empty() {
        return;
    }
    let imported = &mut read.imported;
    imported.rows = imported.rows.saturating_add(1);
    match row::read(row, columns, site) {
        Ok(Row::Ended(run)) => read.runs.entry(run.cluster.clone()).or_default().push(*run),
        Ok(Row::NotEnded) => imported.not_ended = imported.not_ended.saturating_add(1),
        Ok(Row::Step) => imported.steps = imported.steps.saturating_add(1),
        Err(why) => {
            read.set_aside.push(SetAside { line: row.to_owned(), why: format!("bad {why}") });
            imported.set_aside = imported.set_aside.saturating_add(1);
        }
    }
}

/// Keeps everything, cluster by cluster; the file has come further only with the last.
async fn keep(session: &Session<'_>, dump: &Dump, part: &Part, read: &Read) -> Result<RunChanges, No> {
    let before = Progress { digest: dump.digest.clone(), bytes: part.from };
    let after = Progress { bytes: read.imported.bytes, ..before.clone() };
    let aside = dump.cluster.as_deref().unwrap_or_default();
    let mut told: Vec<(&str, &[Run])> =
        read.runs.iter().map(|(cluster, runs)| (cluster.as_str(), runs.as_slice())).collect();
    if told.is_empty() {
        told.push((aside, &[]));
    }
    let mut all = RunChanges::default();
    let last = told.len().saturating_sub(1);
    for (place, (cluster, runs)) in told.into_iter().enumerate() {
        let is_last = place == last;
        let by = ToldBy::File { name: &dump.name, progress: if is_last { &after } else { &before } };
        let set_aside = if is_last { read.set_aside.as_slice() } else { &[] };
        let rows = if is_last { read.imported.rows } else { 0 };
        let told = Told { cluster, by, runs, set_aside, rows };
        let changes = session.site.store.keep(&told, &session.view.calendar, session.now).await?;
        all.added.extend(changes.added);
        all.changed.extend(changes.changed);
    }
    Ok(all)
}

fn count<T>(all: &[T]) -> u64 {
    u64::try_from(all.len()).unwrap_or(u64::MAX)
}
