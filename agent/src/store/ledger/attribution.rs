//! Whom a run is charged to and where it ran; each combination is kept once and known by a number.

use std::collections::HashMap;

use sqlx::{Row, SqliteConnection};

use crate::store::Error;
use crate::store::generation::claim;
use crate::store::row::Reading;
use crate::store::runs::Run;

/// A combination of everything that usage is told apart by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Attribution {
    /// The cluster.
    pub cluster: String,
    /// The uid.
    pub uid: u32,
    /// The user's name at the time.
    pub user_name: String,
    /// The account.
    pub account: String,
    /// The wckey; empty for none.
    pub wckey: String,
    /// The partition.
    pub partition: String,
    /// The QOS.
    pub qos: String,
}

impl Attribution {
    /// That of a run.
    pub fn of(run: &Run) -> Self {
        Self {
            cluster: run.cluster.clone(),
            uid: run.uid,
            user_name: run.user_name.clone(),
            account: run.account.clone(),
            wckey: run.wckey.clone(),
            partition: run.partition.clone(),
            qos: run.qos.clone(),
        }
    }
}

/// All of them by number.
pub(super) async fn all(tx: &mut SqliteConnection) -> Result<HashMap<i64, Attribution>, Error> {
    let rows = sqlx::query("SELECT * FROM attribution")
        .fetch_all(tx)
        .await
        .map_err(Error::query("read whom runs are charged to"))?;
    rows.iter()
        .map(|row| {
            let row = Reading::new("attribution", row);
            let attribution = Attribution {
                cluster: row.text("cluster")?,
                uid: row.u32("uid")?,
                user_name: row.text("user_name")?,
                account: row.text("account_name")?,
                wckey: row.text("wckey")?,
                partition: row.text("partition_name")?,
                qos: row.text("qos")?,
            };
            Ok((row.int("id")?, attribution))
        })
        .collect()
}

/// The numbers of those that are asked for within one transaction.
#[derive(Debug, Default)]
pub(super) struct Numbers(HashMap<Attribution, i64>);

impl Numbers {
    /// The number of `attribution`, which gets one if it has none.
    pub(super) async fn of(&mut self, tx: &mut SqliteConnection, attribution: Attribution) -> Result<i64, Error> {
        if let Some(number) = self.0.get(&attribution) {
            return Ok(*number);
        }
        let known = sqlx::query(
            "SELECT id FROM attribution WHERE cluster = $1 AND uid = $2 AND user_name = $3 AND account_name = $4
             AND wckey = $5 AND partition_name = $6 AND qos = $7",
        )
        .bind(&attribution.cluster)
        .bind(attribution.uid)
        .bind(&attribution.user_name)
        .bind(&attribution.account)
        .bind(&attribution.wckey)
        .bind(&attribution.partition)
        .bind(&attribution.qos)
        .fetch_optional(&mut *tx)
        .await
        .map_err(Error::query("look up whom a run is charged to"))?;
        let number = match known {
            Some(row) => row.try_get(0).map_err(Error::query("look up whom a run is charged to"))?,
            None => add(tx, &attribution).await?,
        };
        self.0.insert(attribution, number);
        Ok(number)
    }
}

async fn add(tx: &mut SqliteConnection, attribution: &Attribution) -> Result<i64, Error> {
    let number = claim(tx, "attribution", 1).await?;
    sqlx::query(
        "INSERT INTO attribution (id, cluster, uid, user_name, account_name, wckey, partition_name, qos)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(number)
    .bind(&attribution.cluster)
    .bind(attribution.uid)
    .bind(&attribution.user_name)
    .bind(&attribution.account)
    .bind(&attribution.wckey)
    .bind(&attribution.partition)
    .bind(&attribution.qos)
    .execute(tx)
    .await
    .map_err(Error::query("keep whom a run is charged to"))?;
    Ok(number)
}
