//! What runs that have ended consumed in the current day, week and month, by person and account.
//!
//! The sums are kept in memory and grow with every run that arrives; they are made anew from the store when a period
//! ends or a run that was counted changes.

use std::collections::{HashMap, HashSet};

use bursar_policy::{Period, PeriodKind, Timestamp};

use super::calendar::{Calendar, OutsideCalendar};
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

/// CPU-seconds in the current day, week and month, in the order of [`PeriodKind::ALL`].
pub type Consumed = [u64; 3];

/// Sums of ended runs for the current periods.
#[derive(Debug, Clone)]
pub struct Settled {
    periods: [Period; 3],
    sums: HashMap<(u32, String), Consumed>,
    /// Keys of the runs that are counted, so that a live list never counts them again.
    keys: HashSet<(u32, Timestamp)>,
}

impl Settled {
    /// Sums up the store's runs of the periods that `now` falls into.
    pub async fn read(store: &Store, cluster: &str, calendar: &Calendar, now: Timestamp) -> Result<Self, SettledError> {
        let periods = current(calendar, now)?;
        let mut settled = Self { periods, sums: HashMap::new(), keys: HashSet::new() };
        let all =
            Period { start: periods.iter().map(|period| period.start).min().unwrap_or(now), end: Timestamp::NEVER };
        for run in store.runs_overlapping(cluster, &all).await? {
            settled.count(&run);
        }
        Ok(settled)
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

    /// Whether the sums are of the periods that `now` falls into.
    pub fn is_current(&self, now: Timestamp) -> bool {
        self.periods.iter().all(|period| period.contains(now))
    }

    /// Whether this run is counted.
    pub fn has(&self, jobid: u32, submitted_at: Timestamp) -> bool {
        self.keys.contains(&(jobid, submitted_at))
    }

    /// The periods, in the order of [`PeriodKind::ALL`].
    pub fn periods(&self) -> [Period; 3] {
        self.periods
    }

    /// The sums by uid and account.
    pub fn sums(&self) -> impl Iterator<Item = (u32, &str, Consumed)> {
        self.sums.iter().map(|((uid, account), consumed)| (*uid, account.as_str(), *consumed))
    }

    fn count(&mut self, run: &Run) {
        let Some(ended) = run.ended_at else { return };
        if !self.keys.insert((run.jobid, run.submitted_at)) {
            return;
        }
        let sum = self.sums.entry((run.uid, run.account.clone())).or_default();
        for (slot, period) in sum.iter_mut().zip(&self.periods) {
            *slot = slot.saturating_add(run.most_cpu_seconds(period, ended));
        }
    }
}

fn current(calendar: &Calendar, now: Timestamp) -> Result<[Period; 3], OutsideCalendar> {
    let [day, week, month] = PeriodKind::ALL.map(|kind| calendar.period(kind, now));
    Ok([day?, week?, month?])
}
