//! Makes a run of a row of a dump.

use bursar_policy::Timestamp;
use jiff::tz::TimeZone;

use super::civil;
use super::fields::{Columns, Field};
use crate::accounting::listed::hashed;
use crate::slurm::fields::{TimeLimit, Tres, duration, tres};
use crate::slurm::settled::EndState;
use crate::store::runs::Run;

/// What a row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// A run that has ended.
    Ended(Box<Run>),
    /// A job that had not ended when the dump was made; another dump will have it.
    NotEnded,
    /// A step of a job, whose own row has all that it used.
    Step,
}

/// What the dump itself does not say.
pub struct Site<'a> {
    /// The cluster, where no column names it.
    pub cluster: Option<&'a str>,
    /// The zone of times without one.
    pub zone: &'a TimeZone,
    /// The uid of a user's name, where no column has it.
    pub uid: &'a dyn Fn(&str) -> Option<u32>,
}

/// States of jobs that have not ended.
const OPEN: [&str; 9] = [
    "PENDING",
    "RUNNING",
    "SUSPENDED",
    "COMPLETING",
    "CONFIGURING",
    "STOPPED",
    "SIGNALING",
    "STAGE_OUT",
    "RESV_DEL_HOLD",
];

/// Reads a row; an error names the column that is wrong.
pub fn read(row: &str, columns: &Columns, site: &Site<'_>) -> Result<Row, &'static str> {
    let texts = columns.split(row).ok_or("number of columns")?;
    let text = |field| columns.text(&texts, field);
    let id = job_id(text(Field::JobIdRaw), text(Field::JobId))?;
    let Some(jobid) = id else { return Ok(Row::Step) };
    let word = text(Field::State).split(' ').next().unwrap_or_default();
    if OPEN.contains(&word) {
        return Ok(Row::NotEnded);
    }
    let state = EndState::parse(word).ok_or("State")?;
    let time = |field, name| civil::read(text(field), site.zone).ok_or(name);
    let submitted_at = time(Field::Submit, "Submit")?.ok_or("Submit")?.first;
    let end = time(Field::End, "End")?.ok_or("End")?;
    let start = time(Field::Start, "Start")?;
    let eligible = time(Field::Eligible, "Eligible")?.map(|meant| meant.first);
    let suspended_s = seconds(text(Field::Suspended)).ok_or("Suspended")?.unwrap_or(0);
    let elapsed = match seconds(text(Field::ElapsedRaw)).ok_or("ElapsedRaw")? {
        Some(seconds) => Some(seconds),
        None => seconds(text(Field::Elapsed)).ok_or("Elapsed")?,
    };
    let alloc = tres(text(Field::AllocTres)).ok_or("AllocTRES")?;
    let alloc_cpus = count(&alloc, "cpu", text(Field::Cpus)).ok_or("NCPUS")?;
    let nodes = count(&alloc, "node", text(Field::Nodes)).ok_or("NNodes")?;
    let node_list = text(Field::NodeList);
    let lasted = elapsed.map(|seconds| seconds.saturating_add(suspended_s));
    let interval = start.map(|start| civil::interval(start, end, lasted)).filter(|_| ran(node_list, &alloc, lasted));
    if interval.is_some_and(|(start, end)| end < start.max(submitted_at)) {
        return Err("End");
    }
    if interval.is_some() && alloc_cpus == 0 {
        return Err("AllocTRES");
    }
    let user = text(Field::User);
    let uid = match text(Field::Uid) {
        "" => (site.uid)(user).unwrap_or(Run::NO_UID),
        uid => uid.parse().map_err(|_| "UID")?,
    };
    let cluster = Some(text(Field::Cluster)).filter(|name| !name.is_empty()).or(site.cluster).ok_or("Cluster")?;
    let started_at = interval.map(|(start, _)| start.max(submitted_at));
    let ended_at = interval.map_or(end.first, |(_, end)| end);
    Ok(Row::Ended(Box::new(hashed(Run {
        cluster: cluster.to_owned(),
        jobid,
        submitted_at,
        dbindex: text(Field::DbIndex).to_owned(),
        user_name: user.to_owned(),
        uid,
        account: text(Field::Account).to_owned(),
        partition: text(Field::Partition).to_owned(),
        qos: text(Field::Qos).to_owned(),
        // A default key is told with a star before it.
        wckey: text(Field::WcKey).trim_start_matches('*').to_owned(),
        state: state.word().to_owned(),
        eligible_at: eligible,
        started_at,
        ended_at: Some(ended_at),
        elapsed_s: elapsed.unwrap_or_else(|| length(started_at, ended_at).saturating_sub(suspended_s)),
        suspended_s,
        alloc_cpus,
        tres: alloc.iter().map(|(name, count)| format!("{name}={count}")).collect::<Vec<_>>().join(","),
        timelimit_s: time_limit(text(Field::TimeLimitRaw), text(Field::TimeLimit))?,
        nodes: u32::try_from(nodes).map_err(|_| "NNodes")?,
        node_list: if interval.is_some() { node_list.to_owned() } else { String::new() },
        reservation: text(Field::Reservation).to_owned(),
        priority: number(text(Field::Priority)).ok_or("Priority")?,
        row_hash: String::new(),
    }))))
}

/// The plain number of a job; nothing for a step. `12_3` and `12+1` are no numbers: sacct has those in JobIDRaw.
fn job_id(raw: &str, shown: &str) -> Result<Option<u32>, &'static str> {
    let text = if raw.is_empty() { shown } else { raw };
    match text.split_once('.') {
        Some((job, _)) if job.starts_with(|first: char| first.is_ascii_digit()) => Ok(None),
        Some(_) => Err("JobIDRaw"),
        None => text.parse().map(Some).map_err(|_| "JobIDRaw"),
    }
}

/// Whether nodes were ever given. Old rows keep the request in AllocTRES of a job that never got any.
fn ran(node_list: &str, alloc: &Tres, lasted: Option<u64>) -> bool {
    match node_list {
        "None assigned" => false,
        "" => !alloc.is_empty() || lasted.is_none_or(|seconds| seconds > 0),
        _ => true,
    }
}

fn length(start: Option<Timestamp>, end: Timestamp) -> u64 {
    start.map_or(0, |start| end.seconds_since(start))
}

/// A count by its name in AllocTRES, else in its own column; the outer nothing is a column that is no number.
fn count(alloc: &Tres, name: &str, column: &str) -> Option<u64> {
    match alloc.get(name) {
        Some(count) => Some(*count),
        None => Some(number(column)?.unwrap_or(0)),
    }
}

/// A number that may be missing; the outer nothing is a text that is none.
fn number(text: &str) -> Option<Option<u64>> {
    if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) }
}

/// Seconds of a duration that may be missing.
fn seconds(text: &str) -> Option<Option<u64>> {
    if text.is_empty() { Some(None) } else { duration(text).map(Some) }
}

fn time_limit(raw: &str, shown: &str) -> Result<Option<u64>, &'static str> {
    let limit = if raw.is_empty() { TimeLimit::parse(shown) } else { TimeLimit::parse_minutes(raw) };
    match limit.ok_or("Timelimit")? {
        TimeLimit::Seconds(seconds) => Ok(Some(seconds)),
        TimeLimit::Unset | TimeLimit::Unlimited => Ok(None),
    }
}

#[cfg(test)]
#[path = "row_tests.rs"]
mod tests;
