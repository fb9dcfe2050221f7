//! Reads what was taken back, with what was posted in its place and the reading that told it.

use std::collections::HashMap;

use bursar_policy::{Period, Timestamp};

use super::attribution::{self, Attribution};
use super::posting::Posting;
use crate::accounting::measure::Stint;
use crate::store::row::Reading;
use crate::store::{Error, Store};

/// What a posting says of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Whom it is charged to.
    pub attribution: Attribution,
    /// The first word of Slurm's state.
    pub state: String,
    /// What it held, and when.
    pub stint: Stint,
}

/// A posting that was taken back because its run was told otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// When that was.
    pub posted_at: Timestamp,
    /// The run's raw job id.
    pub jobid: u32,
    /// When the run was submitted.
    pub submitted_at: Timestamp,
    /// What was taken back.
    pub before: Entry,
    /// What was posted in its place; nothing for a run that was told never to have run.
    pub after: Option<Entry>,
    /// The number of the reading that told it.
    pub reading: i64,
    /// `slurmdbd` or `import`.
    pub kind: String,
    /// The file, for an import.
    pub source: String,
}

impl Store {
    /// What was taken back in the period, in the order in which it was.
    pub async fn corrections(&self, period: &Period) -> Result<Vec<Correction>, Error> {
        let mut tx = self.read().await?;
        let attributions = attribution::all(&mut tx).await?;
        // What is posted in the place of something has the number after it.
        let anew = sqlx::query(
            "SELECT anew.* FROM posting back JOIN posting anew ON anew.id = back.id + 1 AND anew.sign = 1
             AND anew.jobid = back.jobid AND anew.submitted_at = back.submitted_at AND anew.reading = back.reading
             WHERE back.sign = -1 AND back.posted_at >= $1 AND back.posted_at < $2",
        )
        .bind(period.start.0)
        .bind(period.end.0)
        .fetch_all(&mut *tx)
        .await
        .map_err(Error::query("read what was posted anew"))?;
        let mut after: HashMap<i64, Entry> = HashMap::new();
        for row in &anew {
            let row = Reading::new("posting", row);
            if let Some(entry) = entry(&Posting::read(&row)?, &attributions) {
                after.insert(row.int("id")?, entry);
            }
        }
        let back = sqlx::query(
            "SELECT posting.*, reading.kind, reading.source FROM posting LEFT JOIN reading
             ON reading.id = posting.reading WHERE posting.sign = -1 AND posted_at >= $1 AND posted_at < $2
             ORDER BY posting.id",
        )
        .bind(period.start.0)
        .bind(period.end.0)
        .fetch_all(&mut *tx)
        .await
        .map_err(Error::query("read what was taken back"))?;
        let mut corrections = Vec::with_capacity(back.len());
        for row in &back {
            let row = Reading::new("posting", row);
            let posting = Posting::read(&row)?;
            let Some(before) = entry(&posting, &attributions) else { continue };
            corrections.push(Correction {
                posted_at: row.at("posted_at")?,
                jobid: posting.jobid,
                submitted_at: posting.submitted_at,
                before,
                after: after.remove(&(row.int("id")? + 1)),
                reading: row.int("reading")?,
                kind: row.maybe_text("kind")?.unwrap_or_default(),
                source: row.maybe_text("source")?.unwrap_or_default(),
            });
        }
        Ok(corrections)
    }
}

fn entry(posting: &Posting, attributions: &HashMap<i64, Attribution>) -> Option<Entry> {
    let attribution = attributions.get(&posting.attribution)?.clone();
    Some(Entry { attribution, state: posting.state.clone(), stint: posting.stint() })
}
