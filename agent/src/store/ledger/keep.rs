//! Takes in what a reading told: runs, postings of what changed, rows set aside and how far it came, in one
//! transaction.
//!
//! slurmdbd is asked again and again, and its last word counts. A file is a copy of some age: it adds runs and replaces
//! what an earlier file told, and never what slurmdbd did. Of two rows of one run within a file the one that ends later
//! counts, whatever their order.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bursar_policy::Timestamp;
use sqlx::SqliteConnection;

use super::attribution::{Attribution, Numbers};
use super::days;
use super::posting::{self, Posting};
use super::reading::{self, Counts, Progress, SetAside};
use crate::accounting::Calendar;
use crate::store::audit::BATCH;
use crate::store::generation::{claim, set_watermark};
use crate::store::open::commit;
use crate::store::runs::{Known, Run, RunChanges, known, upsert};
use crate::store::{Error, Store};

type Key = (u32, Timestamp);

/// What one reading told of a cluster's runs.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The cluster.
    pub cluster: &'a str,
    /// Who told.
    pub by: ToldBy<'a>,
    /// The runs.
    pub runs: &'a [Run],
    /// Rows that tell no run.
    pub set_aside: &'a [SetAside],
    /// How many rows came, those that tell no ended run included.
    pub rows: u64,
}

/// Who told.
#[derive(Debug, Clone, Copy)]
pub enum ToldBy<'a> {
    /// slurmdbd, asked for runs that ended in a window, with the watermark to move and where to.
    Slurmdbd {
        /// The first and the last end.
        window: (Timestamp, Timestamp),
        /// Its name and instant.
        watermark: Option<(&'a str, Timestamp)>,
    },
    /// A part of a file.
    File {
        /// The name of the file.
        name: &'a str,
        /// How far it is read with this part.
        progress: &'a Progress,
    },
}

impl Store {
    /// Keeps what a reading told; a run that is there as told is left alone, so repeating a reading changes nothing.
    ///
    /// `calendar` is the site's, by whose days usage is summed up.
    pub async fn keep(&self, told: &Told<'_>, calendar: &Calendar, now: Timestamp) -> Result<RunChanges, Error> {
        if let Some(stray) = told.runs.iter().find(|run| run.cluster != told.cluster) {
            return Err(Error::Refused(format!(
                "job {} belongs to cluster {}, not {}; read one cluster at a time",
                stray.jobid, stray.cluster, told.cluster
            )));
        }
        let mut tx = self.write().await?;
        let file = file_reading(&mut tx, told, now).await?;
        let known = known(&mut tx, told.cluster, told.runs).await?;
        let told_by: BTreeSet<i64> = known.values().map(|known| known.reading).collect();
        let from_files = match file {
            Some(_) => reading::files_among(&mut tx, told_by).await?,
            None => BTreeSet::new(),
        };
        let mut changes = RunChanges::default();
        let newest = newest(told);
        let differing = differing(newest, &known, |known| (file, from_files.contains(&known.reading)), &mut changes);
        let brings = !differing.is_empty() || !told.set_aside.is_empty();
        let reading = match file {
            Some(reading) => reading,
            None if brings => claim(&mut tx, "reading", 1).await?,
            None => 0,
        };
        let set_aside = reading::set_aside(&mut tx, told.cluster, told.set_aside, reading, now).await?;
        for batch in differing.chunks(BATCH) {
            upsert(&mut tx, batch, reading, now).await?;
        }
        let postings = postings(&mut tx, told.cluster, &differing, &mut changes).await?;
        posting::post(&mut tx, &postings, reading, now).await?;
        if !postings.is_empty() {
            days::add(&mut tx, calendar, &postings).await?;
        }
        let count = |all: &[Key]| u64::try_from(all.len()).unwrap_or(u64::MAX);
        let counts =
            Counts { rows: told.rows, added: count(&changes.added), changed: count(&changes.changed), set_aside };
        if file.is_some() || !differing.is_empty() || set_aside > 0 {
            finish(&mut tx, told, reading, counts, now).await?;
        }
        match told.by {
            ToldBy::Slurmdbd { watermark: Some((kind, value)), .. } => {
                set_watermark(&mut tx, told.cluster, kind, value).await?;
            }
            ToldBy::Slurmdbd { watermark: None, .. } => {}
            ToldBy::File { progress, .. } => reading::progress(&mut tx, reading, progress, now).await?,
        }
        commit(tx).await?;
        Ok(changes)
    }
}

