//! `show queue`.

use std::collections::BTreeMap;

use crate::accounting::flight::Stage;
use crate::cli::entity::Entity;
use crate::config::{OnPreempt, PreemptedRuns, Queue};
use crate::daemon::answer::Answer;
use crate::daemon::answer::no::No;
use crate::daemon::answer::session::{Session, passes};
use crate::daemon::queues::{Accounts, admits};
use crate::snapshot::Holdings;
use crate::wire::{Cell, Query};

struct Row<'q> {
    queue: &'q Queue,
    running: u64,
    waiting: u64,
}

pub(super) fn show(session: &Session<'_>, query: &Query) -> Answer {
    let (filter, policy) = (&query.filter, &session.view.config.policy);
    session.caller.may_ask_for_people(filter.list("user"))?;
    session.caller.may_ask_for_accounts(filter.list("account"))?;
    super::all_known("queue", filter, "queue", policy.queues.iter().map(|queue| queue.name.as_str()))?;
    let mut jobs: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for job in session.view.flight.live() {
        let (running, waiting) = jobs.entry(job.qos.as_str()).or_default();
        match job.stage {
            Stage::Waiting => *waiting += u64::from(job.tasks),
            _ => *running += 1,
        }
    }
    let open = open(session, filter.one("user"), filter.one("account"))?;
    let rows = policy.queues.iter().zip(open).filter(|(_, open)| *open).map(|(queue, _)| queue);
    let rows = rows
        .filter(|queue| passes(filter, "queue", |name| queue.name.as_str() == name))
        .filter(|queue| passes(filter, "default", |word| (word == "yes") == queue.is_default))
        .map(|queue| {
            let (running, waiting) = jobs.get(queue.qos.as_str()).copied().unwrap_or_default();
            Row { queue, running, waiting }
        });
    session.table(Entity::Queue.schema(), query, rows, cell)
}

/// For each queue, whether it is open to the person, in the account.
fn open(session: &Session<'_>, user: Option<&str>, account: Option<&str>) -> Result<Vec<bool>, No> {
    let queues = &session.view.config.policy.queues;
    let accounts = Accounts::of(&session.stored);
    let account = account.map(|name| session.account(name)).transpose()?;
    let Some(user) = user else {
        let serves = |queue: &Queue| account.is_none_or(|account| queue.takes(accounts.upwards(account.name.as_str())));
        return Ok(queues.iter().map(serves).collect());
    };
    let person = session.person(user)?;
    let holdings = Holdings::of(&session.stored, session.now);
    let Some(holding) = holdings.people.iter().find(|holding| holding.subject.id == person.id) else {
        return Ok(vec![false; queues.len()]);
    };
    let theirs: Vec<_> =
        holding.accounts.iter().filter(|name| account.is_none_or(|account| account.name == ***name)).collect();
    let is_open = |queue: &Queue| theirs.iter().any(|account| admits(queue, holding, account, &accounts, session.now));
    Ok(queues.iter().map(is_open).collect())
}

fn cell(row: &Row<'_>, field: &str) -> Cell {
    let (queue, caps) = (row.queue, &row.queue.caps);
    let list = |names: Vec<&str>| names.join(",").into();
    let count = |cap: Option<u64>| cap.map_or(Cell::Absent, Cell::Count);
    match field {
        "queue" => queue.name.as_str().into(),
        "qos" => queue.qos.as_str().into(),
        "priority" => Cell::Count(queue.priority.into()),
        "default" => Cell::yes_no(queue.is_default),
        "charge-factor" => queue.charge_factor.to_string().into(),
        "fair-share-factor" => queue.fair_share_factor.to_string().into(),
        "preempts" => list(queue.preempts.iter().map(|name| name.as_str()).collect()),
        "on-preempt" => match queue.on_preempt {
            OnPreempt::Requeue => "requeue".into(),
            OnPreempt::Cancel => "cancel".into(),
        },
        "preempted-runs" => match queue.preempted_runs {
            PreemptedRuns::Charged => "charged".into(),
            PreemptedRuns::Free => "free".into(),
        },
        "running" => Cell::Count(row.running),
        "waiting" => Cell::Count(row.waiting),
        "roles" => list(queue.roles.iter().map(|role| role.word()).collect()),
        "accounts" => list(queue.accounts.iter().map(|name| name.as_str()).collect()),
        "grace" => Cell::Seconds(queue.grace_seconds.into()),
        "running-jobs" => count(caps.running_jobs.map(u64::from)),
        "queued-jobs" => count(caps.queued_jobs.map(u64::from)),
        "cpus" => count(caps.cpus),
        "gpus" => count(caps.gpus),
        "nodes" => count(caps.nodes),
        "memory-gb" => caps.memory_mb.map_or(Cell::Absent, |mb| Cell::Parts(mb, 1_024)),
        "max-time" => caps.max_time.map_or(Cell::Absent, Cell::Seconds),
        _ => Cell::Absent,
    }
}
