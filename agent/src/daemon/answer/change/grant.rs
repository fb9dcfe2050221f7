//! Plans changes of grants.

use bursar_policy::Timestamp;

use super::{Plan, Step, account_name};
use crate::daemon::answer::no::No;
use crate::daemon::answer::session::{Session, grant_number};
use crate::daemon::answer::show::{GrantNames, GrantState};
use crate::store::grants::NewGrant;
use crate::store::{Grant, Holder, Lifts, Origin, PersonState, Presence, Role, Scope};
use crate::wire::{Change, Values};

pub(super) fn plan(session: &Session<'_>, change: &Change) -> Result<Plan, No> {
    match change {
        Change::Add { set, .. } => add(session, set),
        Change::Modify { filter, set, .. } => modify(session, filter, set),
        Change::Delete { filter, .. } => {
            let names = GrantNames::of(session);
            let grants = selected(session, filter, &names)?;
            Ok(grants.into_iter().map(|grant| (Step::RevokeGrant(grant.id), revoked(grant, &names))).collect())
        }
    }
}

fn add(session: &Session<'_>, set: &Values) -> Result<Plan, No> {
    let role = set.one("role").and_then(Role::parse).ok_or_else(|| No::Usage("add grant needs role=".to_owned()))?;
    let holders = holders(session, set)?;
    let scopes = scopes(session, set, role)?;
    let from = session.instant(set, "from")?.unwrap_or(session.now);
    if from == Timestamp::NEVER {
        return Err(No::Usage("from=never is a grant that never begins; leave from= out for now".to_owned()));
    }
    let until = end(session, set)?;
    check_end(session, from, until)?;
    let lifts = lifts(set, role)?;
    if lifts.is_some() {
        check_emergency(session, from, until)?;
        if set.one("reason").is_none_or(|reason| reason.trim().is_empty()) {
            return Err(No::Usage("an emergency grant needs reason=".to_owned()));
        }
    }
    let emergency = lifts.map_or(String::new(), |lifts| format!(", an emergency that lifts {lifts}"));
    let mut plan = Vec::new();
    for (holder, name) in &holders {
        for scope in &scopes {
            let same = session.stored.grants.iter().find(|grant| {
                grant.origin == Origin::Manual
                    && (grant.holder, grant.role, &grant.scope) == (*holder, role, scope)
                    && grant.lifts.is_some() == lifts.is_some()
                    && GrantState::of(grant, session.now).is_open()
            });
            if let Some(same) = same {
                return Err(No::Refused(format!(
                    "grant {} already gives {name} {role} on {scope}; modify its end instead",
                    same.id
                )));
            }
            let new = NewGrant { holder: *holder, role, scope: scope.clone(), lifts, from, until };
            let line = format!(
                "add grant: {name} is {role} on {scope} from {} until {}{emergency}",
                shown(session, from),
                shown(session, until.unwrap_or(Timestamp::NEVER))
            );
            plan.push((Step::AddGrant(new), line));
        }
    }
    Ok(plan)
}

/// People and groups that are to hold something, with a phrase for each.
fn holders(session: &Session<'_>, set: &Values) -> Result<Vec<(Holder, String)>, No> {
    let mut holders = Vec::new();
    for name in set.list("user") {
        let person = session.person(name)?;
        if person.state == PersonState::Removed {
            return Err(No::Refused(format!("{name} was removed at the source; no grant can be held")));
        }
        holders.push((Holder::Subject(person.id), format!("user {name}")));
    }
    for name in set.list("group") {
        let found = session.stored.groups.iter().find(|group| group.name.as_str() == name);
        let group = found
            .filter(|group| group.state == Presence::Active)
            .ok_or_else(|| No::Refused(format!("there is no group {name}")))?;
        holders.push((Holder::Group(group.id), format!("group {name}")));
    }
    if holders.is_empty() {
        return Err(No::Usage("add grant needs user= or group=".to_owned()));
    }
    Ok(holders)
}

/// Where the role is to hold; the same rules as for the mappings of `policy.toml`.
fn scopes(session: &Session<'_>, set: &Values, role: Role) -> Result<Vec<Scope>, No> {
    let accounts = set.list("account");
    match (role, accounts.is_empty()) {
        (Role::ClusterAdmin, false) => {
            Err(No::Usage("a cluster-admin rules the whole cluster; leave account= out".to_owned()))
        }
        (Role::ComputeUser, true) => Err(No::Usage("a compute-user submits on an account; add account=".to_owned())),
        (_, true) => Ok(vec![Scope::Cluster]),
        (_, false) => accounts.iter().map(|text| account_name(session, text).map(Scope::Account)).collect(),
    }
}

