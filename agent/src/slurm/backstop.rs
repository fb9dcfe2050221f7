//! Keeps `GrpTRESRunMins` at what is left to each owner, with few calls: what must be written now, what may wait.
//!
//! With `left` = allowed − settled − what the running jobs consumed so far, a job may start when the remaining time of
//! all running jobs and its own fit into `left`. Slurmctld checks just that when `GrpTRESRunMins` is `left`. As time goes
//! by, `left` and the remaining time shrink alike, so a value that was written before lets through at most what was
//! consumed since; a value that is too low only makes a job wait that the plugin has let in. Therefore:
//!
//! * While jobs run, a value is written somewhat low: what they consume in [`HORIZON`] is taken off, and the rest is
//!   rounded down to four binary digits, so that it holds for a while and many owners share one value and one call.
//! * It is never written so low that a job which waits and was let in could not start. That is more than `left` where
//!   jobs run longer than the period: their part of a later period is not of this one's limit, but Slurm's sum has it.
//! * It is written anew as soon as it is above `left` by more than the running jobs consume in [`SLACK`], or too low for
//!   what waits; and, when there is nothing more pressing, where it is a quarter below what it could be, or a sixteenth
//!   while nothing runs, so that a job that needs all that is left can start at once.
//! * A pass makes at most [`CALLS`] calls, the most pressing first; a call takes slurmdbd about half a second.
//!
//! A month's budget of 20,000 CPU-hours that 100 CPUs eat up without a pause is written 76 times, not once in
//! each pass. What an unloaded plugin could let through is bounded by [`SLACK`] and the time that a pass takes.
//!
//! Near the limit a job may wait up to PriorityCalcPeriod (by default five minutes) although it fits, because slurmctld's
//! sum of remaining time is renewed only then.

use std::collections::{BTreeMap, BTreeSet};

use bursar_policy::{AccountName, UserName};

use super::desired::JobLimits;
use super::native::{FoundLimits, NativeKind, NativeLimits, Place, Resource};
use super::plan_calls::{ByUser, NAME_BATCH, grouped};
use super::queue_action::QueueAction;

/// How long a fresh value holds even if nothing but the running jobs changes: seconds.
pub const HORIZON: u64 = 120;
/// What a value may be above what is left, in seconds of what the running jobs consume.
pub const SLACK: u64 = 60;
/// The largest value that is written, in minutes; more than any cluster has, and far from what Slurm reads as "none".
const TOP: u64 = 1 << 50;
/// The most calls of one pass.
pub const CALLS: usize = 12;

/// How an owner stands with one resource, in resource-seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Need {
    /// Allowed − settled − consumed so far by running jobs, in the tightest period.
    pub left: u64,
    /// What the running jobs may still consume.
    pub remaining: u64,
    /// What the jobs that wait may consume.
    pub waiting: u64,
    /// What the running jobs consume each second.
    pub rate: u64,
    /// Whether what is used and in flight is beyond some limit already, as after a limit was lowered.
    pub over: bool,
}

impl Need {
    /// The stricter of two for the same jobs.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        Self { left: self.left.min(other.left), over: self.over || other.over, ..self }
    }
}

/// The owners and their needs; `None` is no limit, and an owner or resource that is missing stays as it is.
pub type Needs = BTreeMap<Place, BTreeMap<Resource, Option<Need>>>;

/// Why a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// It lets too much through.
    TooHigh,
    /// It holds up a job that was let in, or is there without a limit.
    TooLow,
    /// It could be higher.
    Coarse,
}

/// One call of a pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What is called.
    pub action: QueueAction,
    /// Why.
    pub urgency: Urgency,
}

/// What to write now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pass {
    /// The calls, the most pressing first.
    pub calls: Vec<Call>,
    /// How many more wait for the next pass.
    pub put_off: usize,
}

