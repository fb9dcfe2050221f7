//! Gathers what was charged into lines, exactly, and rounds each of them once.

use std::collections::HashMap;

use super::bill::Error;
use super::card::{Card, Reserved, Unit, Version};
use super::charge::Item;
use super::consumption::Consumption;
use super::exact::Exact;
use super::line::{Charged, Class, Kind, Line};
use super::money::UnitRate;
use super::pool::{PaidBy, Part};
use super::terms::Terms;
use super::wide::quotient;

/// Lines on their way.
#[derive(Debug, Default)]
pub(super) struct Lines {
    sums: HashMap<Charged, Sum>,
}

/// What a line has come to.
#[derive(Debug, Clone, Copy)]
struct Sum {
    /// Nothing once it does not fit.
    quantity: Option<i128>,
    /// The price of what has no rate, in the currency; the outer nothing is none, the inner one does not fit.
    price: Option<Option<Exact>>,
}

impl Lines {
    /// Adds the parts of what a run held, and what it gets back of those that were paid in money.
    pub(super) fn parts(
        &mut self,
        card: &Card,
        run: &Consumption,
        (version, terms): (&Version, &Terms<'_>),
        item: &Item<'_>,
        kind: Kind,
        parts: Vec<Part<'_>>,
    ) {
        for part in parts {
            let kind = match part.paid_by {
                PaidBy::Money => kind.clone(),
                PaidBy::Allowance => Kind::Allowance,
                PaidBy::Reserved(name) => Kind::ReservedUse(name.to_owned()),
            };
            let charged = Charged {
                kind,
                item: item.tres.to_owned(),
                unit: item.rate.unit,
                rate: part.price,
                factor: item.factor,
                kept: terms.kept,
                ..charged(card, run, version, item.rate.currency)
            };
            if part.paid_by == PaidBy::Money
                && let Some(kept) = terms.kept.times(terms.refund).filter(|_| terms.refund.is_positive())
            {
                let refund = Charged { kind: Kind::Refund(run.state.to_string()), kept, ..charged.clone() };
                self.add(refund, -part.quantity);
            }
            self.add(charged, part.quantity);
        }
    }

    /// Adds what a run costs less than the least that a run costs.
    pub(super) fn minimum(
        &mut self,
        card: &Card,
        run: &Consumption,
        (version, terms): (&Version, &Terms<'_>),
        currency: usize,
        billionths: u64,
    ) {
        let short = Exact::new(i128::from(billionths), i128::from(UnitRate::PARTS)).unwrap_or(Exact::ZERO);
        let charged = Charged {
            kind: Kind::Minimum,
            item: "run".to_owned(),
            kept: terms.kept,
            ..charged(card, run, version, currency)
        };
        if let Some(kept) = terms.kept.times(terms.refund).filter(|_| terms.refund.is_positive()) {
            let refund = Charged { kind: Kind::Refund(run.state.to_string()), kept, ..charged.clone() };
            self.priced(refund, -1, Exact::ZERO.minus(short));
        }
        self.priced(charged, 1, Some(short));
    }

    /// Adds what reserved capacity costs for a share of the period.
    pub(super) fn fixed(&mut self, card: &Card, version: &Version, of: &Reserved, seconds: u64, share: Exact) {
        let charged = Charged {
            currency: code(card, of.currency),
            cost_center: of.cost_center.clone(),
            account: of.account.clone(),
            user: String::new(),
            uid: None,
            cluster: String::new(),
            partition: String::new(),
            qos: String::new(),
            version: version.name.clone(),
            kind: Kind::Reservation,
            item: of.name.clone(),
            unit: Unit::ONE,
            rate: UnitRate::default(),
            factor: Exact::ONE,
            kept: Exact::ONE,
        };
        self.priced(charged, i128::from(seconds), of.price.per_hour().times(share));
    }

    fn add(&mut self, charged: Charged, quantity: i128) {
        let sum = self.sums.entry(charged).or_insert(Sum { quantity: Some(0), price: None });
        sum.quantity = sum.quantity.and_then(|before| before.checked_add(quantity));
    }

    fn priced(&mut self, charged: Charged, quantity: i128, price: Option<Exact>) {
        let sum = self.sums.entry(charged).or_insert(Sum { quantity: Some(0), price: Some(Some(Exact::ZERO)) });
        sum.quantity = sum.quantity.and_then(|before| before.checked_add(quantity));
        sum.price = sum.price.map(|before| before?.plus(price?));
    }

    /// The lines with their amounts, ascending by what they are of.
    pub(super) fn rounded(self, card: &Card) -> Result<Vec<Line>, Error> {
        let line = |(of, sum): (Charged, Sum)| match amounts(card, &of, sum) {
            Some((quantity, amount, list_amount)) => {
                Ok(Line { of, quantity, amount, list_amount, class: Class::Current })
            }
            None => Err(Error::TooLarge { what: of.item, account: of.account }),
        };
        let mut sums: Vec<_> = self.sums.into_iter().collect();
        sums.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
        sums.into_iter().map(line).collect()
    }
}

/// The quantity, the amount and the amount by list; nothing if one does not fit.
fn amounts(card: &Card, of: &Charged, sum: Sum) -> Option<(i128, i64, i64)> {
    let minor_units = card.currencies.iter().find(|currency| currency.code == of.currency)?.minor_units();
    let quantity = sum.quantity?;
    let (sign, factors) = match sum.price {
        Some(price) => (price?.over().signum(), vec![price?]),
        None => {
            let unit = if of.unit.whole { Exact::ONE } else { Exact::ONE.divided_by(of.unit.size)? };
            (quantity.signum(), vec![Exact::new(quantity, 1)?, of.rate.per_second(), of.factor, unit])
        }
    };
    let rounded = |kept: Exact| {
        let factors = || factors.iter().chain([&kept]);
        let over: Vec<u128> = factors().map(|factor| factor.over().unsigned_abs()).collect();
        let under: Vec<u128> = factors().map(|factor| factor.under().unsigned_abs()).collect();
        let size = quotient(&[over, vec![u128::from(minor_units)]].concat(), &under, card.rounding)?;
        Some(i64::try_from(size).ok()? * i64::try_from(sign).ok()?)
    };
    let amount = match of.kind {
        Kind::Allowance | Kind::ReservedUse(_) => 0,
        _ => rounded(of.kept)?,
    };
    // What is given back has no list price of its own.
    let list_amount = if matches!(of.kind, Kind::Refund(_)) { amount } else { rounded(Exact::ONE)? };
    Some((quantity, amount, list_amount))
}

/// What a line of a run has in any case.
fn charged(card: &Card, run: &Consumption, version: &Version, currency: usize) -> Charged {
    Charged {
        currency: code(card, currency),
        cost_center: run.cost_center.to_string(),
        account: run.account.to_string(),
        user: run.user.to_string(),
        uid: run.uid,
        cluster: run.key.cluster.to_string(),
        partition: run.partition.to_string(),
        qos: run.qos.to_string(),
        version: version.name.clone(),
        kind: Kind::Usage,
        item: String::new(),
        unit: Unit::ONE,
        rate: UnitRate::default(),
        factor: Exact::ONE,
        kept: Exact::ONE,
    }
}

fn code(card: &Card, currency: usize) -> String {
    card.currencies.get(currency).map(|currency| currency.code.clone()).unwrap_or_default()
}
