//! Where entries of the ledger came from: readings of slurmdbd and files that were imported.

use std::collections::BTreeSet;

use bursar_policy::Timestamp;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::store::audit::BATCH;
use crate::store::row::Reading;
use crate::store::runs::stored;
use crate::store::{Error, Store};

/// A row that tells no run and yet must not be lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// The row as it came, decoded as far as it is UTF-8.
    pub line: String,
    /// What is wrong with it.
    pub why: String,
}

/// A row that was set aside, with where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsideRecord {
    /// The cluster.
    pub cluster: String,
    /// The row.
    pub row: SetAside,
    /// The reading that brought it first.
    pub reading: i64,
    /// When that was.
    pub first_at: Timestamp,
}

/// How far a file was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// A digest that the file is known again by.
    pub digest: String,
    /// Bytes from its start that were taken in.
    pub bytes: u64,
}

/// One reading that brought something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadingRecord {
    /// Its number.
    pub id: i64,
    /// The cluster.
    pub cluster: String,
    /// `slurmdbd` or `import`.
    pub kind: String,
    /// The file, for an import.
    pub source: String,
    /// The window of ends that was asked for.
    pub window: Option<(Timestamp, Timestamp)>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was last added to.
    pub finished_at: Option<Timestamp>,
    /// Rows that came.
    pub rows: u64,
    /// Runs that were new.
    pub added: u64,
    /// Runs that were told otherwise before.
    pub changed: u64,
    /// Rows that were set aside.
    pub set_aside: u64,
}

/// What one step of a reading adds to its record.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) rows: u64,
    pub(super) added: u64,
    pub(super) changed: u64,
    pub(super) set_aside: u64,
}

/// Writes the record of a reading: of which cluster, of what kind and from which file.
pub(super) async fn begin(
    tx: &mut SqliteConnection,
    id: i64,
    (cluster, kind, source): (&str, &str, &str),
    window: Option<(Timestamp, Timestamp)>,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO reading (id, cluster, kind, source, from_at, until_at, started_at, row_count, added, changed,
         set_aside) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, 0, 0)",
    )
    .bind(id)
    .bind(cluster)
    .bind(kind)
    .bind(source)
    .bind(window.map(|(from, _)| from.0))
    .bind(window.map(|(_, until)| until.0))
    .bind(now.0)
    .execute(tx)
    .await
    .map(drop)
    .map_err(Error::query("record a reading"))
}

/// The reading that a file of this digest began with.
pub(super) async fn of_file(tx: &mut SqliteConnection, digest: &str) -> Result<Option<i64>, Error> {
    let row = sqlx::query("SELECT reading FROM import WHERE digest = $1").bind(digest).fetch_optional(tx).await;
    let row = row.map_err(Error::query("read how far a file was imported"))?;
    row.map(|row| Reading::new("import", &row).int("reading")).transpose()
}