/// The value in minutes that should replace `written`, and why; nothing when that still serves.
fn change(written: Option<u64>, need: Option<&Need>) -> Option<(Option<u64>, Urgency)> {
    let Some(need) = need else { return written.map(|_| (None, Urgency::TooLow)) };
    let most = need.left / 60;
    // Without a waiting job nobody is held up, however low the value is.
    let let_in = match need.waiting {
        0 => 0,
        waiting => need.remaining.saturating_add(waiting).div_ceil(60).min(TOP),
    };
    let least = if need.over { let_in.min(most) } else { let_in };
    let (roomy, bearably_low) = match need.rate {
        0 => (most, 16),
        rate => (rounded_down(need.left.saturating_sub(rate.saturating_mul(HORIZON)) / 60), 4),
    };
    let target = roomy.max(least).min(TOP);
    let has = written.unwrap_or(u64::MAX);
    let bearable = need.left.saturating_add(need.rate.saturating_mul(SLACK)).max(least.saturating_mul(60));
    if has.saturating_mul(60) > bearable && written != Some(target) {
        return Some((Some(target), Urgency::TooHigh));
    }
    if has < least {
        return Some((Some(target), Urgency::TooLow));
    }
    (has < target - target / bearably_low).then_some((Some(target), Urgency::Coarse))
}

/// The number with all but its first four binary digits zero.
fn rounded_down(number: u64) -> u64 {
    let digits = u64::BITS - number.leading_zeros();
    let dropped = digits.saturating_sub(4);
    (number >> dropped) << dropped
}

/// Those who get the same.
#[derive(Default)]
struct Group {
    accounts: Vec<AccountName>,
    people: BTreeSet<(UserName, AccountName)>,
}

/// What to write where, given what is written; owners that `written` does not have get nothing.
pub fn plan(needs: &Needs, written: &BTreeMap<Place, FoundLimits>) -> Pass {
    let mut groups: BTreeMap<(Urgency, NativeLimits), Group> = BTreeMap::new();
    for (place, of_place) in needs {
        let Some(has) = written.get(place) else { continue };
        let mut limits = NativeLimits::new();
        let mut urgency = Urgency::Coarse;
        for (resource, need) in of_place {
            let kind = NativeKind::GrpTresRunMins(resource.clone());
            if let Some((value, why)) = change(has.get(&kind).copied(), need.as_ref()) {
                limits.insert(kind, value);
                urgency = urgency.min(why);
            }
        }
        if limits.is_empty() {
            continue;
        }
        let group = groups.entry((urgency, limits)).or_default();
        match place {
            Place::Account(account) => group.accounts.push(account.clone()),
            Place::Person(user, account) => drop(group.people.insert((user.clone(), account.clone()))),
        }
    }
    let present = present(written);
    let mut calls: Vec<Call> = Vec::new();
    for ((urgency, limits), group) in groups {
        let mut add = |users: Vec<UserName>, accounts: Vec<AccountName>| {
            let action = QueueAction::SetNative { users, accounts, limits: limits.clone() };
            calls.push(Call { action, urgency });
        };
        group.accounts.chunks(NAME_BATCH).for_each(|accounts| add(Vec::new(), accounts.to_vec()));
        grouped(&group.people, &present, add);
    }
    // The most pressing first, and of these the one that serves most.
    calls.sort_by_key(|call| (call.urgency, usize::MAX - call.size()));
    let put_off = calls.len().saturating_sub(CALLS);
    calls.truncate(CALLS);
    Pass { calls, put_off }
}

/// The people's associations that there are.
fn present(written: &BTreeMap<Place, FoundLimits>) -> ByUser<'_> {
    let mut present = ByUser::new();
    for place in written.keys() {
        if let Place::Person(user, account) = place {
            present.entry(user.as_str()).or_default().insert(account.as_str(), JobLimits::default());
        }
    }
    present
}

impl Call {
    fn parts(&self) -> (&[UserName], &[AccountName], Option<&NativeLimits>) {
        match &self.action {
            QueueAction::SetNative { users, accounts, limits } => (users, accounts, Some(limits)),
            _ => (&[], &[], None),
        }
    }

    /// How many associations it concerns, at most.
    fn size(&self) -> usize {
        let (users, accounts, _) = self.parts();
        users.len().max(1) * accounts.len()
    }
}

/// Notes that a call was made.
pub fn note(written: &mut BTreeMap<Place, FoundLimits>, call: &Call) {
    let (users, accounts, Some(limits)) = call.parts() else { return };
    let of_people = users.iter().flat_map(|user| accounts.iter().map(|name| Place::Person(user.clone(), name.clone())));
    let of_accounts = accounts.iter().filter(|_| users.is_empty()).map(|name| Place::Account(name.clone()));
    for place in of_people.chain(of_accounts) {
        let Some(has) = written.get_mut(&place) else { continue };
        for (kind, value) in limits {
            has.remove(kind);
            has.extend(value.map(|value| (kind.clone(), value)));
        }
    }
}

#[cfg(test)]
#[path = "backstop_tests.rs"]
mod tests;
