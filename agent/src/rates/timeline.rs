//! Cuts time, and runs with it, wherever their price may change: at versions, at the edges of windows, at suspension.

use bursar_policy::{Period, Timestamp};

use super::card::{Card, Suspended};
use super::consumption::Consumption;
use super::terms::window_bit;
use crate::accounting::calendar::OutsideCalendar;

/// Time in stretches in which one version holds and the same windows are open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    stretches: Vec<Stretch>,
    suspended: Suspended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    time: Period,
    version: Option<usize>,
    open: u64,
}

/// A part of a run in which its price does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// When.
    pub time: Period,
    /// The version in force, by position; nothing before the first.
    pub version: Option<usize>,
    /// The open windows of that version, a bit for each by position.
    pub open: u64,
    /// Whether the run was suspended.
    pub suspended: bool,
}

impl Card {
    /// The stretches of `period`.
    ///
    /// Fails for a period that the calendar does not have.
    pub fn timeline(&self, period: Period) -> Result<Timeline, OutsideCalendar> {
        let mut stretches = Vec::new();
        let first = self.versions.first().map_or(period.end, |version| version.from);
        add(&mut stretches, within(period, Timestamp(i64::MIN), first), None, &[]);
        for (position, version) in self.versions.iter().enumerate() {
            let until = self.versions.get(position.saturating_add(1)).map_or(Timestamp::NEVER, |next| next.from);
            let time = within(period, version.from, until);
            if time.start >= time.end {
                continue;
            }
            let windows = version.windows.iter().map(|window| window.schedule.openings_within(time));
            add(&mut stretches, time, Some(position), &windows.collect::<Result<Vec<_>, _>>()?);
        }
        Ok(Timeline { stretches, suspended: self.suspended })
    }
}

impl Timeline {
    /// The pieces of a run that lie on this timeline, in their order.
    pub fn split(&self, run: &Consumption) -> Vec<Piece> {
        let busy_end = match self.suspended {
            Suspended::All => run.end,
            Suspended::None | Suspended::NonCpu => run.busy_end(),
        };
        let first = self.stretches.partition_point(|stretch| stretch.time.end <= run.start);
        let touched = self.stretches.iter().skip(first).take_while(|stretch| stretch.time.start < run.end);
        let halves = touched.flat_map(|stretch| {
            let busy = Piece {
                time: within(stretch.time, run.start, busy_end),
                version: stretch.version,
                open: stretch.open,
                suspended: false,
            };
            [busy, Piece { time: within(stretch.time, busy_end, run.end), suspended: true, ..busy }]
        });
        halves.filter(|piece| piece.time.start < piece.time.end).collect()
    }
}

/// What `period` shares with `[from, to)`; may be empty.
fn within(period: Period, from: Timestamp, to: Timestamp) -> Period {
    Period { start: period.start.max(from), end: period.end.min(to) }
}

/// Adds the stretches of `time`, cut at every edge of its windows.
fn add(stretches: &mut Vec<Stretch>, time: Period, version: Option<usize>, windows: &[Vec<Period>]) {
    if time.start >= time.end {
        return;
    }
    // Which windows open (true) and close at an instant. Openings of one window never touch.
    let mut edges: Vec<(Timestamp, u64, bool)> = Vec::new();
    for (window, openings) in windows.iter().enumerate() {
        for opening in openings {
            edges.push((opening.start.max(time.start), window_bit(window), true));
            edges.push((opening.end, window_bit(window), false));
        }
    }
    edges.sort_unstable();
    let (mut from, mut open) = (time.start, 0);
    for (at, window, opens) in edges {
        let at = at.min(time.end);
        if from < at {
            stretches.push(Stretch { time: Period { start: from, end: at }, version, open });
            from = at;
        }
        open = if opens { open | window } else { open & !window };
    }
    if from < time.end {
        stretches.push(Stretch { time: Period { start: from, end: time.end }, version, open });
    }
}
