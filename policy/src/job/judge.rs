//! The decision on one job: a pure function of the snapshot, the bookings and the instant.

use super::array::MOST_BYTES as MOST_ARRAY_BYTES;
use super::bound::{Bound, Cost, bound, bound_listed};
use super::ledger::Ledger;
use super::request::{Edit, Request, TimeLimit};
use super::{Memory, most_tasks};
use crate::access;
use crate::limit::{Limits, PeriodUse, Usage};
use crate::reason::{Owner, Reason};
use crate::snapshot::{AccountRef, LiveJobRef, PersonRef, Snapshot};
use crate::time::{Period, PeriodKind, Timestamp};

/// The answer to a job.
#[derive(Debug, Clone)]
#[must_use]
pub enum Verdict<'s> {
    /// It may enter on these terms.
    Admit(Terms<'s>),
    /// It may not, for this reason.
    Refuse(Reason<'s>),
}

/// On what terms a job enters.
#[derive(Debug, Clone)]
pub struct Terms<'s> {
    /// Whose job it is.
    pub uid: u32,
    /// The account that pays.
    pub account: &'s str,
    /// The grant that lets it in.
    pub grant: u64,
    /// What it may come to.
    pub asked: Asked,
}

/// How much work is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Asked {
    /// Jobs: the tasks of an array, otherwise 1.
    pub jobs: u64,
    /// The most each can cost.
    pub cost: Cost,
    /// The earliest instant it can start.
    pub begin_at: Timestamp,
}

impl Asked {
    /// What this holds against a limit while it waits: it may start at any instant from `now` on.
    ///
    /// Whatever its begin, all of it may fall into one later period. That period need not be the next one, but only
    /// the next one is reckoned with: were it left out there, work that begins in two days would be judged nowhere.
    pub fn usage(&self, snapshot: &Snapshot, now: Timestamp) -> Usage {
        self.usage_within(&Horizon::at(snapshot, now))
    }

    /// The same, with the periods looked up before.
    pub(super) fn usage_within(&self, horizon: &Horizon) -> Usage {
        let begin = self.begin_at.max(horizon.now);
        let mut usage = Usage {
            queued: u32::try_from(self.jobs).unwrap_or(u32::MAX),
            in_flight_total: self.jobs.saturating_mul(self.cost.cpu_seconds()),
            ..Usage::default()
        };
        for (periods, slot) in horizon.periods.iter().zip(&mut usage.periods) {
            let Some(known) = periods else { continue };
            slot.in_flight = self.most_within(known.current.end.seconds_since(begin));
            slot.in_flight_next = match known.next {
                Some(next) if self.cost.seconds <= next.length() => usage.in_flight_total,
                Some(_) => self.most_within(known.longest_later),
                // Where the next period is not known, its length is not either: all of the work may fall into it.
                None => usage.in_flight_total,
            };
        }
        usage
    }

    /// The most that can be consumed within a stretch of `seconds`.
    fn most_within(&self, seconds: u64) -> u64 {
        self.jobs.saturating_mul(self.cost.cpus.saturating_mul(self.cost.seconds.min(seconds)))
    }
}

/// The periods that work begun at an instant can fall into.
#[derive(Debug, Clone, Copy)]
pub(super) struct Horizon {
    now: Timestamp,
    /// By kind.
    periods: [Option<Known>; 3],
}

/// What is known of one kind of period.
#[derive(Debug, Clone, Copy)]
struct Known {
    current: Period,
    next: Option<Period>,
    /// Seconds of the longest period after the current one.
    longest_later: u64,
}

impl Horizon {
    /// The periods of `now` and those after.
    pub(super) fn at(snapshot: &Snapshot, now: Timestamp) -> Self {
        let periods = PeriodKind::ALL.map(|kind| {
            let current = snapshot.period(kind, now)?.period;
            let next = snapshot.period(kind, current.end).map(|next| next.period);
            Some(Known { current, next, longest_later: snapshot.longest_after(kind, now) })
        });
        Self { now, periods }
    }

