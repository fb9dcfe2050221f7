//! The decision on a change of a job: what it would become, judged by what that adds.

use super::asked::{Asked, Horizons};
use super::bound::{Bound, Cost, bound};
use super::edits::Earlier;
use super::gres::GpuAsk;
use super::judge::Terms;
use super::ledger::Ledger;
use super::load::Added;
use super::place::{account_and_grant, cost_center, fits_queue, queues};
use super::reading::readings;
use super::request::{Edit, Memory, Request, TimeLimit};
use super::room::{More, Payer, Seat, has_room};
use super::windows::{Ruled, emergency};
use crate::access;
use crate::reason::{Kind, Reason};
use crate::role::Lifts;
use crate::snapshot::{LiveJobRef, Snapshot};
use crate::time::Timestamp;
use crate::tres::{Resource, Tres};
use crate::window::Run;

/// Judges an edit of `jobs`, the records that the edited id names. Admits with the work that is to be booked, if any.
///
/// `earlier` are edits of them, oldest first, that the list of `jobs` may not show yet.
///
/// An edit that raises nothing is never refused, whatever the state of grants and limits. Running jobs are left to
/// slurmctld, which lets their owners only shrink them.
pub fn judge_edit<'s>(
    snapshot: &'s Snapshot,
    ledger: &Ledger,
    jobs: &[LiveJobRef<'s>],
    edit: &Edit<'s>,
    earlier: &[Earlier<'_>],
    now: Timestamp,
) -> Result<Vec<Terms<'s>>, Reason<'s>> {
    let mut terms = Vec::new();
    for job in jobs.iter().filter(|job| !job.running) {
        terms.extend(of_one(snapshot, ledger, job, edit, earlier, now)?);
    }
    Ok(terms)
}

/// Judges the edit of one record.
fn of_one<'s>(
    snapshot: &'s Snapshot,
    ledger: &Ledger,
    job: &LiveJobRef<'s>,
    edit: &Edit<'s>,
    earlier: &[Earlier<'_>],
    now: Timestamp,
) -> Result<Option<Terms<'s>>, Reason<'s>> {
    let old = before(job);
    let new = edited(&old, edit);
    // The job may still be as it is listed, or as any of the earlier edits left it.
    let mut states = vec![State { request: old, begin_at: job.begin_at, held: true }];
    for made in earlier {
        states.extend(states.last().map(|state| state.after(made)));
    }
    let moved = edit.account.is_some_and(|account| !account.eq_ignore_ascii_case(job.account));
    let requeued = edit.qos.is_some_and(|qos| !qos.eq_ignore_ascii_case(job.qos));
    let rerouted = edit.partition.is_some_and(|partition| partition != job.partition);
    let begins = || states.iter().map(|state| state.begin_at.max(now));
    let sooner = edit.begin_at.is_some_and(|begin| begins().any(|old| begin.max(now) < old));
    let changes = changes(snapshot, &states, edit)?;
    let raised = changes.iter().any(Change::raises);
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
    // Where it is now decides who pays and which rules hold, so that has to be known.
    let placed = |edit: &Edit<'_>| edit.account.is_some() || edit.partition.is_some() || edit.qos.is_some();
    if windowed && earlier.iter().any(|made| placed(&made.edit)) {
        return Err(Reason::NotYetSeen);
    }
    let person = snapshot.person(job.uid).ok_or(Reason::NoGrant)?;
    let (account, grant) = account_and_grant(snapshot, &person, new.account, now)?;
    let most = |of: fn(&Change) -> Option<&Cost>| {
        changes.iter().filter_map(of).fold(Cost::default(), |most, cost| most.larger(cost))
    };
    let was = most(|change| change.held.then_some(&change.was));
    let becomes = most(|change| Some(&change.becomes));
    let queues = queues(snapshot, new.qos, grant.role, account.position);
    if requeued || moved || raised {
        for queue in queues.as_ref().map_err(|reason| *reason)? {
            let alone = if requeued { becomes.tres } else { grown(&changes) };
            fits_queue(snapshot, queue, edit.time_limit.unwrap_or(TimeLimit::Unset), &alone)?;
        }
    }
    if retagged {
        cost_center(snapshot, edit.cost_center, account.position)?;
    }
    let begin_at = edit.begin_at.or_else(|| begins().min()).unwrap_or(now).max(now);
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
    let held_from = states.iter().filter(|state| state.held).map(|state| state.begin_at).min().unwrap_or(job.begin_at);
    let old = Asked { jobs: tasks, cost: was, begin_at: held_from };
    let old_account = snapshot.account(job.account).map(|account| account.position);
    let old_line: Vec<u32> =
        old_account.into_iter().flat_map(|account| snapshot.account_line_positions(account)).collect();
    let covered = access::covers(&grant, old_line.iter().copied());
    let horizons = ledger.horizons(snapshot, now);
    let mut more = Difference { new, old, changes: &changes, old_line, covered, horizons };
    let seat = Seat { person: &person, account: account.position, grant: &grant };
    match (has_room(snapshot, ledger, &seat, now, &mut more), lifting(Lifts::limits)) {
        (Ok(()), _) => {}
        (Err(reason), Some(lifted)) if reason.code().kind() == Kind::Quota => emergency = Some(lifted),
        (Err(reason), _) => return Err(reason),
    }
    // Which of its states a next list shows is not known, so with earlier edits all of it is booked.
    let asked = if moved || sooner || !earlier.is_empty() { new } else { delta(&new, &old) };
    Ok(Some(terms(asked, emergency)))
}

/// What an edit adds: to those who paid before the difference, to new payers everything.
struct Difference<'a, 's> {
    new: Asked,
    old: Asked,
    changes: &'a [Change],
    /// The accounts that paid before.
    old_line: Vec<u32>,
    /// Whether the grant covers the job as it was.
    covered: bool,
    horizons: Horizons<'s>,
}

impl More for Difference<'_, '_> {
    fn added(&mut self, payer: Payer, calendar: u32) -> Added {
        let horizon = self.horizons.of(calendar);
        let paid_before = match payer {
            Payer::Person => true,
            Payer::Seat(position) | Payer::Account(position) => self.old_line.contains(&position),
            Payer::Grant => self.covered,
        };
        let new = self.new.work_within(horizon);
        if !paid_before {
            return Added { new, old: None, readings: Vec::new() };
        }
        let of = |cost, begin_at| Asked { cost, begin_at, ..self.new }.work_within(horizon);
        let both = |change: &Change| (of(change.was, change.begin_at), of(change.becomes, self.new.begin_at));
        let readings = self.changes.iter().map(both);
        Added { new, old: Some(self.old.work_within(horizon)), readings: readings.collect() }
    }

    fn alone(&self) -> Tres {
        grown(self.changes)
    }
}

/// What a job may be before an edit.
#[derive(Debug, Clone, Copy)]
struct State<'a> {
    request: Request<'a>,
    begin_at: Timestamp,
    /// Whether what is in flight covers it.
    held: bool,
}

