//! What a correction says to somebody who may not see both sides of it, and how much it changed.
//!
//! A run that is told otherwise is posted back as it was and posted anew as it is. Both may be charged to different
//! accounts, so that who sees the one need not see the other.

use crate::store::ledger::{Correction, Entry};

/// One side of a correction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side<'c> {
    /// It is there to be seen.
    Seen(&'c Entry),
    /// It is there, and not for whoever asks.
    Unseen,
    /// There is none: the run never ran.
    Nothing,
}

impl<'c> Side<'c> {
    fn of(entry: Option<&'c Entry>, sees: &impl Fn(&Entry) -> bool) -> Self {
        match entry {
            None => Self::Nothing,
            Some(entry) if sees(entry) => Self::Seen(entry),
            Some(_) => Self::Unseen,
        }
    }

    /// What is to be seen of it.
    pub const fn entry(self) -> Option<&'c Entry> {
        match self {
            Self::Seen(entry) => Some(entry),
            Self::Unseen | Self::Nothing => None,
        }
    }

    /// Its CPU-seconds; `None` if it is not seen.
    pub fn cpu_seconds(self) -> Option<u64> {
        match self {
            Self::Seen(entry) => Some(entry.stint.cpu_seconds()),
            Self::Unseen => None,
            Self::Nothing => Some(0),
        }
    }
}

/// A correction as somebody sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrected<'c> {
    /// All of it.
    pub of: &'c Correction,
    /// What was taken back.
    pub before: Side<'c>,
    /// What was posted in its place.
    pub after: Side<'c>,
}

impl<'c> Corrected<'c> {
    /// The correction for somebody who sees some entries; `None` if neither side of it is.
    pub fn seen(of: &'c Correction, sees: impl Fn(&Entry) -> bool) -> Option<Self> {
        let (before, after) = (Side::of(Some(&of.before), &sees), Side::of(of.after.as_ref(), &sees));
        (before.entry().is_some() || after.entry().is_some()).then_some(Self { of, before, after })
    }

    /// The side that stands now, or the other if that is all there is to be seen.
    pub fn newest(&self) -> Option<&'c Entry> {
        self.after.entry().or(self.before.entry())
    }

    /// By how many CPU-seconds the run uses more than before; `None` if not both sides are seen.
    pub fn change(&self) -> Option<i128> {
        Some(i128::from(self.after.cpu_seconds()?) - i128::from(self.before.cpu_seconds()?))
    }
}

/// CPU-seconds that were added and those that were taken off by all corrections whose sides are seen.
pub fn sums(all: &[Corrected<'_>]) -> (u128, u128) {
    let changes = all.iter().filter_map(Corrected::change);
    changes.fold((0, 0), |(more, less), change| match change {
        0.. => (more + change.unsigned_abs(), less),
        _ => (more, less + change.unsigned_abs()),
    })
}

#[cfg(test)]
mod tests {
    use bursar_policy::Timestamp;

    use super::*;
    use crate::accounting::measure::Stint;
    use crate::store::ledger::Attribution;

    fn entry(account: &str, seconds: i64) -> Entry {
        let attribution = Attribution {
            cluster: "lab".to_owned(),
            uid: 70_001,
            user_name: "ana".to_owned(),
            account: account.to_owned(),
            wckey: String::new(),
            partition: "main".to_owned(),
            qos: "normal".to_owned(),
        };
        let stint = Stint { cpus: 2, nodes: 1, ..Stint::over(Timestamp(0), Timestamp(0), Timestamp(seconds)) };
        Entry { attribution, state: "COMPLETED".to_owned(), stint }
    }

    fn correction(before: Entry, after: Option<Entry>) -> Correction {
        Correction {
            posted_at: Timestamp(9),
            jobid: 1,
            submitted_at: Timestamp(0),
            before,
            after,
            reading: 2,
            kind: "slurmdbd".to_owned(),
            source: String::new(),
        }
    }

    #[test]
    fn given_a_run_that_was_moved_to_another_account_then_who_sees_one_of_them_sees_that_side_only() {
        let moved = correction(entry("physics", 100), Some(entry("chemistry", 50)));
        let of = |account: &'static str| Corrected::seen(&moved, move |entry| entry.attribution.account == account);
        let physics = of("physics").unwrap();
        assert_eq!((physics.before.cpu_seconds(), physics.after, physics.change()), (Some(200), Side::Unseen, None));
        let chemistry = of("chemistry").unwrap();
        assert_eq!((chemistry.before, chemistry.after.cpu_seconds()), (Side::Unseen, Some(100)));
        assert_eq!(of("biology"), None);
        assert_eq!(Corrected::seen(&moved, |_| true).unwrap().change(), Some(-100));
    }

    #[test]
    fn given_corrections_then_what_was_added_and_what_was_taken_off_do_not_cancel_out() {
        let all = [
            correction(entry("physics", 100), None),
            correction(entry("physics", 10), Some(entry("physics", 40))),
            correction(entry("physics", 10), Some(entry("physics", 10))),
        ];
        let seen: Vec<_> = all.iter().filter_map(|one| Corrected::seen(one, |_| true)).collect();
        assert_eq!(sums(&seen), (60, 200));
        assert_eq!(seen[0].after, Side::Nothing);
    }
}
