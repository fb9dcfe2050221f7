//! Runs of jobs as they were last told, and the CPU time they used in a period.

use std::collections::{BTreeMap, HashSet};

use bursar_policy::{Period, Timestamp};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::audit::BATCH;
use super::row::Reading;
use super::{Error, Store};

/// One run of a job: a row of slurmdbd's job table. A requeued job has several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The cluster.
    pub cluster: String,
    /// The raw job id, without array or component suffix.
    pub jobid: u32,
    /// When it was submitted (or requeued, or resized).
    pub submitted_at: Timestamp,
    /// slurmdbd's own row number, as text.
    pub dbindex: String,
    /// The user's name.
    pub user_name: String,
    /// The user's uid.
    pub uid: u32,
    /// The Slurm account.
    pub account: String,
    /// The partition.
    pub partition: String,
    /// The QOS.
    pub qos: String,
    /// The wckey (cost centre).
    pub wckey: String,
    /// The first word of Slurm's state, as in `COMPLETED`.
    pub state: String,
    /// When it could have started first.
    pub eligible_at: Option<Timestamp>,
    /// When it started; nothing for a run that never did.
    pub started_at: Option<Timestamp>,
    /// When it ended; nothing while it goes on.
    pub ended_at: Option<Timestamp>,
    /// Slurm's elapsed seconds, suspended ones left out.
    pub elapsed_s: u64,
    /// Suspended seconds.
    pub suspended_s: u64,
    /// Allocated CPUs.
    pub alloc_cpus: u64,
    /// `AllocTRES` as printed.
    pub tres: String,
    /// The time limit in seconds; nothing means none.
    pub timelimit_s: Option<u64>,
    /// The number of nodes.
    pub nodes: u32,
    /// The nodes as Slurm lists them; empty where that was not told.
    pub node_list: String,
    /// The reservation it ran in; empty for none.
    pub reservation: String,
    /// Slurm's priority at its start.
    pub priority: Option<u64>,
    /// A hash over the row as read; an equal hash means an equal row.
    pub row_hash: String,
}

impl Run {
    /// Stands for the uid of somebody whose name alone was told; no person can have it.
    pub const NO_UID: u32 = u32::MAX - 1;

    /// The CPU-seconds used inside `period`, seen at `as_of`.
    ///
    /// The interval is `[max(start, submit), end)`, open runs ending at `as_of`. slurmdbd tells only the sum of the
    /// suspended seconds; they are taken off the end of the interval, so that any cutting of the timeline adds up to
    /// the same total and past amounts stay put while a run is suspended.
    pub fn cpu_seconds(&self, period: &Period, as_of: Timestamp) -> u64 {
        let Some(started) = self.started_at else { return 0 };
        let from = started.max(self.submitted_at);
        let end = self.ended_at.unwrap_or(as_of);
        let busy = end.seconds_since(from).saturating_sub(self.suspended_s);
        period.overlap(from, from.plus(busy)).saturating_mul(self.alloc_cpus)
    }
}

impl Run {
    /// The most seconds that the run can have been busy inside `period`, ended at `ended`.
    ///
    /// A limit must hold wherever the suspended seconds lay, so they are taken off the start here: nothing is missing
    /// from the period that goes on. For a run that was never suspended it is what [`Self::cpu_seconds`] counts.
    pub fn most_seconds(&self, period: &Period, ended: Timestamp) -> u64 {
        let Some(started) = self.started_at else { return 0 };
        let from = started.max(self.submitted_at).plus(self.suspended_s).min(ended);
        period.overlap(from, ended)
    }

    /// What it was given, by Slurm's names of TRES; memory in MiB.
    pub fn held(&self) -> impl Iterator<Item = (&str, u64)> {
        tres_of(self.alloc_cpus, &self.tres)
    }
}

/// The amounts of an allocation by Slurm's names of TRES: its CPUs and what `tres` lists besides.
pub(super) fn tres_of(cpus: u64, tres: &str) -> impl Iterator<Item = (&str, u64)> {
    let tres = tres.split(',').filter_map(|item| {
        let (name, amount) = item.split_once('=')?;
        Some((name, amount.parse().ok()?))
    });
    std::iter::once(("cpu", cpus)).chain(tres.filter(|(name, _)| *name != "cpu"))
}

/// What a batch of runs changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunChanges {
    /// Keys of runs that were not there.
    pub added: Vec<(u32, Timestamp)>,
    /// Keys of runs whose row differs from the one kept before.
    pub changed: Vec<(u32, Timestamp)>,
}

impl RunChanges {
    /// Whether the batch held nothing new.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty()
    }
}

