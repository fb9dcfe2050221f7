//! Numbers that only go up: snapshot generations and the ids of new rows.

use bursar_policy::Timestamp;
use sqlx::{Row, SqliteConnection};

use super::open::commit;
use super::{Error, Store};

impl Store {
    /// The newest snapshot generation, 0 before the first.
    pub async fn generation(&self) -> Result<u64, Error> {
        let value: i64 = sqlx::query("SELECT value FROM counter WHERE name = 'generation'")
            .fetch_one(&self.pool)
            .await
            .and_then(|row| row.try_get(0))
            .map_err(Error::query("read the generation"))?;
        Ok(value.unsigned_abs())
    }

    /// Claims the next snapshot generation; a claimed number is never given again, used or not.
    pub async fn next_generation(&self) -> Result<u64, Error> {
        let mut tx = self.write().await?;
        let value = claim(&mut tx, "generation", 1).await?;
        commit(tx).await?;
        Ok(value.unsigned_abs())
    }

    /// Makes the next generation greater than `published`, for a store that was restored from before it.
    ///
    /// Readers never go back to an older snapshot, so without this they would refuse everything that is published.
    pub async fn generations_after(&self, published: u64) -> Result<(), Error> {
        let behind = published.saturating_sub(self.generation().await?);
        let behind = usize::try_from(behind).unwrap_or(usize::MAX);
        if behind > 0 {
            let mut tx = self.write().await?;
            claim(&mut tx, "generation", behind).await?;
            commit(tx).await?;
        }
        Ok(())
    }

    /// How far a reading of `cluster` has come; nothing before the first.
    pub async fn watermark(&self, cluster: &str, kind: &str) -> Result<Option<Timestamp>, Error> {
        let row = sqlx::query("SELECT value FROM watermark WHERE cluster = $1 AND kind = $2")
            .bind(cluster)
            .bind(kind)
            .fetch_optional(&self.pool)
            .await
            .map_err(Error::query("read a watermark"))?;
        row.map(|row| row.try_get(0).map(Timestamp).map_err(Error::query("read a watermark"))).transpose()
    }
}

/// Takes `count` numbers of the named counter and returns the first of them.
pub(super) async fn claim(tx: &mut SqliteConnection, name: &'static str, count: usize) -> Result<i64, Error> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let last: i64 = sqlx::query("UPDATE counter SET value = value + $1 WHERE name = $2 RETURNING value")
        .bind(count)
        .bind(name)
        .fetch_one(tx)
        .await
        .and_then(|row| row.try_get(0))
        .map_err(Error::query("number a new row"))?;
    Ok(last - count + 1)
}

/// Moves a watermark inside the transaction that keeps what was read up to it.
pub(super) async fn set_watermark(
    tx: &mut SqliteConnection,
    cluster: &str,
    kind: &str,
    value: Timestamp,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO watermark (cluster, kind, value) VALUES ($1, $2, $3)
         ON CONFLICT (cluster, kind) DO UPDATE SET value = excluded.value",
    )
    .bind(cluster)
    .bind(kind)
    .bind(value.0)
    .execute(tx)
    .await
    .map(drop)
    .map_err(Error::query("keep a watermark"))
}
