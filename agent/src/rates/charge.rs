//! What of a run is charged while its price does not change: which units, how many, at which rate.

use std::collections::BTreeMap;

use super::card::{Combine, Rate, Sizes, Suspended, Unit, WholeNodes};
use super::consumption::{Consumption, GPU, is_gpu_type};
use super::exact::{Exact, Rounding};
use super::terms::Terms;
use super::wide::quotient;

/// One thing that is charged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'c> {
    /// The TRES that its rate is for.
    pub(super) tres: &'c str,
    pub(super) rate: &'c Rate,
    /// How much of it: units where a started unit counts whole, otherwise TRES.
    pub(super) count: u64,
    /// The factors of all rules and sizes.
    pub(super) factor: Exact,
}

impl Item<'_> {
    /// The list price of so many seconds of all of it, to a billionth of the currency; nothing if it does not fit.
    pub(super) fn billionths(&self, seconds: u64) -> Option<u64> {
        let rate = u128::from(self.rate.price.0.unsigned_abs());
        let (factor, unit) = (self.factor, if self.rate.unit.whole { Exact::ONE } else { self.rate.unit.size });
        let parts = |exact: Exact| (exact.over().unsigned_abs(), exact.under().unsigned_abs());
        let ((factor_over, factor_under), (unit_over, unit_under)) = (parts(factor), parts(unit));
        let over = [u128::from(self.count), u128::from(seconds), rate, factor_over, unit_under];
        quotient(&over, &[3_600, factor_under, unit_over], Rounding::HalfEven)
    }
}

impl Unit {
    /// How many units a count is that was taken in them.
    pub(super) fn units(self, count: u64) -> Option<Exact> {
        if self.whole { Some(Exact::whole(count)) } else { Exact::whole(count).divided_by(self.size) }
    }

    /// The quantity of so many unit-seconds, in what counts are taken in; what is less than one of it is left out.
    pub(super) fn quantity(self, unit_seconds: u64) -> i128 {
        match self.whole {
            true => i128::from(unit_seconds),
            false => Exact::whole(unit_seconds).times(self.size).map_or(i128::MAX, Exact::floor),
        }
    }

    /// A number of TRES in what counts are taken in.
    pub(super) fn counted(self, held: u64) -> Option<u64> {
        if !self.whole {
            return Some(held);
        }
        let exact = Exact::whole(held).divided_by(self.size)?;
        u64::try_from(exact.rounded(Rounding::Up)).ok()
    }
}

/// What is charged of `run`; nothing if an amount does not fit.
pub(super) fn items<'c>(terms: &Terms<'c>, run: &Consumption, suspended: Option<Suspended>) -> Option<Vec<Item<'c>>> {
    if suspended == Some(Suspended::None) {
        return Some(Vec::new());
    }
    let held = |tres: &str| charged_count(terms, run, tres);
    let job = match terms.sizes {
        Some(sizes) => sizes.factor(held("cpu"), held)?,
        None => Exact::ONE,
    };
    let mut items = Vec::with_capacity(terms.rates.len());
    for (tres, rate) in &terms.rates {
        if suspended == Some(Suspended::NonCpu) && *tres == "cpu" {
            continue;
        }
        let own = if *tres == GPU { untyped(terms, held) } else { held(tres) };
        let free = rate.included.iter().map(|(of, each)| held(of).saturating_mul(*each));
        let beyond = own.saturating_sub(free.fold(0, u64::saturating_add));
        if beyond == 0 {
            continue;
        }
        let size = match &rate.sizes {
            Some(sizes) => sizes.factor(beyond, held)?,
            None => Exact::ONE,
        };
        let count = rate.unit.counted(beyond)?;
        // What all of them are multiplied with has no say in which is the dearest.
        let price = rate.unit.units(count)?.times(rate.price.per_hour())?.times(size)?;
        let factor = terms.factor.times(job)?.times(size)?;
        items.push((Item { tres, rate, count, factor }, price));
    }
    dearest(terms.combine, items)
}

/// How many of a TRES a run is charged for, whole nodes if it has to.
fn charged_count(terms: &Terms<'_>, run: &Consumption, tres: &str) -> u64 {
    let whole = match terms.whole_nodes {
        WholeNodes::Never => false,
        WholeNodes::Several => run.nodes > 1,
        WholeNodes::Always => true,
    };
    let nodes = match terms.node.get(tres) {
        Some(each) if whole => run.nodes.saturating_mul(*each),
        _ => 0,
    };
    nodes.max(run.held(tres))
}

/// The GPUs whose type has no rate. Slurm counts a GPU both with and without its type, so they are what is left.
fn untyped(terms: &Terms<'_>, held: impl Fn(&str) -> u64) -> u64 {
    let typed = terms.rates.keys().filter(|tres| is_gpu_type(tres)).map(|tres| held(tres));
    held(GPU).saturating_sub(typed.fold(0, u64::saturating_add))
}

impl Sizes {
    /// The factor for a job, by its own count of what is charged or by that of another TRES.
    fn factor(&self, own: u64, held: impl Fn(&str) -> u64) -> Option<Exact> {
        let size = Exact::whole(self.of.as_deref().map_or(own, &held));
        let size = match self.per.as_deref().map(&held) {
            // What comes for each of none is of no size.
            Some(0) => Exact::ZERO,
            Some(each) => size.divided_by(Exact::whole(each))?,
            None => size,
        };
        let fits = |most: Option<u64>| most.is_none_or(|most| size <= Exact::whole(most));
        let step = self.steps.iter().find(|step| fits(step.up_to)).or(self.steps.last());
        Some(step.map_or(Exact::ONE, |step| step.factor))
    }
}

/// What remains of items, with the price of an hour, where only the dearest counts. GPUs of all types are one thing then, and currencies are not compared.
fn dearest<'c>(combine: &Combine, items: Vec<(Item<'c>, Exact)>) -> Option<Vec<Item<'c>>> {
    let compared = |tres: &str| match combine {
        Combine::Sum => false,
        Combine::Max => !tres.starts_with("license/"),
        Combine::MaxOf(names) => names.iter().any(|name| name == thing(tres) || name == tres),
    };
    let mut prices: BTreeMap<(usize, &str), Exact> = BTreeMap::new();
    for (item, price) in items.iter().filter(|(item, _)| compared(item.tres)) {
        let sum = prices.entry((item.rate.currency, thing(item.tres))).or_insert(Exact::ZERO);
        *sum = sum.plus(*price)?;
    }
    let mut best: BTreeMap<usize, (&str, Exact)> = BTreeMap::new();
    for ((currency, name), price) in prices {
        let leader = best.entry(currency).or_insert((name, price));
        if price > leader.1 {
            *leader = (name, price);
        }
    }
    let stays = |item: &Item<'_>| {
        !compared(item.tres) || best.get(&item.rate.currency).is_some_and(|(name, _)| *name == thing(item.tres))
    };
    Some(items.into_iter().map(|(item, _)| item).filter(stays).collect())
}

/// A TRES without its type.
fn thing(tres: &str) -> &str {
    if is_gpu_type(tres) { GPU } else { tres }
}
