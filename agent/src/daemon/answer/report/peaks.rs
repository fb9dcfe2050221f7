//! `report peaks`: from postings, which cancel out where they were taken back, and from live jobs as far as they have
//! come.

use std::collections::{BTreeMap, HashMap};

use bursar_policy::Period;

use super::grouped::{apart_by, fields, notes, trait_cell};
use super::scope::{Scope, Whose};
use crate::cli::entity::Report;
use crate::daemon::answer::Answer;
use crate::daemon::answer::session::Session;
use crate::report::apart::{Apart, Bands, Key, Traits};
use crate::report::peaks::{Level, Peak, Resource};
use crate::report::usage::so_far;
use crate::store::ledger::{Attribution, Part, Span};
use crate::wire::{Cell, Query, Response};

pub(super) async fn report(session: &Session<'_>, query: &Query) -> Answer {
    let scope = Scope::of(session, query)?;
    let by = apart_by(query, &[Apart::Cluster]);
    // What has not come yet is neither busy nor idle.
    let period = Period { start: scope.period.start, end: scope.period.end.min(session.now) };
    let mut levels: Vec<Level> = Vec::new();
    let mut places: BTreeMap<Key, usize> = BTreeMap::new();
    let mut place_of = |traits: &Traits<'_>, levels: &mut Vec<Level>| {
        *places.entry(Key::of(&by, traits)).or_insert_with(|| {
            levels.push(Level::default());
            levels.len() - 1
        })
    };
    if period.length() > 0 {
        // Each attribution is judged once, however many postings it has.
        let mut known: HashMap<i64, Option<usize>> = HashMap::new();
        let each = |_: &Span, number, of: &Attribution, part| {
            let Part::Posting(stint, back) = part else { return };
            let place = *known.entry(number).or_insert_with(|| {
                let traits = Traits {
                    cluster: &of.cluster,
                    account: &of.account,
                    user: scope.user(&of.cluster, of.uid, &of.user_name),
                    partition: &of.partition,
                    qos: &of.qos,
                    ..Traits::default()
                };
                scope.has(&Whose::of(&traits)).then(|| place_of(&traits, &mut levels))
            });
            if let Some(level) = place.and_then(|place| levels.get_mut(place)) {
                level.add(&stint, back, &period);
            }
        };
        session.site.store.sums(&session.view.calendar, &[Span::Exact(period)], each).await?;
        for (job, user) in scope.live(session).await? {
            if let (Some(traits), Some(stint)) = (scope.traits_of_live(job, &user), so_far(job, session.now)) {
                let place = place_of(&traits, &mut levels);
                if let Some(level) = levels.get_mut(place) {
                    level.add(&stint, false, &period);
                }
            }
        }
    }
    let lines = places.into_iter().flat_map(|(key, place)| {
        let peaks = levels.get_mut(place).map(|level| std::mem::take(level).peaks(&period)).unwrap_or_default();
        peaks.into_iter().map(move |peak| (key.clone(), peak))
    });
    let query = Query { fields: fields(Report::Peaks, query, &by), ..query.clone() };
    let bands = Bands::default();
    let table = session.rows(Report::Peaks.schema(), &query, lines, |(key, peak), field| {
        trait_cell(&scope, &bands, key, field).unwrap_or_else(|| cell(peak, field))
    });
    Ok(Response::Table { table, notes: notes(&scope) })
}

fn cell(peak: &Peak, field: &str) -> Cell {
    let in_gb = peak.resource == Resource::Memory;
    match field {
        "resource" => peak.resource.word().into(),
        "peak" if in_gb => Cell::Parts(peak.most, 1_024),
        "peak" => Cell::Count(peak.most),
        "began" => peak.began.into(),
        "lasted" => Cell::Seconds(peak.lasted),
        "mean-p95" if in_gb => Cell::Parts(peak.mean_p95, 102_400),
        "mean-p95" => Cell::Parts(peak.mean_p95, 100),
        _ => Cell::Absent,
    }
}
