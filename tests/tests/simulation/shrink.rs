//! Finds the few submissions that are enough for a failure.

use bursar_policy::Timestamp;

use super::plan::Plan;
use super::site::Site;
use super::truth::Violation;
use super::world::World;

/// How many runs the search may take.
const RUNS: usize = 60;

/// Leaves out ever smaller parts of `plans` as long as some limit still breaks.
pub(crate) fn shrink<'p>(
    site: &Site,
    seed: u64,
    plans: &[&'p Plan],
    from: Timestamp,
    violation: Violation,
) -> (Vec<&'p Plan>, Violation) {
    let to = violation.at.plus(1);
    let mut kept: Vec<&Plan> = plans.iter().copied().filter(|plan| plan.at < to).collect();
    let mut last = violation;
    let mut chunk = kept.len().div_ceil(2);
    let mut runs = 0;
    while chunk > 0 && runs < RUNS {
        let mut at = 0;
        while at < kept.len() && runs < RUNS {
            let fewer: Vec<&Plan> =
                kept.iter().enumerate().filter(|(n, _)| *n < at || *n >= at + chunk).map(|(_, plan)| *plan).collect();
            runs += 1;
            match World::new(site, seed, &fewer, from, to).run(to) {
                Err(violation) => {
                    kept = fewer;
                    last = violation;
                }
                Ok(_) => at += chunk,
            }
        }
        chunk = if chunk == 1 { 0 } else { chunk.div_ceil(2) };
    }
    (kept, last)
}
