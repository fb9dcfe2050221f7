//! `[[window]]` of `policy.toml`: when work of a partition, queue, role or account may begin.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bursar_policy::AccountName;
use bursar_policy::window::{Outside, Rule};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::policy::{account_name, time_zone};
use super::queue::Queue;
use super::read::{Table, Value};
use crate::store::Role;
use crate::window::{DayHours, Schedule, WeekHours};

/// One `[[window]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// What people call it.
    pub name: String,
    /// Whose work it governs.
    pub governs: Governs,
    /// When it is open.
    pub schedule: Schedule,
    /// What it demands of a job.
    pub rule: Rule,
    /// Whether jobs that still wait when it closes are moved to its next opening.
    pub move_pending: bool,
    /// Whether its partitions are taken out of service while it is closed.
    pub drain: bool,
    /// Whether the nodes of its partitions are powered down then.
    pub power_down: bool,
}

/// Whose work a window governs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Governs {
    /// Jobs that could run in one of these partitions.
    Partitions(Vec<String>),
    /// Jobs that come in by one of these queues.
    Queues(Vec<String>),
    /// Jobs that a grant of one of these roles lets in.
    Roles(Vec<Role>),
    /// Jobs on one of these accounts or below.
    Accounts(Vec<AccountName>),
}

impl Governs {
    /// The key it is written under, and the names.
    pub fn parts(&self) -> (&'static str, Vec<&str>) {
        match self {
            Self::Partitions(names) => ("partition", names.iter().map(String::as_str).collect()),
            Self::Queues(names) => ("queue", names.iter().map(String::as_str).collect()),
            Self::Roles(roles) => ("role", roles.iter().map(|role| role.word()).collect()),
            Self::Accounts(names) => ("account", names.iter().map(AccountName::as_str).collect()),
        }
    }
}

impl fmt::Display for Governs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, names) = self.parts();
        write!(f, "{kind} {}", names.join(","))
    }
}

/// Reads every window; nothing if any was wrong. Without `queues`, which were wrong then, their names are not checked.
pub(super) fn windows(
    root: &Table<'_>,
    accounts: &[AccountName],
    queues: Option<&[Queue]>,
    zone: &TimeZone,
) -> Option<Vec<Window>> {
    let tables = root.tables("window");
    let mut names: Vec<String> = Vec::new();
    let mut windows: Vec<Window> = Vec::new();
    for table in &tables {
        let value = table.required("name");
        let name = value.as_ref().and_then(|value| value.parsed(|text| plain(text, "window")));
        let twice = name.as_ref().is_some_and(|name| names.contains(name));
        if let (Some(value), true) = (&value, twice) {
            value.bad("is the name of two windows; give each its own");
        }
        names.extend(name.clone());
        windows.extend(window(table, name, accounts, queues, zone).filter(|_| !twice));
    }
    (windows.len() == tables.len()).then_some(windows)
}

fn window(
    table: &Table<'_>,
    name: Option<String>,
    accounts: &[AccountName],
    queues: Option<&[Queue]>,
    zone: &TimeZone,
) -> Option<Window> {
    let governs = governs(table, accounts, queues);
    let schedule = schedule(table, zone);
    let outside = table.parsed("outside", |word| match word {
        "refuse" => Ok(Outside::Refuse),
        "wait" => Ok(Outside::Wait),
        _ => Err("is neither refuse nor wait; choose one"),
    });
    let ends_inside = flag(table, "ends-inside", false);
    let move_pending = flag(table, "move-pending", true);
    let drain = partitions_only(table, "drain", governs.as_ref());
    let power_down = partitions_only(table, "power-down", governs.as_ref());
    table.finish();
    let (drain, power_down) = (drain?, power_down?);
    if power_down && !drain {
        table.bad("has power-down without drain, so jobs would still start; add drain = true");
        return None;
    }
    Some(Window {
        name: name?,
        governs: governs?,
        schedule: schedule?,
        rule: Rule { outside: outside?, ends_inside: ends_inside? },
        move_pending: move_pending?,
        drain,
        power_down,
    })
}

fn flag(table: &Table<'_>, key: &'static str, default: bool) -> Option<bool> {
    table.value(key).map_or(Some(default), |value| value.boolean())
}

/// A switch that only a window of partitions has.
fn partitions_only(table: &Table<'_>, key: &'static str, governs: Option<&Governs>) -> Option<bool> {
    let Some(value) = table.value(key) else { return Some(false) };
    let on = value.boolean()?;
    match governs {
        Some(Governs::Queues(_) | Governs::Roles(_) | Governs::Accounts(_)) if on => {
            value.bad("takes partitions out of service, but this window governs none; leave it out");
            None
        }
        _ => Some(on),
    }
}

