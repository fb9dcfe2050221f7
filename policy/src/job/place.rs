//! Where a job goes and who pays: its account, its queue, its cost centre, each as named or as the site would have it.

use crate::access;
use crate::limit::Measure;
use crate::reason::{Names, Owner, Reason};
use crate::role::Role;
use crate::snapshot::{AccountRef, CostCenterRule, GrantRef, PersonRef, QueueRef, Snapshot};
use crate::time::Timestamp;
use crate::tres::Tres;

use super::request::TimeLimit;
use super::room::what;

/// The account that a job of `person` would run in, and the grant that covers it.
pub(super) fn account_and_grant<'s>(
    snapshot: &'s Snapshot,
    person: &PersonRef<'s>,
    named: Option<&'s str>,
    now: Timestamp,
) -> Result<(AccountRef<'s>, GrantRef<'s>), Reason<'s>> {
    // Access first: somebody without any grant learns that, not what is wrong with the account.
    let any = access::holding(person, now, |_| true)?;
    let submits = access::holding(person, now, |grant| grant.role.may_submit()).map_err(|_| Reason::Observer)?;
    debug_assert!(any.role >= submits.role);
    let account = match named {
        Some(name) => {
            // Slurm folds account names only after it has asked us. No known account has upper case.
            let folded = name.to_ascii_lowercase();
            snapshot.account(&folded).ok_or(Reason::AccountNotGranted(name, other_account(person)))?
        }
        None => person.default_account().ok_or(Reason::NoAccount)?,
    };
    let grant =
        access::holding(person, now, |grant| access::covers(grant, snapshot.account_line_positions(account.position)))
            .map_err(|_| {
                Reason::AccountNotGranted(account.name, other_account(person).filter(|other| *other != account.name))
            })?;
    Ok((account, grant))
}

/// An account worth naming to somebody who named a wrong one.
fn other_account<'s>(person: &PersonRef<'s>) -> Option<&'s str> {
    person.default_account().map(|account| account.name)
}

/// The queues that a job may run in: those it names, or the one it goes to when it names none.
///
/// A QOS that is no queue's is left to slurmctld, which knows whose it is. An empty answer is a job in no queue.
pub(super) fn queues<'s>(
    snapshot: &'s Snapshot,
    named: Option<&'s str>,
    role: Role,
    account: u32,
) -> Result<Vec<QueueRef<'s>>, Reason<'s>> {
    let open = || snapshot.queues().filter(move |queue| queue.is_open_to(role, account));
    let Some(list) = named else {
        let default = open().find(QueueRef::is_default).or_else(|| open().next());
        return Ok(default.into_iter().collect());
    };
    let mut queues = Vec::new();
    for name in list.split(',').map(str::trim) {
        let Some(queue) = snapshot.queue(&name.to_ascii_lowercase()) else { continue };
        if !queue.is_open_to(role, account) {
            return Err(Reason::QueueNotGranted(queue.name(), open().map(|queue| queue.name()).collect::<Names<'_>>()));
        }
        queues.push(queue);
    }
    Ok(queues)
}

/// Checks that a job of so much and so long fits into a queue at all.
pub(super) fn fits_queue<'s>(
    snapshot: &'s Snapshot,
    queue: &QueueRef<'s>,
    time_limit: TimeLimit,
    alone: &Tres,
) -> Result<(), Reason<'s>> {
    if let (Some(most), TimeLimit::Minutes(minutes)) = (queue.max_minutes(), time_limit)
        && minutes > most
    {
        return Err(Reason::QueueTime { queue: queue.name(), minutes: most });
    }
    for cap in queue.caps().iter() {
        let owner = Owner::YouInQueue(queue.name());
        if let Measure::AtOnce(resource) = cap.measure
            && alone.get(resource) > cap.limit
        {
            let (asked, limit) = (alone.get(resource), cap.limit);
            return Err(Reason::AtOnce {
                owner,
                what: what(snapshot, resource),
                alone: true,
                asked,
                present: 0,
                limit,
            });
        }
    }
    Ok(())
}

/// The cost centre that is to be written into a job, when it is not the one it names.
pub(super) fn cost_center<'s>(
    snapshot: &'s Snapshot,
    named: Option<&'s str>,
    account: u32,
) -> Result<Option<&'s str>, Reason<'s>> {
    let rule = snapshot.facts().cost_centers;
    if rule == CostCenterRule::Any {
        return Ok(None);
    }
    let own = snapshot.account_line(account).map(|above| above.cost_center).find(|name| !name.is_empty());
    let open = || snapshot.cost_centers().filter(move |center| center.is_open_to(account)).map(|center| center.name());
    match named {
        Some(name) => {
            let folded = name.to_ascii_lowercase();
            let known = own.is_some_and(|own| own.eq_ignore_ascii_case(name))
                || snapshot.cost_center(&folded).is_some_and(|center| center.is_open_to(account));
            if known { Ok(None) } else { Err(Reason::CostCenterUnknown(name, own.into_iter().chain(open()).collect())) }
        }
        None => match (own, rule) {
            (Some(own), _) => Ok(Some(own)),
            (None, CostCenterRule::Required) => Err(Reason::CostCenterMissing(open().collect())),
            (None, _) => Ok(None),
        },
    }
}