impl Store {
    /// The runs of `cluster` that share any second with `period`, open ones included, by job id and submit time.
    pub async fn runs_overlapping(&self, cluster: &str, period: &Period) -> Result<Vec<Run>, Error> {
        let rows = sqlx::query(
            "SELECT * FROM run WHERE cluster = $1 AND started_at IS NOT NULL AND started_at < $2
             AND (ended_at IS NULL OR ended_at > $3) ORDER BY jobid, submitted_at",
        )
        .bind(cluster)
        .bind(period.end.0)
        .bind(period.start.0)
        .fetch_all(&self.pool)
        .await
        .map_err(Error::query("read runs of a period"))?;
        rows.iter().map(|row| run(&Reading::new("run", row))).collect()
    }

    /// The clusters that runs are known of.
    pub async fn clusters(&self) -> Result<Vec<String>, Error> {
        clusters(&mut *self.read().await?).await
    }

    /// Which of these jobs of `cluster` have runs that ended, by job id and submit time.
    pub async fn ended_among(&self, cluster: &str, jobids: &[u32]) -> Result<HashSet<(u32, Timestamp)>, Error> {
        let mut ended = HashSet::new();
        for batch in jobids.chunks(BATCH) {
            let mut query = QueryBuilder::<Sqlite>::new(
                "SELECT jobid, submitted_at FROM run WHERE ended_at IS NOT NULL AND cluster = ",
            );
            query.push_bind(cluster).push(" AND jobid IN (");
            let mut ids = query.separated(", ");
            for jobid in batch {
                ids.push_bind(jobid);
            }
            query.push(")");
            let rows = query
                .build()
                .persistent(false)
                .fetch_all(&self.pool)
                .await
                .map_err(Error::query("look up ended runs"))?;
            for row in rows {
                let row = Reading::new("run", &row);
                ended.insert((row.u32("jobid")?, row.at("submitted_at")?));
            }
        }
        Ok(ended)
    }

    /// The runs of `cluster` that have not ended as far as the store knows, pending ones included.
    pub async fn open_runs(&self, cluster: &str) -> Result<Vec<Run>, Error> {
        let rows =
            sqlx::query("SELECT * FROM run WHERE cluster = $1 AND ended_at IS NULL ORDER BY jobid, submitted_at")
                .bind(cluster)
                .fetch_all(&self.pool)
                .await
                .map_err(Error::query("read open runs"))?;
        rows.iter().map(|row| run(&Reading::new("run", row))).collect()
    }
}

/// The clusters that runs are known of.
pub(super) async fn clusters(tx: &mut SqliteConnection) -> Result<Vec<String>, Error> {
    let rows = sqlx::query("SELECT DISTINCT cluster FROM attribution ORDER BY cluster").fetch_all(tx).await;
    let rows = rows.map_err(Error::query("read the clusters"))?;
    rows.iter().map(|row| Reading::new("attribution", row).text("cluster")).collect()
}

/// What is known of a run before it is told again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) row_hash: String,
    pub(super) reading: i64,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
}

impl Known {
    /// By what two rows of one run within a file are told apart.
    pub(super) fn rank(&self) -> (Option<Timestamp>, Option<Timestamp>, &str) {
        (self.ended_at, self.started_at, &self.row_hash)
    }
}

/// What is known of those runs of the batch that are there already.
pub(super) async fn known(
    tx: &mut SqliteConnection,
    cluster: &str,
    runs: &[Run],
) -> Result<BTreeMap<(u32, Timestamp), Known>, Error> {
    let mut known = BTreeMap::new();
    for batch in runs.chunks(BATCH) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT jobid, submitted_at, row_hash, reading, started_at, ended_at FROM run WHERE cluster = ",
        );
        query.push_bind(cluster).push(" AND jobid IN (");
        let mut ids = query.separated(", ");
        for run in batch {
            ids.push_bind(run.jobid);
        }
        query.push(")");
        let rows =
            query.build().persistent(false).fetch_all(&mut *tx).await.map_err(Error::query("look up known runs"))?;
        for row in rows {
            let row = Reading::new("run", &row);
            let found = Known {
                row_hash: row.text("row_hash")?,
                reading: row.int("reading")?,
                started_at: row.maybe_at("started_at")?,
                ended_at: row.maybe_at("ended_at")?,
            };
            known.insert((row.u32("jobid")?, row.at("submitted_at")?), found);
        }
    }
    Ok(known)
}

