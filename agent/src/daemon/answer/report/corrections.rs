//! `report corrections`: what the ledger took back because slurmdbd, or a file, told a run otherwise.

use super::grouped::notes;
use super::scope::{Scope, Whose};
use crate::cli::amount::{Unit, show_ratio};
use crate::cli::entity::Report;
use crate::daemon::answer::Answer;
use crate::daemon::answer::session::Session;
use crate::report::corrections::{Corrected, sums};
use crate::store::ledger::Entry;
use crate::wire::{Cell, Query, Response};

pub(super) async fn report(session: &Session<'_>, query: &Query) -> Answer {
    let scope = Scope::of(session, query)?;
    let all = session.site.store.corrections(&scope.period).await?;
    // Asked for is what concerns either side; of that, each side is told to whoever may see it.
    let asked = all.iter().filter(|correction| {
        let sides = std::iter::once(&correction.before).chain(&correction.after);
        sides.into_iter().any(|entry| scope.has(&whose(&scope, entry)))
    });
    let seen: Vec<Corrected<'_>> =
        asked.filter_map(|of| Corrected::seen(of, |entry| scope.sees(&whose(&scope, entry)))).collect();
    let (more, less) = sums(&seen);
    let time = |seconds| Unit::Clock.show(u64::try_from(seconds).unwrap_or(u64::MAX));
    let mut notes = notes(&scope);
    notes.insert(1, format!("{} runs were told otherwise: {} more, {} less", seen.len(), time(more), time(less)));
    let table = session.rows(Report::Corrections.schema(), query, seen, |one, field| cell(session, &scope, one, field));
    Ok(Response::Table { table, notes })
}

fn whose<'a>(scope: &'a Scope<'_>, entry: &'a Entry) -> Whose<'a> {
    let of = &entry.attribution;
    Whose {
        cluster: &of.cluster,
        account: &of.account,
        user: scope.user(&of.cluster, of.uid, &of.user_name),
        partition: &of.partition,
        qos: &of.qos,
    }
}

fn cell(session: &Session<'_>, scope: &Scope<'_>, one: &Corrected<'_>, field: &str) -> Cell {
    let newest = one.newest();
    let before = one.before.entry();
    let seconds = |amount: Option<u64>| amount.map_or(Cell::Absent, Cell::Seconds);
    match field {
        "posted" => one.of.posted_at.into(),
        "cluster" => one.of.before.attribution.cluster.as_str().into(),
        "job-id" => Cell::Count(one.of.jobid.into()),
        "submit" => one.of.submitted_at.into(),
        "user" => newest.map(|entry| whose(scope, entry).user).into(),
        "account" => newest.map(|entry| entry.attribution.account.as_str()).into(),
        "account-before" => before.map(|entry| entry.attribution.account.as_str()).into(),
        "state" => one.after.entry().map(|entry| entry.state.as_str()).into(),
        "state-before" => before.map(|entry| entry.state.as_str()).into(),
        "before" => seconds(one.before.cpu_seconds()),
        "after" => seconds(one.after.cpu_seconds()),
        "change" => one.change().and_then(|change| show_ratio(change, 3_600, 4)).map_or(Cell::Absent, Cell::Decimal),
        "reading" => u64::try_from(one.of.reading).map_or(Cell::Absent, Cell::Count),
        "told-by" => one.of.kind.as_str().into(),
        // Where files of the site lie is for who may see its readings.
        "source" if session.caller.sees_all => one.of.source.as_str().into(),
        _ => Cell::Absent,
    }
}
