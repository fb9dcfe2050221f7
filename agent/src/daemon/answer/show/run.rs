//! `show run`: what slurmdbd has on record and, of live jobs, what slurmctld says.

use std::collections::{BTreeMap, HashSet};

use bursar_policy::{Period, PeriodKind, Timestamp};

use crate::accounting::flight::{LiveJob, Stage};
use crate::cli::entity::Entity;
use crate::daemon::answer::Answer;
use crate::daemon::answer::no::No;
use crate::daemon::answer::session::{Session, passes};
use crate::store::runs::Run;
use crate::wire::{Cell, Query};

/// A run on record, or one that only slurmctld knows, in the record's words.
struct Row {
    run: Run,
    user: String,
    /// The seconds it has run at the moment of the answer.
    elapsed: u64,
    cpu_time: u64,
}

pub(super) async fn show(session: &Session<'_>, query: &Query) -> Answer {
    let (filter, caller, now) = (&query.filter, &session.caller, session.now);
    caller.may_ask_for_people(filter.list("user"))?;
    let period = period(session, query)?;
    let cluster = session.cluster();
    let mut runs = session.site.store.runs_overlapping(cluster, &period).await?;
    let mut seen: HashSet<(u32, Timestamp)> = runs.iter().map(|run| (run.jobid, run.submitted_at)).collect();
    let waiting = session.site.store.open_runs(cluster).await?;
    let touches = |submitted: Timestamp| submitted < period.end && period.start <= now;
    let fresh = |run: &Run| run.started_at.is_none() && touches(run.submitted_at);
    runs.extend(waiting.into_iter().filter(|run| fresh(run) && seen.insert((run.jobid, run.submitted_at))));
    for job in session.view.flight.listed().filter(|job| touches(job.submitted_at)) {
        if seen.insert((job.job_id, job.submitted_at)) {
            runs.push(of_live(job, cluster));
        }
    }
    let names = session.names_by_uid();
    let rows = runs
        .into_iter()
        .map(|run| Row::of(run, &names, now))
        .filter(|row| caller.sees_row(&row.user, &row.run.account))
        .filter(|row| {
            let run = &row.run;
            passes(filter, "job", |id| run.jobid.to_string() == id)
                && passes(filter, "user", |name| row.user == name)
                && passes(filter, "account", |name| run.account == name)
                && passes(filter, "partition", |name| run.partition.split(',').any(|part| part == name))
                && passes(filter, "qos", |name| run.qos == name)
                && passes(filter, "wckey", |name| run.wckey == name)
                && passes(filter, "state", |state| run.state.eq_ignore_ascii_case(state))
                && passes(filter, "cluster", |name| run.cluster == name)
        });
    session.table(Entity::Run.schema(), query, rows, cell)
}

/// Today, as with sacct, unless the query says otherwise or names jobs.
fn period(session: &Session<'_>, query: &Query) -> Result<Period, No> {
    let (start, end) = session.span(&query.filter)?;
    if query.filter.has("start") || query.filter.has("job") {
        return Ok(Period { start, end });
    }
    let today = session.view.calendar.period(PeriodKind::Day, session.now);
    let today = today.map_err(|error| No::Unavailable(error.to_string()))?;
    Ok(Period { start: today.start.min(end), end })
}

impl Row {
    fn of(run: Run, names: &BTreeMap<u32, &str>, now: Timestamp) -> Self {
        let user = match names.get(&run.uid) {
            Some(name) => (*name).to_owned(),
            None => run.user_name.clone(),
        };
        let cpu_time = run.cpu_seconds(&Period { start: Timestamp(i64::MIN), end: Timestamp::NEVER }, now);
        let elapsed = match (run.started_at, run.ended_at) {
            (Some(_), Some(_)) => run.elapsed_s,
            (Some(started), None) => now.seconds_since(started.max(run.submitted_at)).saturating_sub(run.suspended_s),
            (None, _) => 0,
        };
        Self { run, user, elapsed, cpu_time }
    }
}

fn of_live(job: &LiveJob, cluster: &str) -> Run {
    let (state, started_at, ended_at) = match job.stage {
        Stage::Waiting => ("PENDING", None, None),
        Stage::Running(started) => ("RUNNING", Some(started), None),
        Stage::Suspended(started) => ("SUSPENDED", Some(started), None),
        Stage::Ended(started, ended) => ("COMPLETING", Some(started), Some(ended)),
    };
    let elapsed_s = started_at.zip(ended_at).map_or(0, |(started, ended)| ended.seconds_since(started));
    Run {
        cluster: cluster.to_owned(),
        jobid: job.job_id,
        submitted_at: job.submitted_at,
        dbindex: String::new(),
        user_name: job.uid.to_string(),
        uid: job.uid,
        account: job.account.clone(),
        partition: job.partition.clone(),
        qos: String::new(),
        wckey: String::new(),
        state: state.to_owned(),
        eligible_at: (job.begin_at.0 > 0).then_some(job.begin_at),
        started_at,
        ended_at,
        elapsed_s,
        suspended_s: 0,
        alloc_cpus: job.cpus(),
        tres: String::new(),
        timelimit_s: job.limit_seconds(),
        nodes: 0,
        node_list: String::new(),
        reservation: String::new(),
        priority: None,
        row_hash: String::new(),
    }
}

fn cell(row: &Row, field: &str) -> Cell {
    let run = &row.run;
    match field {
        "job-id" => Cell::Count(run.jobid.into()),
        "user" => row.user.as_str().into(),
        "account" => run.account.as_str().into(),
        "partition" => run.partition.as_str().into(),
        "state" => run.state.as_str().into(),
        "start" => run.started_at.into(),
        "end" => run.ended_at.into(),
        "cpus" => Cell::Count(run.alloc_cpus),
        "cpu-time" => Cell::Seconds(row.cpu_time),
        "submit" => run.submitted_at.into(),
        "eligible" => run.eligible_at.into(),
        "elapsed" => Cell::Seconds(row.elapsed),
        "suspended" => Cell::Seconds(run.suspended_s),
        "time-limit" => run.timelimit_s.map_or_else(|| "unlimited".into(), Cell::Seconds),
        "qos" => run.qos.as_str().into(),
        "wckey" => run.wckey.as_str().into(),
        "tres" => run.tres.as_str().into(),
        "cluster" => run.cluster.as_str().into(),
        "uid" => Cell::Count(run.uid.into()),
        _ => Cell::Absent,
    }
}
