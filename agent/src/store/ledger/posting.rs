//! One entry of the ledger: what a run used, or the same taken back.

use std::collections::HashMap;

use bursar_policy::Timestamp;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::accounting::measure::{Measures, Stint};
use crate::store::Error;
use crate::store::audit::BATCH;
use crate::store::generation::claim;
use crate::store::row::Reading;
use crate::store::runs::{Run, stored, tres_of};

/// An entry before it has a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// The number of whom it is charged to.
    pub attribution: i64,
    /// The raw job id.
    pub jobid: u32,
    /// When the run was submitted.
    pub submitted_at: Timestamp,
    /// Whether it takes back.
    pub back: bool,
    /// Slurm's word for how it ended.
    pub state: String,
    /// When it could have started first.
    pub eligible_at: Option<Timestamp>,
    /// When it started, never before it was submitted.
    pub started_at: Timestamp,
    /// The first instant after it.
    pub ended_at: Timestamp,
    /// Seconds that it was suspended.
    pub suspended_s: u64,
    /// Nodes.
    pub nodes: u32,
    /// CPUs.
    pub alloc_cpus: u64,
    /// `AllocTRES` as printed.
    pub tres: String,
}

impl Posting {
    /// What a run used; nothing for one that never ran.
    pub(super) fn of(run: &Run, attribution: i64) -> Option<Self> {
        let stint = Stint::of(run)?;
        Some(Self {
            attribution,
            jobid: run.jobid,
            submitted_at: run.submitted_at,
            back: false,
            state: run.state.clone(),
            eligible_at: run.eligible_at,
            started_at: stint.start,
            ended_at: stint.end,
            suspended_s: run.suspended_s,
            nodes: run.nodes,
            alloc_cpus: run.alloc_cpus,
            tres: run.tres.clone(),
        })
    }

    /// The entry that takes this one back.
    pub(super) fn taken_back(self) -> Self {
        Self { back: !self.back, ..self }
    }

    /// What it held, by Slurm's names of TRES; memory in MiB.
    pub fn held(&self) -> impl Iterator<Item = (&str, u64)> {
        tres_of(self.alloc_cpus, &self.tres)
    }

    /// What it held, and when.
    pub(super) fn stint(&self) -> Stint {
        let mut stint = Stint {
            eligible: self.eligible_at,
            suspended: self.suspended_s,
            nodes: self.nodes.into(),
            ..Stint::over(self.submitted_at, self.started_at, self.ended_at)
        };
        stint.hold(self.held());
        stint
    }

    /// `measures` with the entry's sign.
    pub(super) fn signed(&self, measures: Measures) -> Measures {
        if self.back { -measures } else { measures }
    }

    pub(super) fn read(row: &Reading<'_>) -> Result<Self, Error> {
        Ok(Self {
            attribution: row.int("attribution")?,
            jobid: row.u32("jobid")?,
            submitted_at: row.at("submitted_at")?,
            back: row.int("sign")? < 0,
            state: row.text("state")?,
            eligible_at: row.maybe_at("eligible_at")?,
            started_at: row.at("started_at")?,
            ended_at: row.at("ended_at")?,
            suspended_s: row.unsigned("suspended_s")?,
            nodes: row.u32("nodes")?,
            alloc_cpus: row.unsigned("alloc_cpus")?,
            tres: row.text("tres")?,
        })
    }
}

/// The entries that stand now, that is, were not taken back, of these runs of a cluster.
pub(super) async fn standing(
    tx: &mut SqliteConnection,
    cluster: &str,
    jobids: &[u32],
) -> Result<HashMap<(u32, Timestamp), Posting>, Error> {
    let mut standing = HashMap::new();
    for batch in jobids.chunks(BATCH) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT posting.* FROM posting JOIN attribution ON attribution.id = posting.attribution
             WHERE posting.jobid IN (",
        );
        let mut ids = query.separated(", ");
        for jobid in batch {
            ids.push_bind(jobid);
        }
        query.push(") AND attribution.cluster = ").push_bind(cluster).push(" ORDER BY posting.id");
        let rows =
            query.build().persistent(false).fetch_all(&mut *tx).await.map_err(Error::query("look up postings"))?;
        for row in rows {
            let posting = Posting::read(&Reading::new("posting", &row))?;
            let key = (posting.jobid, posting.submitted_at);
            if posting.back {
                standing.remove(&key);
            } else {
                standing.insert(key, posting);
            }
        }
    }
    Ok(standing)
}

/// Writes entries, in their order.
pub(super) async fn post(
    tx: &mut SqliteConnection,
    postings: &[Posting],
    reading: i64,
    now: Timestamp,
) -> Result<(), Error> {
    let mut id = if postings.is_empty() { 0 } else { claim(tx, "posting", postings.len()).await? };
    for batch in postings.chunks(BATCH) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO posting (id, attribution, jobid, submitted_at, sign, state, eligible_at, started_at, ended_at,
             suspended_s, nodes, alloc_cpus, tres, reading, posted_at) ",
        );
        query.push_values(batch, |mut row, posting| {
            row.push_bind(id)
                .push_bind(posting.attribution)
                .push_bind(posting.jobid)
                .push_bind(posting.submitted_at.0)
                .push_bind(if posting.back { -1 } else { 1 })
                .push_bind(&posting.state)
                .push_bind(posting.eligible_at.map(|at| at.0))
                .push_bind(posting.started_at.0)
                .push_bind(posting.ended_at.0)
                .push_bind(stored(posting.suspended_s))
                .push_bind(posting.nodes)
                .push_bind(stored(posting.alloc_cpus))
                .push_bind(&posting.tres)
                .push_bind(reading)
                .push_bind(now.0);
            id += 1;
        });
        query.build().persistent(false).execute(&mut *tx).await.map_err(Error::query("post what runs used"))?;
    }
    Ok(())
}
