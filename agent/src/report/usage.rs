//! Sums up what was used for those who pay; pure, in whole seconds of each thing.
//!
//! [`Used`] is one part of it, [`lines`] sums parts up by whatever they are to be told apart by, and [`in_tree`] adds the
//! accounts' own lines, each with everything below it. However a period is cut, its parts add up to the whole.

use std::collections::{BTreeMap, BTreeSet};

use bursar_policy::Timestamp;

use crate::accounting::flight::{LiveJob, Stage};
use crate::accounting::measure::{Measure, Measures, Stint};

/// Some usage that has everything in common that usage is told apart by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// Which of the report's stretches of time it lies in.
    pub stretch: usize,
    /// The cluster.
    pub cluster: String,
    /// The account that pays.
    pub account: String,
    /// The cost centre that it is charged to, in small letters; empty for none.
    pub cost_centre: String,
    /// The user name; for somebody the store does not know, slurmdbd's name of them, or the uid.
    pub user: String,
    /// The partition.
    pub partition: String,
    /// The QOS.
    pub qos: String,
    /// What was used.
    pub measures: Measures,
    /// Whether it is of runs that have not ended as far as slurmdbd has told, so that it is provisional.
    pub provisional: bool,
}

/// What lines are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// The report's stretches of time.
    Stretch,
    /// The cluster.
    Cluster,
    /// The account.
    Account,
    /// The person.
    User,
    /// The cost centre.
    CostCentre,
    /// The partition.
    Partition,
    /// The QOS.
    Qos,
}

/// One line of a report; what it is not told apart by is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// The stretch of time.
    pub stretch: Option<usize>,
    /// The cluster.
    pub cluster: Option<String>,
    /// The account.
    pub account: Option<String>,
    /// The person.
    pub user: Option<String>,
    /// The cost centre, empty for none.
    pub cost_centre: Option<String>,
    /// The partition.
    pub partition: Option<String>,
    /// The QOS.
    pub qos: Option<String>,
    /// How far below the top the account lies; 0 outside a tree.
    pub depth: usize,
    /// What was used.
    pub measures: Measures,
    /// CPU-seconds of it that are provisional.
    pub in_flight: u64,
    /// Who had a run, by cluster and name.
    pub people: BTreeSet<(String, String)>,
}

impl Line {
    fn add(&mut self, used: &Used) {
        self.measures += used.measures;
        if used.provisional {
            self.in_flight = self.in_flight.saturating_add(used.measures.count(Measure::Cpu));
        }
        if used.measures.get(Measure::Runs) != 0 {
            self.people.insert((used.cluster.clone(), used.user.clone()));
        }
    }

    fn take_in(&mut self, other: &Self) {
        self.measures += other.measures;
        self.in_flight = self.in_flight.saturating_add(other.in_flight);
        self.people.extend(other.people.iter().cloned());
    }
}

/// What a live job has held so far at `now`; nothing for one that waits. A suspended one counts as if it had not been.
pub fn so_far(job: &LiveJob, now: Timestamp) -> Option<Stint> {
    let (start, end, over) = match job.stage {
        Stage::Waiting => return None,
        Stage::Running(started) | Stage::Suspended(started) => (started, now, false),
        Stage::Ended(started, ended) => (started, ended, true),
    };
    let mut stint = Stint {
        eligible: (job.begin_at > Timestamp(0)).then_some(job.begin_at),
        over,
        cpus: job.cpus(),
        ..Stint::over(job.submitted_at, start, end)
    };
    stint.hold(job.held.iter().map(|(name, amount)| (name.as_str(), *amount)));
    Some(stint)
}

/// One line for everything that differs in `by`, in the order of `by`.
pub fn lines(all: &[Used], by: &[By]) -> Vec<Line> {
    let mut lines: BTreeMap<Vec<(usize, &str)>, Line> = BTreeMap::new();
    for used in all.iter().filter(|used| !used.measures.is_zero()) {
        let text = |one: &By| match one {
            By::Stretch => (used.stretch, ""),
            By::Cluster => (0, used.cluster.as_str()),
            By::Account => (0, used.account.as_str()),
            By::User => (0, used.user.as_str()),
            By::CostCentre => (0, used.cost_centre.as_str()),
            By::Partition => (0, used.partition.as_str()),
            By::Qos => (0, used.qos.as_str()),
        };
        let line = lines.entry(by.iter().map(text).collect()).or_insert_with(|| {
            let named = |one: By, text: &str| by.contains(&one).then(|| text.to_owned());
            Line {
                stretch: by.contains(&By::Stretch).then_some(used.stretch),
                cluster: named(By::Cluster, &used.cluster),
                account: named(By::Account, &used.account),
                user: named(By::User, &used.user),
                cost_centre: named(By::CostCentre, &used.cost_centre),
                partition: named(By::Partition, &used.partition),
                qos: named(By::Qos, &used.qos),
                ..Line::default()
            }
        });
        line.add(used);
    }
    // What was used and taken back altogether is no line.
    lines.into_values().filter(|line| !line.measures.is_zero()).collect()
}

/// Lines by account and person, by the account tree: each account first with the sum of its own people and all below.
///
/// `parent` names the account above an account; one that is not known stands at the top.
pub fn in_tree<'a>(lines: &[Line], parent: impl Fn(&str) -> Option<&'a str>) -> Vec<Line> {
    // Keyed by the path from the top, so that the order of the keys is the order of the tree.
    let mut sums: BTreeMap<Vec<String>, (Line, Vec<Line>)> = BTreeMap::new();
    for line in lines {
        let mut path: Vec<String> = vec![line.account.clone().unwrap_or_default()];
        // No tree of accounts is this deep; the bound keeps a broken one from holding us here.
        while let Some(above) = path.last().and_then(|name| parent(name)).filter(|_| path.len() < 64) {
            path.push(above.to_owned());
        }
        path.reverse();
        for length in 1..=path.len() {
            let prefix: Vec<String> = path.iter().take(length).cloned().collect();
            let account = prefix.last().cloned();
            let (sum, people) = sums.entry(prefix).or_insert_with(|| {
                let cluster = line.cluster.clone();
                (Line { cluster, account, depth: length - 1, ..Line::default() }, Vec::new())
            });
            sum.take_in(line);
            if length == path.len() {
                people.push(Line { depth: sum.depth, ..line.clone() });
            }
        }
    }
    sums.into_values().flat_map(|(sum, people)| std::iter::once(sum).chain(people)).collect()
}

/// Each line's part of the CPU time of all, in hundredths of a percent, rounded down.
pub fn shares(lines: &[Line]) -> Vec<u64> {
    let cpu = |line: &Line| u128::from(line.measures.count(Measure::Cpu));
    let total: u128 = lines.iter().map(cpu).sum();
    let share = |line| (cpu(line) * 10_000).checked_div(total).unwrap_or(0);
    lines.iter().map(|line| u64::try_from(share(line)).unwrap_or(10_000)).collect()
}
