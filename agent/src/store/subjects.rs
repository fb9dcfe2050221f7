//! People and groups as they are now; only [`super::sync`] changes them, on a source's word.

use std::collections::BTreeMap;

use bursar_policy::{Uid, UserName};
use sqlx::SqliteConnection;

use super::row::Reading;
use super::{Error, Group, GroupId, Identity, PersonState, Presence, Store, Subject, SubjectId, SubjectKind};

/// Everybody's SSH keys, as lines of `authorized_keys`, in a fixed order.
pub type Keys = BTreeMap<SubjectId, Vec<String>>;

impl Store {
    /// Everybody, tombstones included, by name.
    pub async fn subjects(&self) -> Result<Vec<Subject>, Error> {
        all_subjects(&mut *self.read().await?).await
    }

    /// The person of that name, tombstones included.
    pub async fn subject_by_name(&self, name: &UserName) -> Result<Subject, Error> {
        let row = sqlx::query("SELECT * FROM subject WHERE name = $1")
            .bind(name.as_str())
            .fetch_optional(&self.pool)
            .await
            .map_err(Error::query("look up a person"))?;
        match row {
            Some(row) => subject(&Reading::new("subject", &row)),
            None => Err(Error::NotFound { kind: "user", name: name.to_string() }),
        }
    }

    /// The person with that uid, tombstones included.
    pub async fn subject_by_uid(&self, uid: Uid) -> Result<Subject, Error> {
        let row = sqlx::query("SELECT * FROM subject WHERE uid = $1")
            .bind(uid.get())
            .fetch_optional(&self.pool)
            .await
            .map_err(Error::query("look up a person"))?;
        match row {
            Some(row) => subject(&Reading::new("subject", &row)),
            None => Err(Error::NotFound { kind: "user with uid", name: uid.to_string() }),
        }
    }

    /// What the sources call everybody, by source and immutable id.
    pub async fn identities(&self) -> Result<Vec<Identity>, Error> {
        all_identities(&mut *self.read().await?).await
    }

    /// All groups, tombstones included, by name.
    pub async fn groups(&self) -> Result<Vec<Group>, Error> {
        all_groups(&mut *self.read().await?).await
    }
}

pub(super) async fn all_subjects(tx: &mut SqliteConnection) -> Result<Vec<Subject>, Error> {
    let rows = sqlx::query("SELECT * FROM subject ORDER BY name")
        .fetch_all(tx)
        .await
        .map_err(Error::query("read the people"))?;
    rows.iter().map(|row| subject(&Reading::new("subject", row))).collect()
}

pub(super) async fn subject_by_id(tx: &mut SqliteConnection, id: SubjectId) -> Result<Subject, Error> {
    let row = sqlx::query("SELECT * FROM subject WHERE id = $1")
        .bind(id.0)
        .fetch_optional(tx)
        .await
        .map_err(Error::query("look up a person"))?;
    match row {
        Some(row) => subject(&Reading::new("subject", &row)),
        None => Err(Error::NotFound { kind: "user with number", name: id.0.to_string() }),
    }
}

pub(super) async fn all_identities(tx: &mut SqliteConnection) -> Result<Vec<Identity>, Error> {
    let rows = sqlx::query("SELECT * FROM identity ORDER BY source, immutable_id")
        .fetch_all(tx)
        .await
        .map_err(Error::query("read the identities"))?;
    rows.iter()
        .map(|row| {
            let row = Reading::new("identity", row);
            Ok(Identity {
                source: row.text("source")?,
                immutable_id: row.text("immutable_id")?,
                subject: SubjectId(row.int("subject_id")?),
                source_name: row.text("source_name")?,
            })
        })
        .collect()
}

pub(super) async fn all_keys(tx: &mut SqliteConnection) -> Result<Keys, Error> {
    let rows = sqlx::query("SELECT subject_id, key_text FROM ssh_key ORDER BY subject_id, key_text")
        .fetch_all(tx)
        .await
        .map_err(Error::query("read the SSH keys"))?;
    let mut keys = Keys::new();
    for row in &rows {
        let row = Reading::new("ssh_key", row);
        keys.entry(SubjectId(row.int("subject_id")?)).or_default().push(row.text("key_text")?);
    }
    Ok(keys)
}

pub(super) async fn all_groups(tx: &mut SqliteConnection) -> Result<Vec<Group>, Error> {
    let rows = sqlx::query("SELECT * FROM posix_group ORDER BY name")
        .fetch_all(tx)
        .await
        .map_err(Error::query("read the groups"))?;
    rows.iter()
        .map(|row| {
            let row = Reading::new("posix_group", row);
            Ok(Group {
                id: GroupId(row.int("id")?),
                source: row.text("source")?,
                immutable_id: row.text("immutable_id")?,
                name: row.user_name("name")?,
                gid: row.maybe_gid("gid")?,
                description: row.text("description")?,
                state: row.word("state", Presence::parse)?,
            })
        })
        .collect()
}

/// Who is in which group, by group and person.
pub(super) async fn all_memberships(tx: &mut SqliteConnection) -> Result<Vec<(GroupId, SubjectId)>, Error> {
    let rows = sqlx::query("SELECT group_id, subject_id FROM membership ORDER BY group_id, subject_id")
        .fetch_all(tx)
        .await
        .map_err(Error::query("read the memberships"))?;
    rows.iter()
        .map(|row| {
            let row = Reading::new("membership", row);
            Ok((GroupId(row.int("group_id")?), SubjectId(row.int("subject_id")?)))
        })
        .collect()
}

fn subject(row: &Reading<'_>) -> Result<Subject, Error> {
    Ok(Subject {
        id: SubjectId(row.int("id")?),
        uid: row.uid("uid")?,
        name: row.user_name("name")?,
        display_name: row.text("display_name")?,
        mail: row.maybe_text("mail")?,
        kind: row.word("kind", SubjectKind::parse)?,
        state: row.word("state", PersonState::parse)?,
        first_seen: row.at("first_seen")?,
        changed_at: row.at("changed_at")?,
    })
}
