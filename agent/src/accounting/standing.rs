//! Where everybody stands: settled and in flight together, by person, by person in an account, and by account, each
//! with everything below it.

use std::collections::HashMap;

use bursar_policy::{PeriodUse, Tres, Usage};

use super::flight::{Flight, Ground};
use super::settled::Settled;

/// Usage by owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    people: HashMap<u32, Usage>,
    seats: HashMap<(u32, String), Usage>,
    accounts: HashMap<String, Usage>,
    /// What was consumed under grants by runs that have ended, by uid and grant.
    lives: HashMap<(u32, u64), Tres>,
}

impl Standing {
    /// Adds up runs that ended and jobs that live; `parent` names the account above an account, `calendar` the position
    /// of the calendar that an account is counted by.
    pub fn reckon<'a>(
        settled: &Settled,
        flight: &Flight,
        ground: &Ground,
        parent: impl Fn(&str) -> Option<&'a str>,
        calendar: impl Fn(&str) -> u32,
    ) -> Self {
        let mut standing = Self { lives: settled.lives().clone(), ..Self::default() };
        for (uid, account, consumed) in settled.sums() {
            let usage = |calendar: u32| {
                let mut usage = Usage::default();
                let sums = usize::try_from(calendar).ok().and_then(|at| consumed.get(at)).copied().unwrap_or_default();
                for (slot, settled) in usage.periods.iter_mut().zip(sums) {
                    *slot = PeriodUse { settled, ..PeriodUse::default() };
                }
                usage
            };
            standing.add(uid, account, usage, &parent, &calendar);
        }
        for job in flight.unsettled(settled) {
            standing.add(job.uid, &job.account, |calendar| ground.usage(job, calendar), &parent, &calendar);
        }
        standing
    }

    fn add<'a>(
        &mut self,
        uid: u32,
        account: &str,
        usage: impl Fn(u32) -> Usage,
        parent: &impl Fn(&str) -> Option<&'a str>,
        calendar: &impl Fn(&str) -> u32,
    ) {
        let mut known = 0;
        let mut added = usage(known);
        self.people.entry(uid).or_default().add(&added);
        // No tree of accounts is this deep; the bound keeps a broken one from holding us here.
        let line = std::iter::successors(Some(account), |below| parent(below)).take(64);
        for account in line {
            let wanted = calendar(account);
            if wanted != known {
                (known, added) = (wanted, usage(wanted));
            }
            self.seats.entry((uid, account.to_owned())).or_default().add(&added);
            match self.accounts.get_mut(account) {
                Some(sum) => sum.add(&added),
                None => {
                    self.accounts.insert(account.to_owned(), added);
                }
            }
        }
    }

    /// What a person holds, over all accounts.
    pub fn person(&self, uid: u32) -> Usage {
        self.people.get(&uid).copied().unwrap_or_default()
    }

    /// What a person holds in an account and below it.
    pub fn seat(&self, uid: u32, account: &str) -> Usage {
        self.seats.get(&(uid, account.to_owned())).copied().unwrap_or_default()
    }

    /// What an account and everything below it holds.
    pub fn account(&self, name: &str) -> Usage {
        self.accounts.get(name).copied().unwrap_or_default()
    }

    /// What a person consumed under a grant in runs that have ended.
    pub fn life(&self, uid: u32, grant: u64) -> Tres {
        self.lives.get(&(uid, grant)).copied().unwrap_or_default()
    }
}
