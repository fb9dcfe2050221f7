//! Reads what was used for a report: whole days from their sums, anything else from the postings.

use std::collections::HashMap;

use bursar_policy::{Period, Timestamp};
use sqlx::SqliteConnection;

use super::attribution::{self, Attribution};
use super::days;
use super::posting::Posting;
use crate::accounting::Calendar;
use crate::accounting::measure::{Measures, Stint};
use crate::store::open::commit;
use crate::store::row::Reading;
use crate::store::{Error, Store};

/// Rows that are held in memory at a time.
const PAGE: i64 = 10_000;

/// A stretch of time to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Whole days of the site's calendar.
    Days(Period),
    /// From any instant to any other.
    Exact(Period),
}

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The sum of the day that begins then.
    Day(Timestamp, Measures),
    /// A posting that touches an exact span, and whether it takes back.
    Posting(Stint, bool),
}

impl Store {
    /// Hands over every part of the spans with its span, whom it is charged to and that one's number, as
    /// of one moment.
    ///
    /// `calendar` is the site's. A posting of an exact span comes whole; the reader cuts it. Runs that have not ended are not in the ledger.
    pub async fn sums(
        &self,
        calendar: &Calendar,
        spans: &[Span],
        mut each: impl FnMut(&Span, i64, &Attribution, Part),
    ) -> Result<(), Error> {
        let mut tx = self.read().await?;
        if !days::are_of(&mut tx, calendar).await? {
            drop(tx);
            self.sum_up_days(calendar).await?;
            tx = self.read().await?;
        }
        let attributions = attribution::all(&mut tx).await?;
        for span in spans {
            match span {
                Span::Days(period) => read_days(&mut tx, (span, period), &attributions, &mut each).await?,
                Span::Exact(period) => {
                    let part = |posting: Posting| {
                        if let Some(attribution) = attributions.get(&posting.attribution) {
                            let part = Part::Posting(posting.stint(), posting.back);
                            each(span, posting.attribution, attribution, part);
                        }
                    };
                    read_postings(&mut tx, period, part).await?;
                }
            }
        }
        Ok(())
    }

    /// Hands over every posting that touches the period with whom it is charged to, by their ends.
    ///
    /// A posting that was taken back comes before the one that takes it back, and both touch the same periods.
    pub async fn postings(&self, period: &Period, mut each: impl FnMut(&Attribution, Posting)) -> Result<(), Error> {
        let mut tx = self.read().await?;
        let attributions = attribution::all(&mut tx).await?;
        read_postings(&mut tx, period, |posting| {
            if let Some(attribution) = attributions.get(&posting.attribution) {
                each(attribution, posting);
            }
        })
        .await
    }

    /// The number of the newest posting, 0 before the first; the ledger has not changed while it stays.
    pub async fn last_posting(&self) -> Result<i64, Error> {
        let row = sqlx::query("SELECT value FROM counter WHERE name = 'posting'").fetch_one(&self.pool).await;
        let row = row.map_err(Error::query("read the number of the newest posting"))?;
        Reading::new("counter", &row).int("value")
    }

    /// Makes the sums of all days anew from the postings.
    pub async fn sum_up_days(&self, calendar: &Calendar) -> Result<(), Error> {
        let mut tx = self.write().await?;
        days::rebuild(&mut tx, calendar).await?;
        commit(tx).await
    }
}

async fn read_days(
    tx: &mut SqliteConnection,
    (span, period): (&Span, &Period),
    attributions: &HashMap<i64, Attribution>,
    each: &mut impl FnMut(&Span, i64, &Attribution, Part),
) -> Result<(), Error> {
    let (mut day, mut last) = (period.start.0, i64::MIN);
    loop {
        let rows = sqlx::query(
            "SELECT * FROM usage_day WHERE (day_at, attribution) > ($1, $2) AND day_at < $3
             ORDER BY day_at, attribution LIMIT $4",
        )
        .bind(day)
        .bind(last)
        .bind(period.end.0)
        .bind(PAGE)
        .fetch_all(&mut *tx)
        .await
        .map_err(Error::query("read the day sums"))?;
        let Some(newest) = rows.last() else { return Ok(()) };
        let newest = Reading::new("usage_day", newest);
        (day, last) = (newest.int("day_at")?, newest.int("attribution")?);
        for row in &rows {
            let row = Reading::new("usage_day", row);
            let number = row.int("attribution")?;
            if let Some(attribution) = attributions.get(&number) {
                each(span, number, attribution, Part::Day(row.at("day_at")?, days::measures(&row)?));
            }
        }
    }
}

async fn read_postings(tx: &mut SqliteConnection, period: &Period, mut each: impl FnMut(Posting)) -> Result<(), Error> {
    // A run without length at the first instant ends where the period begins.
    let (mut ended, mut started, mut id) = (period.start.0, i64::MIN, i64::MIN);
    loop {
        let rows = sqlx::query(
            "SELECT * FROM posting WHERE (ended_at, started_at, id) > ($1, $2, $3) AND started_at < $4
             ORDER BY ended_at, started_at, id LIMIT $5",
        )
        .bind(ended)
        .bind(started)
        .bind(id)
        .bind(period.end.0)
        .bind(PAGE)
        .fetch_all(&mut *tx)
        .await
        .map_err(Error::query("read postings of a period"))?;
        let Some(last) = rows.last() else { return Ok(()) };
        let last = Reading::new("posting", last);
        (ended, started, id) = (last.int("ended_at")?, last.int("started_at")?, last.int("id")?);
        for row in &rows {
            each(Posting::read(&Reading::new("posting", row))?);
        }
    }
}
