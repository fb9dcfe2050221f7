//! Lines of a bill: what was charged to whom, each rounded once, and sums of lines that agree to the last minor unit.

use std::collections::BTreeMap;

use bursar_policy::Period;

use super::card::Unit;
use super::consumption::RunKey;
use super::exact::Exact;
use super::money::UnitRate;

/// What was charged in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// The period.
    pub period: Period,
    /// The lines, ascending by what they are of.
    pub lines: Vec<Line>,
    /// The runs without a price, ascending.
    pub unpriced: Vec<Unpriced>,
    /// Stored data of which nobody knows how much it was.
    pub unmeasured: Vec<Unmeasured>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is of.
    pub of: Charged,
    /// How much: TRES-seconds, or unit-seconds where a started unit counts whole; of [`Kind::Minimum`] runs, of
    /// [`Kind::Reservation`] seconds in force. Less than nothing where something is given back.
    pub quantity: i128,
    /// What it costs, in minor units, rounded once.
    pub amount: i64,
    /// What it would cost without discount, allowance and reserved capacity, likewise.
    pub list_amount: i64,
    /// Whether it is of this period or corrects an earlier one.
    pub class: Class,
}

/// What a line is of: whatever differs in one of these is a line of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Charged {
    /// The currency's code.
    pub currency: String,
    /// The cost centre that pays.
    pub cost_center: String,
    /// The Slurm account.
    pub account: String,
    /// The user; empty where nobody in particular used it.
    pub user: String,
    /// The user's uid.
    pub uid: Option<u32>,
    /// The cluster.
    pub cluster: String,
    /// The partition.
    pub partition: String,
    /// The QOS.
    pub qos: String,
    /// The name of the card's version.
    pub version: String,
    /// What kind of charge it is.
    pub kind: Kind,
    /// What is charged: a TRES, `storage/PLACE`, or the name of what is reserved.
    pub item: String,
    /// What one unit of it is.
    pub unit: Unit,
    /// What an hour of one unit costs.
    pub rate: UnitRate,
    /// The factors of QOS, size, time and rules together.
    pub factor: Exact,
    /// The share of the price that discounts leave, or that is given back.
    pub kept: Exact,
}

/// The kind of a charge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// What runs held.
    Usage,
    /// What stood idle in a reservation.
    Idle,
    /// What was stored.
    Storage,
    /// Use inside a free allowance; costs nothing.
    Allowance,
    /// Use inside capacity of this name that the account has reserved; costs nothing.
    ReservedUse(String),
    /// What reserved capacity costs, used or not.
    Reservation,
    /// What runs cost less than the least that a run costs, each to a billionth of the currency.
    Minimum,
    /// What runs that ended in this state get back.
    Refund(String),
}

/// Which period a line is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The one that is billed.
    Current,
    /// An earlier one, which was closed when this became known.
    Correction {
        /// The earlier one.
        of: Period,
    },
}

/// A run without a price.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unpriced {
    /// Which run.
    pub run: RunKey,
    /// Why.
    pub reason: Reason,
}

/// Why a run has no price. What is charged of it otherwise is charged nevertheless only for [`Reason::NoVersion`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Reason {
    /// It ends before it starts.
    #[error("ends before it starts; correct it with sacctmgr or let the next sweep read it anew")]
    EndsBeforeStart,
    /// A part of it lies before the first version.
    #[error("ran before the first version of the rate card; add a version that begins earlier")]
    NoVersion,
    /// It lies outside the calendar, or never ends.
    #[error("has a start or an end that no calendar has; correct it with sacctmgr")]
    OutsideCalendar,
    /// It held more than any cluster has, or its price does not fit.
    #[error("held more than can be priced; check its TRES with sacct, and the factors that hold for it")]
    TooLarge,
}

/// Seconds in which it was not known how much somebody stored at a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unmeasured {
    /// The account.
    pub account: String,
    /// The user.
    pub user: String,
    /// The place.
    pub place: String,
    /// The seconds.
    pub seconds: u64,
}

impl Bill {
    /// The sum of all lines by currency, in minor units.
    pub fn totals(&self) -> BTreeMap<String, i128> {
        self.sums(|_| ()).into_iter().map(|((currency, ()), amount)| (currency, amount)).collect()
    }

    /// The sums of lines by currency and whatever `by` takes of a line.
    ///
    /// They are sums of the same rounded lines whatever that is, so they always add up to [`Self::totals`].
    pub fn sums<K: Ord>(&self, by: impl Fn(&Charged) -> K) -> BTreeMap<(String, K), i128> {
        let mut sums = BTreeMap::new();
        for line in &self.lines {
            let sum: &mut i128 = sums.entry((line.of.currency.clone(), by(&line.of))).or_default();
            *sum = sum.saturating_add(i128::from(line.amount));
        }
        sums
    }
}

/// What has to be added to a bill that was issued for `of`, now that the same period comes to other lines.
///
/// Each line is the difference of those of the same thing, so that what was issued and its corrections add up to the
/// bill that would be issued today; what did not change has none.
pub fn corrections(issued: &[Line], now: &[Line], of: Period) -> Vec<Line> {
    let mut sums: BTreeMap<&Charged, (i128, i64, i64)> = BTreeMap::new();
    for (lines, sign) in [(issued, -1_i64), (now, 1)] {
        for line in lines {
            let sum = sums.entry(&line.of).or_default();
            sum.0 = sum.0.saturating_add(line.quantity.saturating_mul(i128::from(sign)));
            sum.1 = sum.1.saturating_add(line.amount.saturating_mul(sign));
            sum.2 = sum.2.saturating_add(line.list_amount.saturating_mul(sign));
        }
    }
    let changed = sums.into_iter().filter(|(_, sum)| *sum != (0, 0, 0));
    let line = |(charged, (quantity, amount, list_amount)): (&Charged, (i128, i64, i64))| Line {
        of: charged.clone(),
        quantity,
        amount,
        list_amount,
        class: Class::Correction { of },
    };
    changed.map(line).collect()
}
