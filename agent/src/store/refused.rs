//! People, groups and keys that a source brought and bursar did not take in, so that `bursar status` can say why.

use bursar_policy::Timestamp;
use serde_json::json;
use sqlx::SqliteConnection;

use super::audit::Entry;
use super::row::Reading;
use super::sync::SourceChanges;
use super::word::words;
use super::{Cause, Error, Store};

words! {
    /// What a refused record of a source was.
    RefusedKind {
        /// A person.
        Person = "person",
        /// A group.
        Group = "group",
        /// One SSH key of a person; its id is the person's with the key's place.
        SshKey = "ssh-key",
    }
}

/// A person, group or key that the source brought and bursar does not take in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RefusedIdentity {
    /// Person, group or key.
    pub kind: RefusedKind,
    /// The source's id.
    pub immutable_id: String,
    /// The name at the source, as it stands there.
    pub source_name: String,
    /// Why, and what to do.
    pub reason: String,
}

impl Store {
    /// Everything that is refused now, with its source and since when.
    pub async fn refused_identities(&self) -> Result<Vec<(String, Timestamp, RefusedIdentity)>, Error> {
        refused(&mut *self.read().await?, None).await
    }
}

pub(super) async fn refused(
    tx: &mut SqliteConnection,
    source: Option<&str>,
) -> Result<Vec<(String, Timestamp, RefusedIdentity)>, Error> {
    let rows = sqlx::query("SELECT * FROM refused_identity ORDER BY source, kind, immutable_id")
        .fetch_all(tx)
        .await
        .map_err(Error::query("read the refused identities"))?;
    let mut all = Vec::new();
    for row in &rows {
        let row = Reading::new("refused_identity", row);
        let its_source = row.text("source")?;
        if source.is_none_or(|source| source == its_source) {
            let refused = RefusedIdentity {
                kind: row.word("kind", RefusedKind::parse)?,
                immutable_id: row.text("immutable_id")?,
                source_name: row.text("source_name")?,
                reason: row.text("reason")?,
            };
            all.push((its_source, row.at("since")?, refused));
        }
    }
    Ok(all)
}

pub(super) async fn write_refused(
    tx: &mut SqliteConnection,
    changes: &SourceChanges,
    cause: &Cause<'_>,
    entries: &mut Vec<Entry>,
) -> Result<(), Error> {
    let json = |refused: &RefusedIdentity| json!({ "name": refused.source_name, "reason": refused.reason });
    for gone in &changes.no_longer_refused {
        sqlx::query("DELETE FROM refused_identity WHERE source = $1 AND kind = $2 AND immutable_id = $3")
            .bind(&changes.source)
            .bind(gone.kind.word())
            .bind(&gone.immutable_id)
            .execute(&mut *tx)
            .await
            .map_err(Error::query("clear a refused identity"))?;
        let object = format!("{} {}/{}", gone.kind, changes.source, gone.immutable_id);
        entries.push(Entry { action: "identity.refusal-over", object, before: Some(json(gone)), after: None });
    }
    for new in &changes.refused {
        sqlx::query(
            "INSERT INTO refused_identity (source, kind, immutable_id, source_name, reason, since)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (source, kind, immutable_id)
             DO UPDATE SET source_name = excluded.source_name, reason = excluded.reason",
        )
        .bind(&changes.source)
        .bind(new.kind.word())
        .bind(&new.immutable_id)
        .bind(&new.source_name)
        .bind(&new.reason)
        .bind(cause.now.0)
        .execute(&mut *tx)
        .await
        .map_err(Error::query("keep a refused identity"))?;
        let object = format!("{} {}/{}", new.kind, changes.source, new.immutable_id);
        entries.push(Entry { action: "identity.refuse", object, before: None, after: Some(json(new)) });
    }
    Ok(())
}
