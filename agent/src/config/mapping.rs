//! `[[mapping]]` of `policy.toml`: which group has which role, where and until when.

use bursar_policy::{AccountName, Timestamp};
use jiff::civil;
use jiff::tz::TimeZone;
use toml::value::Datetime;

use super::policy::{Mapping, account_name};
use super::read::{Table, Value};
use crate::store::{Role, Scope};

/// Reads every mapping; nothing if any was wrong.
pub(super) fn mappings(
    root: &Table<'_>,
    accounts: &[AccountName],
    zone: &TimeZone,
    sources: Option<&[String]>,
) -> Option<Vec<Mapping>> {
    let tables = root.tables("mapping");
    let mut mappings: Vec<Mapping> = Vec::new();
    for table in &tables {
        let Some(mapping) = mapping(table, accounts, zone, sources) else { continue };
        let same = |other: &Mapping| {
            (&other.source, &other.group, other.role, &other.scope)
                == (&mapping.source, &mapping.group, mapping.role, &mapping.scope)
        };
        if mappings.iter().any(same) {
            table.bad("gives the same group the same role on the same scope as a mapping above; keep one");
        } else {
            mappings.push(mapping);
        }
    }
    (mappings.len() == tables.len()).then_some(mappings)
}

fn mapping(
    table: &Table<'_>,
    accounts: &[AccountName],
    zone: &TimeZone,
    sources: Option<&[String]>,
) -> Option<Mapping> {
    let group = table.text("group");
    let source = source(table, sources);
    let role = table.parsed("role", |word| {
        Role::parse(word).ok_or("is no role; choose from cluster-admin, compute-user, observer")
    });
    let scope = scope(table, accounts);
    let until = match table.value("until") {
        None => Some(None),
        Some(value) => until(&value, zone).map(Some),
    };
    table.finish();
    let (role, scope) = (role?, scope?);
    match (role, &scope) {
        (Role::ClusterAdmin, Scope::Account(_)) => {
            table.bad("a cluster-admin rules the whole cluster; write scope = \"cluster\" instead of account");
            return None;
        }
        (Role::ComputeUser, Scope::Cluster) => {
            table.bad("a compute-user submits on an account; write account = \"NAME\" instead of scope");
            return None;
        }
        _ => {}
    }
    Some(Mapping { source: source?, group: group?.to_owned(), role, scope, until: until? })
}

fn source(table: &Table<'_>, sources: Option<&[String]>) -> Option<Option<String>> {
    match (table.value("source"), sources) {
        (None, Some(sources)) if sources.len() > 1 => {
            table.bad("there are several sources; say which with source = \"NAME\"");
            None
        }
        (None, _) => Some(None),
        (Some(value), sources) => {
            let name = value.text()?;
            if sources.is_some_and(|sources| !sources.iter().any(|source| source == name)) {
                value.bad(format!("names source {name}, which bursar.toml does not have; correct one of the files"));
                return None;
            }
            Some(Some(name.to_owned()))
        }
    }
}

fn scope(table: &Table<'_>, accounts: &[AccountName]) -> Option<Scope> {
    match (table.value("scope"), table.value("account")) {
        (Some(_), Some(_)) => {
            table.bad("has both scope and account; keep one");
            None
        }
        (None, None) => {
            table.bad("has neither scope nor account; add scope = \"cluster\" or account = \"NAME\"");
            None
        }
        (Some(scope), None) => scope.parsed(|word| match word {
            "cluster" => Ok(Scope::Cluster),
            _ => Err("is no scope; write scope = \"cluster\" or account = \"NAME\""),
        }),
        (None, Some(value)) => {
            let name = value.parsed(account_name)?;
            if !accounts.contains(&name) {
                value.bad(format!("names account {name}, which no [[account]] has; add it or correct the name"));
                return None;
            }
            Some(Scope::Account(name))
        }
    }
}

/// The instant a date or time means in the site's zone; a date counts to the end of that day.
fn until(value: &Value<'_>, zone: &TimeZone) -> Option<Timestamp> {
    let datetime = value.datetime()?;
    let instant = instant(&datetime, zone);
    if instant.is_none() {
        value.bad("is no date or instant; write 2026-12-31 or 2026-12-31T18:00:00+01:00");
    }
    instant
}

fn instant(datetime: &Datetime, zone: &TimeZone) -> Option<Timestamp> {
    let date: civil::Date = datetime.date?.to_string().parse().ok()?;
    let Some(time) = datetime.time else {
        let next_day = date.tomorrow().ok()?;
        return Some(Timestamp(next_day.to_zoned(zone.clone()).ok()?.timestamp().as_second()));
    };
    if datetime.offset.is_some() {
        let at: jiff::Timestamp = datetime.to_string().parse().ok()?;
        return Some(Timestamp(at.as_second()));
    }
    let time: civil::Time = time.to_string().parse().ok()?;
    Some(Timestamp(date.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp().as_second()))
}
