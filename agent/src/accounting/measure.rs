//! What one run amounts to inside a stretch of time: seconds of each thing it held, its waits, and how often it counts.
//!
//! Everything is a whole number, so that however time is cut the parts add up to the whole. Suspended seconds count for
//! everything but CPUs, as in slurmdbd's own roll-up.

use std::ops::{AddAssign, Neg};

use bursar_policy::{Period, Timestamp};

use crate::store::runs::Run;

/// Something that is summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Runs that share a second with the period, or began and ended at one instant of it.
    Runs,
    /// Runs that began in it.
    Started,
    /// Runs that ended in it.
    Ended,
    /// Seconds from start to end.
    Wall,
    /// CPU-seconds, without suspended ones.
    Cpu,
    /// Node-seconds.
    Node,
    /// MiB-seconds of memory.
    Memory,
    /// GPU-seconds of all types together.
    Gpu,
    /// Seconds of Slurm's billing TRES.
    Billing,
    /// Seconds from submission to start, of runs that began in the period.
    Wait,
    /// Seconds from when it could have started to its start, of runs that began in the period.
    Planned,
    /// Millionths of node-seconds, each second times (wait + wall) / wall of its run.
    Expansion,
}

impl Measure {
    /// How many there are.
    pub const COUNT: usize = 12;

    /// All of them with their columns in the store, in the order of [`Measures`].
    pub const COLUMNS: [(Self, &'static str); Self::COUNT] = [
        (Self::Runs, "runs"),
        (Self::Started, "started"),
        (Self::Ended, "ended"),
        (Self::Wall, "wall_s"),
        (Self::Cpu, "cpu_s"),
        (Self::Node, "node_s"),
        (Self::Memory, "mem_mib_s"),
        (Self::Gpu, "gpu_s"),
        (Self::Billing, "billing_s"),
        (Self::Wait, "wait_s"),
        (Self::Planned, "planned_s"),
        (Self::Expansion, "expansion"),
    ];
}

/// Amounts of every measure, negative where something was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measures([i64; Measure::COUNT]);

impl Measures {
    /// The amounts in the order of [`Measure::COLUMNS`].
    pub const fn from_columns(amounts: [i64; Measure::COUNT]) -> Self {
        Self(amounts)
    }

    /// The amounts in the order of [`Measure::COLUMNS`].
    pub const fn columns(&self) -> &[i64; Measure::COUNT] {
        &self.0
    }

    /// One amount.
    pub fn get(&self, measure: Measure) -> i64 {
        self.0.get(measure as usize).copied().unwrap_or(0)
    }

    /// One amount that is none when more was taken back than there was.
    pub fn count(&self, measure: Measure) -> u64 {
        u64::try_from(self.get(measure)).unwrap_or(0)
    }

    /// The same as a later stretch of one period: a run that began before is counted there already.
    pub fn continued(mut self) -> Self {
        let started = self.get(Measure::Started);
        if let Some(runs) = self.0.get_mut(Measure::Runs as usize) {
            *runs = started;
        }
        self
    }

    /// Whether nothing is measured.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    fn set(&mut self, measure: Measure, amount: u128) {
        if let Some(slot) = self.0.get_mut(measure as usize) {
            *slot = i64::try_from(amount).unwrap_or(i64::MAX);
        }
    }
}

impl AddAssign for Measures {
    fn add_assign(&mut self, other: Self) {
        for (slot, amount) in self.0.iter_mut().zip(other.0) {
            *slot = slot.saturating_add(amount);
        }
    }
}

impl Neg for Measures {
    type Output = Self;

    fn neg(self) -> Self {
        Self(self.0.map(i64::saturating_neg))
    }
}

/// A run's hold on resources: from when to when, and what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stint {
    /// When it entered the queue.
    pub submitted: Timestamp,
    /// When it could have started; `None` where nobody told.
    pub eligible: Option<Timestamp>,
    /// When it started, never before it was submitted.
    pub start: Timestamp,
    /// The first instant after it; for one that goes on, the instant that is looked from.
    pub end: Timestamp,
    /// Whether it has ended.
    pub over: bool,
    /// Seconds of it that it was suspended.
    pub suspended: u64,
    /// CPUs.
    pub cpus: u64,
    /// Nodes.
    pub nodes: u64,
    /// MiB of memory.
    pub memory_mib: u64,
    /// GPUs of all types.
    pub gpus: u64,
    /// Slurm's billing TRES.
    pub billing: u64,
}

impl Stint {
    /// A run that is over and of which is not said yet what it held.
    ///
    /// After a resize Slurm repeats the first start, so a run never starts before its own submission.
    pub fn over(submitted: Timestamp, started: Timestamp, ended: Timestamp) -> Self {
        let start = started.max(submitted);
        Self {
            submitted,
            eligible: None,
            start,
            end: ended.max(start),
            over: true,
            suspended: 0,
            cpus: 0,
            nodes: 0,
            memory_mib: 0,
            gpus: 0,
            billing: 0,
        }
    }

    /// What a run that has ended held; nothing for one that never ran, or goes on.
    pub fn of(run: &Run) -> Option<Self> {
        let mut stint = Self {
            eligible: run.eligible_at,
            suspended: run.suspended_s,
            nodes: run.nodes.into(),
            ..Self::over(run.submitted_at, run.started_at?, run.ended_at?)
        };
        stint.hold(run.held());
        Some(stint)
    }

