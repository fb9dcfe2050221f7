//! What runs that have ended consumed in the current periods and under grants, by person and account.
//!
//! The sums are kept in memory and grow with every run that arrives; they are made anew from the store when a period
//! ends, when prices, calendars or counted grants change, or when a run that was counted changes.

use std::collections::{HashMap, HashSet};

use bursar_policy::{Period, PeriodKind, Timestamp, Tres};

use super::calendar::{Calendars, OutsideCalendar};
use super::pricing::Pricing;
use crate::store::Error;
use crate::store::Store;
use crate::store::runs::{Run, RunChanges};

/// Why sums could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SettledError {
    /// The store could not be read.
    #[error("cannot sum up the runs of the current periods")]
    Store(#[from] Error),
    /// The clock is off.
    #[error("cannot place the current instant in the calendar")]
    Calendar(#[from] OutsideCalendar),
}

/// What was consumed in the current periods, in the order of [`PeriodKind::ALL`].
pub type Consumed = [Tres; PeriodKind::COUNT];

/// A grant whose consumption is counted over its life, of one holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// The holder.
    pub uid: u32,
    /// The grant's number.
    pub grant: u64,
    /// The first instant that counts.
    pub from: Timestamp,
    /// The accounts whose runs count; nothing is all.
    pub accounts: Option<HashSet<String>>,
}

/// By what runs are counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// The periods' calendars.
    pub calendars: Calendars,
    /// What allocations hold and cost.
    pub pricing: Pricing,
    /// The kinds of period that something is counted by; what is not counted is not summed up.
    pub kinds: [bool; PeriodKind::COUNT],
    /// Grants that are counted.
    pub lives: Vec<Life>,
}

/// Sums of ended runs for the current periods.
#[derive(Debug, Clone)]
pub struct Settled {
    terms: Terms,
    /// By calendar.
    periods: Vec<[Period; PeriodKind::COUNT]>,
    /// By uid and account, then by calendar.
    sums: HashMap<(u32, String), Vec<Consumed>>,
    lives: HashMap<(u32, u64), Tres>,
    /// Keys of the runs that are counted, so that a live list never counts them again.
    keys: HashSet<(u32, Timestamp)>,
}

impl Settled {
    /// Sums up the store's runs of the periods that `now` falls into.
    pub async fn read(store: &Store, cluster: &str, terms: Terms, now: Timestamp) -> Result<Self, SettledError> {
        let mut periods = Vec::new();
        for calendar in terms.calendars.iter() {
            let [day, week, month, quarter, year] = PeriodKind::ALL.map(|kind| calendar.period(kind, now));
            periods.push([day?, week?, month?, quarter?, year?]);
        }
        let mut settled = Self { terms, periods, sums: HashMap::new(), lives: HashMap::new(), keys: HashSet::new() };
        let all = Period { start: settled.counts_from(now), end: Timestamp::NEVER };
        for run in store.runs_overlapping(cluster, &all).await? {
            settled.count(&run);
        }
        Ok(settled)
    }

    /// The first instant that anything is counted from.
    pub fn counts_from(&self, now: Timestamp) -> Timestamp {
        let kinds = self.terms.kinds;
        let counted = self.periods.iter().flat_map(|all| all.iter().zip(kinds).filter(|(_, is)| *is));
        let lives = self.terms.lives.iter().map(|life| life.from);
        counted.map(|(period, _)| period.start).chain(lives).min().unwrap_or(now)
    }

    /// Takes in runs that were just kept; `false` when the sums must be made anew instead.
    pub fn take(&mut self, runs: &[Run], changes: &RunChanges) -> bool {
        if !changes.changed.is_empty() {
            return false;
        }
        let added: HashSet<_> = changes.added.iter().copied().collect();
        for run in runs.iter().filter(|run| added.contains(&(run.jobid, run.submitted_at))) {
            self.count(run);
        }
        true
    }

    /// Remembers which of `jobs` `older` had settled: a run that never started lies in no period, and yet has ended.
    pub fn inherit(&mut self, older: &Self, jobs: impl Iterator<Item = (u32, Timestamp)>) {
        self.keys.extend(jobs.filter(|key| older.keys.contains(key)));
    }

    /// Whether the sums are of the periods that `now` falls into, and by these terms.
    pub fn is_current(&self, terms: &Terms, now: Timestamp) -> bool {
        self.terms == *terms && self.periods.iter().flatten().all(|period| period.contains(now))
    }

    /// Whether this run is counted.
    pub fn has(&self, jobid: u32, submitted_at: Timestamp) -> bool {
        self.keys.contains(&(jobid, submitted_at))
    }

    /// The sums by uid and account, each by calendar.
    pub fn sums(&self) -> impl Iterator<Item = (u32, &str, &[Consumed])> {
        self.sums.iter().map(|((uid, account), consumed)| (*uid, account.as_str(), consumed.as_slice()))
    }

    /// What was consumed under grants, by uid and grant.
    pub fn lives(&self) -> &HashMap<(u32, u64), Tres> {
        &self.lives
    }

    fn count(&mut self, run: &Run) {
        let Some(ended) = run.ended_at else { return };
        if !self.keys.insert((run.jobid, run.submitted_at)) {
            return;
        }
        let held = self.terms.pricing.held(run.held(), &run.partition, &run.qos);
        let sums = self
            .sums
            .entry((run.uid, run.account.clone()))
            .or_insert_with(|| vec![Consumed::default(); self.periods.len()]);
        for (sum, periods) in sums.iter_mut().zip(&self.periods) {
            for ((slot, period), _) in sum.iter_mut().zip(periods).zip(self.terms.kinds).filter(|(_, is)| *is) {
                slot.add(&held.times(run.most_seconds(period, ended)));
            }
        }
        for life in self.terms.lives.iter().filter(|life| life.uid == run.uid) {
            if life.accounts.as_ref().is_none_or(|accounts| accounts.contains(&run.account)) {
                let period = Period { start: life.from, end: Timestamp::NEVER };
                let sum = self.lives.entry((life.uid, life.grant)).or_default();
                sum.add(&held.times(run.most_seconds(&period, ended)));
            }
        }
    }
}
