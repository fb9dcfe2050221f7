//! The backstop: what is left to everybody, kept in Slurm, so that a job that the plugin never judged cannot start
//! beyond it.
//!
//! [`crate::slurm::native`] says which limit of Slurm carries it and why, [`crate::slurm::backstop`] when it is written.
//! Here the standing becomes needs. A person's limit over several accounts is parted: to each what is in flight there,
//! and an equal share of the rest, so that together they do not exceed it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bursar_policy::{PeriodKind, Timestamp, Usage};

use super::native::{Governed, Lifted, resource};
use super::queues::Accounts;
use super::site::{Associations, Site, View, chain};
use crate::slurm::SlurmCommands;
use crate::slurm::backstop::{self, Need, Needs, Pass};
use crate::slurm::desired::ClusterName;
use crate::slurm::found::FoundCluster;
use crate::slurm::native::{FoundLimits, Place, Resource};
use crate::snapshot::Holdings;
use crate::snapshot::holdings::Limits;
use crate::store::{LimitKind, Over, Presence};

/// A pass is made this often.
const EVERY: Duration = Duration::from_secs(4);
/// What slurmdbd holds is read again this often, for what somebody else wrote: seconds.
const READ_AFTER: u64 = 600;

/// What slurmdbd holds, when it was read, and with which associations.
struct Written {
    limits: BTreeMap<Place, FoundLimits>,
    counted: FoundCluster,
    read_at: Timestamp,
    associations: Arc<Associations>,
}

/// The task's memory between passes.
pub struct Backstop {
    site: Arc<Site>,
    commands: SlurmCommands,
    governed: Governed,
    written: Option<Written>,
}

impl Backstop {
    /// A task that has done nothing yet.
    pub fn new(site: Arc<Site>, commands: SlurmCommands) -> Self {
        Self { site, commands, governed: Governed::default(), written: None }
    }

    /// Runs until the daemon ends.
    pub async fn run(mut self) {
        loop {
            tokio::time::sleep(EVERY).await;
            let view = self.site.view();
            // Before the first list nobody stands anywhere, and before the first pass there is nobody to limit.
            let (Some(associations), Some(_)) = (&view.associations, &view.snapshot) else { continue };
            let outcome = self.pass(&view, associations).await;
            if outcome.is_err() {
                self.written = None;
            }
            self.site.report("backstop", outcome);
        }
    }

    async fn pass(&mut self, view: &View, associations: &Arc<Associations>) -> Result<String, String> {
        let now = self.site.now();
        self.governed.learn(&view.stored);
        let needs = needs(view, now, &self.governed);
        if needs.is_empty() {
            return Ok("no limits on what is consumed".to_owned());
        }
        let cluster = ClusterName::new(&view.config.machine.cluster).map_err(|error| error.to_string())?;
        let fresh = self.written.as_ref().is_some_and(|written| {
            now.seconds_since(written.read_at) < READ_AFTER && Arc::ptr_eq(&written.associations, associations)
        });
        if !fresh {
            let found = FoundCluster::read_limits(&self.commands, &cluster).await.map_err(|error| chain(&error))?;
            let limits = found.limits_by_place();
            self.written = Some(Written { limits, counted: found, read_at: now, associations: associations.clone() });
        }
        let Some(written) = &mut self.written else { return Ok(String::new()) };
        let mut needs = needs;
        // What Slurm does not count is told of by the associations; here it would fail the whole call.
        needs.values_mut().for_each(|of_place| of_place.retain(|resource, _| written.counted.counts(resource)));
        let Pass { calls, put_off } = backstop::plan(&needs, &written.limits);
        for call in calls {
            tracing::debug!(action = %call.action, "keeping the backstop");
            let words = call.action.args(&cluster);
            self.commands
                .change(&words, None)
                .await
                .map_err(|error| format!("cannot {}: {}", call.action, chain(&error)))?;
            backstop::note(&mut written.limits, &call);
        }
        let limited = needs.values().filter(|of_place| of_place.values().any(Option::is_some)).count();
        Ok(match put_off {
            0 => format!("slurmctld holds what is left to {limited} associations"),
            more => format!("slurmctld holds what is left to {limited} associations; {more} calls wait for their turn"),
        })
    }
}