fn governs(table: &Table<'_>, accounts: &[AccountName], queues: Option<&[Queue]>) -> Option<Governs> {
    let keys = ["partition", "queue", "role", "account"];
    let mut given: Vec<(&'static str, Value<'_>)> =
        keys.into_iter().filter_map(|key| Some((key, table.value(key)?))).collect();
    let (Some((key, value)), true) = (given.pop(), given.is_empty()) else {
        table.bad("has to govern one thing; write exactly one of partition, queue, role and account");
        return None;
    };
    match key {
        "partition" => names(table, key, &value, |text| plain(text, "partition")).map(Governs::Partitions),
        "queue" => names(table, key, &value, |text| {
            let known = queues.is_none_or(|queues| queues.iter().any(|queue| queue.name.as_str() == text));
            if known {
                Ok(text.to_owned())
            } else {
                Err("is no [[queue]] of this file; add it or correct the name".to_owned())
            }
        })
        .map(Governs::Queues),
        "role" => names(table, key, &value, role).map(Governs::Roles),
        _ => names(table, key, &value, |text| {
            let name = account_name(text)?;
            if accounts.contains(&name) {
                Ok(name)
            } else {
                Err("is no [[account]] of this file; add it or correct the name".to_owned())
            }
        })
        .map(Governs::Accounts),
    }
}

/// A name or a list of names, each once.
pub(crate) fn names<T: PartialEq>(
    table: &Table<'_>,
    key: &'static str,
    value: &Value<'_>,
    rule: impl Fn(&str) -> Result<T, String>,
) -> Option<Vec<T>> {
    if value.is_text() {
        return value.parsed(rule).map(|name| vec![name]);
    }
    let members = table.list(key);
    let mut names: Vec<T> = Vec::new();
    for member in &members {
        match member.parsed(&rule) {
            Some(name) if names.contains(&name) => member.bad("stands there twice; keep one"),
            Some(name) => names.push(name),
            None => {}
        }
    }
    if members.is_empty() && value.is_list() {
        value.bad("names nobody; write at least one name");
    }
    (!names.is_empty() && names.len() == members.len()).then_some(names)
}

fn role(word: &str) -> Result<Role, String> {
    match Role::parse(word) {
        Some(Role::Observer) => Err("submits no jobs; choose from compute-user, cluster-admin".to_owned()),
        Some(role) => Ok(role),
        None => Err("is no role; choose from compute-user, cluster-admin".to_owned()),
    }
}

/// Names that stand in messages, commands and comma lists.
fn plain(text: &str, what: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    match text.len() <= 64 && text.bytes().all(allowed) {
        true => Ok(text.to_owned()),
        false => Err(format!("is no name of a {what}; use at most 64 letters, digits, _, - and .")),
    }
}

/// The hours, holidays, special days and zone among the keys of a table that may have others.
pub(crate) fn schedule(table: &Table<'_>, site: &TimeZone) -> Option<Schedule> {
    let zone = table.maybe_parsed("time-zone", |name| time_zone(name).map(|(zone, _)| zone));
    let week = match table.required("open") {
        None => None,
        Some(value) if value.is_text() => value.parsed(str::parse::<WeekHours>).map(|line| vec![line]),
        Some(value) => hours(&value, &table.list("open")),
    };
    let (holidays, sound) = holidays(table);
    let special_days = special_days(table, &holidays);
    Some(Schedule {
        zone: zone?.unwrap_or_else(|| site.clone()),
        week: week?,
        holidays: sound.then_some(holidays)?,
        special_days: special_days?,
    })
}

/// At least one line of hours.
fn hours<T: std::str::FromStr<Err: fmt::Display>>(value: &Value<'_>, lines: &[Value<'_>]) -> Option<Vec<T>> {
    if lines.is_empty() && value.is_list() {
        value.bad("is never open; write at least one line of hours");
    }
    let hours: Vec<T> = lines.iter().filter_map(|line| line.parsed(str::parse::<T>)).collect();
    (!hours.is_empty() && hours.len() == lines.len()).then_some(hours)
}

/// The days that are legible, and whether nothing was wrong.
fn holidays(table: &Table<'_>) -> (BTreeSet<Date>, bool) {
    let members = table.list("holidays");
    let mut days = BTreeSet::new();
    for member in &members {
        if let Some(day) = date(member)
            && !days.insert(day)
        {
            member.bad("stands there twice; keep one");
        }
    }
    let sound = days.len() == members.len() && table.value("holidays").is_none_or(|value| value.is_list());
    (days, sound)
}

fn special_days(table: &Table<'_>, holidays: &BTreeSet<Date>) -> Option<BTreeMap<Date, Vec<DayHours>>> {
    let tables = table.tables("special-days");
    let mut days = BTreeMap::new();
    for special in &tables {
        let value = special.required("date");
        let day = value.as_ref().and_then(date);
        let hours = special.required("hours").and_then(|value| match value.is_text() {
            true => value.parsed(str::parse::<DayHours>).map(|hours| vec![hours]),
            false => hours(&value, &special.list("hours")),
        });
        special.finish();
        let (Some(value), Some(day), Some(hours)) = (value, day, hours) else { continue };
        if holidays.contains(&day) {
            value.bad("is a holiday, too; take it out of one of the lists");
        } else if days.insert(day, hours).is_some() {
            value.bad("stands there twice; keep one");
        }
    }
    let sound = days.len() == tables.len() && table.value("special-days").is_none_or(|value| value.is_list());
    sound.then_some(days)
}

/// A civil day.
fn date(value: &Value<'_>) -> Option<Date> {
    let datetime = value.datetime()?;
    let day = datetime.date.filter(|_| datetime.time.is_none()).and_then(|date| date.to_string().parse().ok());
    if day.is_none() {
        value.bad("is no day; write it as 2026-12-25, without a time");
    }
    day
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
