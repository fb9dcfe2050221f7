//! Limits in `policy.toml`: whole numbers, decimals in quotes where the unit has parts, or the word `unlimited`.

use std::collections::BTreeMap;

use bursar_policy::UserName;

use super::policy::PolicyLimits;
use super::read::{Table, Value};
use crate::store::{Amount, LimitKind, Role, Unit};

/// Limits by kind, in the base unit of each; a kind that is missing says nothing.
pub type Amounts = BTreeMap<LimitKind, Amount>;

/// More than any cluster has, and still far from overflow as CPU-seconds.
const MOST: u64 = 1_000_000_000_000;
/// More money, or GiB, than any cluster costs or has, and as far from overflow in their parts.
const MOST_PARTED: u64 = 2_000_000_000;

/// Reads the tables below `[limits]`; nothing if any was wrong.
pub(super) fn policy_limits(root: &Table<'_>) -> Option<PolicyLimits> {
    let mut limits = PolicyLimits::default();
    let Some(table) = root.table("limits") else { return Some(limits) };
    let mut sound = true;
    let below = |key| table.table(key).map_or(Some(Amounts::default()), |table| amounts(&table));
    match below("default") {
        Some(amounts) => limits.default = amounts,
        None => sound = false,
    }
    match below("guest") {
        Some(amounts) => limits.guest = amounts,
        None => sound = false,
    }
    for role in Role::ALL {
        match below(role.word()) {
            Some(amounts) if amounts.is_empty() => {}
            Some(amounts) => {
                limits.roles.insert(*role, amounts);
            }
            None => sound = false,
        }
    }
    if let Some(table) = table.table("person") {
        match people(&table) {
            Some(people) => limits.people = people,
            None => sound = false,
        }
    }
    table.finish();
    sound.then_some(limits)
}

/// Reads one table of limits; nothing if any was wrong.
pub(super) fn amounts(table: &Table<'_>) -> Option<Amounts> {
    let mut amounts = Amounts::new();
    let mut sound = true;
    for (word, value) in table.named_values() {
        let Some(kind) = LimitKind::parse(word) else {
            value.bad(
                "is no limit; known are running-jobs, queued-jobs, cpus, gpus, memory-gb, nodes, and cpu-hours, \
                 gpu-hours, memory-gb-hours, node-hours and money, each with -per-day, -week, -month, -quarter, -year \
                 or -grant; a GPU type may stand before gpus and gpu-hours, as in a100-gpus",
            );
            sound = false;
            continue;
        };
        match amount(&value, kind) {
            Some(amount) => {
                amounts.insert(kind, amount);
            }
            None => sound = false,
        }
    }
    sound.then_some(amounts)
}

/// Reads the limits of persons, each a table under a name; nothing if any was wrong.
pub(super) fn people(table: &Table<'_>) -> Option<BTreeMap<UserName, Amounts>> {
    let mut people = BTreeMap::new();
    let mut sound = true;
    for (name, person) in table.named_tables() {
        let own = amounts(&person);
        match (UserName::new(name), own) {
            (Ok(name), Some(own)) => {
                people.insert(name, own);
            }
            (Err(why), _) => {
                person.bad(format!("the user name {why}; use the POSIX name"));
                sound = false;
            }
            (Ok(_), None) => sound = false,
        }
    }
    sound.then_some(people)
}

fn amount(value: &Value<'_>, kind: LimitKind) -> Option<Amount> {
    if value.is_text() {
        let text = value.text()?;
        if text == "unlimited" {
            return Some(Amount::Unlimited);
        }
        if !matches!(kind.unit(), Unit::Decimal(_)) {
            value.bad(format!("{text:?} is no limit; write a whole number without quotes or \"unlimited\""));
            return None;
        }
    }
    let amount = match kind.unit() {
        Unit::Count => value.number(0..=MOST)?,
        Unit::Hours => value.number(0..=MOST)?.saturating_mul(3_600),
        Unit::Decimal(parts) => value.decimal(parts, MOST_PARTED)?,
    };
    Some(Amount::AtMost(amount))
}