fn modify(session: &Session<'_>, filter: &Values, set: &Values) -> Result<Plan, No> {
    if !set.has("until") {
        return Err(No::Usage("modify grant needs until=".to_owned()));
    }
    let until = end(session, set)?;
    let names = GrantNames::of(session);
    let mut plan = Vec::new();
    for grant in selected(session, filter, &names)? {
        if grant.until == until {
            continue;
        }
        check_end(session, grant.from, until)?;
        if grant.lifts.is_some() {
            check_emergency(session, grant.from, until)?;
        }
        let line = format!("modify grant {}: until {}", grant.id, shown(session, until.unwrap_or(Timestamp::NEVER)));
        plan.push((Step::RenewGrant(grant.id, until), line));
    }
    Ok(plan)
}

/// The end that is asked for; nothing is no end.
fn end(session: &Session<'_>, set: &Values) -> Result<Option<Timestamp>, No> {
    Ok(session.instant(set, "until")?.filter(|until| *until != Timestamp::NEVER))
}

fn check_end(session: &Session<'_>, from: Timestamp, until: Option<Timestamp>) -> Result<(), No> {
    match until {
        Some(until) if until <= from => Err(No::Refused(format!(
            "the grant would end {}, before it begins; choose a later end",
            shown(session, until)
        ))),
        Some(until) if until <= session.now => Err(No::Refused(format!(
            "the end {} is past; choose a later one, or delete the grant",
            shown(session, until)
        ))),
        _ => Ok(()),
    }
}

/// What the grant is to lift; nothing for an ordinary one.
fn lifts(set: &Values, role: Role) -> Result<Option<Lifts>, No> {
    let named = set.list("lifts");
    if set.one("emergency") != Some("yes") {
        return match named {
            [] => Ok(None),
            _ => Err(No::Usage("only an emergency grant lifts something; add emergency=yes".to_owned())),
        };
    }
    if role == Role::Observer {
        return Err(No::Usage(
            "an observer submits no jobs, so there is nothing to lift; choose another role".to_owned(),
        ));
    }
    let has = |word| named.iter().any(|name| name == word);
    Ok(Lifts::of(named.is_empty() || has("windows"), has("limits")))
}

/// An emergency has an end, and a near one.
fn check_emergency(session: &Session<'_>, from: Timestamp, until: Option<Timestamp>) -> Result<(), No> {
    let hours = session.view.config.policy.emergency_hours;
    let latest = from.plus(hours.saturating_mul(3_600));
    match until {
        None => Err(No::Usage(format!("an emergency grant has to end; add until=, at most {hours} hours later"))),
        Some(until) if until > latest => Err(No::Refused(format!(
            "an emergency grant lasts at most {hours} hours, here until {}; choose an earlier end, or change \
             emergency-hours in policy.toml",
            shown(session, latest)
        ))),
        Some(_) => Ok(()),
    }
}

fn shown(session: &Session<'_>, at: Timestamp) -> String {
    if at == Timestamp::NEVER { "never".to_owned() } else { session.view.calendar.text(at) }
}

/// The grants that the conditions select; none of them is `policy.toml`'s or revoked, and there is one.
///
/// What has ended is selected by its number or its state only.
fn selected<'a>(session: &'a Session<'_>, filter: &Values, names: &GrantNames<'_>) -> Result<Vec<&'a Grant>, No> {
    for name in filter.list("user") {
        session.person(name)?;
    }
    for text in filter.list("id") {
        let found = session.stored.grants.iter().find(|grant| grant_number(text) == Some(grant.id.0));
        let grant = found.ok_or_else(|| No::Refused(format!("there is no grant {text}")))?;
        if let Some(revocation) = &grant.revocation {
            return Err(No::Refused(format!("grant {} was revoked by {}; add a new one", grant.id, revocation.by)));
        }
    }
    let ended = filter.has("id") || filter.has("state");
    let fits = |grant: &&Grant| {
        let state = GrantState::of(grant, session.now);
        (state.is_open() || (ended && state == GrantState::Expired)) && names.select(grant, filter)
    };
    let selected: Vec<&Grant> = session.stored.grants.iter().filter(fits).collect();
    if selected.is_empty() {
        return Err(No::Refused("no grant fits the conditions".to_owned()));
    }
    match selected.iter().find(|grant| grant.origin == Origin::Policy) {
        Some(grant) => {
            Err(No::Refused(format!("grant {} comes from a mapping in policy.toml; change it there", grant.id)))
        }
        None => Ok(selected),
    }
}

fn revoked(grant: &Grant, names: &GrantNames<'_>) -> String {
    let holder = match (names.user(grant), names.group(grant)) {
        (Some(user), _) => format!("user {user}"),
        (None, group) => format!("group {}", group.unwrap_or_default()),
    };
    format!("revoke grant {}: {holder} is no longer {} on {}", grant.id, grant.role, grant.scope)
}
