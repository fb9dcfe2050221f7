//! What reports that tell runs apart have in common: the words of `by=`, the columns that go with them, the notes.

use super::scope::{Scope, kind};
use crate::cli::entity::Report;
use crate::report::apart::{Apart, Bands, Key};
use crate::wire::{Cell, Query};

/// Fields that lines are told apart by; all but the first are words of `by=`, too.
const TRAITS: [(&str, Apart); 7] = [
    ("period", Apart::Stretch),
    ("cluster", Apart::Cluster),
    ("account", Apart::Account),
    ("user", Apart::User),
    ("partition", Apart::Partition),
    ("qos", Apart::Qos),
    ("priority", Apart::Priority),
];

/// What lines are told apart by: `otherwise`, unless the query says it; time always comes first.
pub(super) fn apart_by(query: &Query, otherwise: &[Apart]) -> Vec<Apart> {
    let words = query.filter.list("by");
    if words.is_empty() {
        return otherwise.to_vec();
    }
    let apart = words.iter().filter_map(|word| TRAITS.iter().find(|(known, _)| known == word).map(|(_, apart)| *apart));
    kind(query).map(|_| Apart::Stretch).into_iter().chain(apart).collect()
}

/// The fields asked for; with `by=` and no `format=`, what tells the lines apart in place of what does not.
pub(super) fn fields(report: Report, query: &Query, by: &[Apart]) -> Vec<String> {
    let usual = report.schema().default_fields();
    if !query.filter.has("by") || query.fields != usual {
        return query.fields.clone();
    }
    let named = by.iter().filter_map(|one| TRAITS.iter().find(|(_, apart)| apart == one));
    let told = usual.into_iter().filter(|field| !TRAITS.iter().any(|(known, _)| known == field));
    named.map(|(word, _)| (*word).to_owned()).chain(told).collect()
}

/// A field that lines are told apart by; `None` for any other.
pub(super) fn trait_cell(scope: &Scope<'_>, bands: &Bands, key: &Key, field: &str) -> Option<Cell> {
    let (_, apart) = TRAITS.iter().find(|(known, _)| *known == field)?;
    Some(match apart {
        Apart::Stretch => key.number(Apart::Stretch).map(|stretch| scope.stretches.name(stretch)).into(),
        Apart::Priority => key.number(Apart::Priority).map(|band| bands.name(band)).into(),
        other => key.name(*other).into(),
    })
}

/// The period, and that not everything is counted where that is so.
pub(super) fn notes(scope: &Scope<'_>) -> Vec<String> {
    let period = format!("{} until {}", scope.text(scope.period.start), scope.text(scope.period.end));
    std::iter::once(period).chain(scope.only_own()).collect()
}
