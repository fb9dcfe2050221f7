//! `report waits`: of runs on record that began, and of live jobs that began or wait.

use super::grouped::{apart_by, fields, notes, trait_cell};
use super::scope::Scope;
use crate::cli::entity::Report;
use crate::daemon::answer::Answer;
use crate::daemon::answer::session::Session;
use crate::report::apart::{Apart, Groups};
use crate::report::spread::Spread;
use crate::report::usage::so_far;
use crate::report::waits::{Waited, Waits};
use crate::store::past::Chosen;
use crate::wire::{Cell, Query, Response};

pub(super) async fn report(session: &Session<'_>, query: &Query) -> Answer {
    let scope = Scope::of(session, query)?;
    let by = apart_by(query, &[Apart::Cluster]);
    let mut groups = Groups::new(&by);
    scope
        .past(session, Chosen::Began(scope.period), |run, traits| {
            if let (Some(stretch), false) = (scope.stretches.of(run.stint.start), run.goes_on) {
                groups.add(&traits.in_stretch(stretch), Waited::of(&run.stint));
            }
        })
        .await?;
    // Who waits now waits in the last stretch, if that reaches to now.
    let reaches_now = scope.period.start <= session.now && scope.period.end >= session.now;
    let last = scope.stretches.all().len().saturating_sub(1);
    for (job, user) in scope.live(session).await? {
        let Some(traits) = scope.traits_of_live(job, &user) else { continue };
        let began = so_far(job, session.now).and_then(|stint| Some((scope.stretches.of(stint.start)?, stint)));
        match (began, Waited::so_far(job, session.now)) {
            (Some((stretch, stint)), _) => groups.add(&traits.in_stretch(stretch), Waited::of(&stint)),
            (None, Some(waits)) if reaches_now => groups.add(&traits.in_stretch(last), waits),
            (None, _) => {}
        }
    }
    let (bands, groups) = groups.finish();
    let lines = groups.into_iter().map(|(key, all)| (key, Waits::of(&all)));
    let query = Query { fields: fields(Report::Waits, query, &by), ..query.clone() };
    let table = session.rows(Report::Waits.schema(), &query, lines, |(key, waits), field| {
        trait_cell(&scope, &bands, key, field).unwrap_or_else(|| cell(waits, field))
    });
    Ok(Response::Table { table, notes: notes(&scope) })
}

fn cell(waits: &Waits, field: &str) -> Cell {
    let seconds = |value: Option<u64>| value.map_or(Cell::Absent, Cell::Seconds);
    let of = |spread: Option<Spread>, one: fn(&Spread) -> u64| seconds(spread.as_ref().map(one));
    match field {
        "runs" => Cell::Count(waits.runs),
        "wait-p50" => of(waits.wait, |spread| spread.p50),
        "wait-p90" => of(waits.wait, |spread| spread.p90),
        "wait-p95" => of(waits.wait, |spread| spread.p95),
        "wait-max" => of(waits.wait, |spread| spread.max),
        "planned-p50" => of(waits.planned, |spread| spread.p50),
        "planned-p90" => of(waits.planned, |spread| spread.p90),
        "planned-p95" => of(waits.planned, |spread| spread.p95),
        "planned-max" => of(waits.planned, |spread| spread.max),
        "waiting" => Cell::Count(waits.waiting),
        "waiting-longest" => seconds(waits.longest),
        "waiting-planned" => seconds(waits.longest_eligible),
        _ => Cell::Absent,
    }
}
