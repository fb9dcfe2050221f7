//! Sums of the postings by day of the site's calendar; a cache that every posting adds to in its own transaction.

use std::collections::HashMap;

use bursar_policy::Timestamp;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use super::posting::Posting;
use crate::accounting::Calendar;
use crate::accounting::days::Days;
use crate::accounting::measure::{Measure, Measures};
use crate::store::Error;
use crate::store::audit::BATCH;
use crate::store::row::Reading;

/// Postings that are summed up at a time when all sums are made anew.
const REBUILD_BATCH: i64 = 20_000;

/// The name that sums by this calendar are kept under; days differ by the zone alone.
fn zone_of(calendar: &Calendar) -> &str {
    calendar.zone.iana_name().unwrap_or_default()
}

/// Adds what `postings` amount to to the sums; makes all of them anew when they are of another zone's days.
///
/// The postings are written already.
pub(super) async fn add(tx: &mut SqliteConnection, calendar: &Calendar, postings: &[Posting]) -> Result<(), Error> {
    if are_of(tx, calendar).await? { sum_up(tx, calendar, postings).await } else { rebuild(tx, calendar).await }
}

/// Whether the sums are of this calendar's days.
pub(super) async fn are_of(tx: &mut SqliteConnection, calendar: &Calendar) -> Result<bool, Error> {
    let row = sqlx::query("SELECT name FROM day_zone").fetch_optional(tx).await;
    let row = row.map_err(Error::query("read the zone of the day sums"))?;
    let name: Option<String> =
        row.map(|row| row.try_get(0)).transpose().map_err(Error::query("read the zone of the day sums"))?;
    Ok(name.as_deref() == Some(zone_of(calendar)))
}

/// Makes all sums anew from the postings.
pub(super) async fn rebuild(tx: &mut SqliteConnection, calendar: &Calendar) -> Result<(), Error> {
    for emptied in ["DELETE FROM usage_day", "DELETE FROM day_zone"] {
        sqlx::query(emptied).execute(&mut *tx).await.map_err(Error::query("empty the day sums"))?;
    }
    let mut last = 0;
    loop {
        let rows = sqlx::query("SELECT * FROM posting WHERE id > $1 ORDER BY id LIMIT $2")
            .bind(last)
            .bind(REBUILD_BATCH)
            .fetch_all(&mut *tx)
            .await
            .map_err(Error::query("read postings"))?;
        let Some(newest) = rows.last() else { break };
        last = Reading::new("posting", newest).int("id")?;
        let postings: Vec<Posting> =
            rows.iter().map(|row| Posting::read(&Reading::new("posting", row))).collect::<Result<_, _>>()?;
        sum_up(tx, calendar, &postings).await?;
    }
    sqlx::query("INSERT INTO day_zone (name) VALUES ($1)")
        .bind(zone_of(calendar))
        .execute(tx)
        .await
        .map(drop)
        .map_err(Error::query("keep the zone of the day sums"))
}

async fn sum_up(tx: &mut SqliteConnection, calendar: &Calendar, postings: &[Posting]) -> Result<(), Error> {
    let mut days = Days::new(calendar);
    let mut sums: HashMap<(Timestamp, i64), Measures> = HashMap::new();
    for posting in postings {
        let add = |day, part| *sums.entry((day, posting.attribution)).or_default() += posting.signed(part);
        days.cut(&posting.stint(), add).map_err(|error| {
            Error::Refused(format!("job {} cannot be placed in the calendar: {error}", posting.jobid))
        })?;
    }
    let mut sums: Vec<_> = sums.into_iter().filter(|(_, sum)| !sum.is_zero()).collect();
    // In the order of the key, so that neighbours lie on one page.
    sums.sort_unstable_by_key(|(key, _)| *key);
    for batch in sums.chunks(BATCH) {
        upsert(tx, batch).await?;
    }
    Ok(())
}

async fn upsert(tx: &mut SqliteConnection, batch: &[((Timestamp, i64), Measures)]) -> Result<(), Error> {
    let columns = Measure::COLUMNS.map(|(_, column)| column);
    let mut query =
        QueryBuilder::<Sqlite>::new(format!("INSERT INTO usage_day (day_at, attribution, {}) ", columns.join(", ")));
    query.push_values(batch, |mut row, ((day, attribution), sum)| {
        row.push_bind(day.0).push_bind(*attribution);
        for amount in sum.columns() {
            row.push_bind(*amount);
        }
    });
    let added = columns.map(|column| format!("{column} = usage_day.{column} + excluded.{column}"));
    query.push(format!(" ON CONFLICT (day_at, attribution) DO UPDATE SET {}", added.join(", ")));
    query.build().persistent(false).execute(tx).await.map(drop).map_err(Error::query("add to the day sums"))
}

/// The sums of a row.
pub(super) fn measures(row: &Reading<'_>) -> Result<Measures, Error> {
    let mut amounts = [0; Measure::COUNT];
    for (slot, (_, column)) in amounts.iter_mut().zip(Measure::COLUMNS) {
        *slot = row.int(column)?;
    }
    Ok(Measures::from_columns(amounts))
}