/// Which of these readings were of files.
pub(super) async fn files_among(tx: &mut SqliteConnection, readings: BTreeSet<i64>) -> Result<BTreeSet<i64>, Error> {
    let readings: Vec<i64> = readings.into_iter().collect();
    let mut files = BTreeSet::new();
    for batch in readings.chunks(BATCH) {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT id FROM reading WHERE kind = 'import' AND id IN (");
        let mut ids = query.separated(", ");
        for id in batch {
            ids.push_bind(id);
        }
        query.push(")");
        let rows =
            query.build().persistent(false).fetch_all(&mut *tx).await.map_err(Error::query("read the readings"))?;
        for row in rows {
            files.insert(Reading::new("reading", &row).int("id")?);
        }
    }
    Ok(files)
}

/// Adds to the record of a reading.
pub(super) async fn count(tx: &mut SqliteConnection, id: i64, counts: Counts, now: Timestamp) -> Result<(), Error> {
    sqlx::query(
        "UPDATE reading SET row_count = row_count + $1, added = added + $2, changed = changed + $3,
         set_aside = set_aside + $4, finished_at = $5 WHERE id = $6",
    )
    .bind(stored(counts.rows))
    .bind(stored(counts.added))
    .bind(stored(counts.changed))
    .bind(stored(counts.set_aside))
    .bind(now.0)
    .bind(id)
    .execute(tx)
    .await
    .map(drop)
    .map_err(Error::query("record a reading"))
}

/// Keeps rows that tell no run; gives how many were not there yet.
pub(super) async fn set_aside(
    tx: &mut SqliteConnection,
    cluster: &str,
    rows: &[SetAside],
    reading: i64,
    now: Timestamp,
) -> Result<u64, Error> {
    let mut kept = 0;
    for batch in rows.chunks(BATCH) {
        let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO set_aside (cluster, line, why, reading, first_at) ");
        query.push_values(batch, |mut values, row| {
            values.push_bind(cluster).push_bind(&row.line).push_bind(&row.why).push_bind(reading).push_bind(now.0);
        });
        query.push(" ON CONFLICT (cluster, line) DO NOTHING");
        let done = query.build().persistent(false).execute(&mut *tx).await.map_err(Error::query("set rows aside"))?;
        kept += done.rows_affected();
    }
    Ok(kept)
}

/// Notes how far a file was imported.
pub(super) async fn progress(
    tx: &mut SqliteConnection,
    reading: i64,
    progress: &Progress,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO import (digest, reading, bytes, changed_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (digest) DO UPDATE SET bytes = excluded.bytes, changed_at = excluded.changed_at",
    )
    .bind(&progress.digest)
    .bind(reading)
    .bind(stored(progress.bytes))
    .bind(now.0)
    .execute(tx)
    .await
    .map(drop)
    .map_err(Error::query("note how far a file was imported"))
}

impl Store {
    /// How far the file of this digest was imported, and by which reading.
    pub async fn import_progress(&self, digest: &str) -> Result<Option<(i64, Progress)>, Error> {
        let row = sqlx::query("SELECT * FROM import WHERE digest = $1")
            .bind(digest)
            .fetch_optional(&self.pool)
            .await
            .map_err(Error::query("read how far a file was imported"))?;
        row.map(|row| {
            let row = Reading::new("import", &row);
            let progress = Progress { digest: row.text("digest")?, bytes: row.unsigned("bytes")? };
            Ok((row.int("reading")?, progress))
        })
        .transpose()
    }

    /// The readings that brought something, newest first, at most `most`.
    pub async fn readings(&self, most: u32) -> Result<Vec<ReadingRecord>, Error> {
        let rows = sqlx::query("SELECT * FROM reading ORDER BY id DESC LIMIT $1")
            .bind(most)
            .fetch_all(&self.pool)
            .await
            .map_err(Error::query("read the readings"))?;
        rows.iter().map(|row| record(&Reading::new("reading", row))).collect()
    }

    /// The rows that tell no run, oldest first, at most `most`.
    pub async fn rows_set_aside(&self, most: u32) -> Result<Vec<AsideRecord>, Error> {
        let rows = sqlx::query("SELECT * FROM set_aside ORDER BY first_at, cluster, line LIMIT $1")
            .bind(most)
            .fetch_all(&self.pool)
            .await
            .map_err(Error::query("read rows that were set aside"))?;
        rows.iter()
            .map(|row| {
                let row = Reading::new("set_aside", row);
                Ok(AsideRecord {
                    cluster: row.text("cluster")?,
                    row: SetAside { line: row.text("line")?, why: row.text("why")? },
                    reading: row.int("reading")?,
                    first_at: row.at("first_at")?,
                })
            })
            .collect()
    }
}

fn record(row: &Reading<'_>) -> Result<ReadingRecord, Error> {
    Ok(ReadingRecord {
        id: row.int("id")?,
        cluster: row.text("cluster")?,
        kind: row.text("kind")?,
        source: row.text("source")?,
        window: row.maybe_at("from_at")?.zip(row.maybe_at("until_at")?),
        started_at: row.at("started_at")?,
        finished_at: row.maybe_at("finished_at")?,
        rows: row.unsigned("row_count")?,
        added: row.unsigned("added")?,
        changed: row.unsigned("changed")?,
        set_aside: row.unsigned("set_aside")?,
    })
}
