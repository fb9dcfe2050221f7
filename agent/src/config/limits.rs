//! Limits in `policy.toml`: whole jobs and whole CPU-hours, or the word `unlimited`.

use std::collections::BTreeMap;

use bursar_policy::UserName;

use super::policy::PolicyLimits;
use super::read::{Table, Value};
use crate::store::{Amount, LimitKind, Role};

/// Limits by kind, in base units (jobs, CPU-seconds); a kind that is missing says nothing.
pub type Amounts = BTreeMap<LimitKind, Amount>;

/// More than any cluster has, and still far from overflow as CPU-seconds.
const MOST: u64 = 1_000_000_000_000;

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
    if let Some(people) = table.table("person") {
        for (name, person) in people.named_tables() {
            let own = amounts(&person);
            match (UserName::new(name), own) {
                (Ok(name), Some(own)) => {
                    limits.people.insert(name, own);
                }
                (Err(why), _) => {
                    person.bad(format!("the user name {why}; use the POSIX name"));
                    sound = false;
                }
                (Ok(_), None) => sound = false,
            }
        }
    }
    table.finish();
    sound.then_some(limits)
}

/// Reads one table of limits; nothing if any was wrong.
pub(super) fn amounts(table: &Table<'_>) -> Option<Amounts> {
    let mut amounts = Amounts::new();
    let mut sound = true;
    for kind in LimitKind::ALL {
        let Some(value) = table.value(kind.word()) else { continue };
        match amount(&value, *kind) {
            Some(amount) => {
                amounts.insert(*kind, amount);
            }
            None => sound = false,
        }
    }
    table.finish();
    sound.then_some(amounts)
}

fn amount(value: &Value<'_>, kind: LimitKind) -> Option<Amount> {
    if value.is_text() {
        return value.parsed(|word| match word {
            "unlimited" => Ok(Amount::Unlimited),
            _ => Err("is no limit; write a whole number without quotes or \"unlimited\""),
        });
    }
    let number = value.number(0..=MOST)?;
    Some(Amount::AtMost(number.saturating_mul(kind.base_units())))
}
