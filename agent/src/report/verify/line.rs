//! One line of a verification, and the causes that its difference is made of.

/// Why slurmdbd's seconds and the ledger's differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Idle time of a reservation, which slurmdbd charges to whoever may use it and the ledger to nobody.
    Reserved,
    /// Suspended seconds: slurmdbd knows when they passed, the ledger takes them off the end of the run.
    Suspended,
    /// The time before a resize, which slurmdbd counts for the job as it was before and again for what it became.
    Resize,
    /// The period's part that slurmdbd has not rolled up yet.
    CurrentHour,
    /// Runs without an end: slurmdbd rolls them up as they go on, the ledger takes them in when they end.
    Open,
    /// Runs that have ended and are not in the ledger: not read yet, or set aside.
    Late,
}

impl Cause {
    /// All, in the order of the columns.
    pub const ALL: [Self; 6] =
        [Self::Reserved, Self::Suspended, Self::Resize, Self::CurrentHour, Self::Open, Self::Late];

    /// The column's name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Suspended => "suspended",
            Self::Resize => "resize",
            Self::CurrentHour => "current-hour",
            Self::Open => "open",
            Self::Late => "late",
        }
    }
}

/// An association and a TRES, and how its seconds come about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// The account.
    pub account: String,
    /// The user; empty for the account's own association.
    pub user: String,
    /// Slurm's name of the TRES.
    pub tres: &'static str,
    /// Seconds in the ledger; of memory MB-seconds.
    pub ledger: i64,
    /// Seconds that slurmdbd reports.
    pub slurm: i64,
    pub(super) causes: [i64; Cause::ALL.len()],
    /// Of the open seconds, those of jobs that are suspended now, which may be fewer than it seems.
    pub(super) doubtful: i64,
}

impl Line {
    /// What slurmdbd has more than the ledger.
    pub const fn difference(&self) -> i64 {
        self.slurm.saturating_sub(self.ledger)
    }

    /// The part of the difference that has this cause.
    pub fn of(&self, cause: Cause) -> i64 {
        self.causes.get(cause as usize).copied().unwrap_or(0)
    }

    /// The part of the difference that has no cause.
    pub fn unexplained(&self) -> i64 {
        self.causes.iter().fold(self.difference(), |left, part| left.saturating_sub(*part))
    }

    /// Whether there is anything to tell about it.
    pub fn differs(&self) -> bool {
        self.difference() != 0 || self.unexplained() != 0
    }

    pub(super) fn add_slurm(&mut self, seconds: i64) {
        self.slurm = self.slurm.saturating_add(seconds);
    }

    pub(super) fn add(&mut self, cause: Cause, seconds: i64) {
        if let Some(slot) = self.causes.get_mut(cause as usize) {
            *slot = slot.saturating_add(seconds);
        }
    }
}
