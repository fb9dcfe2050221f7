//! `report completion`: of runs on record that ended.

use super::grouped::{apart_by, fields, notes, trait_cell};
use super::scope::Scope;
use crate::cli::amount::show_ratio;
use crate::cli::entity::Report;
use crate::daemon::answer::Answer;
use crate::daemon::answer::session::Session;
use crate::report::apart::{Apart, Groups};
use crate::report::completion::{Completion, Ended, by_outcome};
use crate::store::past::Chosen;
use crate::wire::{Cell, Query, Response};

pub(super) async fn report(session: &Session<'_>, query: &Query) -> Answer {
    let scope = Scope::of(session, query)?;
    let by = apart_by(query, &[Apart::Cluster]);
    let mut groups = Groups::new(&by);
    scope
        .past(session, Chosen::Ended(scope.period), |run, traits| {
            if let Some(stretch) = scope.stretches.of(run.stint.end) {
                groups.add(&traits.in_stretch(stretch), Ended::of(run.state, &run.stint));
            }
        })
        .await?;
    let (bands, groups) = groups.finish();
    let lines = groups.iter().flat_map(|(key, all)| by_outcome(all).into_iter().map(move |line| (key, line)));
    let query = Query { fields: fields(Report::Completion, query, &by), ..query.clone() };
    let table = session.rows(Report::Completion.schema(), &query, lines, |(key, line), field| {
        trait_cell(&scope, &bands, key, field).unwrap_or_else(|| cell(line, field))
    });
    Ok(Response::Table { table, notes: notes(&scope) })
}

fn cell(line: &Completion, field: &str) -> Cell {
    match field {
        "outcome" => line.outcome.word().into(),
        "runs" => Cell::Count(line.runs),
        "share" => Cell::Parts(line.share, 100),
        "used" => Cell::Seconds(u64::try_from(line.cpu_seconds).unwrap_or(u64::MAX)),
        "cpu-hours" => {
            let seconds = i128::try_from(line.cpu_seconds).unwrap_or(i128::MAX);
            show_ratio(seconds, 3_600, 4).map_or(Cell::Absent, Cell::Decimal)
        }
        "used-share" => line.cpu_share.map_or(Cell::Absent, |share| Cell::Parts(share, 100)),
        _ => Cell::Absent,
    }
}
