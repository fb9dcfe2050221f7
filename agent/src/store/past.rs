//! Hands over runs that are over one by one, so that a report of a year holds none of them longer than it needs.

use bursar_policy::{Period, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::row::Reading;
use super::runs::{clusters, tres_of};
use super::{Error, Store};
use crate::accounting::measure::Stint;

/// Rows that are held in memory at a time.
const PAGE: i64 = 10_000;

/// Which runs are read; only runs that had nodes and have ended are on record as such.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// Those that began in the period.
    Began(Period),
    /// Those that ended in it.
    Ended(Period),
}

impl Chosen {
    /// The first end and the first start that such a run can have, and the first instants after both.
    const fn bounds(self) -> (Timestamp, Timestamp, Timestamp, Timestamp) {
        match self {
            Self::Began(period) => (period.start, period.start, Timestamp::NEVER, period.end),
            Self::Ended(period) => (period.start, Timestamp(i64::MIN), period.end, Timestamp::NEVER),
        }
    }
}

/// A run that is over, as it was last told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastRun<'r> {
    /// The cluster.
    pub cluster: &'r str,
    /// The uid.
    pub uid: u32,
    /// The user's name at the time.
    pub user_name: &'r str,
    /// The account.
    pub account: &'r str,
    /// The partition.
    pub partition: &'r str,
    /// The QOS.
    pub qos: &'r str,
    /// The first word of Slurm's state.
    pub state: &'r str,
    /// Slurm's priority at its start.
    pub priority: Option<u64>,
    /// Whether it goes on with the nodes of a run whose size was changed, so that it began before it was submitted.
    pub goes_on: bool,
    /// What it held, and when.
    pub stint: Stint,
}

impl Store {
    /// Hands over the chosen runs of every cluster that is wanted, as of one moment.
    pub async fn past_runs(
        &self,
        chosen: Chosen,
        wanted: impl Fn(&str) -> bool,
        mut each: impl FnMut(&PastRun<'_>),
    ) -> Result<(), Error> {
        let mut tx = self.read().await?;
        for cluster in clusters(&mut tx).await?.iter().filter(|cluster| wanted(cluster)) {
            read(&mut tx, cluster, chosen, &mut each).await?;
        }
        Ok(())
    }
}

async fn read(
    tx: &mut SqliteConnection,
    cluster: &str,
    chosen: Chosen,
    each: &mut impl FnMut(&PastRun<'_>),
) -> Result<(), Error> {
    let (first_end, first_start, before_end, before_start) = chosen.bounds();
    // By the index on ends and starts, whose entries are in the order of the rows where these are equal.
    let (mut ended, mut started, mut number) = (first_end.0, i64::MIN, i64::MIN);
    loop {
        let rows = sqlx::query(
            "SELECT rowid AS number, cluster, uid, user_name, account_name, partition_name, qos, state, priority,
             submitted_at, eligible_at, started_at, ended_at, suspended_s, nodes, alloc_cpus, tres FROM run
             WHERE cluster = $1 AND (ended_at, started_at, rowid) > ($2, $3, $4)
             AND ended_at < $6 AND started_at < $7
             AND MAX(started_at, submitted_at) >= $5 AND MAX(started_at, submitted_at) < $7
             ORDER BY ended_at, started_at, rowid LIMIT $8",
        )
        .bind(cluster)
        .bind(ended)
        .bind(started)
        .bind(number)
        .bind(first_start.0)
        .bind(before_end.0)
        .bind(before_start.0)
        .bind(PAGE)
        .fetch_all(&mut *tx)
        .await
        .map_err(Error::query("read runs of a period"))?;
        let Some(last) = rows.last() else { return Ok(()) };
        let last = Reading::new("run", last);
        (ended, started, number) = (last.int("ended_at")?, last.int("started_at")?, last.int("number")?);
        for row in &rows {
            each(&past(row)?);
        }
    }
}

fn past(row: &SqliteRow) -> Result<PastRun<'_>, Error> {
    let text = |field| row.try_get::<&str, _>(field).map_err(Error::query("read a text"));
    let told = Reading::new("run", row);
    let (submitted, started) = (told.at("submitted_at")?, told.at("started_at")?);
    let mut stint = Stint {
        eligible: told.maybe_at("eligible_at")?,
        suspended: told.unsigned("suspended_s")?,
        nodes: told.u32("nodes")?.into(),
        ..Stint::over(submitted, started, told.at("ended_at")?)
    };
    stint.hold(tres_of(told.unsigned("alloc_cpus")?, text("tres")?));
    Ok(PastRun {
        cluster: text("cluster")?,
        uid: told.u32("uid")?,
        user_name: text("user_name")?,
        account: text("account_name")?,
        partition: text("partition_name")?,
        qos: text("qos")?,
        state: text("state")?,
        priority: told.maybe_unsigned("priority")?,
        goes_on: started < submitted,
        stint,
    })
}