/// Writes runs that a reading told.
pub(super) async fn upsert(
    tx: &mut SqliteConnection,
    batch: &[&Run],
    reading: i64,
    now: Timestamp,
) -> Result<(), Error> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "INSERT INTO run (cluster, jobid, submitted_at, dbindex, user_name, uid, account_name, partition_name, qos,
         wckey, state, eligible_at, started_at, ended_at, elapsed_s, suspended_s, alloc_cpus, tres, timelimit_s,
         nodes, node_list, reservation, priority, reading, row_hash, first_seen, changed_at) ",
    );
    query.push_values(batch, |mut row, run| {
        row.push_bind(&run.cluster)
            .push_bind(run.jobid)
            .push_bind(run.submitted_at.0)
            .push_bind(&run.dbindex)
            .push_bind(&run.user_name)
            .push_bind(run.uid)
            .push_bind(&run.account)
            .push_bind(&run.partition)
            .push_bind(&run.qos)
            .push_bind(&run.wckey)
            .push_bind(&run.state)
            .push_bind(run.eligible_at.map(|at| at.0))
            .push_bind(run.started_at.map(|at| at.0))
            .push_bind(run.ended_at.map(|at| at.0))
            .push_bind(stored(run.elapsed_s))
            .push_bind(stored(run.suspended_s))
            .push_bind(stored(run.alloc_cpus))
            .push_bind(&run.tres)
            .push_bind(run.timelimit_s.map(stored))
            .push_bind(run.nodes)
            .push_bind(&run.node_list)
            .push_bind(&run.reservation)
            .push_bind(run.priority.map(stored))
            .push_bind(reading)
            .push_bind(&run.row_hash)
            .push_bind(now.0)
            .push_bind(now.0);
    });
    query.push(
        " ON CONFLICT (cluster, jobid, submitted_at) DO UPDATE SET dbindex = excluded.dbindex,
         user_name = excluded.user_name, uid = excluded.uid, account_name = excluded.account_name,
         partition_name = excluded.partition_name, qos = excluded.qos, wckey = excluded.wckey,
         state = excluded.state, eligible_at = excluded.eligible_at, started_at = excluded.started_at,
         ended_at = excluded.ended_at, elapsed_s = excluded.elapsed_s, suspended_s = excluded.suspended_s,
         alloc_cpus = excluded.alloc_cpus, tres = excluded.tres, timelimit_s = excluded.timelimit_s,
         nodes = excluded.nodes, node_list = excluded.node_list, reservation = excluded.reservation,
         priority = excluded.priority, reading = excluded.reading,
         row_hash = excluded.row_hash, changed_at = excluded.changed_at",
    );
    query.build().persistent(false).execute(tx).await.map(drop).map_err(Error::query("keep runs"))
}

/// SQLite's integers end at 2^63 - 1, far above any real count of seconds or CPUs.
pub(super) fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn run(row: &Reading<'_>) -> Result<Run, Error> {
    Ok(Run {
        cluster: row.text("cluster")?,
        jobid: row.u32("jobid")?,
        submitted_at: row.at("submitted_at")?,
        dbindex: row.text("dbindex")?,
        user_name: row.text("user_name")?,
        uid: row.u32("uid")?,
        account: row.text("account_name")?,
        partition: row.text("partition_name")?,
        qos: row.text("qos")?,
        wckey: row.text("wckey")?,
        state: row.text("state")?,
        eligible_at: row.maybe_at("eligible_at")?,
        started_at: row.maybe_at("started_at")?,
        ended_at: row.maybe_at("ended_at")?,
        elapsed_s: row.unsigned("elapsed_s")?,
        suspended_s: row.unsigned("suspended_s")?,
        alloc_cpus: row.unsigned("alloc_cpus")?,
        tres: row.text("tres")?,
        timelimit_s: row.maybe_unsigned("timelimit_s")?,
        nodes: row.u32("nodes")?,
        node_list: row.text("node_list")?,
        reservation: row.text("reservation")?,
        priority: row.maybe_unsigned("priority")?,
        row_hash: row.text("row_hash")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_run_suspended_over_midnight_then_the_limit_counts_what_may_lie_behind_it() {
        let run = Run {
            cluster: String::new(),
            jobid: 1,
            submitted_at: Timestamp(0),
            dbindex: String::new(),
            user_name: String::new(),
            uid: 70_001,
            account: String::new(),
            partition: String::new(),
            qos: String::new(),
            wckey: String::new(),
            state: String::new(),
            eligible_at: None,
            started_at: Some(Timestamp(80_000)),
            ended_at: Some(Timestamp(90_000)),
            elapsed_s: 7_000,
            suspended_s: 3_000,
            alloc_cpus: 2,
            tres: String::new(),
            timelimit_s: None,
            nodes: 1,
            node_list: String::new(),
            reservation: String::new(),
            priority: None,
            row_hash: String::new(),
        };
        let today = Period { start: Timestamp(86_400), end: Timestamp(172_800) };
        assert_eq!(run.cpu_seconds(&today, Timestamp(90_000)), 2 * 600);
        assert_eq!(run.most_seconds(&today, Timestamp(90_000)), 3_600);
        let always = Period { start: Timestamp(0), end: Timestamp(172_800) };
        assert_eq!(run.most_seconds(&always, Timestamp(90_000)), 7_000);
    }
}
