//! Whether limits have room for a job: those of its owner, of its owner in the account, of the account, of each
//! account above, and of the grant that lets it in.

use super::ledger::{Booked, Ledger};
use super::load::{Added, Number};
use crate::limit::Measure;
use crate::reason::{Owner, Reason, What, Within};
use crate::snapshot::{AccountRef, GrantRef, LinesRef, PersonRef, Snapshot};
use crate::time::Timestamp;
use crate::tres::{Resource, Tres};

/// Whose limits are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Payer {
    /// The person, over all accounts.
    Person,
    /// The person in the account at this position and below it.
    Seat(u32),
    /// The account at this position and all below it.
    Account(u32),
    /// The person under the grant.
    Grant,
}

/// What a job adds.
pub(super) trait More {
    /// What it adds for one payer, in the calendar at a position.
    fn added(&mut self, payer: Payer, calendar: u32) -> Added;

    /// What one job of it has at the same time, where that is more than it had before.
    fn alone(&self) -> Tres;
}

/// Who asks, and for what.
pub(super) struct Seat<'a, 's> {
    pub(super) person: &'a PersonRef<'s>,
    pub(super) account: u32,
    pub(super) grant: &'a GrantRef<'s>,
}

/// Checks that everybody who pays has room for what `more` says of each.
pub(super) fn has_room<'s>(
    snapshot: &'s Snapshot,
    ledger: &Ledger,
    seat: &Seat<'_, 's>,
    now: Timestamp,
    more: &mut dyn More,
) -> Result<(), Reason<'s>> {
    let uid = seat.person.uid();
    let mut check = |payer, owner, calendar, lines: LinesRef<'s>, booked: Booked<'_>| {
        if lines.is_empty() {
            return Ok(());
        }
        let added = more.added(payer, calendar);
        fits(&Claim { snapshot, owner, calendar, booked, added: &added, alone: &more.alone(), now }, lines, seat.grant)
    };
    check(Payer::Person, Owner::You, 0, seat.person.lines(), ledger.of_person(uid))?;
    for above in snapshot.account_line(seat.account) {
        let AccountRef { position, name, calendar, lines, .. } = above;
        if let Some(own) = seat.person.lines_in(position) {
            check(Payer::Seat(position), Owner::YouIn(name), calendar, own, ledger.of_seat(uid, position))?;
        }
        check(Payer::Account(position), Owner::Account(name), calendar, lines, ledger.of_account(position))?;
    }
    let booked = seat.grant.account.map_or_else(|| ledger.of_person(uid), |account| ledger.of_seat(uid, account));
    check(Payer::Grant, Owner::Grant(seat.grant.id), 0, seat.grant.lines, booked)
}

/// What one owner is asked for.
struct Claim<'a, 's> {
    snapshot: &'s Snapshot,
    owner: Owner<'s>,
    calendar: u32,
    booked: Booked<'a>,
    added: &'a Added,
    alone: &'a Tres,
    now: Timestamp,
}

/// Checks one owner's limits.
fn fits<'s>(claim: &Claim<'_, 's>, lines: LinesRef<'s>, grant: &GrantRef<'s>) -> Result<(), Reason<'s>> {
    let Claim { snapshot, owner, calendar, booked, added, alone, now } = *claim;
    let jobs = u64::from(added.queued());
    let refuses = snapshot.facts().running_limit_refuses;
    for line in lines.iter() {
        let limit = line.limit;
        let consume = |resource, within, next, number, used: u64, in_flight: u64| {
            let asked = added.rise(number, resource);
            let all = used.saturating_add(in_flight).saturating_add(added.get(number, resource));
            if asked == 0 || all <= limit {
                return Ok(());
            }
            let what = what(snapshot, resource);
            let ends = match within {
                Within::Period(kind) => snapshot.period(calendar, kind, now).map_or("", |period| period.end_text),
                Within::Grant => grant.until_text,
            };
            Err(Reason::Consumed { owner, what, within, next, asked, used, in_flight, limit, ends })
        };
        match line.measure {
            Measure::RunningJobs => {
                let present = line.used.saturating_add(line.in_flight).saturating_add(booked.queued().into());
                // A limit of nothing can never be waited out; any other is a reason to wait, unless the site says
                // otherwise.
                if (limit == 0 || refuses) && jobs > 0 && present.saturating_add(jobs) > limit {
                    return Err(Reason::RunningJobs { owner, asked: jobs, present, limit });
                }
            }
            Measure::QueuedJobs => {
                let present = line.used.saturating_add(booked.queued().into());
                if jobs > 0 && present.saturating_add(jobs) > limit {
                    return Err(Reason::QueuedJobs { owner, asked: jobs, present, limit });
                }
            }
            Measure::AtOnce(resource) => {
                let what = what(snapshot, resource);
                let one = alone.get(resource);
                if one > limit {
                    return Err(Reason::AtOnce { owner, what, alone: true, asked: one, present: 0, limit });
                }
                let present =
                    line.used.saturating_add(line.in_flight).saturating_add(booked.get(Number::Wanted, resource));
                let asked = added.rise(Number::Wanted, resource);
                let all = present.saturating_add(added.get(Number::Wanted, resource));
                if refuses && asked > 0 && all > limit {
                    return Err(Reason::AtOnce { owner, what, alone: false, asked, present, limit });
                }
            }
            Measure::Within(kind, resource) => {
                // A calendar that has run out means an agent that has been gone for weeks.
                let held = line.after(snapshot.ordinal(calendar, kind, now).ok_or(Reason::Unavailable)?);
                let within = Within::Period(kind);
                let number = Number::Current(kind);
                let in_flight = held.in_flight.saturating_add(booked.get(number, resource));
                consume(resource, within, false, number, held.used, in_flight)?;
                let number = Number::Later(kind);
                let in_flight = held.next.saturating_add(booked.get(number, resource));
                consume(resource, within, true, number, 0, in_flight)?;
            }
            Measure::OfGrant(resource) => {
                let in_flight = line.in_flight.saturating_add(booked.get(Number::Life, resource));
                consume(resource, Within::Grant, false, Number::Life, line.used, in_flight)?;
            }
        }
    }
    Ok(())
}

/// A resource with the name that people know it by.
pub(super) fn what(snapshot: &Snapshot, resource: Resource) -> What<'_> {
    let name = match resource {
        Resource::GpuType(which) => snapshot.gpu_types().nth(which.into()).unwrap_or_default(),
        Resource::Money => snapshot.currency(),
        _ => "",
    };
    What { resource, name }
}
