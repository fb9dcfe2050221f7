//! `status`: how each part is. What is wrong in detail is for those who see everything.

use bursar_policy::Timestamp;

use super::Answer;
use super::session::Session;
use crate::cli::entity::command::STATUS;
use crate::config::StoragePlace;
use crate::daemon::site::{Health, chain};
use crate::daemon::storage::PART;
use crate::snapshot::compile::HARD_LIMIT;
use crate::storage::{Reading, Standing};
use crate::wire::{Cell, Query};

struct Row {
    part: String,
    state: &'static str,
    since: Option<Timestamp>,
    detail: String,
}

pub(super) async fn status(session: &Session<'_>, query: &Query) -> Answer {
    let mut rows = vec![daemon(session), store(session).await, snapshot(session)];
    rows.extend(session.view.config.policy.storage.iter().map(|place| storage(session, place)));
    // Each place has a line of its own.
    for (part, health) in session.site.health().into_iter().filter(|(part, _)| *part != PART) {
        match rows.iter_mut().find(|row| row.part == part) {
            Some(row) => row.with(health),
            None => rows.push(Row::of(part, health)),
        }
    }
    if !session.caller.sees_all {
        // Faults name files, hosts and people.
        rows.iter_mut().filter(|row| row.state == "failed").for_each(|row| row.detail = "ask an administrator".into());
    }
    session.table(&STATUS, query, rows, cell)
}

fn daemon(session: &Session<'_>) -> Row {
    let detail = format!("bursard {} of cluster {}", env!("CARGO_PKG_VERSION"), session.cluster());
    Row { part: "daemon".to_owned(), state: "ok", since: Some(session.site.started_at), detail }
}

async fn store(session: &Session<'_>) -> Row {
    let path = session.view.config.machine.paths.store.display().to_string();
    let (state, detail) = match session.site.store.generation().await {
        Ok(_) => ("ok", path),
        Err(error) => ("failed", chain(&error)),
    };
    Row { part: "store".to_owned(), state, since: None, detail }
}

fn snapshot(session: &Session<'_>) -> Row {
    let part = "snapshot".to_owned();
    let Some(snapshot) = &session.view.snapshot else {
        return Row { part, state: "late", since: None, detail: "none has been published yet".to_owned() };
    };
    let age = session.now.seconds_since(snapshot.made_at());
    let state = if age > HARD_LIMIT { "late" } else { "ok" };
    let detail = format!("generation {}, {age} s old", snapshot.generation());
    Row { part, state, since: Some(snapshot.made_at()), detail }
}

/// How a place is read, and what its last good reading still means.
fn storage(session: &Session<'_>, place: &StoragePlace) -> Row {
    let standing = Standing::of(place, &session.view.storage, session.now);
    let text = |at| session.view.calendar.text(at);
    let fault = session.view.storage.get(&place.name).and_then(|known| known.fault.as_ref());
    let stands = match standing {
        Standing::Unread => "not read yet, so nobody is warned or refused for it".to_owned(),
        Standing::Fresh(Reading { usages, .. }) if fault.is_none() => {
            let does = if place.refuses { "jobs are refused" } else { "owners are warned" };
            format!("{} people and {} accounts read; {does}", usages.people.len(), usages.accounts.len())
        }
        Standing::Fresh(reading) | Standing::Late(reading) => {
            let until = text(reading.read_at.plus(place.max_age));
            format!("the last good reading, of {}, stays in force until {until}", text(reading.read_at))
        }
        Standing::Expired(reading) => {
            format!("the last good reading is of {}; nobody is warned or refused for it", text(reading.read_at))
        }
    };
    let part = format!("storage {}", place.name);
    if let Some((since, fault)) = fault {
        return Row { part, state: "failed", since: Some(*since), detail: format!("{fault}; {stands}") };
    }
    let state = if matches!(standing, Standing::Fresh(_)) { "ok" } else { "late" };
    Row { part, state, since: standing.reading().map(|reading| reading.read_at), detail: stands }
}

impl Row {
    fn of(part: &str, health: Health) -> Self {
        let part = part.to_owned();
        match (health.fault, health.good_at) {
            (Some((since, fault)), _) => Self { part, state: "failed", since: Some(since), detail: fault },
            (None, since) => Self { part, state: "ok", since, detail: health.detail },
        }
    }

    /// Adds how the work on the part fares.
    fn with(&mut self, health: Health) {
        let work = Self::of(&self.part, health);
        self.detail = format!("{}; {}", self.detail, work.detail);
        if work.state == "failed" {
            (self.state, self.since) = (work.state, work.since);
        }
    }
}

fn cell(row: &Row, field: &str) -> Cell {
    match field {
        "part" => row.part.as_str().into(),
        "state" => row.state.into(),
        "since" => row.since.into(),
        "detail" => row.detail.as_str().into(),
        _ => Cell::Absent,
    }
}
