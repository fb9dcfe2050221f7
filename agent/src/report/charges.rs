//! Sums up the lines of a bill by whatever they are to be told apart by; pure, in minor units of each currency.
//!
//! Every sum is one of rounded lines, so that people, accounts and cost centres come to the same total.

use std::collections::BTreeMap;

use bursar_policy::Timestamp;

use crate::rates::card::Unit;
use crate::rates::{Bill, Charged, Consumption, Exact, Kind, Line, RunKey, UnitRate};
use crate::store::runs::Run;

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

/// A run that has ended, as it is priced; nothing for one that never ran or goes on.
pub fn consumption(run: &Run, user: String, cost_center: String) -> Option<Consumption> {
    let (started, end) = (run.started_at?, run.ended_at?);
    let start: Timestamp = started.max(run.submitted_at);
    Some(Consumption {
        key: RunKey { cluster: run.cluster.clone(), jobid: run.jobid, submitted_at: run.submitted_at },
        user,
        uid: Some(run.uid),
        account: run.account.clone(),
        cost_center,
        partition: run.partition.clone(),
        qos: run.qos.clone(),
        state: run.state.clone(),
        features: Vec::new(),
        start,
        end: end.max(start),
        suspended_s: run.suspended_s,
        nodes: run.nodes.into(),
        tres: run.held().map(|(name, count)| (name.to_owned(), count)).collect(),
        idle: false,
    })
}
