//! `[[queue]]` of `policy.toml`: who may submit where, what it costs, what one person may have there, whom it preempts.
//!
//! A queue is a QOS of Slurm under bursar's rule. `preempts` says what the queue does to others; `grace-seconds`,
//! `on-preempt` and `preempted-runs` say what becomes of its own jobs when another queue preempts them.

use std::collections::BTreeSet;

use bursar_policy::AccountName;

use super::policy::account_name;
use super::preemption::{self, Preemptor, Victim};
use super::read::{Table, Value};
use crate::slurm::fields::duration;
use crate::slurm::qos::QosName;
use crate::store::Role;

/// The highest priority: Slurm keeps 32 bits and reads the largest numbers as "none".
const TOP_PRIORITY: u64 = 1_000_000_000;
/// The longest grace: thirty days in seconds.
const LONGEST_GRACE: u64 = 30 * 86_400;
/// More than any cluster has of jobs, CPUs or gigabytes.
const MOST: u64 = 1_000_000_000;

/// One `[[queue]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// What people call it; no two queues share one.
    pub name: QosName,
    /// The QOS that carries it in Slurm, where jobs ask for it with `--qos`; no two queues share one.
    pub qos: QosName,
    /// The QOS's priority.
    pub priority: u32,
    /// A person needs one of these roles; none listed is no condition.
    pub roles: BTreeSet<Role>,
    /// The job's account must be one of these or below one; none listed is no condition.
    pub accounts: BTreeSet<AccountName>,
    /// Whether it is the queue of jobs that name none, for people who may use it.
    pub is_default: bool,
    /// What a CPU-second counts in bursar's limits and reports.
    pub charge_factor: Factor,
    /// What a second counts in Slurm's own usage, and so in fair-share (UsageFactor).
    pub fair_share_factor: Factor,
    /// What each person may have in the queue.
    pub caps: QueueCaps,
    /// The queues whose running jobs may be preempted for one of this queue.
    pub preempts: BTreeSet<QosName>,
    /// How long a job of this queue goes on after it was chosen to be preempted.
    pub grace_seconds: u32,
    /// What becomes of a job of this queue when it is preempted.
    pub on_preempt: OnPreempt,
    /// Whether the part that a preempted job did run is charged.
    pub preempted_runs: PreemptedRuns,
}

impl Queue {
    /// Whether somebody with `roles` may submit here to an account, given with those above it.
    pub fn admits<'a>(&self, roles: &BTreeSet<Role>, account_and_above: impl Iterator<Item = &'a str>) -> bool {
        (self.roles.is_empty() || !self.roles.is_disjoint(roles)) && self.takes(account_and_above)
    }

    /// Whether jobs of an account, given with those above it, may be here.
    pub fn takes<'a>(&self, mut account_and_above: impl Iterator<Item = &'a str>) -> bool {
        self.accounts.is_empty()
            || account_and_above.any(|name| self.accounts.iter().any(|account| account.as_str() == name))
    }
}

/// What each person may have in a queue; `None` is no cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueCaps {
    /// Jobs running at once.
    pub running_jobs: Option<u32>,
    /// Jobs waiting at once.
    pub queued_jobs: Option<u32>,
    /// CPUs at once.
    pub cpus: Option<u64>,
    /// GPUs at once.
    pub gpus: Option<u64>,
    /// Nodes at once.
    pub nodes: Option<u64>,
    /// Memory at once, in MB.
    pub memory_mb: Option<u64>,
    /// The time limit of one job, in seconds; whole minutes, because Slurm keeps those.
    pub max_time: Option<u64>,
}

/// A factor in thousandths, from 0 to 1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Factor(u32);

impl Factor {
    /// Counts as it is.
    pub const ONE: Self = Self(1_000);