impl<'a> State<'a> {
    fn after(&self, Earlier { edit, booked }: &Earlier<'a>) -> Self {
        let begin_at = edit.begin_at.unwrap_or(self.begin_at);
        Self { request: edited(&self.request, edit), begin_at, held: *booked }
    }
}

/// What an edit makes of a job in one way that the job may be and may be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Change {
    was: Cost,
    /// When it could begin before.
    begin_at: Timestamp,
    /// Whether what is in flight covers what it was.
    held: bool,
    becomes: Cost,
}

impl Change {
    /// Whether the job may take more of anything, or longer.
    fn raises(&self) -> bool {
        self.becomes.tres.exceeds(&self.was.tres) || self.becomes.seconds > self.was.seconds
    }
}

/// What an edit makes of a job in each of its `states`, in every way that it may be meant; what comes to the same only
/// once.
///
/// A job without a limit on its time cannot be raised. One that loses its limit has no bound, and is refused.
fn changes<'s>(snapshot: &'s Snapshot, states: &[State<'_>], edit: &Edit<'_>) -> Result<Vec<Change>, Reason<'s>> {
    let mut changes = Vec::new();
    for State { request, begin_at, held } in states {
        for old in readings(snapshot, request) {
            let (was, becomes) = match (bound(snapshot, &old), bound(snapshot, &edited(&old, edit))) {
                (Bound::Cost(was), Bound::Cost(becomes)) => (was, becomes),
                (Bound::Timeless(_), Bound::Cost(becomes)) => (becomes, becomes),
                (Bound::Timeless(_), Bound::Timeless(_)) => (Cost::default(), Cost::default()),
                (Bound::Cost(_), Bound::Timeless(partition)) => return Err(Reason::NoTimeLimit(partition)),
            };
            let change = Change { was, begin_at: *begin_at, held: *held, becomes };
            if !changes.contains(&change) {
                changes.push(change);
            }
        }
    }
    Ok(changes)
}

/// The most of each amount that may grow; nothing of the others.
fn grown(changes: &[Change]) -> Tres {
    changes.iter().fold(Tres::ZERO, |all, Change { was, becomes, .. }| {
        let (was, becomes) = (&was.tres, &becomes.tres);
        Resource::all()
            .filter(|resource| becomes.get(*resource) > was.get(*resource))
            .fold(all, |all, resource| all.with(resource, all.get(resource).max(becomes.get(resource))))
    })
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
    Request {
        account: edit.account.or(old.account),
        partition: edit.partition.or(old.partition),
        time_limit: edit.time_limit.unwrap_or(old.time_limit),
        begin_at: edit.begin_at.or(old.begin_at),
        shape,
        gpus: GpuAsk {
            per_job: edit.gpus.per_job.or(old.gpus.per_job),
            per_node: edit.gpus.per_node.or(old.gpus.per_node),
            per_socket: edit.gpus.per_socket.or(old.gpus.per_socket),
            per_task: edit.gpus.per_task.or(old.gpus.per_task),
            cpus_per_gpu: edit.gpus.cpus_per_gpu.or(old.gpus.cpus_per_gpu),
            memory_per_gpu: edit.gpus.memory_per_gpu.or(old.gpus.memory_per_gpu),
        },
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
