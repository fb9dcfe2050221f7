//! Whether the windows that govern a job let it begin, and when: those of every partition that it could run in, of its
//! queue, of its account and each account above, and of the role that lets it in. It has to keep to all of them.

use super::bound::Bound;
use super::place::{account_and_grant, queues};
use super::reading::bound_listed;
use super::request::Request;
use crate::access;
use crate::reason::{Reason, WindowName};
use crate::role::{Lifts, Role};
use crate::snapshot::{GovernsRef, PersonRef, QueueRef, Snapshot, WindowRef};
use crate::time::Timestamp;
use crate::window::{Placement, Run, Window as _, earliest, place};

/// A job that has to wait for an opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// The earliest instant at which it may begin.
    pub until: Timestamp,
    /// The window that opens then: its position in the snapshot.
    pub opens: u32,
}

/// What decides which windows govern a job.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ruled<'a, 's> {
    pub(super) snapshot: &'s Snapshot,
    /// Its partition list; `None` is the default partition.
    pub(super) partition: Option<&'a str>,
    pub(super) queues: &'a [QueueRef<'s>],
    /// The role that lets it in.
    pub(super) role: Option<Role>,
    /// The account's position.
    pub(super) account: u32,
}

impl<'a, 's> Ruled<'a, 's> {
    /// The windows.
    fn windows(self) -> impl Iterator<Item = WindowRef<'s>> + Clone + use<'a, 's> {
        self.snapshot.windows().filter(move |window| match window.governs() {
            GovernsRef::Partition(name) => self.could_run_in(name),
            GovernsRef::Queue(name) => self.queues.iter().any(|queue| queue.name() == name),
            GovernsRef::Role(role) => self.role == Some(role),
            GovernsRef::Account(at) => self.snapshot.account_line_positions(self.account).any(|above| above == at),
        })
    }

    /// Whether the job could run in the partition of this name.
    fn could_run_in(self, name: &str) -> bool {
        match self.partition {
            Some(list) => list.split(',').any(|one| one.trim() == name),
            None => self.snapshot.partition(name).is_some_and(|partition| partition.default),
        }
    }

    /// For what `run` has to wait; `None` when it may begin when it wants to.
    pub(super) fn waits(self, run: Run, now: Timestamp) -> Result<Option<Waits>, Reason<'s>> {
        let at_once = run.begin_at <= now;
        match place(self.windows(), run) {
            Placement::Inside => Ok(None),
            Placement::Waits { until, opens } => Ok(Some(Waits { until, opens: opens.position() })),
            Placement::Closed { window, until, opens } => {
                let until = Some(opens.opens_text(until));
                Err(Reason::WindowClosed { window: WindowName::of(&window), until, at_once })
            }
            Placement::Nowhere { window } => {
                Err(Reason::WindowClosed { window: WindowName::of(&window), until: None, at_once })
            }
            Placement::EndsOutside { window, closes, until, opens } => Err(Reason::EndsOutside {
                window: WindowName::of(&window),
                closes: window.closes_text(closes),
                seconds: run.seconds,
                until: opens.opens_text(until),
            }),
            Placement::TooLong { window, longest } => {
                Err(Reason::LongerThanWindow { window: WindowName::of(&window), seconds: run.seconds, longest })
            }
        }
    }
}

/// The emergency grant of `person` that lifts what `lifts` says for a job on the account that begins at `begin_at`.
pub(super) fn emergency(
    snapshot: &Snapshot,
    person: &PersonRef<'_>,
    account: u32,
    (now, begin_at): (Timestamp, Timestamp),
    lifts: fn(Lifts) -> bool,
) -> Option<u64> {
    let found = person.grants().find(|grant| {
        grant.lifts.is_some_and(lifts)
            && grant.holds(now)
            && begin_at < grant.until
            && access::covers(grant, snapshot.account_line_positions(account))
    });
    found.map(|grant| grant.id)
}

/// The windows that govern a job that would come at `now`, as far as it is clear where it would go and who lets it in.
pub fn governing<'s>(snapshot: &'s Snapshot, job: &Request<'s>, now: Timestamp) -> Vec<WindowRef<'s>> {
    let found = snapshot.person(job.uid).and_then(|person| account_and_grant(snapshot, &person, job.account, now).ok());
    let Some((account, grant)) = found else { return Vec::new() };
    let queues = queues(snapshot, job.qos, grant.role, account.position).unwrap_or_default();
    let (partition, role) = (job.partition, Some(grant.role));
    Ruled { snapshot, partition, queues: &queues, role, account: account.position }.windows().collect()
}

/// When a job that waits is to begin, if the windows that move jobs do not let it begin when it could.
///
/// `job` is as slurmctld lists it. A job that finds no place is put off to the first instant of which nothing is known.
/// Jobs of those whom bursar does not know are nobody's to move.
pub fn moved_to(snapshot: &Snapshot, job: &Request<'_>, now: Timestamp) -> Option<Timestamp> {
    let person = snapshot.person(job.uid)?;
    let account = snapshot.account(&job.account?.to_ascii_lowercase())?.position;
    let covers =
        |grant: &crate::snapshot::GrantRef<'_>| access::covers(grant, snapshot.account_line_positions(account));
    let role = access::holding(&person, now, covers).ok().map(|grant| grant.role);
    let begin_at = job.begin_at.unwrap_or(now).max(now);
    if emergency(snapshot, &person, account, (now, begin_at), Lifts::windows).is_some() {
        return None;
    }
    let queues = role.and_then(|role| queues(snapshot, job.qos, role, account).ok()).unwrap_or_default();
    let seconds = match bound_listed(snapshot, job) {
        Bound::Cost(cost) => cost.seconds.saturating_sub(snapshot.facts().slack),
        Bound::Timeless(_) => u64::MAX,
    };
    let ruled = Ruled { snapshot, partition: job.partition, queues: &queues, role, account };
    let windows = ruled.windows().filter(WindowRef::moves);
    match earliest(windows.clone(), Run { begin_at, seconds }) {
        Some((at, _)) => (at > begin_at).then_some(at),
        None => windows.map(|window| window.known_until()).min().filter(|at| *at > begin_at),
    }
}
