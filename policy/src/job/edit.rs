//! The decision on a change of a job: what it would become, judged by what that adds.

use super::asked::{Asked, Horizons};
use super::bound::{Bound, Cost, Untold, bound_untold};
use super::gres::GpuAsk;
use super::judge::Terms;
use super::ledger::Ledger;
use super::load::Added;
use super::place::{account_and_grant, cost_center, fits_queue, queues};
use super::request::{Edit, Memory, Request, TimeLimit};
use super::room::{More, Payer, Seat, has_room};
use super::windows::{Ruled, emergency};
use crate::access;
use crate::reason::{Kind, Reason};
use crate::role::Lifts;
use crate::snapshot::{LiveJobRef, Snapshot};
use crate::time::Timestamp;
use crate::tres::Tres;
use crate::window::Run;

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
        terms.extend(of_one(snapshot, ledger, job, edit, now)?);
    }
    Ok(terms)
}

/// Judges the edit of one record.
fn of_one<'s>(
    snapshot: &'s Snapshot,
    ledger: &Ledger,
    job: &LiveJobRef<'s>,
    edit: &Edit<'s>,
    now: Timestamp,
) -> Result<Option<Terms<'s>>, Reason<'s>> {
    let old = before(job);
    let new = edited(&old, edit);
    let moved = edit.account.is_some_and(|account| !account.eq_ignore_ascii_case(job.account));
    let requeued = edit.qos.is_some_and(|qos| !qos.eq_ignore_ascii_case(job.qos));
    let rerouted = edit.partition.is_some_and(|partition| partition != job.partition);
    let sooner = edit.begin_at.is_some_and(|begin| begin.max(now) < job.begin_at.max(now));
    let untold = Untold::of(snapshot, &old, old.partition);
    let was = bound_untold(snapshot, &old, untold);
    let time = untold.time && edit.time_limit.is_none();
    let becomes = bound_untold(snapshot, &new, Untold { time, memory: untold.memory && edit.memory.is_none() });
    let raised = match (was, becomes) {
        (Bound::Cost(was), Bound::Cost(becomes)) => becomes.tres.exceeds(&was.tres) || becomes.seconds > was.seconds,
        (Bound::Timeless(_), _) => false,
        (Bound::Cost(_), Bound::Timeless(partition)) => return Err(Reason::NoTimeLimit(partition)),
    };
    let retagged = edit.cost_center.is_some();
    // Whether it changes when the job may begin, or what it must keep to. Of a job that is held or depends on another
    // slurmctld lists no begin, so any begin may be sooner than its own.
    let windowed = raised || moved || requeued || rerouted || edit.begin_at.is_some() || edit.releases;
    if !windowed && !retagged {
        return Ok(None);
    }
    if snapshot.is_stale(now) {
        return Err(Reason::Unavailable);
    }
    let person = snapshot.person(job.uid).ok_or(Reason::NoGrant)?;
    let (account, grant) = account_and_grant(snapshot, &person, new.account, now)?;
    let cost = |bound| if let Bound::Cost(cost) = bound { cost } else { Cost::default() };
    let (was, becomes) = (cost(was), cost(becomes));
    let queues = queues(snapshot, new.qos, grant.role, account.position);
    if requeued || moved || raised {
        for queue in queues.as_ref().map_err(|reason| *reason)? {
            let alone = if requeued { becomes.tres } else { grown(&becomes.tres, &was.tres) };
            fits_queue(snapshot, queue, edit.time_limit.unwrap_or(TimeLimit::Unset), &alone)?;
        }
    }
    if retagged {
        cost_center(snapshot, edit.cost_center, account.position)?;
    }
    let begin_at = edit.begin_at.unwrap_or(job.begin_at).max(now);
    if begin_at >= grant.until {
        return Err(Reason::BeginsAfterGrant(grant.until_text));
    }
    let lifting = |lifts| emergency(snapshot, &person, account.position, (now, begin_at), lifts);
    let (mut waits, mut emergency) = (None, None);
    if windowed {
        let queues = queues.unwrap_or_default();
        let (partition, role) = (new.partition, Some(grant.role));
        let ruled = Ruled { snapshot, partition, queues: &queues, role, account: account.position };
        let run = Run { begin_at, seconds: becomes.seconds.saturating_sub(snapshot.facts().slack) };
        (waits, emergency) = match (ruled.waits(run, now), lifting(Lifts::windows)) {
            (Ok(None), _) => (None, None),
            (_, Some(emergency)) => (None, Some(emergency)),
            (outcome, None) => (outcome?, None),
        };
    }
    let begin_at = waits.map_or(begin_at, |waits| waits.until);
    if begin_at >= grant.until {
        return Err(Reason::BeginsAfterGrant(grant.until_text));
    }
    let terms = |asked, emergency| Terms {
        uid: job.uid,
        account: account.name,
        grant: grant.id,
        asked,
        qos: None,
        cost_center: None,
        storage: None,
        waits,
        emergency,
    };
    if !raised && !moved && !sooner {
        let nothing = Asked { jobs: 0, cost: Cost::default(), begin_at };
        return Ok((waits.is_some() || emergency.is_some()).then(|| terms(nothing, emergency)));
    }
    let tasks = u64::from(job.tasks);
    let new = Asked { jobs: tasks, cost: becomes, begin_at };
    let old = Asked { jobs: tasks, cost: was, begin_at: job.begin_at };
    let old_account = snapshot.account(job.account).map(|account| account.position);
    let old_line: Vec<u32> =
        old_account.into_iter().flat_map(|account| snapshot.account_line_positions(account)).collect();
    let covered = access::covers(&grant, old_line.iter().copied());
    let mut more = Difference { new, old, old_line, covered, horizons: ledger.horizons(snapshot, now) };
    let seat = Seat { person: &person, account: account.position, grant: &grant };
    match (has_room(snapshot, ledger, &seat, now, &mut more), lifting(Lifts::limits)) {
        (Ok(()), _) => {}
        (Err(reason), Some(lifted)) if reason.code().kind() == Kind::Quota => emergency = Some(lifted),
        (Err(reason), _) => return Err(reason),
    }
    let asked = if moved || sooner { new } else { delta(&new, &old) };
    Ok(Some(terms(asked, emergency)))
}

