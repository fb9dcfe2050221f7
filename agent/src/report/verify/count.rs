//! One run as slurmdbd rolls it up and as the ledger counts it.

use bursar_policy::{Period, Timestamp};

use crate::accounting::measure::{Measure, Measures, Stint};
use crate::slurm::overlapping::Overlapping;

/// What is compared: the period, and how far slurmdbd has rolled it up; all at whole hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// The period.
    pub period: Period,
    /// Until when slurmdbd has rolled up, within the period.
    pub rolled_until: Timestamp,
}

impl Frame {
    /// The part that slurmdbd has rolled up.
    pub const fn rolled(&self) -> Period {
        Period { start: self.period.start, end: self.rolled_until }
    }
}

/// A run of slurmdbd, and what else is known of it.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The run.
    pub run: &'a Overlapping,
    /// Whether the ledger has it, ended.
    pub in_ledger: bool,
    /// Seconds of it inside what is rolled up in which it was not suspended, where slurmdbd was asked.
    pub busy: Option<u64>,
}

impl Told<'_> {
    /// What slurmdbd rolls up of it: from Slurm's own start, CPUs without the seconds in which it was suspended.
    pub(super) fn rolled_up(&self, rolled: &Period) -> Measures {
        let run = self.run;
        let end = run.end.unwrap_or(rolled.end).max(run.start);
        let wall = rolled.overlap(run.start, end);
        let busy = self.busy.unwrap_or_else(|| wall.saturating_sub(run.suspended)).min(wall);
        let stint = stint(run, run.start, end, 0);
        let mut columns = *stint.within(rolled).columns();
        if let Some(cpu) = columns.get_mut(Measure::Cpu as usize) {
            // Of all that a job holds, a suspension frees its CPUs alone.
            *cpu = i64::try_from(busy.saturating_mul(stint.cpus)).unwrap_or(i64::MAX);
        }
        Measures::from_columns(columns)
    }
}

/// What the ledger counts of a run that has ended.
pub(super) struct Count<'a> {
    pub(super) frame: Frame,
    pub(super) run: &'a Overlapping,
}

impl Count<'_> {
    fn as_posted(&self, end: Timestamp) -> Stint {
        let start = self.run.start.max(self.run.submit);
        stint(self.run, start, end.max(start), self.run.suspended)
    }

    pub(super) fn ledger(&self, end: Timestamp) -> Measures {
        self.as_posted(end).within(&self.frame.period)
    }

    /// The part of it that slurmdbd has not rolled up.
    pub(super) fn not_rolled_up(&self, end: Timestamp) -> Measures {
        let after = Period { start: self.frame.rolled_until, end: self.frame.period.end };
        self.as_posted(end).within(&after)
    }

    /// What slurmdbd counts of the time before the row began.
    pub(super) fn before_resize(&self, end: Timestamp) -> Measures {
        let until = self.run.submit.min(end).max(self.run.start);
        stint(self.run, self.run.start, until, 0).within(&self.frame.rolled())
    }
}

fn stint(run: &Overlapping, start: Timestamp, end: Timestamp, suspended: u64) -> Stint {
    // slurmdbd counts from Slurm's own start, also where that lies before the submission.
    let mut stint = Stint { start, end, suspended, ..Stint::over(run.submit, start, end) };
    stint.hold(run.held.iter().map(|(name, amount)| (name.as_str(), *amount)));
    stint
}