    /// When the first of the current periods ends.
    pub(super) fn ends(&self) -> Timestamp {
        self.periods.iter().flatten().map(|known| known.current.end).min().unwrap_or(Timestamp::NEVER)
    }
}

/// Judges a job that wants to enter.
pub fn judge<'s>(snapshot: &'s Snapshot, ledger: &Ledger, request: &Request<'s>, now: Timestamp) -> Verdict<'s> {
    match admit(snapshot, ledger, request, now) {
        Ok(terms) => Verdict::Admit(terms),
        Err(reason) => Verdict::Refuse(reason),
    }
}

fn admit<'s>(
    snapshot: &'s Snapshot,
    ledger: &Ledger,
    request: &Request<'s>,
    now: Timestamp,
) -> Result<Terms<'s>, Reason<'s>> {
    if snapshot.is_stale(now) {
        return Err(Reason::Unavailable);
    }
    let person = snapshot.person(request.uid).ok_or(Reason::NoGrant)?;
    let (account, grant) = account_and_grant(snapshot, &person, request.account, now)?;
    let begin_at = request.begin_at.unwrap_or(now).max(now);
    if begin_at >= grant.until {
        return Err(Reason::BeginsAfterGrant(grant.until_text));
    }
    let cost = match bound(snapshot, request) {
        Bound::Cost(cost) => cost,
        Bound::Timeless(partition) => return Err(Reason::NoTimeLimit(partition)),
    };
    if request.array.is_some_and(|text| text.len() > MOST_ARRAY_BYTES) {
        return Err(Reason::Input("--array list of more than 16384 characters"));
    }
    // What Slurm cannot read either is left to Slurm, whose own error says more.
    let jobs = request.array.map_or(1, |text| most_tasks(text).unwrap_or(1));
    let asked = Asked { jobs, cost, begin_at };
    let more = asked.usage(snapshot, now);
    has_room(snapshot, ledger, &person, account.position, now, |_| more)?;
    Ok(Terms { uid: person.uid(), account: account.name, grant: grant.id, asked })
}

/// The account that a job of `person` would run in, and the grant that covers it.
fn account_and_grant<'s>(
    snapshot: &'s Snapshot,
    person: &PersonRef<'s>,
    named: Option<&'s str>,
    now: Timestamp,
) -> Result<(AccountRef<'s>, crate::snapshot::GrantRef<'s>), Reason<'s>> {
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

/// Checks that the person, the account and each of its ancestors have room for what `more` says of each.
///
/// `more` is asked with the account's position, or `None` for the person.
fn has_room<'s>(
    snapshot: &'s Snapshot,
    ledger: &Ledger,
    person: &PersonRef<'s>,
    account: u32,
    now: Timestamp,
    mut more: impl FnMut(Option<u32>) -> Usage,
) -> Result<(), Reason<'s>> {
    let booked = ledger.person(person.uid());
    fits(snapshot, Owner::You, &person.limits(), &person.usage(), &booked, &more(None), now)?;
    for above in snapshot.account_line(account) {
        let booked = ledger.account(above.position);
        let owner = Owner::Account(above.name);
        fits(snapshot, owner, &above.limits, &above.usage, &booked, &more(Some(above.position)), now)?;
    }
    Ok(())
}