/// The reading that a part of a file belongs to; it begins with the first.
async fn file_reading(tx: &mut SqliteConnection, told: &Told<'_>, now: Timestamp) -> Result<Option<i64>, Error> {
    let ToldBy::File { name, progress } = told.by else { return Ok(None) };
    let known = reading::of_file(tx, &progress.digest).await?;
    let reading = match known {
        Some(reading) => reading,
        None => {
            let reading = claim(tx, "reading", 1).await?;
            reading::begin(tx, reading, (told.cluster, "import", name), None, now).await?;
            reading
        }
    };
    Ok(Some(reading))
}

/// Writes the record of slurmdbd's reading, and what either brought.
async fn finish(
    tx: &mut SqliteConnection,
    told: &Told<'_>,
    reading: i64,
    counts: Counts,
    now: Timestamp,
) -> Result<(), Error> {
    if let ToldBy::Slurmdbd { window, .. } = told.by {
        reading::begin(tx, reading, (told.cluster, "slurmdbd", ""), Some(window), now).await?;
    }
    reading::count(tx, reading, counts, now).await
}

/// The row of each run that counts, where several came.
fn newest<'a>(told: &Told<'a>) -> BTreeMap<Key, &'a Run> {
    let is_file = matches!(told.by, ToldBy::File { .. });
    let mut newest: BTreeMap<Key, &Run> = BTreeMap::new();
    for run in told.runs {
        let slot = newest.entry((run.jobid, run.submitted_at)).or_insert(run);
        if !is_file || rank(run) > rank(slot) {
            *slot = run;
        }
    }
    newest
}

/// By what two rows of one run within a file are told apart.
fn rank(run: &Run) -> (Option<Timestamp>, Option<Timestamp>, &str) {
    (run.ended_at, run.started_at, &run.row_hash)
}

/// The runs that are new, or told otherwise than is known by somebody who may.
///
/// `place` gives the file's own reading, if it is a file that tells, and whether the known row came from a file.
fn differing<'a>(
    newest: BTreeMap<Key, &'a Run>,
    known: &BTreeMap<Key, Known>,
    place: impl Fn(&Known) -> (Option<i64>, bool),
    changes: &mut RunChanges,
) -> Vec<&'a Run> {
    let mut differing = Vec::new();
    for (key, run) in newest {
        let Some(known) = known.get(&key) else {
            changes.added.push(key);
            differing.push(run);
            continue;
        };
        if known.row_hash == run.row_hash {
            continue;
        }
        let counts = match place(known) {
            (None, _) => true,
            (Some(_), false) => false,
            (Some(own), true) => own != known.reading || rank(run) > known.rank(),
        };
        if counts {
            changes.changed.push(key);
            differing.push(run);
        }
    }
    differing
}

/// What is posted for runs that are new or were told otherwise: back what stood, and what is now.
async fn postings(
    tx: &mut SqliteConnection,
    cluster: &str,
    differing: &[&Run],
    changes: &mut RunChanges,
) -> Result<Vec<Posting>, Error> {
    let changed: Vec<u32> = changes.changed.iter().map(|(jobid, _)| *jobid).collect();
    let mut standing: HashMap<Key, Posting> = posting::standing(tx, cluster, &changed).await?;
    let mut numbers = Numbers::default();
    let mut postings = Vec::new();
    for run in differing {
        let attribution = numbers.of(tx, Attribution::of(run)).await?;
        let (before, now) = (standing.remove(&(run.jobid, run.submitted_at)), Posting::of(run, attribution));
        if before == now {
            continue;
        }
        postings.extend(before.map(Posting::taken_back));
        postings.extend(now);
    }
    Ok(postings)
}
