//! How long runs waited before they began, and how long jobs have waited that have not.
//!
//! A wait counts from submission: start − submit, which XDMoD calls wait. What was planned of it counts from when the
//! run could have started first: start − eligible, which sacct calls Planned. Neither is less than none. Runs count in
//! the stretch that they began in; a requeued run is one of its own, submitted when it was put back.

use bursar_policy::Timestamp;

use super::spread::Spread;
use crate::accounting::flight::{LiveJob, Stage};
use crate::accounting::measure::Stint;

/// One run that began, or a record of jobs that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// It began.
    Began {
        /// Seconds from its submission.
        wait: u64,
        /// Seconds from when it could have started.
        planned: u64,
    },
    /// It waits now.
    Waits {
        /// How many jobs the record stands for.
        jobs: u64,
        /// Seconds since submission so far.
        so_far: u64,
        /// Seconds since it could have started; `None` while it could not.
        eligible: Option<u64>,
    },
}

impl Waited {
    /// That of a run that began.
    pub fn of(stint: &Stint) -> Self {
        Self::Began { wait: stint.wait(), planned: stint.planned() }
    }

    /// That of a live job at `now`; nothing for one that began.
    pub fn so_far(job: &LiveJob, now: Timestamp) -> Option<Self> {
        if job.stage != Stage::Waiting {
            return None;
        }
        let eligible = (job.begin_at > Timestamp(0) && job.begin_at <= now).then_some(job.begin_at);
        Some(Self::Waits {
            jobs: job.tasks.into(),
            so_far: now.seconds_since(job.submitted_at),
            eligible: eligible.map(|at| now.seconds_since(at.max(job.submitted_at))),
        })
    }
}

/// The waits of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waits {
    /// Runs that began.
    pub runs: u64,
    /// Their seconds from submission; `None` when none began.
    pub wait: Option<Spread>,
    /// Their seconds from when they could have started.
    pub planned: Option<Spread>,
    /// Jobs that wait now.
    pub waiting: u64,
    /// The longest that one of these has waited since its submission.
    pub longest: Option<u64>,
    /// The longest that one of these has waited since it could have started.
    pub longest_eligible: Option<u64>,
}

impl Waits {
    /// Those of all of a group.
    pub fn of(all: &[Waited]) -> Self {
        let mut waits = Self::default();
        let (mut from_submission, mut from_eligibility) = (Vec::new(), Vec::new());
        for one in all {
            match *one {
                Waited::Began { wait, planned } => {
                    waits.runs += 1;
                    from_submission.push(wait);
                    from_eligibility.push(planned);
                }
                Waited::Waits { jobs, so_far, eligible } => {
                    waits.waiting = waits.waiting.saturating_add(jobs);
                    waits.longest = waits.longest.max(Some(so_far));
                    waits.longest_eligible = waits.longest_eligible.max(eligible);
                }
            }
        }
        waits.wait = Spread::of(from_submission);
        waits.planned = Spread::of(from_eligibility);
        waits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_runs_that_began_and_jobs_that_wait_then_neither_counts_as_the_other() {
        let all = [
            Waited::Began { wait: 100, planned: 40 },
            Waited::Waits { jobs: 12, so_far: 9_000, eligible: None },
            Waited::Began { wait: 300, planned: 300 },
            Waited::Waits { jobs: 1, so_far: 50, eligible: Some(20) },
        ];
        let waits = Waits::of(&all);
        assert_eq!((waits.runs, waits.waiting), (2, 13));
        assert_eq!(waits.wait, Some(Spread { p50: 100, p90: 300, p95: 300, max: 300 }));
        assert_eq!(waits.planned.map(|spread| (spread.p50, spread.max)), Some((40, 300)));
        assert_eq!((waits.longest, waits.longest_eligible), (Some(9_000), Some(20)));
    }

    #[test]
    fn given_nobody_who_began_then_there_is_no_wait_to_tell() {
        let waits = Waits::of(&[Waited::Waits { jobs: 1, so_far: 5, eligible: None }]);
        assert_eq!((waits.runs, waits.wait, waits.longest, waits.longest_eligible), (0, None, Some(5), None));
    }
}