/// What an edit adds: to those who paid before the difference, to new payers everything.
struct Difference<'s> {
    new: Asked,
    old: Asked,
    /// The accounts that paid before.
    old_line: Vec<u32>,
    /// Whether the grant covers the job as it was.
    covered: bool,
    horizons: Horizons<'s>,
}

impl More for Difference<'_> {
    fn added(&mut self, payer: Payer, calendar: u32) -> Added {
        let horizon = self.horizons.of(calendar);
        let paid_before = match payer {
            Payer::Person => true,
            Payer::Seat(position) | Payer::Account(position) => self.old_line.contains(&position),
            Payer::Grant => self.covered,
        };
        let new = self.new.work_within(horizon);
        Added { new, old: paid_before.then(|| self.old.work_within(horizon)) }
    }

    fn alone(&self) -> Tres {
        grown(&self.new.cost.tres, &self.old.cost.tres)
    }
}

/// Those amounts of `new` that are larger than in `old`; nothing of the others.
fn grown(new: &Tres, old: &Tres) -> Tres {
    crate::tres::Resource::all()
        .filter(|resource| new.get(*resource) > old.get(*resource))
        .fold(Tres::ZERO, |all, resource| all.with(resource, new.get(resource)))
}

/// The request as the job stands now.
fn before<'s>(job: &LiveJobRef<'s>) -> Request<'s> {
    Request {
        uid: job.uid,
        account: Some(job.account),
        partition: Some(job.partition).filter(|list| !list.is_empty()),
        time_limit: job.minutes.map_or(TimeLimit::Unlimited, TimeLimit::Minutes),
        begin_at: None,
        array: None,
        shape: job.shape,
        gpus: GpuAsk::default(),
        qos: Some(job.qos).filter(|qos| !qos.is_empty()),
        cost_center: None,
    }
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
    shape.open_ended = shape.open_ended || edit.open_ended || edit.memory == Some(Memory::PerNode(0));
    // Listed are the GPUs of the nodes and tasks that there were.
    let more = |new: Option<u32>, old: Option<u32>| new.unwrap_or(1).div_ceil(old.unwrap_or(1).max(1)).max(1);
    let grown = more(shape.min_nodes, old.shape.min_nodes).max(more(shape.tasks, old.shape.tasks));
    shape.gpus.all = shape.gpus.all.saturating_mul(grown);
    shape.gpus.typed = shape.gpus.typed.map(|count| count.saturating_mul(grown));
    Request {
        account: edit.account.or(old.account),
        partition: edit.partition.or(old.partition),
        time_limit: edit.time_limit.unwrap_or(old.time_limit),
        begin_at: edit.begin_at.or(old.begin_at),
        shape,
        gpus: edit.gpus,
        qos: edit.qos.or(old.qos),
        ..*old
    }
}

/// The further work of an edit, as one booking that is never below the difference.
fn delta(new: &Asked, old: &Asked) -> Asked {
    let more = new.cost.tres.without(&old.cost.tres);
    let cost = if more.is_zero() {
        // Longer at the same width: the further seconds may fall anywhere.
        Cost { tres: new.cost.tres, seconds: new.cost.seconds.saturating_sub(old.cost.seconds) }
    } else if new.cost.seconds <= old.cost.seconds {
        Cost { tres: more, seconds: new.cost.seconds }
    } else {
        new.cost
    };
    Asked { cost, ..*new }
}