/// Checks one owner's limits.
fn fits<'s>(
    snapshot: &'s Snapshot,
    owner: Owner<'s>,
    limits: &Limits,
    seen: &Usage,
    booked: &Usage,
    more: &Usage,
    now: Timestamp,
) -> Result<(), Reason<'s>> {
    let waiting = u64::from(seen.queued) + u64::from(booked.queued);
    let present = waiting + u64::from(seen.running);
    let asked = u64::from(more.queued);
    if let Some(limit) = limits.running_jobs.map(u64::from) {
        // A limit of nothing can never be waited out; any other is a reason to wait, unless the site says otherwise.
        let refuses = limit == 0 || snapshot.facts().running_limit_refuses;
        if refuses && asked > 0 && present + asked > limit {
            return Err(Reason::RunningJobs { owner, asked, present, limit });
        }
    }
    if let Some(limit) = limits.queued_jobs.map(u64::from)
        && asked > 0
        && waiting + asked > limit
    {
        return Err(Reason::QueuedJobs { owner, asked, present: waiting, limit });
    }
    for kind in PeriodKind::ALL {
        let Some(limit) = limits.cpu(kind) else { continue };
        // A calendar that has run out means an agent that has been gone for weeks.
        let current = snapshot.period(kind, now).ok_or(Reason::Unavailable)?;
        let held = after_rollover(&seen.period(kind), seen.in_flight_total, current.ordinal);
        let booked = booked.period(kind);
        let more = more.period(kind);
        let ends = current.end_text;
        let in_flight = held.in_flight.saturating_add(booked.in_flight);
        if more.in_flight > 0 && held.settled.saturating_add(in_flight).saturating_add(more.in_flight) > limit {
            let (asked, used) = (more.in_flight, held.settled);
            return Err(Reason::CpuTime { owner, kind, next: false, asked, used, in_flight, limit, ends });
        }
        let in_flight = held.in_flight_next.saturating_add(booked.in_flight_next);
        if more.in_flight_next > 0 && in_flight.saturating_add(more.in_flight_next) > limit {
            let asked = more.in_flight_next;
            return Err(Reason::CpuTime { owner, kind, next: true, asked, used: 0, in_flight, limit, ends });
        }
    }
    Ok(())
}

/// What a snapshot's figures say once `periods` have ended since it was made.
///
/// Nothing is known of what was settled since, but whatever it is was in flight then: the bound holds.
/// `total` is [`Usage::in_flight_total`] of the same owner.
pub fn after_rollover(seen: &PeriodUse, total: u64, periods: usize) -> PeriodUse {
    match periods {
        0 => *seen,
        1 => PeriodUse { settled: 0, in_flight: seen.in_flight_next, in_flight_next: total },
        _ => PeriodUse { settled: 0, in_flight: total, in_flight_next: total },
    }
}

/// Judges an edit of `jobs`, the records that the edited id names. Admits with the work that is to be booked, if any.
///
/// An edit that raises nothing is never refused, whatever the state of grants and limits. Running jobs are left to
/// slurmctld, which lets their owners only shrink them.
pub fn judge_edit<'s>(
    snapshot: &'s Snapshot,
    ledger: &Ledger,
    jobs: &[LiveJobRef<'s>],
    edit: &Edit<'s>,
    now: Timestamp,
) -> Result<Vec<Terms<'s>>, Reason<'s>> {
    let mut terms = Vec::new();
    for job in jobs.iter().filter(|job| !job.running) {
        let old = Request {
            uid: job.uid,
            account: Some(job.account),
            partition: Some(job.partition).filter(|list| !list.is_empty()),
            time_limit: job.minutes.map_or(TimeLimit::Unlimited, TimeLimit::Minutes),
            begin_at: None,
            array: None,
            shape: job.shape,
        };
        let new = edited(&old, edit);
        let moved = edit.account.is_some_and(|account| !account.eq_ignore_ascii_case(job.account));
        let later = edit.begin_at.is_some_and(|begin| begin > now);
        let sooner = edit.begin_at.is_some_and(|begin| begin.max(now) < job.begin_at.max(now));
        let was = bound_listed(snapshot, &old, old.partition);
        let becomes = match edit.time_limit {
            None => bound_listed(snapshot, &new, old.partition),
            Some(_) => bound(snapshot, &new),
        };
        let raised = match (was, becomes) {
            (Bound::Cost(was), Bound::Cost(becomes)) => becomes.cpus > was.cpus || becomes.seconds > was.seconds,
            (Bound::Timeless(_), _) => false,
            (Bound::Cost(_), Bound::Timeless(partition)) => return Err(Reason::NoTimeLimit(partition)),
        };
        if !raised && !moved && !later && !sooner {
            continue;
        }
        let person = snapshot.person(job.uid).ok_or(Reason::NoGrant)?;
        let (account, grant) = account_and_grant(snapshot, &person, new.account, now)?;
        let begin_at = edit.begin_at.unwrap_or(job.begin_at).max(now);
        if begin_at >= grant.until {
            return Err(Reason::BeginsAfterGrant(grant.until_text));
        }
        if !raised && !moved && !sooner {
            continue;
        }
        let cost = |bound| if let Bound::Cost(cost) = bound { cost } else { Cost::default() };
        let jobs = u64::from(job.tasks);
        let new = Asked { jobs, cost: cost(becomes), begin_at };
        let old = Asked { jobs, cost: cost(was), begin_at: job.begin_at };
        let (all, before) = (new.usage(snapshot, now), old.usage(snapshot, now));
        let extra = without(&all, &before);
        let old_line: Vec<u32> = snapshot
            .account(job.account)
            .map(|account| snapshot.account_line_positions(account.position).collect())
            .unwrap_or_default();
        has_room(snapshot, ledger, &person, account.position, now, |owner| match owner {
            Some(position) if !old_line.contains(&position) => all,
            _ => extra,
        })?;
        let asked = if moved || sooner { new } else { delta(&new, &old) };
        terms.push(Terms { uid: job.uid, account: account.name, grant: grant.id, asked });
    }
    Ok(terms)
}