    /// Reads `1`, `0.5` or `1.125`.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > 3 {
            return None;
        }
        let thousandths: u32 = format!("{fraction:0<3}").parse().ok()?;
        let all = whole.parse::<u32>().ok()?.checked_mul(1_000)?.checked_add(thousandths)?;
        (all <= 1_000_000).then_some(Self(all))
    }

    /// The factor times 1000.
    pub const fn per_mille(self) -> u32 {
        self.0
    }
}

impl std::fmt::Display for Factor {
    /// With as many decimals as there are, as in `1` and `0.125`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{}.{:03}", self.0 / 1_000, self.0 % 1_000);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// What becomes of a preempted job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnPreempt {
    /// It waits again and runs from its beginning.
    #[default]
    Requeue,
    /// It ends.
    Cancel,
}

/// Whether the part that a preempted job did run is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PreemptedRuns {
    /// As every other run.
    #[default]
    Charged,
    /// Not at all.
    Free,
}

/// Reads every queue; nothing if any was wrong.
pub(super) fn queues(root: &Table<'_>, accounts: &[AccountName]) -> Option<Vec<Queue>> {
    let tables = root.tables("queue");
    let mut queues: Vec<Queue> = Vec::new();
    let mut names: BTreeSet<QosName> = BTreeSet::new();
    let mut taken: BTreeSet<QosName> = BTreeSet::new();
    let mut has_default = false;
    let mut preemptors = Vec::new();
    let mut sound = true;
    for table in &tables {
        let (queue, victims) = queue(table, accounts);
        // The names are looked at even of a queue with another problem, so that these are told at once, too.
        let name = table.value("name");
        let parsed =
            |value: &Option<Value<'_>>| value.as_ref().and_then(Value::peek).and_then(|text| QosName::new(text).ok());
        let own = parsed(&name);
        let twice = own.as_ref().is_some_and(|own| !names.insert(own.clone()));
        if let (true, Some(value), Some(own)) = (twice, &name, &own) {
            value.bad(format!("{:?} is the name of two queues; keep one", own.as_str()));
            sound = false;
        }
        let qos = table.value("qos").or(name);
        if let (false, Some(value), Some(qos)) = (twice, &qos, parsed(&qos))
            && !taken.insert(qos.clone())
        {
            value.bad(format!("{:?} is the QOS of two queues; give each its own", qos.as_str()));
            sound = false;
        }
        if table.boolean_or("default", false) == Some(true) {
            if has_default {
                table.bad("is a second default queue; keep default = true at one");
                sound = false;
            }
            has_default = true;
        }
        preemptors.push(Preemptor { name: own, victims });
        queues.extend(queue);
    }
    sound &= preemption::check(&names, &preemptors);
    (sound && queues.len() == tables.len()).then_some(queues)
}

