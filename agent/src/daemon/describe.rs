//! What a pass changes in the store, a line each.

use super::site::Step;
use crate::cli::amount::show_decimal;
use crate::store::policy::PolicyChanges;
use crate::store::sync::SourceChanges;
use crate::store::{Amount, Grant, Limit, PersonState, Unit};

fn step(part: &'static str, action: &str, object: String, detail: String) -> Step {
    Step { part, action: action.to_owned(), object, detail }
}

/// A source's changes.
pub fn source(changes: &SourceChanges) -> Vec<Step> {
    let part = "store";
    let groups =
        changes.new_groups.iter().map(|(id, group)| step(part, "add", format!("group {}", group.name), id.clone()));
    let changed_groups = changes.changed_groups.iter().map(|(id, _, _, after)| {
        step(part, "modify", format!("group {}", after.name), format!("{id}, {}", after.state))
    });
    let people = changes.new_people.iter().map(|(id, person)| {
        step(part, "add", format!("user {}", person.name), format!("{id}, {}", person.display_name))
    });
    let changed = changes.changed_people.iter().map(|person| {
        let action = match (person.before.state, person.after.state) {
            (before, after) if before == after => "modify",
            (_, PersonState::Active) => "enable",
            (_, PersonState::Disabled) => "disable",
            (_, PersonState::Removed) => "remove",
        };
        step(part, action, format!("user {}", person.after.name), person.immutable_id.clone())
    });
    let refused = changes.refused.iter().map(|refusal| {
        step(part, "refuse", format!("{} {}", refusal.kind, refusal.source_name), refusal.reason.clone())
    });
    groups.chain(changed_groups).chain(people).chain(changed).chain(refused).collect()
}

/// What follows from `policy.toml`.
pub fn policy(changes: &PolicyChanges) -> Vec<Step> {
    let part = "policy";
    let accounts = changes.accounts.iter().map(|(before, after)| {
        let action = if before.is_some() { "modify" } else { "add" };
        step(part, action, format!("account {}", after.name), after.state.to_string())
    });
    let new_grants = changes
        .new_grants
        .iter()
        .map(|grant| step(part, "add", format!("grant of {} on {}", grant.role, grant.scope), String::new()));
    let ends = changes.new_ends.iter().map(|(grant, _)| step(part, "renew", name(grant), String::new()));
    let revoked = changes.revoked_grants.iter().map(|grant| step(part, "revoke", name(grant), String::new()));
    let limits = changes.limits.iter().map(|(_, limit)| step(part, "set", limit_name(limit), amount(limit)));
    let cleared = changes.cleared_limits.iter().map(|limit| step(part, "clear", limit_name(limit), String::new()));
    accounts.chain(new_grants).chain(ends).chain(revoked).chain(limits).chain(cleared).collect()
}

fn name(grant: &Grant) -> String {
    format!("grant {} of {} on {}", grant.id, grant.role, grant.scope)
}

fn limit_name(limit: &Limit) -> String {
    format!("{} of {}", limit.kind, limit.target)
}

fn amount(limit: &Limit) -> String {
    match limit.amount {
        Amount::AtMost(amount) => match limit.kind.unit() {
            Unit::Count => amount.to_string(),
            Unit::Hours => (amount / 3_600).to_string(),
            Unit::Decimal(parts) => show_decimal(amount, parts),
        },
        Amount::Unlimited => "unlimited".to_owned(),
    }
}
