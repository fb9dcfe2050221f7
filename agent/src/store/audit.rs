//! The audit trail: one record for every change, written in the change's own transaction.

use bursar_policy::Timestamp;
use serde_json::Value;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::generation::claim;
use super::row::Reading;
use super::{Cause, Error, Store};

/// How many rows one INSERT takes; well below SQLite's 32,766 parameters for every table.
pub(super) const BATCH: usize = 1_000;

/// One record of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// The record's number, rising with time.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What was done, as in `grant.revoke`.
    pub action: String,
    /// To what, as in `grant G12`.
    pub object: String,
    /// The object before, as JSON; nothing for an addition.
    pub before: Option<String>,
    /// The object after, as JSON; nothing for a deletion.
    pub after: Option<String>,
    /// Why, in the actor's words.
    pub reason: String,
}

/// What one change did, before it has a number.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) action: &'static str,
    pub(super) object: String,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
}

impl Store {
    /// The newest `most` records, newest first; with `object`, only those about that object.
    pub async fn audit(&self, object: Option<&str>, most: u32) -> Result<Vec<AuditRecord>, Error> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM audit");
        if let Some(object) = object {
            query.push(" WHERE object = ").push_bind(object);
        }
        query.push(" ORDER BY id DESC LIMIT ").push_bind(most);
        let rows = query
            .build()
            .persistent(false)
            .fetch_all(&self.pool)
            .await
            .map_err(Error::query("read the audit trail"))?;
        rows.iter()
            .map(|row| {
                let row = Reading::new("audit", row);
                Ok(AuditRecord {
                    id: row.int("id")?,
                    at: row.at("at")?,
                    actor: row.text("actor")?,
                    action: row.text("action")?,
                    object: row.text("object")?,
                    before: row.maybe_text("before")?,
                    after: row.maybe_text("after")?,
                    reason: row.text("reason")?,
                })
            })
            .collect()
    }
}

/// Writes the records of one transaction.
pub(super) async fn record(tx: &mut SqliteConnection, cause: &Cause<'_>, entries: &[Entry]) -> Result<(), Error> {
    let mut id = if entries.is_empty() { 0 } else { claim(tx, "audit", entries.len()).await? };
    for batch in entries.chunks(BATCH) {
        let mut query =
            QueryBuilder::<Sqlite>::new("INSERT INTO audit (id, at, actor, action, object, before, after, reason) ");
        query.push_values(batch, |mut row, entry| {
            row.push_bind(id)
                .push_bind(cause.now.0)
                .push_bind(cause.actor)
                .push_bind(entry.action)
                .push_bind(&entry.object)
                .push_bind(entry.before.as_ref().map(Value::to_string))
                .push_bind(entry.after.as_ref().map(Value::to_string))
                .push_bind(cause.reason);
            id += 1;
        });
        query.build().persistent(false).execute(&mut *tx).await.map_err(Error::query("write the audit trail"))?;
    }
    Ok(())
}
