//! Plans changes of limits.

use super::{Plan, Step, account_name};
use bursar_policy::GrantId;

use crate::cli::amount::{self, LimitValue};
use crate::daemon::answer::no::No;
use crate::daemon::answer::session::Session;
use crate::daemon::answer::show::wanted_limit;
use crate::store::{Amount, GpuType, Limit, LimitKind, LimitTarget, Origin, Role, Unit};
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
    let wanted = values(set)?;
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
                // A kind that counts over a grant says nothing of anybody else, and the other way round.
                if kind.is_of_grant() != matches!(target, LimitTarget::Grant(_)) {
                    let remedy = "name a grant with grant= for limits per grant, and nobody else";
                    return Err(No::Usage(format!("{kind} cannot be set for {name}; {remedy}")));
                }
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

/// The limits after `set`; with a `gpu-type`, those of GPUs are of that type.
fn values(set: &Values) -> Result<Vec<(LimitKind, LimitValue)>, No> {
    let of = match set.one("gpu-type") {
        None => None,
        Some(name) => Some(GpuType::new(name).ok_or_else(|| {
            No::Usage(format!("`gpu-type={name}` is no type of GPU; write it as Slurm has it, at most 23 letters"))
        })?),
    };
    let mut values = Vec::new();
    for kind in LimitKind::all().filter(|kind| set.has(&kind.word())) {
        let word = kind.word();
        let value = match kind.unit() {
            Unit::Count => set.job_limit(&word),
            Unit::Hours => set.cpu_limit(&word),
            Unit::Decimal(parts) => set.decimal_limit(&word, parts),
        };
        let value = value
            .ok_or_else(|| No::Usage(format!("{word} cannot be set to so fine an amount; write fewer decimals")))?;
        let kind = match of {
            None => kind,
            Some(of) => kind.of_type(of).ok_or_else(|| {
                No::Usage(format!("{word} counts no GPUs, so gpu-type= cannot stand beside it; set it by itself"))
            })?,
        };
        values.push((kind, value));
    }
    Ok(values)
}

/// Whom the conditions name, with a phrase for each.
fn targets(session: &Session<'_>, filter: &Values) -> Result<Vec<(LimitTarget, String)>, No> {
    let mut targets = Vec::new();
    for name in filter.list("user") {
        let id = session.person(name)?.id;
        targets.push(match filter.one("in-account") {
            None => (LimitTarget::Person(id), format!("user {name}")),
            Some(account) => {
                let target = LimitTarget::PersonIn(id, account_name(session, account)?);
                (target, format!("user {name} in account {account}"))
            }
        });
    }
    if filter.has("in-account") && !filter.has("user") {
        return Err(No::Usage("in-account= says where limits of user= hold; name the people too".to_owned()));
    }
    for name in filter.list("each-in") {
        let target = LimitTarget::EachIn(account_name(session, name)?);
        targets.push((target, format!("each person in account {name}")));
    }
    for text in filter.list("grant") {
        let id = text.trim_start_matches(['G', 'g']).parse().ok().map(GrantId);
        let grant = session.stored.grants.iter().find(|grant| Some(grant.id) == id);
        let grant = grant.ok_or_else(|| No::Refused(format!("there is no grant {text}")))?;
        targets.push((LimitTarget::Grant(grant.id), format!("grant {}", grant.id)));
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
        return Err(No::Usage("say whose limit: user=, account=, each-in=, grant= or default=".to_owned()));
    }
    Ok(targets)
}

fn shown(kind: LimitKind, amount: Amount) -> String {
    match amount {
        Amount::Unlimited => "unlimited".to_owned(),
        Amount::AtMost(most) => match kind.unit() {
            Unit::Count => most.to_string(),
            Unit::Hours => amount::Unit::Clock.show(most),
            Unit::Decimal(parts) => amount::show_decimal(most, parts),
        },
    }
}
