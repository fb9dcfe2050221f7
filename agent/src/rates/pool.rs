//! What is used up over a period: free allowances, reserved capacity, and the hours after which a price changes.
//!
//! Whoever comes first uses first, so runs have to come ordered by start and key.

use std::collections::{BTreeMap, HashMap};

use bursar_policy::{Period, Timestamp};

use super::card::{Allowance, Capacity, Owner, Reserved, Unit, Version, VolumeOf};
use super::charge::Item;
use super::consumption::Consumption;
use super::money::UnitRate;

/// What was used of everything that can be used up in one period.
#[derive(Debug, Default)]
pub(super) struct Pools<'c> {
    /// By whether it is a cost centre's, whose, of what and in which unit.
    allowances: HashMap<(bool, String, &'c str, Unit), i128>,
    volumes: HashMap<(VolumeOf, String, String, &'c str, Unit), i128>,
    /// Unit-seconds of reservations, by account and name.
    reserved: HashMap<(&'c str, &'c str), i128>,
    /// What is in use of reserved units from an instant until the next one, by version and position.
    in_use: HashMap<(usize, usize), BTreeMap<Timestamp, i128>>,
}

/// A part of what is charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part<'c> {
    pub(super) paid_by: PaidBy<'c>,
    pub(super) quantity: i128,
    pub(super) price: UnitRate,
}

/// What a part is paid by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PaidBy<'c> {
    Money,
    Allowance,
    /// Reserved capacity of this name.
    Reserved(&'c str),
}

impl<'c> Pools<'c> {
    /// Divides what `run` held of `item` over time, and so much `extra` quantity beyond its end, into what reserved
    /// capacity, allowances and money pay, in this order.
    pub(super) fn take(
        &mut self,
        (position, version): (usize, &'c Version),
        run: &Consumption,
        item: &Item<'c>,
        held: Vec<(Period, u64)>,
        extra: i128,
    ) -> Vec<Part<'c>> {
        let price = item.rate.price;
        let mut parts = Vec::new();
        let mut held = held;
        let mut left = extra;
        for (at, reserved) in version.reserved.iter().enumerate() {
            if *reserved.account != *run.account || reserved.tres != item.tres {
                continue;
            }
            let covered = match reserved.capacity {
                Capacity::Units(units) => self.units((position, at), item.rate.unit.quantity(units), &mut held),
                Capacity::Seconds(_) => 0,
            };
            push(&mut parts, PaidBy::Reserved(&reserved.name), covered, price);
        }
        for (time, count) in held {
            left = left.saturating_add(i128::from(count).saturating_mul(i128::from(time.length())));
        }
        for reserved in &version.reserved {
            if let (Capacity::Seconds(seconds), true, true) =
                (reserved.capacity, *reserved.account == *run.account, reserved.tres == item.tres)
            {
                let covered = self.seconds(reserved, item.rate.unit.quantity(seconds), &mut left);
                push(&mut parts, PaidBy::Reserved(&reserved.name), covered, price);
            }
        }
        let free = self.allowance(version, run, item, &mut left);
        push(&mut parts, PaidBy::Allowance, free, price);
        self.money(run, item, left, &mut parts);
        parts
    }

    /// Takes what is free of `most` reserved units at each instant; what is left of `held` stays.
    fn units(&mut self, which: (usize, usize), most: i128, held: &mut Vec<(Period, u64)>) -> i128 {
        let in_use = self.in_use.entry(which).or_default();
        let (mut covered, mut left) = (0_i128, Vec::with_capacity(held.len()));
        for (time, count) in held.drain(..) {
            for edge in [time.start, time.end] {
                let before = in_use.range(..=edge).next_back().map_or(0, |(_, used)| *used);
                in_use.entry(edge).or_insert(before);
            }
            let steps: Vec<Timestamp> = in_use.range(time.start..=time.end).map(|(at, _)| *at).collect();
            for pair in steps.windows(2) {
                let [start, end] = *pair else { continue };
                let Some(used) = in_use.get_mut(&start) else { continue };
                let taken = (most - *used).clamp(0, i128::from(count));
                *used += taken;
                let step = Period { start, end };
                covered = covered.saturating_add(taken.saturating_mul(i128::from(step.length())));
                left.push((step, count.saturating_sub(u64::try_from(taken).unwrap_or(count))));
            }
        }
        left.retain(|(_, count)| *count > 0);
        *held = left;
        covered
    }

    fn seconds(&mut self, reserved: &'c Reserved, most: i128, left: &mut i128) -> i128 {
        let used = self.reserved.entry((&reserved.account, &reserved.name)).or_default();
        take(used, most, left)
    }

    fn allowance(&mut self, version: &'c Version, run: &Consumption, item: &Item<'c>, left: &mut i128) -> i128 {
        let mut free = 0;
        for of_cost_center in [false, true] {
            let owner = if of_cost_center { &run.cost_center } else { &run.account };
            let owned = |allowance: &&Allowance| {
                let (kind, names) = match &allowance.of {
                    Owner::Accounts(names) => (false, names),
                    Owner::CostCenters(names) => (true, names),
                };
                allowance.tres == item.tres
                    && kind == of_cost_center
                    && (names.is_empty() || names.iter().any(|name| **name == **owner))
            };
            let seconds = version.allowances.iter().filter(owned).map(|allowance| allowance.seconds);
            let most = item.rate.unit.quantity(seconds.fold(0, u64::saturating_add));
            if most > 0 {
                let key = (of_cost_center, owner.to_string(), item.tres, item.rate.unit);
                free += take(self.allowances.entry(key).or_default(), most, left);
            }
        }
        free
    }

    /// Divides what is paid in money by the prices that hold after so much use.
    fn money(&mut self, run: &Consumption, item: &Item<'c>, mut left: i128, parts: &mut Vec<Part<'c>>) {
        let Some(volume) = &item.rate.volume else {
            push(parts, PaidBy::Money, left, item.rate.price);
            return;
        };
        let (first, second) = match volume.by {
            VolumeOf::Account => (run.account.to_string(), String::new()),
            VolumeOf::CostCenter => (run.cost_center.to_string(), String::new()),
            VolumeOf::User => (run.account.to_string(), run.user.to_string()),
            VolumeOf::Everyone => (String::new(), String::new()),
        };
        let used = self.volumes.entry((volume.by, first, second, item.tres, item.rate.unit)).or_default();
        let mut price = item.rate.price;
        for step in &volume.steps {
            let before = take(used, item.rate.unit.quantity(step.after_s), &mut left);
            push(parts, PaidBy::Money, before, price);
            price = step.price;
        }
        *used = used.saturating_add(left);
        push(parts, PaidBy::Money, left, price);
    }
}

/// Takes of `left` what `most` has beyond what is `used` already.
fn take(used: &mut i128, most: i128, left: &mut i128) -> i128 {
    let taken = most.saturating_sub(*used).clamp(0, (*left).max(0));
    *used += taken;
    *left -= taken;
    taken
}

fn push<'c>(parts: &mut Vec<Part<'c>>, paid_by: PaidBy<'c>, quantity: i128, price: UnitRate) {
    if quantity > 0 {
        parts.push(Part { paid_by, quantity, price });
    }
}
