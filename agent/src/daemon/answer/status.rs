//! `status`: how each part is. What is wrong in detail is for those who see everything.

use bursar_policy::Timestamp;

use super::Answer;
use super::session::Session;
use crate::cli::entity::command::STATUS;
use crate::daemon::site::{Health, chain};
use crate::snapshot::compile::HARD_LIMIT;
use crate::wire::{Cell, Query};

struct Row {
    part: String,
    state: &'static str,
    since: Option<Timestamp>,
    detail: String,
}

pub(super) async fn status(session: &Session<'_>, query: &Query) -> Answer {
    let mut rows = vec![daemon(session), store(session).await, snapshot(session)];
    for (part, health) in session.site.health() {
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