/// Reads one queue, and apart from it whom it preempts, which can only be judged when all are read.
fn queue<'d>(table: &Table<'d>, accounts: &[AccountName]) -> (Option<Queue>, Vec<Victim<'d>>) {
    let name = table.parsed("name", QosName::new);
    let qos = match table.value("qos") {
        None => name.clone(),
        Some(value) => value.parsed(QosName::new),
    };
    let priority = table.number_or("priority", 0..=TOP_PRIORITY, 0);
    let roles = members(table, "roles", |word| {
        Role::parse(word).ok_or_else(|| "is no role; choose from cluster-admin, compute-user, observer".to_owned())
    });
    let accounts = members(table, "accounts", |word| {
        let name = account_name(word)?;
        match accounts.contains(&name) {
            true => Ok(name),
            false => Err("is no account of an [[account]]; add it or correct the name".to_owned()),
        }
    });
    let is_default = table.boolean_or("default", false);
    let charge_factor = factor(table, "charge-factor");
    let fair_share_factor = factor(table, "fair-share-factor");
    let caps = match table.table("limits") {
        None => Some(QueueCaps::default()),
        Some(table) => caps(&table),
    };
    let victims = table.list("preempts");
    let listed = victims.len();
    let victims: Vec<Victim<'d>> =
        victims.into_iter().filter_map(|value| Some(Victim { name: value.parsed(QosName::new)?, value })).collect();
    let preempts = (victims.len() == listed).then(|| victims.iter().map(|victim| victim.name.clone()).collect());
    let grace_seconds = table.number_or("grace-seconds", 0..=LONGEST_GRACE, 0);
    let on_preempt = table.maybe_parsed("on-preempt", |word| match word {
        "requeue" => Ok(OnPreempt::Requeue),
        "cancel" => Ok(OnPreempt::Cancel),
        _ => Err("is neither requeue nor cancel; choose one"),
    });
    let preempted_runs = table.maybe_parsed("preempted-runs", |word| match word {
        "charged" => Ok(PreemptedRuns::Charged),
        "free" => Ok(PreemptedRuns::Free),
        _ => Err("is neither charged nor free; choose one"),
    });
    table.finish();
    let whole = || {
        Some(Queue {
            name: name?,
            qos: qos?,
            priority: u32::try_from(priority?).ok()?,
            roles: roles?,
            accounts: accounts?,
            is_default: is_default?,
            charge_factor: charge_factor?,
            fair_share_factor: fair_share_factor?,
            caps: caps?,
            preempts: preempts?,
            grace_seconds: u32::try_from(grace_seconds?).ok()?,
            on_preempt: on_preempt?.unwrap_or_default(),
            preempted_runs: preempted_runs?.unwrap_or_default(),
        })
    };
    (whole(), victims)
}

fn factor(table: &Table<'_>, key: &'static str) -> Option<Factor> {
    let read = table.maybe_parsed(key, |text| {
        Factor::parse(text).ok_or("is no factor; write it in quotes from 0 to 1000 with at most three decimals")
    });
    read.map(|factor| factor.unwrap_or(Factor::ONE))
}

/// A list without repetitions; nothing if a member was wrong.
fn members<T: Ord>(
    table: &Table<'_>,
    key: &'static str,
    rule: impl Fn(&str) -> Result<T, String>,
) -> Option<BTreeSet<T>> {
    let list = table.list(key);
    let mut set = BTreeSet::new();
    let mut sound = true;
    for value in &list {
        match value.parsed(&rule) {
            Some(member) if set.contains(&member) => {
                value.bad("stands there twice; keep one");
                sound = false;
            }
            Some(member) => {
                set.insert(member);
            }
            None => sound = false,
        }
    }
    sound.then_some(set)
}

/// Reads `[queue.limits]`.
fn caps(table: &Table<'_>) -> Option<QueueCaps> {
    let amount = |key| table.value(key).map_or(Some(None), |value| value.number(0..=MOST).map(Some));
    let jobs = |key| amount(key).map(|amount| amount.and_then(|number| u32::try_from(number).ok()));
    let (running_jobs, queued_jobs) = (jobs("running-jobs"), jobs("queued-jobs"));
    let (cpus, gpus, nodes, memory) = (amount("cpus"), amount("gpus"), amount("nodes"), amount("memory-gb"));
    let max_time = table.maybe_parsed("max-time", |text| {
        // A number alone is minutes to sbatch and seconds to others; the forms with a colon or a dash are plain.
        let plain = text.contains([':', '-']);
        let seconds = duration(text).filter(|seconds| plain && *seconds > 0 && seconds.is_multiple_of(60));
        seconds.ok_or("is no time limit; write whole minutes as hours:minutes:seconds or days-hours, as in 2-12")
    });
    table.finish();
    Some(QueueCaps {
        running_jobs: running_jobs?,
        queued_jobs: queued_jobs?,
        cpus: cpus?,
        gpus: gpus?,
        nodes: nodes?,
        memory_mb: memory?.map(|gigabytes| gigabytes.saturating_mul(1_024)),
        max_time: max_time?,
    })
}
