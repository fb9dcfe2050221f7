//! The decision on one job: a pure function of the snapshot, the bookings and the instant.

use super::array::MOST_BYTES as MOST_ARRAY_BYTES;
use super::asked::{Asked, Horizons};
use super::bound::{Bound, bound};
use super::ledger::Ledger;
use super::load::Added;
use super::most_tasks;
use super::place::{account_and_grant, cost_center, fits_queue, queues};
use super::request::Request;
use super::room::{More, Payer, Seat, has_room};
use super::windows::{Ruled, Waits, emergency};
use crate::reason::{Kind, Owner, Reason};
use crate::role::Lifts;
use crate::snapshot::{AccountRef, OverStorageRef, PersonRef, Snapshot};
use crate::time::Timestamp;
use crate::tres::Tres;
use crate::window::Run;

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
    /// The QOS of a job that names none.
    pub qos: Option<&'s str>,
    /// The cost centre of a job that names none.
    pub cost_center: Option<&'s str>,
    /// Storage that is over its allocation, of which the owner is warned.
    pub storage: Option<OverStorageRef<'s>>,
    /// What the job has to wait for: its begin is to be written into it.
    pub waits: Option<Waits>,
    /// The emergency grant without which it would have been refused or had to wait.
    pub emergency: Option<u64>,
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
    let queues = queues(snapshot, request.qos, grant.role, account.position)?;
    let cost_center = cost_center(snapshot, request.cost_center, account.position)?;
    let begin_at = request.begin_at.unwrap_or(now).max(now);
    if begin_at >= grant.until {
        return Err(Reason::BeginsAfterGrant(grant.until_text));
    }
    let qos = match request.qos {
        None => queues.first().map(|queue| queue.qos()),
        Some(_) => None,
    };
    let cost = match bound(snapshot, &Request { qos: qos.or(request.qos), ..*request }) {
        Bound::Cost(cost) => cost,
        Bound::Timeless(partition) => return Err(Reason::NoTimeLimit(partition)),
    };
    if request.array.is_some_and(|text| text.len() > MOST_ARRAY_BYTES) {
        return Err(Reason::Input("--array list of more than 16384 characters"));
    }
    for queue in &queues {
        fits_queue(snapshot, queue, request.time_limit, &cost.tres)?;
    }
    let ruled = Ruled {
        snapshot,
        partition: request.partition,
        queues: &queues,
        role: Some(grant.role),
        account: account.position,
    };
    let lifting = |lifts| emergency(snapshot, &person, account.position, (now, begin_at), lifts);
    // The time limit has to fit in; what slurmctld takes to end a job is not counted against its owner.
    let run = Run { begin_at, seconds: cost.seconds.saturating_sub(snapshot.facts().slack) };
    let (waits, mut emergency) = match (ruled.waits(run, now), lifting(Lifts::windows)) {
        (Ok(None), _) => (None, None),
        (_, Some(emergency)) => (None, Some(emergency)),
        (outcome, None) => (outcome?, None),
    };
    let begin_at = waits.map_or(begin_at, |waits| waits.until);
    if begin_at >= grant.until {
        return Err(Reason::BeginsAfterGrant(grant.until_text));
    }
    let storage = storage(snapshot, &person, &account)?;
    // What Slurm cannot read either is left to Slurm, whose own error says more.
    let jobs = request.array.map_or(1, |text| most_tasks(text).unwrap_or(1));
    let asked = Asked { jobs, cost, begin_at };
    let seat = Seat { person: &person, account: account.position, grant: &grant };
    let mut whole = Whole { asked, horizons: ledger.horizons(snapshot, now) };
    match (has_room(snapshot, ledger, &seat, now, &mut whole), lifting(Lifts::limits)) {
        (Ok(()), _) => {}
        (Err(reason), Some(lifted)) if reason.code().kind() == Kind::Quota => emergency = Some(lifted),
        (Err(reason), _) => return Err(reason),
    }
    let (uid, account, grant) = (person.uid(), account.name, grant.id);
    Ok(Terms { uid, account, grant, asked, qos, cost_center, storage, waits, emergency })
}

/// Refuses for storage that must not be exceeded; gives what is to be warned of.
fn storage<'s>(
    snapshot: &'s Snapshot,
    person: &PersonRef<'s>,
    account: &AccountRef<'s>,
) -> Result<Option<OverStorageRef<'s>>, Reason<'s>> {
    let own = person.storage().iter().map(|over| (Owner::You, over));
    let line = snapshot.account_line(account.position);
    let accounts = line.flat_map(|above| above.storage.iter().map(move |over| (Owner::Account(above.name), over)));
    let mut warning = None;
    for (owner, over) in own.chain(accounts) {
        let OverStorageRef { place, used, limit, refuses } = over;
        if refuses {
            return Err(Reason::Storage { owner, used, limit, place });
        }
        warning = warning.or(Some(over));
    }
    Ok(warning)
}

/// All of a job that is new: everybody pays for everything.
struct Whole<'s> {
    asked: Asked,
    horizons: Horizons<'s>,
}

impl More for Whole<'_> {
    fn added(&mut self, _payer: Payer, calendar: u32) -> Added {
        Added { new: self.asked.work_within(self.horizons.of(calendar)), old: None, readings: Vec::new() }
    }

    fn alone(&self) -> Tres {
        self.asked.cost.tres
    }
}
