//! Keeps the last bills, because several people look at the same month and a big one takes seconds to price.

use std::sync::{Arc, Mutex, PoisonError};

use bursar_policy::Period;

use crate::rates::{Bill, Card};

/// So many bills are kept.
const KEPT: usize = 4;

/// Everything but its card that a bill is made from; another value of any of it is another bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeFrom {
    /// The clusters whose runs are in it.
    pub clusters: Vec<String>,
    /// The period.
    pub period: Period,
    /// The newest posting of the ledger.
    pub postings: i64,
    /// A digest of people's names and accounts' cost centres.
    pub names: u64,
}

/// What a bill was made from, its card, and the bill.
type Kept = (MadeFrom, Arc<Card>, Arc<Bill>);

/// The last bills, the newest last.
#[derive(Debug, Default)]
pub struct Bills(Mutex<Vec<Kept>>);

impl Bills {
    /// The bill that was made from this by this card, if it is kept.
    pub fn get(&self, from: &MadeFrom, card: &Card) -> Option<Arc<Bill>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|(known, by, _)| known == from && **by == *card);
        found.map(|(.., bill)| Arc::clone(bill))
    }

    /// Keeps a bill, instead of the oldest where there are many.
    pub fn keep(&self, from: MadeFrom, card: Arc<Card>, bill: Arc<Bill>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push((from, card, bill));
    }
}
