//! Login records, as the PAM modules of the nodes sent them; each event is kept once.

use bursar_policy::Timestamp;
use sqlx::{QueryBuilder, Sqlite};

use super::audit::BATCH;
use super::open::commit;
use super::row::Reading;
use super::word::words;
use super::{Error, Store};

words! {
    /// What became of a login.
    LoginDecision {
        /// The account phase let it pass.
        Allowed = "allowed",
        /// The account phase refused it.
        Refused = "refused",
        /// A session began.
        Opened = "opened",
        /// A session ended.
        Closed = "closed",
    }
}

/// One login record. The texts come from a node and are data, never instructions or file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The node's own id for the event; a second record with the same id is the same event.
    pub event_id: String,
    /// When, by the node's clock.
    pub at: Timestamp,
    /// The node.
    pub node: String,
    /// The PAM service.
    pub service: String,
    /// The user name as it was given, valid or not.
    pub user_name: String,
    /// The uid, when the name has one.
    pub uid: Option<u32>,
    /// What became of it.
    pub decision: LoginDecision,
    /// The code of the refusal's reason; empty when there was none.
    pub code: String,
    /// The remote host.
    pub rhost: String,
    /// How the person proved who they are, as in `publickey`.
    pub method: String,
    /// The fingerprint of the key; empty without one.
    pub key_fingerprint: String,
}

impl Store {
    /// Keeps the records that are not there yet and returns how many those were.
    pub async fn add_logins(&self, logins: &[Login]) -> Result<u64, Error> {
        if logins.is_empty() {
            return Ok(0);
        }
        let mut tx = self.write().await?;
        let mut added = 0;
        for batch in logins.chunks(BATCH) {
            let mut query = QueryBuilder::<Sqlite>::new(
                "INSERT INTO login (event_id, at, node, service, user_name, uid, decision, code, rhost, method,
                 key_fingerprint) ",
            );
            query.push_values(batch, |mut row, login| {
                row.push_bind(&login.event_id)
                    .push_bind(login.at.0)
                    .push_bind(&login.node)
                    .push_bind(&login.service)
                    .push_bind(&login.user_name)
                    .push_bind(login.uid)
                    .push_bind(login.decision.word())
                    .push_bind(&login.code)
                    .push_bind(&login.rhost)
                    .push_bind(&login.method)
                    .push_bind(&login.key_fingerprint);
            });
            query.push(" ON CONFLICT (event_id) DO NOTHING");
            let done =
                query.build().persistent(false).execute(&mut *tx).await.map_err(Error::query("keep login records"))?;
            added += done.rows_affected();
        }
        commit(tx).await?;
        Ok(added)
    }

    /// The newest `most` records, newest first; with `user_name`, only that person's.
    pub async fn logins(&self, user_name: Option<&str>, most: u32) -> Result<Vec<Login>, Error> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM login");
        if let Some(name) = user_name {
            query.push(" WHERE user_name = ").push_bind(name);
        }
        query.push(" ORDER BY at DESC, event_id LIMIT ").push_bind(most);
        let rows =
            query.build().persistent(false).fetch_all(&self.pool).await.map_err(Error::query("read login records"))?;
        rows.iter().map(|row| login(&Reading::new("login", row))).collect()
    }
}

fn login(row: &Reading<'_>) -> Result<Login, Error> {
    Ok(Login {
        event_id: row.text("event_id")?,
        at: row.at("at")?,
        node: row.text("node")?,
        service: row.text("service")?,
        user_name: row.text("user_name")?,
        uid: row.maybe_int("uid")?.map(|_| row.u32("uid")).transpose()?,
        decision: row.word("decision", LoginDecision::parse)?,
        code: row.text("code")?,
        rhost: row.text("rhost")?,
        method: row.text("method")?,
        key_fingerprint: row.text("key_fingerprint")?,
    })
}
