//! Sums up the lines of a bill by whatever they are to be told apart by; pure, in minor units of each currency.
//!
//! Every sum is one of rounded lines, so that people, accounts and cost centres come to the same total.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::rates::card::Unit;
use crate::rates::{Bill, Charged, Consumption, Exact, Kind, Line, RunKey, UnitRate};
use crate::store::ledger::{Attribution, Posting};

/// What charges are told apart by, besides their currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// The cluster.
    Cluster,
    /// The account.
    Account,
    /// The person.
    User,
    /// The cost centre.
    CostCentre,
    /// The partition.
    Partition,
    /// The QOS.
    Qos,
    /// The version of the rate card.
    Version,
    /// What is charged, with its kind, rate and factors.
    Item,
}

impl Of {
    /// All of them: an invoice with its lines.
    pub const ALL: [Self; 8] = [
        Self::CostCentre,
        Self::Account,
        Self::User,
        Self::Cluster,
        Self::Partition,
        Self::Qos,
        Self::Version,
        Self::Item,
    ];
}

/// Lines that have everything in common that they are told apart by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// What they are of; what they are not told apart by is empty.
    pub of: Charged,
    /// How many lines they are.
    pub lines: u64,
    /// How much was used, where one thing is charged: TRES-seconds, or unit-seconds where a started unit counts whole.
    pub quantity: Option<i128>,
    /// What they cost, in minor units.
    pub amount: i128,
    /// What they would cost without discounts, allowances and reserved capacity, likewise.
    pub list_amount: i128,
}

/// One charge for everything that differs in `by`, by currency first.
pub fn sums<'a>(lines: impl IntoIterator<Item = &'a Line>, by: &[Of]) -> Vec<Charge> {
    let mut sums: BTreeMap<Charged, Charge> = BTreeMap::new();
    for line in lines {
        let of = told_apart(&line.of, by);
        let sum = sums.entry(of.clone()).or_insert_with(|| Charge {
            of,
            lines: 0,
            quantity: by.contains(&Of::Item).then_some(0),
            amount: 0,
            list_amount: 0,
        });
        sum.lines = sum.lines.saturating_add(1);
        sum.quantity = sum.quantity.map(|quantity| quantity.saturating_add(line.quantity));
        sum.amount = sum.amount.saturating_add(line.amount.into());
        sum.list_amount = sum.list_amount.saturating_add(line.list_amount.into());
    }
    sums.into_values().collect()
}

/// What a line is of, without what it is not told apart by.
fn told_apart(of: &Charged, by: &[Of]) -> Charged {
    let text = |what, text: &str| if by.contains(&what) { text.to_owned() } else { String::new() };
    let item = by.contains(&Of::Item);
    Charged {
        currency: of.currency.clone(),
        cost_center: text(Of::CostCentre, &of.cost_center),
        account: text(Of::Account, &of.account),
        user: text(Of::User, &of.user),
        uid: of.uid.filter(|_| by.contains(&Of::User)),
        cluster: text(Of::Cluster, &of.cluster),
        partition: text(Of::Partition, &of.partition),
        qos: text(Of::Qos, &of.qos),
        version: text(Of::Version, &of.version),
        kind: if item { of.kind.clone() } else { Kind::Usage },
        item: text(Of::Item, &of.item),
        unit: if item { of.unit } else { Unit::ONE },
        rate: if item { of.rate } else { UnitRate::default() },
        factor: if item { of.factor } else { Exact::ONE },
        kept: if item { of.kept } else { Exact::ONE },
    }
}

/// Two bills of the same runs beside each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// What is compared; what is not told apart is empty.
    pub of: Charged,
    /// By the card in force.
    pub before: i128,
    /// By the other.
    pub after: i128,
}

/// One line for everything that differs in `by`, with what either bill comes to.
pub fn compared(before: &Bill, after: &Bill, by: &[Of]) -> Vec<Compared> {
    let mut all: BTreeMap<Charged, (i128, i128)> = BTreeMap::new();
    for charge in sums(&before.lines, by) {
        all.entry(charge.of).or_default().0 = charge.amount;
    }
    for charge in sums(&after.lines, by) {
        all.entry(charge.of).or_default().1 = charge.amount;
    }
    all.into_iter().map(|(of, (before, after))| Compared { of, before, after }).collect()
}

/// Makes runs to be priced of postings; equal texts and allocations are kept once.
#[derive(Debug, Default)]
pub struct Priced {
    runs: Vec<Consumption>,
    texts: HashSet<Arc<str>>,
    held: HashMap<(u64, String), Arc<BTreeMap<String, u64>>>,
}

impl Priced {
    /// Takes in a posting of somebody by this name, charged to this cost centre; postings come by their ends.
    pub fn take(&mut self, of: &Attribution, posting: Posting, user: &str, cost_center: &str) {
        let back = posting.back;
        let run = self.consumption(of, posting, user, cost_center);
        if !back {
            self.runs.push(run);
            return;
        }
        // What is taken back ends at the same instant, so it is one of the last.
        let ends_then = self.runs.iter().rev().take_while(|known| known.end == run.end);
        if let Some(behind) = ends_then.into_iter().position(|known| *known == run) {
            let place = self.runs.len().saturating_sub(behind).saturating_sub(1);
            self.runs.remove(place);
        }
    }

    /// The runs.
    pub fn into_runs(self) -> Vec<Consumption> {
        self.runs
    }

    fn consumption(&mut self, of: &Attribution, posting: Posting, user: &str, cost_center: &str) -> Consumption {
        let held = match self.held.get(&(posting.alloc_cpus, posting.tres.clone())) {
            Some(held) => Arc::clone(held),
            None => {
                let held: BTreeMap<String, u64> =
                    posting.held().map(|(name, count)| (name.to_owned(), count)).collect();
                let held = Arc::new(held);
                self.held.insert((posting.alloc_cpus, posting.tres.clone()), Arc::clone(&held));
                held
            }
        };
        let key = RunKey { cluster: self.text(&of.cluster), jobid: posting.jobid, submitted_at: posting.submitted_at };
        Consumption {
            key,
            user: self.text(user),
            uid: Some(of.uid),
            account: self.text(&of.account),
            cost_center: self.text(cost_center),
            partition: self.text(&of.partition),
            qos: self.text(&of.qos),
            state: self.text(&posting.state),
            features: Vec::new(),
            start: posting.started_at,
            end: posting.ended_at,
            suspended_s: posting.suspended_s,
            nodes: posting.nodes.into(),
            tres: held,
            idle: false,
        }
    }

    fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.texts.insert(Arc::clone(&new));
        new
    }
}
