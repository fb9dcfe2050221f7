//! `show refusal`.

use bursar_policy::Timestamp;

use crate::cli::entity::Entity;
use crate::daemon::answer::Answer;
use crate::daemon::answer::session::{Session, passes};
use crate::store::refused::RefusedIdentity;
use crate::wire::{Cell, Query};

pub(super) async fn show(session: &Session<'_>, query: &Query) -> Answer {
    session.caller.must_see_all("what a source's records were refused for")?;
    let filter = &query.filter;
    let refused = session.site.store.refused_identities().await?;
    let rows = refused.into_iter().filter(|(source, _, refused)| {
        passes(filter, "name", |name| refused.source_name == name)
            && passes(filter, "kind", |kind| refused.kind.word() == kind)
            && passes(filter, "source", |name| source == name)
            && passes(filter, "id", |id| refused.immutable_id == id)
    });
    session.table(Entity::Refusal.schema(), query, rows, cell)
}

fn cell((source, since, refused): &(String, Timestamp, RefusedIdentity), field: &str) -> Cell {
    match field {
        "kind" => refused.kind.word().into(),
        "name" => refused.source_name.as_str().into(),
        "reason" => refused.reason.as_str().into(),
        "since" => (*since).into(),
        "source" => source.as_str().into(),
        "id" => refused.immutable_id.as_str().into(),
        _ => Cell::Absent,
    }
}