/// What everybody whom bursar governs needs.
fn needs(view: &View, now: Timestamp, governed: &Governed) -> Needs {
    let holdings = Holdings::of(&view.stored, now);
    let accounts = Accounts::of(&view.stored);
    let mut needs = Needs::new();
    let none = |kinds| Governed::consumed(kinds).map(|resource| (resource.clone(), None)).collect::<BTreeMap<_, _>>();
    for account in view.stored.accounts.iter().filter(|account| account.state == Presence::Active) {
        let mut of_place = none(&governed.accounts);
        let usage = view.standing.account(account.name.as_str());
        for (resource, need) in consumed(&holdings.limits.account(&account.name), &usage, view) {
            merge(&mut of_place, resource, need);
        }
        needs.insert(Place::Account(account.name.clone()), of_place);
    }
    for holding in &holdings.people {
        let uid = holding.subject.uid.get();
        for account in &holding.accounts {
            let place = Place::Person(holding.subject.name.clone(), (*account).clone());
            needs.insert(place, none(&governed.people));
        }
        let everywhere = std::iter::once((None, &holding.limits));
        for (scope, limits) in everywhere.chain(holding.limits_in.iter().map(|(name, limits)| (Some(*name), limits))) {
            let total = match scope {
                None => view.standing.person(uid),
                Some(name) => view.standing.seat(uid, name.as_str()),
            };
            let all: Vec<(Resource, Need)> = consumed(limits, &total, view).collect();
            if all.is_empty() {
                continue;
            }
            let inside = |account: &str| {
                scope.is_none_or(|scope| accounts.upwards(account).any(|above| above == scope.as_str()))
            };
            let members: Vec<_> = holding.accounts.iter().filter(|account| inside(account.as_str())).collect();
            for account in &members {
                let place = Place::Person(holding.subject.name.clone(), (**account).clone());
                let Some(of_place) = needs.get_mut(&place) else { continue };
                for (resource, need) in &all {
                    let part = match members.len() {
                        1 => *need,
                        several => part(need, resource, &view.standing.seat(uid, account.as_str()), several, view),
                    };
                    merge(of_place, resource.clone(), part);
                }
            }
        }
    }
    let most = view.config.policy.queues.iter().map(|queue| queue.fair_share_factor.per_mille()).max();
    scale(&mut needs, most.unwrap_or(1_000));
    let lifted = Lifted::of(&holdings, &accounts, now);
    for (_, of_place) in needs.iter_mut().filter(|(place, _)| lifted.at(place)) {
        // Nothing that waits is beyond what the plugin lets in.
        of_place.values_mut().flatten().for_each(|need| need.over = false);
    }
    needs.retain(|_, of_place| !of_place.is_empty());
    needs
}

/// What Slurm counts with a factor, it adds up with it, but judges a job that starts without: so that no job is held up,
/// the largest factor of any queue is granted to all.
fn scale(needs: &mut Needs, per_mille: u32) {
    if per_mille <= 1_000 {
        return;
    }
    let scaled = |amount: u64| amount.saturating_mul(u64::from(per_mille)) / 1_000;
    for need in needs.values_mut().flat_map(BTreeMap::values_mut).flatten() {
        *need = Need {
            left: scaled(need.left),
            remaining: scaled(need.remaining),
            waiting: scaled(need.waiting),
            rate: scaled(need.rate),
            over: need.over,
        };
    }
}

fn merge(of_place: &mut BTreeMap<Resource, Option<Need>>, resource: Resource, need: Need) {
    let slot = of_place.entry(resource).or_default();
    *slot = Some(slot.map_or(need, |other| other.stricter(need)));
}

/// What each limit on consumption leaves of an owner's resource, in resource-seconds.
fn consumed<'v>(limits: &'v Limits, usage: &'v Usage, view: &'v View) -> impl Iterator<Item = (Resource, Need)> + 'v {
    limits.iter().filter_map(|(kind, limit)| match kind {
        LimitKind::Consumed(thing, Over::Period(period)) => {
            let measured = thing.resource(&view.cluster.gpu_types)?;
            Some((resource(*thing)?, need(usage, *period, measured, *limit)))
        }
        _ => None,
    })
}

fn need(usage: &Usage, period: PeriodKind, resource: bursar_policy::Resource, limit: u64) -> Need {
    let of_period = usage.period(period);
    let (settled, in_flight) = (of_period.settled.get(resource), of_period.in_flight.get(resource));
    let total = usage.in_flight_total.get(resource);
    // Since they began; what a running job consumed in an earlier period is taken for this one's, at most all it has here.
    let consumed = usage.in_flight_life.get(resource).saturating_sub(total).min(in_flight);
    let (remaining, waiting) = if usage.queued == 0 { (total, 0) } else { (0, total) };
    Need {
        left: limit.saturating_sub(settled).saturating_sub(consumed),
        remaining,
        waiting,
        rate: usage.held.get(resource),
        over: settled.saturating_add(in_flight) > limit || of_period.in_flight_next.get(resource) > limit,
    }
}

/// The part of a person's need that one of several accounts gets.
fn part(need: &Need, of: &Resource, seat: &Usage, several: usize, view: &View) -> Need {
    let measured = match of {
        Resource::Cpu => Some(bursar_policy::Resource::Cpu),
        Resource::Memory => Some(bursar_policy::Resource::Memory),
        Resource::Node => Some(bursar_policy::Resource::Node),
        Resource::Gpu => Some(bursar_policy::Resource::Gpu),
        Resource::GpuOf(of) => {
            let at = view.cluster.gpu_types.iter().position(|known| known == of.as_str());
            at.and_then(|at| u8::try_from(at).ok()).map(bursar_policy::Resource::GpuType)
        }
    };
    let get = |tres: &bursar_policy::Tres| measured.map_or(0, |resource| tres.get(resource));
    let here = get(&seat.in_flight_total);
    let in_flight = need.remaining.saturating_add(need.waiting);
    let free = need.left.saturating_sub(in_flight) / u64::try_from(several).unwrap_or(1).max(1);
    let (remaining, waiting) = if seat.queued == 0 { (here, 0) } else { (0, here) };
    Need { left: here.min(need.left).saturating_add(free), remaining, waiting, rate: get(&seat.held), over: need.over }
}

#[cfg(test)]
#[path = "backstop_tests.rs"]
mod tests;
