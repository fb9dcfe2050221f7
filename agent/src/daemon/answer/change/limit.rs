//! Plans changes of limits.

use super::{Plan, Step, account_name};
use crate::cli::amount::{LimitValue, Unit};
use crate::daemon::answer::no::No;
use crate::daemon::answer::session::Session;
use crate::daemon::answer::show::wanted_limit;
use crate::store::{Amount, Limit, LimitKind, LimitTarget, Origin, Role};
use crate::wire::{Change, Values};

pub(super) fn plan(session: &Session<'_>, change: &Change) -> Result<Plan, No> {
    match change {
        Change::Modify { filter, set, .. } => modify(session, filter, set),
        Change::Delete { filter, .. } => delete(session, filter),
        // The declaration has no such verb.
        Change::Add { .. } => Err(No::Usage("set limits with modify".to_owned())),
    }
}

fn modify(session: &Session<'_>, filter: &Values, set: &Values) -> Result<Plan, No> {
    if filter.has("limit") || filter.has("origin") {
        return Err(No::Usage("modify limit sets the limits after set; leave limit= and origin= out".to_owned()));
    }
    let wanted = values(set);
    if wanted.is_empty() {
        return Err(No::Usage("modify limit needs a limit to set, as running-jobs=N".to_owned()));
    }
    let mut plan = Vec::new();
    for (target, name) in targets(session, filter)? {
        for (kind, value) in &wanted {
            let held = session.stored.limits.iter().find(|limit| limit.target == target && limit.kind == *kind);
            let amount = match value {
                LimitValue::Cleared => {
                    if let Some(held) = held {
                        plan.push(clear(held, &name)?);
                    }
                    continue;
                }
                LimitValue::Unlimited => Amount::Unlimited,
                LimitValue::AtMost(most) => Amount::AtMost(*most),
            };
            if held.is_none_or(|held| held.amount != amount || held.origin != Origin::Manual) {
                let line = format!("set {kind} of {name} to {}", shown(*kind, amount));
                plan.push((Step::SetLimit(target.clone(), *kind, amount), line));
            }
        }
    }
    Ok(plan)
}

fn delete(session: &Session<'_>, filter: &Values) -> Result<Plan, No> {
    // Names the owners, and refuses those that are not there.
    let targets = targets(session, filter)?;
    let names = session.user_names();
    let mut plan = Vec::new();
    for limit in session.stored.limits.iter().filter(|limit| wanted_limit(limit, &names, filter)) {
        let Some((_, name)) = targets.iter().find(|(target, _)| *target == limit.target) else { continue };
        plan.push(clear(limit, name)?);
    }
    if plan.is_empty() {
        return Err(No::Refused("no limit fits the conditions".to_owned()));
    }
    Ok(plan)
}

fn clear(limit: &Limit, name: &str) -> Result<(Step, String), No> {
    let kind = limit.kind;
    if limit.origin == Origin::Policy {
        return Err(No::Refused(format!("{kind} of {name} comes from policy.toml; change it there")));
    }
    Ok((Step::ClearLimit(limit.target.clone(), kind), format!("clear {kind} of {name}")))
}

/// The limits after `set`.
fn values(set: &Values) -> Vec<(LimitKind, LimitValue)> {
    let value = |kind: LimitKind| match kind.period() {
        None => set.job_limit(kind.word()),
        Some(_) => set.cpu_limit(kind.word()),
    };
    LimitKind::ALL.iter().filter_map(|kind| Some((*kind, value(*kind)?))).collect()
}

/// Whom the conditions name, with a phrase for each.
fn targets(session: &Session<'_>, filter: &Values) -> Result<Vec<(LimitTarget, String)>, No> {
    let mut targets = Vec::new();
    for name in filter.list("user") {
        targets.push((LimitTarget::Person(session.person(name)?.id), format!("user {name}")));
    }
    for name in filter.list("account") {
        targets.push((LimitTarget::Account(account_name(session, name)?), format!("account {name}")));
    }
    for word in filter.list("default") {
        let target = match (word.as_str(), Role::parse(word)) {
            ("all", _) => LimitTarget::Default,
            ("guest", _) => LimitTarget::DefaultGuest,
            (_, Some(role)) => LimitTarget::DefaultRole(role),
            (_, None) => return Err(No::Usage(format!("`{word}` is no default"))),
        };
        targets.push((target, format!("default {word}")));
    }
    if targets.is_empty() {
        return Err(No::Usage("say whose limit: user=, account= or default=".to_owned()));
    }
    Ok(targets)
}

fn shown(kind: LimitKind, amount: Amount) -> String {
    match amount {
        Amount::Unlimited => "unlimited".to_owned(),
        Amount::AtMost(most) if kind.period().is_some() => Unit::Clock.show(most),
        Amount::AtMost(most) => most.to_string(),
    }
}
