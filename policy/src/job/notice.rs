//! What somebody is told whose job enters: what it may cost, and what to look after.

use super::judge::Terms;
use super::windows::Waits;
use crate::reason::{Hours, Money, WindowName};
use crate::snapshot::Snapshot;
use crate::tres::Resource;

/// The lines for the owner of a job that enters on `terms`, if there is anything to tell.
pub(super) fn of(terms: &Terms<'_>, snapshot: &Snapshot) -> Option<String> {
    let mut lines: Vec<String> = terms.waits.iter().map(|found| waits(found, snapshot)).collect();
    if snapshot.facts().tells_cost {
        let asked = &terms.asked;
        let most =
            |resource| asked.cost.tres.get(resource).saturating_mul(asked.cost.seconds).saturating_mul(asked.jobs);
        let mut parts = Vec::new();
        if most(Resource::Money) > 0 {
            parts.push(format!("cost {} {}", Money(most(Resource::Money)), snapshot.currency()));
        }
        parts.push(format!("use {} CPU-hours", Hours(most(Resource::Cpu))));
        if most(Resource::Gpu) > 0 {
            parts.push(format!("{} GPU-hours", Hours(most(Resource::Gpu))));
        }
        let what = if asked.jobs > 1 { format!("these {} jobs", asked.jobs) } else { "this job".to_owned() };
        lines.push(format!("{what} may {} at most, charged to account {}", parts.join(" and "), terms.account));
    }
    if let Some(over) = terms.storage {
        lines.push(format!(
            "more is stored on {} than is allowed; remove some before jobs are refused for it",
            over.place
        ));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// That a job waits for an opening, and until when.
pub(super) fn waits(waits: &Waits, snapshot: &Snapshot) -> String {
    match snapshot.window_at(waits.opens) {
        Some(window) => {
            let (until, name) = (window.opens_text(waits.until), WindowName::of(&window));
            format!("this job can begin {until} at the earliest, when {name} opens")
        }
        None => format!("this job can begin {} at the earliest", waits.until),
    }
}
