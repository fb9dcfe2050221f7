//! What bursar last did to partitions that are taken out of service outside their windows.

use bursar_policy::Timestamp;

use super::open::commit;
use super::row::Reading;
use super::word::words;
use super::{Error, Store};

words! {
    /// How far bursar is with a partition.
    DoorState {
        /// It is about to take it out of service.
        Closing = "closing",
        /// It has.
        Closed = "closed",
        /// Somebody else had taken it out of service before.
        LeftAlone = "left-alone",
        /// It is about to bring it back.
        Opening = "opening",
        /// The partition is not bursar's to open.
        Open = "open",
    }
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// The partition.
    pub partition: String,
    /// How far bursar is with it.
    pub state: DoorState,
    /// Since when.
    pub since: Timestamp,
}

impl Store {
    /// Every partition that bursar has had to do with, by name.
    pub async fn doors(&self) -> Result<Vec<Door>, Error> {
        let rows = sqlx::query("SELECT * FROM door ORDER BY partition_name")
            .fetch_all(&self.pool)
            .await
            .map_err(Error::query("read the doors"))?;
        let door = |row| {
            let row = Reading::new("door", row);
            let state = row.word("state", DoorState::parse)?;
            Ok(Door { partition: row.text("partition_name")?, state, since: row.at("since_at")? })
        };
        rows.iter().map(door).collect()
    }

    /// Remembers how far bursar is with a partition.
    pub async fn keep_door(&self, door: &Door) -> Result<(), Error> {
        let mut tx = self.write().await?;
        sqlx::query(
            "INSERT INTO door (partition_name, state, since_at) VALUES ($1, $2, $3)
             ON CONFLICT (partition_name) DO UPDATE SET state = excluded.state, since_at = excluded.since_at",
        )
        .bind(&door.partition)
        .bind(door.state.word())
        .bind(door.since.0)
        .execute(&mut *tx)
        .await
        .map_err(Error::query("remember a door"))?;
        commit(tx).await
    }
}
