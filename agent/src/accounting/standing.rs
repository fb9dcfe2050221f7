//! Where everybody stands: settled and in flight together, by person, and by account with everything below it.

use std::collections::HashMap;

use bursar_policy::Usage;

use super::flight::{Flight, Ground};
use super::settled::Settled;

/// Usage by owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    people: HashMap<u32, Usage>,
    accounts: HashMap<String, Usage>,
}

impl Standing {
    /// Adds up runs that ended and jobs that live; `parent` names the account above an account.
    pub fn reckon<'a>(
        settled: &Settled,
        flight: &Flight,
        ground: &Ground,
        parent: impl Fn(&str) -> Option<&'a str>,
    ) -> Self {
        let mut standing = Self::default();
        for (uid, account, consumed) in settled.sums() {
            let mut usage = Usage::default();
            for (slot, seconds) in usage.periods.iter_mut().zip(consumed) {
                slot.settled = seconds;
            }
            standing.add(uid, account, &usage, &parent);
        }
        for job in flight.unsettled(settled) {
            standing.add(job.uid, &job.account, &ground.usage(job), &parent);
        }
        standing
    }

    fn add<'a>(&mut self, uid: u32, account: &str, usage: &Usage, parent: &impl Fn(&str) -> Option<&'a str>) {
        self.people.entry(uid).or_default().add(usage);
        // No tree of accounts is this deep; the bound keeps a broken one from holding us here.
        let line = std::iter::successors(Some(account), |below| parent(below)).take(64);
        for account in line {
            match self.accounts.get_mut(account) {
                Some(sum) => sum.add(usage),
                None => {
                    self.accounts.insert(account.to_owned(), *usage);
                }
            }
        }
    }

    /// What a person holds, over all accounts.
    pub fn person(&self, uid: u32) -> Usage {
        self.people.get(&uid).copied().unwrap_or_default()
    }

    /// What an account and everything below it holds.
    pub fn account(&self, name: &str) -> Usage {
        self.accounts.get(name).copied().unwrap_or_default()
    }
}
