//! How runs ended: counts and CPU time by outcome, and the share that each outcome has.
//!
//! A run counts in the stretch that it ended in, with all of its CPU time wherever that lies, because its outcome is
//! of the whole of it. Slurm ends a run that is put back into the queue like any other; such runs have outcomes of
//! their own, so that a job that was requeued twice and then completed is three runs, one of which completed.

use crate::accounting::measure::Stint;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// `COMPLETED`: exit code 0.
    Completed,
    /// `FAILED`: any other exit code.
    Failed,
    /// `TIMEOUT` or `DEADLINE`: ended by its time limit or deadline.
    Timeout,
    /// `CANCELLED` or `REVOKED`: ended by its user or an administrator.
    Cancelled,
    /// `NODE_FAIL`, `BOOT_FAIL` or `LAUNCH_FAILED`: a node failed it.
    NodeFailure,
    /// `OUT_OF_MEMORY`.
    OutOfMemory,
    /// `PREEMPTED`: had to give way, whether it was put back or not.
    Preempted,
    /// `REQUEUED` or `SPECIAL_EXIT`: put back by its user, an administrator or its exit code.
    Requeued,
    /// `RESIZING`: goes on as a run of another size.
    Resized,
    /// Any other state.
    Other,
}

impl Outcome {
    /// All outcomes, in the order of the report.
    pub const ALL: [Self; 10] = [
        Self::Completed,
        Self::Failed,
        Self::Timeout,
        Self::Cancelled,
        Self::NodeFailure,
        Self::OutOfMemory,
        Self::Preempted,
        Self::Requeued,
        Self::Resized,
        Self::Other,
    ];

    /// That of the first word of Slurm's state.
    pub fn of(state: &str) -> Self {
        match state {
            "COMPLETED" => Self::Completed,
            "FAILED" => Self::Failed,
            "TIMEOUT" | "DEADLINE" => Self::Timeout,
            "CANCELLED" | "REVOKED" => Self::Cancelled,
            "NODE_FAIL" | "BOOT_FAIL" | "LAUNCH_FAILED" => Self::NodeFailure,
            "OUT_OF_MEMORY" => Self::OutOfMemory,
            "PREEMPTED" => Self::Preempted,
            "REQUEUED" | "SPECIAL_EXIT" => Self::Requeued,
            "RESIZING" => Self::Resized,
            _ => Self::Other,
        }
    }

    /// How the report calls it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::NodeFailure => "node-failure",
            Self::OutOfMemory => "out-of-memory",
            Self::Preempted => "preempted",
            Self::Requeued => "requeued",
            Self::Resized => "resized",
            Self::Other => "other",
        }
    }
}

/// A run that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// How.
    pub outcome: Outcome,
    /// All of its CPU-seconds.
    pub cpu_seconds: u64,
}

impl Ended {
    /// That of a run that ended in this state.
    pub fn of(state: &str, stint: &Stint) -> Self {
        Self { outcome: Outcome::of(state), cpu_seconds: stint.cpu_seconds() }
    }
}

/// The runs of a group that ended one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Completion {
    /// How.
    pub outcome: Outcome,
    /// How many.
    pub runs: u64,
    /// Their CPU-seconds.
    pub cpu_seconds: u128,
    /// Their part of all runs of the group, in hundredths of a percent, rounded down.
    pub share: u64,
    /// Their part of its CPU time, in hundredths of a percent, rounded down; none where there was no CPU time.
    pub cpu_share: Option<u64>,
}

/// Every outcome that a run of a group had, in the order of [`Outcome::ALL`].
pub fn by_outcome(all: &[Ended]) -> Vec<Completion> {
    let whole_runs = all.len() as u128;
    let whole_cpu: u128 = all.iter().map(|run| u128::from(run.cpu_seconds)).sum();
    let share = |part: u128, whole: u128| {
        let share = part.saturating_mul(10_000).checked_div(whole)?;
        u64::try_from(share).ok()
    };
    let told = Outcome::ALL.into_iter().filter_map(|outcome| {
        let such = all.iter().filter(|run| run.outcome == outcome);
        let (runs, cpu_seconds) =
            such.fold((0_u64, 0_u128), |(runs, cpu), run| (runs + 1, cpu + u128::from(run.cpu_seconds)));
        (runs > 0).then(|| Completion {
            outcome,
            runs,
            cpu_seconds,
            share: share(runs.into(), whole_runs).unwrap_or(0),
            cpu_share: share(cpu_seconds, whole_cpu),
        })
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(state: &str, cpu_seconds: u64) -> Ended {
        Ended { outcome: Outcome::of(state), cpu_seconds }
    }

    #[test]
    fn given_runs_of_several_outcomes_then_each_has_its_share_of_runs_and_of_cpu_time() {
        let all = [ended("COMPLETED", 100), ended("FAILED", 0), ended("REQUEUED", 200), ended("BOOT_FAIL", 0)];
        let told: Vec<_> = by_outcome(&all)
            .into_iter()
            .map(|line| (line.outcome.word(), line.runs, line.cpu_seconds, line.share, line.cpu_share))
            .collect();
        assert_eq!(
            told,
            [
                ("completed", 1, 100, 2_500, Some(3_333)),
                ("failed", 1, 0, 2_500, Some(0)),
                ("node-failure", 1, 0, 2_500, Some(0)),
                ("requeued", 1, 200, 2_500, Some(6_666)),
            ]
        );
    }

    #[test]
    fn given_runs_without_length_then_they_have_no_share_of_cpu_time() {
        let told = by_outcome(&[ended("CANCELLED", 0)]);
        assert_eq!((told[0].share, told[0].cpu_share), (10_000, None));
        assert!(by_outcome(&[]).is_empty());
    }

    #[test]
    fn given_any_final_state_of_slurm_then_it_has_an_outcome_and_what_is_not_known_another() {
        let states = [
            "COMPLETED",
            "FAILED",
            "TIMEOUT",
            "DEADLINE",
            "CANCELLED",
            "REVOKED",
            "NODE_FAIL",
            "BOOT_FAIL",
            "OUT_OF_MEMORY",
            "PREEMPTED",
            "REQUEUED",
            "RESIZING",
        ];
        assert!(states.iter().all(|state| Outcome::of(state) != Outcome::Other));
        assert_eq!(Outcome::of("SOMETHING_NEW"), Outcome::Other);
    }
}
