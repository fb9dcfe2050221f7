//! `show audit`.

use std::collections::BTreeSet;

use crate::cli::entity::Entity;
use crate::daemon::answer::Answer;
use crate::daemon::answer::session::{Session, passes};
use crate::store::audit::AuditRecord;
use crate::wire::{Cell, Query, Response};

pub(super) async fn show(session: &Session<'_>, query: &Query) -> Answer {
    let (filter, caller) = (&query.filter, &session.caller);
    let (start, end) = session.span(filter)?;
    let object = match filter.list("object") {
        [one] => Some(one.as_str()),
        _ => None,
    };
    let records = session.site.store.audit(object, super::MOST_RECORDS).await?;
    let notes = super::cut(records.len());
    // What was done to oneself or one's grants, and what one did, is one's own.
    let mut own: BTreeSet<String> = caller.name().map(|name| format!("user {name}")).into_iter().collect();
    let grants = session.stored.grants.iter().filter(|grant| caller.holds(grant));
    own.extend(grants.map(|grant| format!("grant {}", grant.id)));
    let rows = records.into_iter().filter(|record| {
        (caller.sees_all || caller.is(&record.actor) || own.contains(&record.object))
            && (start..end).contains(&record.at)
            && passes(filter, "object", |object| record.object == object)
            && passes(filter, "actor", |actor| record.actor == actor)
            && passes(filter, "action", |action| record.action == action)
    });
    Ok(Response::Table { table: session.rows(Entity::Audit.schema(), query, rows, cell), notes })
}

fn cell(record: &AuditRecord, field: &str) -> Cell {
    match field {
        "id" => Cell::Count(record.id.unsigned_abs()),
        "at" => record.at.into(),
        "actor" => record.actor.as_str().into(),
        "action" => record.action.as_str().into(),
        "object" => record.object.as_str().into(),
        "reason" => record.reason.as_str().into(),
        "before" => record.before.clone().into(),
        "after" => record.after.clone().into(),
        _ => Cell::Absent,
    }
}
