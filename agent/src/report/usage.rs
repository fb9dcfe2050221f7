//! Sums up CPU time by account and person over a period; pure, in whole CPU-seconds.
//!
//! [`used`] clips every run to the period, [`by_person`] adds up, [`in_tree`] adds the accounts' own lines, each with
//! everything below it. However a period is cut, its parts add up to the whole, as for [`Run::cpu_seconds`].

use std::collections::{BTreeMap, HashSet};

use bursar_policy::{Period, Timestamp};

use crate::accounting::flight::{LiveJob, Stage};
use crate::store::runs::Run;

/// One run's part of a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// The account that pays.
    pub account: String,
    /// The cost centre that it is charged to, in small letters; empty for none.
    pub cost_centre: String,
    /// The user name; for somebody the store does not know, slurmdbd's name of them, or the uid.
    pub user: String,
    /// CPU-seconds within the period.
    pub cpu_seconds: u64,
    /// Whether the run has not ended as far as slurmdbd has told, so that the amount is provisional.
    pub provisional: bool,
}

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The account.
    pub account: String,
    /// How far below the top it lies; 0 outside a tree.
    pub depth: usize,
    /// The person; nothing for an account's sum.
    pub user: Option<String>,
    /// Runs that used any of it.
    pub runs: u64,
    /// CPU-seconds within the period.
    pub cpu_seconds: u64,
    /// Those of them that are provisional.
    pub in_flight: u64,
}

/// Each run's part of `period`: ended ones from `runs`, the others from `live`, as far as they have come at `now`.
///
/// `runs` are the store's, those that have not ended among them; slurmctld knows more of these. `name` gives the user
/// name of a uid, `centre` the cost centre of an account, its own or that of one above, for runs that carry none.
pub fn used<'a>(
    runs: &[Run],
    live: impl Iterator<Item = &'a LiveJob>,
    period: &Period,
    now: Timestamp,
    name: impl Fn(u32) -> Option<String>,
    centre: impl Fn(&str) -> Option<String>,
) -> Vec<Used> {
    let inherited = |account: &str| centre(account).unwrap_or_default().to_ascii_lowercase();
    let mut settled = HashSet::new();
    let mut all = Vec::new();
    for run in runs.iter().filter(|run| run.ended_at.is_some()) {
        settled.insert((run.jobid, run.submitted_at));
        all.push(Used {
            account: run.account.clone(),
            cost_centre: if run.wckey.is_empty() { inherited(&run.account) } else { run.wckey.to_ascii_lowercase() },
            user: name(run.uid).unwrap_or_else(|| run.user_name.clone()),
            cpu_seconds: run.cpu_seconds(period, now),
            provisional: false,
        });
    }
    for job in live.filter(|job| !settled.contains(&(job.job_id, job.submitted_at))) {
        all.push(Used {
            account: job.account.clone(),
            // slurmctld's list carries no text of the user's, so no cost centre; what is live is charged as its account.
            cost_centre: inherited(&job.account),
            user: name(job.uid).unwrap_or_else(|| job.uid.to_string()),
            cpu_seconds: so_far(job, period, now),
            provisional: true,
        });
    }
    all.retain(|used| used.cpu_seconds > 0);
    all
}

/// What a live job has consumed within the period until `now`; a suspended one as if it had not been.
fn so_far(job: &LiveJob, period: &Period, now: Timestamp) -> u64 {
    let (from, to) = match job.stage {
        Stage::Waiting => return 0,
        Stage::Running(started) | Stage::Suspended(started) => (started, now),
        Stage::Ended(started, ended) => (started, ended),
    };
    period.overlap(from.max(job.submitted_at), to).saturating_mul(job.cpus())
}

/// What one cost centre is charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charged {
    /// The cost centre, in small letters; empty for what carries none.
    pub cost_centre: String,
    /// Runs that used any of it.
    pub runs: u64,
    /// CPU-seconds within the period.
    pub cpu_seconds: u64,
    /// Those of them that are provisional.
    pub in_flight: u64,
    /// Its part of all that is listed, in hundredths of a percent, rounded down.
    pub share: u64,
}

/// One line per cost centre, by name; what carries none comes first.
pub fn by_cost_centre(all: &[Used]) -> Vec<Charged> {
    let mut lines: BTreeMap<&str, Charged> = BTreeMap::new();
    for used in all {
        let line = lines.entry(&used.cost_centre).or_insert_with(|| Charged {
            cost_centre: used.cost_centre.clone(),
            runs: 0,
            cpu_seconds: 0,
            in_flight: 0,
            share: 0,
        });
        line.runs = line.runs.saturating_add(1);
        line.cpu_seconds = line.cpu_seconds.saturating_add(used.cpu_seconds);
        line.in_flight = line.in_flight.saturating_add(if used.provisional { used.cpu_seconds } else { 0 });
    }
    let total: u128 = lines.values().map(|line| u128::from(line.cpu_seconds)).sum();
    for line in lines.values_mut() {
        let share = (u128::from(line.cpu_seconds) * 10_000).checked_div(total).unwrap_or(0);
        line.share = u64::try_from(share).unwrap_or(10_000);
    }
    lines.into_values().collect()
}

/// One line per account and person, by account and name.
pub fn by_person(all: &[Used]) -> Vec<Line> {
    let mut lines: BTreeMap<(&str, &str), Line> = BTreeMap::new();
    for used in all {
        let line = lines.entry((&used.account, &used.user)).or_insert_with(|| Line {
            account: used.account.clone(),
            depth: 0,
            user: Some(used.user.clone()),
            runs: 0,
            cpu_seconds: 0,
            in_flight: 0,
        });
        line.runs = line.runs.saturating_add(1);
        line.cpu_seconds = line.cpu_seconds.saturating_add(used.cpu_seconds);
        line.in_flight = line.in_flight.saturating_add(if used.provisional { used.cpu_seconds } else { 0 });
    }
    lines.into_values().collect()
}

/// The same lines by the account tree, each account first with the sum of its own people and of all below it.
///
/// `parent` names the account above an account; one that is not known stands at the top.
pub fn in_tree<'a>(lines: &[Line], parent: impl Fn(&str) -> Option<&'a str>) -> Vec<Line> {
    // Keyed by the path from the top, so that the order of the keys is the order of the tree.
    let mut sums: BTreeMap<Vec<String>, (Line, Vec<Line>)> = BTreeMap::new();
    for line in lines {
        let mut path: Vec<String> = vec![line.account.clone()];
        // No tree of accounts is this deep; the bound keeps a broken one from holding us here.
        while let Some(above) = path.last().and_then(|name| parent(name)).filter(|_| path.len() < 64) {
            path.push(above.to_owned());
        }
        path.reverse();
        for length in 1..=path.len() {
            let prefix: Vec<String> = path.iter().take(length).cloned().collect();
            let account = prefix.last().cloned().unwrap_or_default();
            let (sum, people) = sums.entry(prefix).or_insert_with(|| {
                let sum = Line { account, depth: length - 1, user: None, runs: 0, cpu_seconds: 0, in_flight: 0 };
                (sum, Vec::new())
            });
            sum.runs = sum.runs.saturating_add(line.runs);
            sum.cpu_seconds = sum.cpu_seconds.saturating_add(line.cpu_seconds);
            sum.in_flight = sum.in_flight.saturating_add(line.in_flight);
            if length == path.len() {
                people.push(Line { depth: sum.depth, ..line.clone() });
            }
        }
    }
    sums.into_values().flat_map(|(sum, people)| std::iter::once(sum).chain(people)).collect()
}
