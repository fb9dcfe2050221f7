//! Gives out uids and gids from the configured pool, each once for ever.
//!
//! A number belongs to (kind, source, immutable id). The table never loses a row, so a person who comes back gets
//! the old number and nobody ever gets somebody else's. The table's keys, not this code, are what rules out doubles.

use std::collections::{BTreeSet, HashMap};

use bursar_policy::{Timestamp, Uid};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use super::Error;
use super::audit::BATCH;
use super::word::words;

words! {
    /// What a number was given to; all share one number space.
    NumberKind {
        /// A person: the uid, and the gid of the private group.
        Person = "person",
        /// A group from a source.
        Group = "group",
        /// A Slurm account's shared group.
        Account = "account",
    }
}

/// The numbers that may be given out, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UidPool {
    /// The lowest number.
    pub first: u32,
    /// The highest number.
    pub last: u32,
}

impl Default for UidPool {
    /// 65536-99999, which collides with nothing on Debian as shipped.
    fn default() -> Self {
        Self { first: 65_536, last: 99_999 }
    }
}

/// The numbers for the immutable ids, old ones where there are any, the lowest free ones for the rest, in their order.
pub(super) async fn allocate(
    tx: &mut SqliteConnection,
    pool: UidPool,
    kind: NumberKind,
    source: &str,
    immutable_ids: &[&str],
    now: Timestamp,
) -> Result<Vec<Uid>, Error> {
    if immutable_ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query("SELECT number, kind, source, immutable_id FROM number_allocation")
        .fetch_all(&mut *tx)
        .await
        .map_err(Error::query("read the given-out numbers"))?;
    let mut taken = BTreeSet::new();
    let mut own = HashMap::new();
    for row in &rows {
        let read = || -> Result<_, sqlx::Error> {
            Ok((row.try_get::<u32, _>(0)?, row.try_get::<String, _>(1)?, row.try_get::<String, _>(2)?, row.try_get(3)?))
        };
        let (number, its_kind, its_source, id): (u32, String, String, String) =
            read().map_err(Error::query("read the given-out numbers"))?;
        taken.insert(number);
        if its_kind == kind.word() && its_source == source {
            own.insert(id, number);
        }
    }
    let mut free = (pool.first..=pool.last).filter(|number| !taken.contains(number) && Uid::new(*number).is_ok());
    let mut fresh = Vec::new();
    let mut numbers = Vec::with_capacity(immutable_ids.len());
    for id in immutable_ids {
        let number = match own.get(*id) {
            Some(number) => *number,
            None => {
                let number = free.next().ok_or(Error::PoolExhausted { first: pool.first, last: pool.last })?;
                own.insert((*id).to_owned(), number);
                fresh.push((number, *id));
                number
            }
        };
        numbers.push(Uid::new(number).map_err(|why| Error::BadRow {
            table: "number_allocation",
            field: "number",
            value: number.to_string(),
            why: why.to_string(),
        })?);
    }
    for batch in fresh.chunks(BATCH) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO number_allocation (number, kind, source, immutable_id, allocated_at) ",
        );
        query.push_values(batch, |mut row, (number, id)| {
            row.push_bind(*number).push_bind(kind.word()).push_bind(source).push_bind(*id).push_bind(now.0);
        });
        query.build().persistent(false).execute(&mut *tx).await.map_err(Error::query("give out numbers"))?;
    }
    Ok(numbers)
}
