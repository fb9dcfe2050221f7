//! When a job may run: windows, their openings, and where a job fits into them.
//!
//! The agent has resolved calendars, holidays and zones: a window arrives here as openings, half-open stretches of
//! instants in ascending order. Nothing here allocates, because the plugin asks for every job.

use crate::time::{Period, Timestamp};

/// What becomes of a job that wants to begin while a window is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outside {
    /// It is refused, with the next opening.
    Refuse,
    /// It enters and begins at the next opening.
    Wait,
}

/// What a window demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rule {
    /// What becomes of a job that comes while it is closed.
    pub outside: Outside,
    /// Whether a job must also end before the window closes.
    pub ends_inside: bool,
}

/// A window with its openings, wherever they are kept: the plugin's in the snapshot's bytes, the agent's in a list.
pub trait Window {
    /// What it demands.
    fn rule(&self) -> Rule;

    /// The first opening that ends after `at`.
    fn opening_after(&self, at: Timestamp) -> Option<Period>;

    /// The first instant of which it is not known whether the window is open.
    fn known_until(&self) -> Timestamp;
}

/// What is to be placed: from when on, and how long it may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The earliest instant at which it may begin.
    pub begin_at: Timestamp,
    /// Seconds that it runs at most.
    pub seconds: u64,
}

/// Where a job finds its place among all windows that govern it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement<W> {
    /// It may begin when it wants to.
    Inside,
    /// It may begin at the first instant that lies in all windows.
    Waits {
        /// That instant.
        until: Timestamp,
        /// The window that opens then.
        opens: W,
    },
    /// A window that does not let jobs wait is closed.
    Closed {
        /// The window.
        window: W,
        /// When the job could begin.
        until: Timestamp,
        /// The window that opens then.
        opens: W,
    },
    /// A window that does not let jobs wait is open, but closes before the job has ended.
    EndsOutside {
        /// The window.
        window: W,
        /// When it closes.
        closes: Timestamp,
        /// When the job could begin.
        until: Timestamp,
        /// The window that opens then.
        opens: W,
    },
    /// The job is longer than every opening of this window.
    TooLong {
        /// The window.
        window: W,
        /// Seconds that are left of its longest opening.
        longest: u64,
    },
    /// No instant that is known lies in all windows.
    Nowhere {
        /// A window in which it cannot begin when it wants to.
        window: W,
    },
}

/// More steps than windows of a year have openings: no list makes a verdict endless.
const MOST_STEPS: usize = 4_096;

/// Finds the place of `run` among `windows`, all of which it has to keep to.
///
/// A window that refuses does so when the job cannot begin at the instant it wants to; that it is closed at another
/// instant, for which the job waits because of another window, only makes it wait longer.
pub fn place<W: Window + Copy>(windows: impl Iterator<Item = W> + Clone, run: Run) -> Placement<W> {
    let fails = |window: &W| fits_from(window, run.begin_at, run.seconds) != Some(run.begin_at);
    let Some(first) = windows.clone().find(fails) else { return Placement::Inside };
    let Some((until, opens)) = earliest(windows.clone(), run) else {
        let too_long = windows.filter(|window| window.rule().ends_inside).find_map(|window| {
            let longest = longest(&window, run.begin_at);
            (longest < run.seconds).then_some(Placement::TooLong { window, longest })
        });
        return too_long.unwrap_or(Placement::Nowhere { window: first });
    };
    // Something fails at the wanted instant, so the earliest is another one, at which a window opens.
    let opens = opens.unwrap_or(first);
    match windows.filter(|window| window.rule().outside == Outside::Refuse).find(fails) {
        None => Placement::Waits { until, opens },
        Some(window) => match window.opening_after(run.begin_at) {
            Some(opening) if opening.contains(run.begin_at) => {
                Placement::EndsOutside { window, closes: opening.end, until, opens }
            }
            _ => Placement::Closed { window, until, opens },
        },
    }
}

/// The earliest instant at which `run` may begin in all of `windows`, and the window that opens then, if one has to.
pub fn earliest<W: Window + Copy>(
    windows: impl Iterator<Item = W> + Clone,
    run: Run,
) -> Option<(Timestamp, Option<W>)> {
    let (mut at, mut opens) = (run.begin_at, None);
    for _ in 0..MOST_STEPS {
        // Whoever puts the instant off asks all others again; each time it goes on to another opening.
        let mut later = None;
        for window in windows.clone() {
            let fits = fits_from(&window, at, run.seconds)?;
            if fits > at {
                later = Some((fits, window));
                break;
            }
        }
        match later {
            None => return Some((at, opens)),
            Some((fits, window)) => (at, opens) = (fits, Some(window)),
        }
    }
    None
}

/// The first instant from `at` on at which a run of `seconds` keeps to one window.
fn fits_from<W: Window>(window: &W, at: Timestamp, seconds: u64) -> Option<Timestamp> {
    let ends_inside = window.rule().ends_inside;
    let opening = openings(window, at).find(|opening| {
        let begin = opening.start.max(at);
        !ends_inside || begin.plus(seconds) <= opening.end
    })?;
    let begin = opening.start.max(at);
    (begin < window.known_until()).then_some(begin)
}

/// Seconds from `at` on that are left of the longest opening.
fn longest<W: Window>(window: &W, at: Timestamp) -> u64 {
    openings(window, at).map(|opening| opening.end.seconds_since(opening.start.max(at))).max().unwrap_or(0)
}

/// The openings that end after `at`.
fn openings<W: Window>(window: &W, at: Timestamp) -> impl Iterator<Item = Period> {
    std::iter::successors(window.opening_after(at), |opening| window.opening_after(opening.end)).take(MOST_STEPS)
}

/// A window whose openings lie in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed<'o> {
    /// What it demands.
    pub rule: Rule,
    /// Its openings, ascending, apart from each other.
    pub openings: &'o [Period],
    /// The first instant of which nothing is known.
    pub known_until: Timestamp,
}

impl Window for Listed<'_> {
    fn rule(&self) -> Rule {
        self.rule
    }

    fn opening_after(&self, at: Timestamp) -> Option<Period> {
        self.openings.get(self.openings.partition_point(|opening| opening.end <= at)).copied()
    }

    fn known_until(&self) -> Timestamp {
        self.known_until
    }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