    /// Takes in amounts by Slurm's names of TRES.
    pub fn hold<'a>(&mut self, amounts: impl Iterator<Item = (&'a str, u64)>) {
        for (name, amount) in amounts {
            match name {
                "cpu" => self.cpus = amount,
                "node" => self.nodes = amount,
                "mem" => self.memory_mib = amount,
                // A typed GPU is a part of these.
                "gres/gpu" => self.gpus = amount,
                "billing" => self.billing = amount,
                _ => {}
            }
        }
    }

    /// Seconds from submission to start.
    pub const fn wait(&self) -> u64 {
        self.start.seconds_since(self.submitted)
    }

    /// Seconds from when it could have started to its start; from its submission, where nobody told.
    pub fn planned(&self) -> u64 {
        self.start.seconds_since(self.eligible.unwrap_or(self.submitted).max(self.submitted))
    }

    /// CPU-seconds of the whole of it, without suspended ones.
    pub fn cpu_seconds(&self) -> u64 {
        self.end.seconds_since(self.start).saturating_sub(self.suspended).saturating_mul(self.cpus)
    }

    /// What lies inside `period`.
    ///
    /// slurmdbd tells only how long a run was suspended in all; those seconds are taken off the end.
    pub fn within(&self, period: &Period) -> Measures {
        let mut measures = Measures::default();
        let wall = period.overlap(self.start, self.end);
        let starts = period.contains(self.start);
        if wall > 0 || (starts && self.start == self.end) {
            measures.set(Measure::Runs, 1);
        }
        if starts {
            measures.set(Measure::Started, 1);
            measures.set(Measure::Wait, self.wait().into());
            measures.set(Measure::Planned, self.planned().into());
        }
        if self.over && period.contains(self.end) {
            measures.set(Measure::Ended, 1);
        }
        if wall > 0 {
            let whole = self.end.seconds_since(self.start);
            let busy = period.overlap(self.start, self.start.plus(whole.saturating_sub(self.suspended)));
            let times = |amount: u64| u128::from(wall) * u128::from(amount);
            measures.set(Measure::Wall, wall.into());
            measures.set(Measure::Cpu, u128::from(busy) * u128::from(self.cpus));
            measures.set(Measure::Node, times(self.nodes));
            measures.set(Measure::Memory, times(self.memory_mib));
            measures.set(Measure::Gpu, times(self.gpus));
            measures.set(Measure::Billing, times(self.billing));
            measures.set(Measure::Expansion, self.expansion(period));
        }
        measures
    }

    /// Node-seconds of the period times (wait + wall) / wall, in millionths.
    ///
    /// Taken as the difference of two totals that are each rounded down, so that the parts of a run add up.
    fn expansion(&self, period: &Period) -> u128 {
        let whole = u128::from(self.end.seconds_since(self.start));
        let lasted = u128::from(self.end.seconds_since(self.submitted));
        let until = |at: Timestamp| {
            let seconds = u128::from(at.min(self.end).seconds_since(self.start));
            let weight = seconds.saturating_mul(self.nodes.into()).saturating_mul(1_000_000);
            weight.saturating_mul(lasted).checked_div(whole).unwrap_or(0)
        };
        until(period.end).saturating_sub(until(period.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stint() -> Stint {
        Stint {
            submitted: Timestamp(100),
            eligible: Some(Timestamp(150)),
            start: Timestamp(200),
            end: Timestamp(300),
            over: true,
            suspended: 30,
            cpus: 4,
            nodes: 2,
            memory_mib: 1_000,
            gpus: 1,
            billing: 8,
        }
    }

    fn within(stint: Stint, start: i64, end: i64) -> Measures {
        stint.within(&Period { start: Timestamp(start), end: Timestamp(end) })
    }

    #[test]
    fn given_a_run_then_its_waits_lie_where_it_starts_and_its_seconds_where_they_passed() {
        let first = within(stint(), 0, 250);
        let second = within(stint(), 250, 1_000);
        let got = |of: &Measures, all: [Measure; 5]| all.map(|measure| of.get(measure));
        let counts = [Measure::Runs, Measure::Started, Measure::Ended, Measure::Wait, Measure::Planned];
        assert_eq!(got(&first, counts), [1, 1, 0, 100, 50]);
        assert_eq!(got(&second, counts), [1, 0, 1, 0, 0]);
        let held = [Measure::Wall, Measure::Cpu, Measure::Node, Measure::Memory, Measure::Gpu];
        assert_eq!(got(&first, held), [50, 200, 100, 50_000, 50]);
        assert_eq!(got(&second, held), [50, 80, 100, 50_000, 50], "suspended seconds are no CPU time");
    }

    #[test]
    fn given_any_cut_then_the_parts_add_up_to_the_whole() {
        let whole = within(stint(), 0, 1_000);
        for cut in 0..400 {
            let mut parts = within(stint(), 0, cut);
            parts += within(stint(), cut, 1_000);
            for (measure, column) in Measure::COLUMNS {
                // A run on both sides of the cut is one of each period's.
                if measure != Measure::Runs {
                    assert_eq!(parts.get(measure), whole.get(measure), "{column}, cut at {cut}");
                }
            }
        }
        assert_eq!(whole.get(Measure::Expansion), 2 * 200 * 1_000_000);
    }

    #[test]
    fn given_a_run_without_length_then_it_counts_and_adds_nothing() {
        let none = Stint { end: Timestamp(200), ..stint() };
        let measures = within(none, 200, 300);
        assert_eq!(measures.get(Measure::Runs), 1);
        assert_eq!(measures.get(Measure::Ended), 1);
        assert_eq!(measures.get(Measure::Cpu), 0);
        assert!(within(none, 100, 200).is_zero());
    }
}
