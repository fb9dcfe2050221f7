//! The most that was held at once, and what the busy quarters of an hour came to.
//!
//! What runs hold is a step function of time: it rises by what a run holds at its start and falls by the same at its
//! end, which is the first instant that it no longer holds it. The peak is the maximum of that function, exact to the
//! second; no sampling could miss it. The function is linear in postings, so that what was taken back cancels out. A
//! suspended run counts as holding what it holds, because only how long it was suspended is told, not when.

use std::collections::BTreeMap;

use bursar_policy::{Period, Timestamp};

use super::spread::rank;
use crate::accounting::measure::Stint;

/// Seconds of a slot that means are taken of. Every zone's midnight lies on an edge of the grid of these in UTC.
const SLOT: i64 = 900;

/// Something that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// CPUs.
    Cpus,
    /// Nodes; a node that several runs share counts for each of them.
    Nodes,
    /// GPUs of all types together.
    Gpus,
    /// Memory in MiB.
    Memory,
}

impl Resource {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 4] = [Self::Cpus, Self::Nodes, Self::Gpus, Self::Memory];

    /// How the report calls it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cpus => "cpus",
            Self::Nodes => "nodes",
            Self::Gpus => "gpus",
            Self::Memory => "memory-gb",
        }
    }
}

/// Amounts of each resource, in the order of [`Resource::ALL`].
type Held = [i64; 4];

/// The peak of one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peak {
    /// Of what.
    pub resource: Resource,
    /// The most that was held at once.
    pub most: u64,
    /// The first instant that so much was held.
    pub began: Timestamp,
    /// Seconds that it stayed so much from then on.
    pub lasted: u64,
    /// The 95th percentile, by nearest rank, of the means of all quarters of an hour, in hundredths, rounded down.
    pub mean_p95: u64,
}

/// What a group of runs holds as it rises and falls.
#[derive(Debug, Clone, Default)]
pub struct Level {
    steps: Vec<(Timestamp, Held)>,
}

impl Level {
    /// Takes in what a run holds inside the period, or takes it back.
    pub fn add(&mut self, stint: &Stint, back: bool, period: &Period) {
        let (start, end) = (stint.start.max(period.start), stint.end.min(period.end));
        if start >= end {
            return;
        }
        let amounts = [stint.cpus, stint.nodes, stint.gpus, stint.memory_mib];
        let held = amounts.map(|amount| i64::try_from(amount).unwrap_or(i64::MAX));
        let fall = held.map(i64::saturating_neg);
        self.steps.extend(if back { [(start, fall), (end, held)] } else { [(start, held), (end, fall)] });
    }

    /// The peak of everything that was held at all.
    pub fn peaks(mut self, period: &Period) -> Vec<Peak> {
        self.steps.sort_unstable_by_key(|(at, _)| *at);
        let mut sweeps = Resource::ALL.map(|_| Sweep::new(period));
        let (mut held, mut since) = (Held::default(), period.start);
        let end = (period.end, Held::default());
        for (at, step) in self.steps.into_iter().chain(std::iter::once(end)) {
            // Whatever happens in one instant is one step.
            if at > since {
                for (sweep, level) in sweeps.iter_mut().zip(held) {
                    sweep.hold(since, at, u64::try_from(level).unwrap_or(0));
                }
                since = at;
            }
            for (level, change) in held.iter_mut().zip(step) {
                *level = level.saturating_add(change);
            }
        }
        let peaks = Resource::ALL.into_iter().zip(sweeps).map(|(resource, sweep)| sweep.finish(resource));
        peaks.filter(|peak| peak.most > 0).collect()
    }
}

/// One resource from the start of the period on.
struct Sweep {
    most: u64,
    began: Timestamp,
    lasted: u64,
    /// The slot that is not full: what was held, times the seconds, and the seconds.
    slot: (u128, u64),
    /// How many slots had which mean, in hundredths.
    means: BTreeMap<u64, u64>,
}

impl Sweep {
    const fn new(period: &Period) -> Self {
        Self { most: 0, began: period.start, lasted: 0, slot: (0, 0), means: BTreeMap::new() }
    }

    /// So much is held from one instant to the other.
    fn hold(&mut self, from: Timestamp, to: Timestamp, level: u64) {
        let seconds = to.seconds_since(from);
        if level > self.most {
            (self.most, self.began, self.lasted) = (level, from, seconds);
        } else if level == self.most && self.began.plus(self.lasted) == from {
            self.lasted += seconds;
        }
        let mut at = from;
        while at < to {
            let into = at.0.rem_euclid(SLOT);
            let whole = to.seconds_since(at) / SLOT.unsigned_abs();
            if into == 0 && whole > 0 {
                // However long nothing changes, it is one entry.
                *self.means.entry(level.saturating_mul(100)).or_default() += whole;
                at = at.plus(whole * SLOT.unsigned_abs());
                continue;
            }
            let next = to.min(at.plus((SLOT - into).unsigned_abs()));
            let seconds = next.seconds_since(at);
            self.slot.0 += u128::from(level) * u128::from(seconds);
            self.slot.1 += seconds;
            at = next;
            if at.0.rem_euclid(SLOT) == 0 {
                self.close_slot();
            }
        }
    }

    fn close_slot(&mut self) {
        let (sum, seconds) = std::mem::take(&mut self.slot);
        if let Some(mean) = (sum * 100).checked_div(seconds.into()) {
            *self.means.entry(u64::try_from(mean).unwrap_or(u64::MAX)).or_default() += 1;
        }
    }

    fn finish(mut self, resource: Resource) -> Peak {
        self.close_slot();
        let slots = self.means.values().sum::<u64>();
        let place = usize::try_from(slots).ok().and_then(|slots| rank(slots, 95));
        let mut left = place.and_then(|place| u64::try_from(place).ok()).unwrap_or(0);
        let mean = self.means.iter().find(|(_, count)| match left.checked_sub(**count) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        });
        let mean_p95 = mean.map_or(0, |(mean, _)| *mean);
        Peak { resource, most: self.most, began: self.began, lasted: self.lasted, mean_p95 }
    }
}

#[cfg(test)]
#[path = "peaks_tests.rs"]
mod tests;