/// The request as it would read after `edit`.
fn edited<'a>(old: &Request<'a>, edit: &Edit<'a>) -> Request<'a> {
    let mut shape = old.shape;
    shape.min_cpus = edit.min_cpus.unwrap_or(shape.min_cpus);
    shape.min_nodes = edit.min_nodes.or(shape.min_nodes);
    shape.max_nodes = edit.max_nodes.or(shape.max_nodes);
    shape.tasks = edit.tasks.or(shape.tasks);
    shape.cpus_per_task = edit.cpus_per_task.or(shape.cpus_per_task);
    shape.cpus_per_node = edit.cpus_per_node.or(shape.cpus_per_node);
    shape.memory = edit.memory.unwrap_or(shape.memory);
    shape.whole_nodes = shape.whole_nodes || edit.whole_nodes == Some(true);
    shape.open_ended = shape.open_ended || edit.open_ended || matches!(shape.memory, Memory::PerNode(0));
    Request {
        account: edit.account.or(old.account),
        partition: edit.partition.or(old.partition),
        time_limit: edit.time_limit.unwrap_or(old.time_limit),
        begin_at: edit.begin_at.or(old.begin_at),
        shape,
        ..*old
    }
}

/// What `all` holds beyond `before`; no further jobs.
fn without(all: &Usage, before: &Usage) -> Usage {
    let mut rest =
        Usage { in_flight_total: all.in_flight_total.saturating_sub(before.in_flight_total), ..Usage::default() };
    for (slot, (all, before)) in rest.periods.iter_mut().zip(all.periods.iter().zip(&before.periods)) {
        slot.in_flight = all.in_flight.saturating_sub(before.in_flight);
        slot.in_flight_next = all.in_flight_next.saturating_sub(before.in_flight_next);
    }
    rest
}

/// The further work of an edit, as one booking that is never below the difference.
fn delta(new: &Asked, old: &Asked) -> Asked {
    let more_cpus = new.cost.cpus.saturating_sub(old.cost.cpus);
    let cost = if more_cpus == 0 {
        // Longer at the same width: the further seconds may fall anywhere.
        Cost { cpus: new.cost.cpus, seconds: new.cost.seconds.saturating_sub(old.cost.seconds) }
    } else if new.cost.seconds <= old.cost.seconds {
        Cost { cpus: more_cpus, seconds: new.cost.seconds }
    } else {
        new.cost
    };
    Asked { cost, ..*new }
}
