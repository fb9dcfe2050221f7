//! Slurm accounts: a tree of names with a description and a cost centre.

use bursar_policy::{AccountName, GrantId};
use sqlx::SqliteConnection;

use super::audit::{Entry, record};
use super::open::commit;
use super::row::Reading;
use super::{Account, Cause, Error, Origin, Presence, Store};

/// What to change about an account; nothing means "as it is".
#[derive(Debug, Clone, Default)]
pub struct AccountChange {
    /// The new parent; the inner nothing means Slurm's `root`.
    pub parent: Option<Option<AccountName>>,
    /// The new description.
    pub description: Option<String>,
    /// The new cost centre.
    pub cost_center: Option<String>,
}

impl Store {
    /// All accounts, tombstones included, by name.
    pub async fn accounts(&self) -> Result<Vec<Account>, Error> {
        all_accounts(&mut *self.read().await?).await
    }

    /// Adds an account by hand, or brings a removed one back.
    pub async fn add_account(
        &self,
        name: &AccountName,
        parent: Option<&AccountName>,
        description: &str,
        cost_center: &str,
        cause: &Cause<'_>,
    ) -> Result<Account, Error> {
        let mut tx = self.write().await?;
        let accounts = all_accounts(&mut tx).await?;
        let before = accounts.iter().find(|account| account.name == *name);
        if before.is_some_and(|account| account.state == Presence::Active) {
            return Err(Error::Refused(format!("account {name} is there already; change it with modify")));
        }
        check_parent(&accounts, name, parent)?;
        let after = Account {
            name: name.clone(),
            parent: parent.cloned(),
            description: description.to_owned(),
            cost_center: cost_center.to_owned(),
            time_zone: String::new(),
            gid: before.and_then(|account| account.gid),
            origin: Origin::Manual,
            state: Presence::Active,
        };
        put(&mut tx, &after).await?;
        record(&mut tx, cause, &[entry("account.add", before, Some(&after))]).await?;
        commit(tx).await?;
        Ok(after)
    }

    /// Changes an account that was added by hand.
    pub async fn modify_account(
        &self,
        name: &AccountName,
        change: &AccountChange,
        cause: &Cause<'_>,
    ) -> Result<Account, Error> {
        let mut tx = self.write().await?;
        let accounts = all_accounts(&mut tx).await?;
        let before = manual(&accounts, name)?;
        let mut after = before.clone();
        if let Some(parent) = &change.parent {
            check_parent(&accounts, name, parent.as_ref())?;
            after.parent.clone_from(parent);
        }
        if let Some(description) = &change.description {
            after.description.clone_from(description);
        }
        if let Some(cost_center) = &change.cost_center {
            after.cost_center.clone_from(cost_center);
        }
        if after != *before {
            put(&mut tx, &after).await?;
            record(&mut tx, cause, &[entry("account.modify", Some(before), Some(&after))]).await?;
            commit(tx).await?;
        }
        Ok(after)
    }

    /// Turns an account that was added by hand into a tombstone; its history stays.
    ///
    /// Refused while an account lies below it or a grant on it is not revoked.
    pub async fn remove_account(&self, name: &AccountName, cause: &Cause<'_>) -> Result<(), Error> {
        let mut tx = self.write().await?;
        let accounts = all_accounts(&mut tx).await?;
        let before = manual(&accounts, name)?;
        if let Some(child) = child_of(&accounts, name) {
            return Err(Error::Refused(format!("account {child} lies below {name}; move or delete it first")));
        }
        if let Some(id) = super::grants::grant_on(&mut tx, name).await? {
            return Err(Error::Refused(format!("grant {} is on account {name}; revoke it first", GrantId(id))));
        }
        let after = Account { state: Presence::Removed, ..before.clone() };
        put(&mut tx, &after).await?;
        record(&mut tx, cause, &[entry("account.delete", Some(before), Some(&after))]).await?;
        commit(tx).await
    }
}

pub(super) async fn all_accounts(tx: &mut SqliteConnection) -> Result<Vec<Account>, Error> {
    let rows = sqlx::query("SELECT * FROM account ORDER BY name")
        .fetch_all(tx)
        .await
        .map_err(Error::query("read the accounts"))?;
    rows.iter()
        .map(|row| {
            let row = Reading::new("account", row);
            Ok(Account {
                name: row.account_name("name")?,
                parent: row.maybe_account_name("parent")?,
                description: row.text("description")?,
                cost_center: row.text("cost_center")?,
                time_zone: row.text("time_zone")?,
                gid: row.maybe_gid("gid")?,
                origin: row.word("origin", Origin::parse)?,
                state: row.word("state", Presence::parse)?,
            })
        })
        .collect()
}

/// Writes the account as given, new or not; the number of its group is not touched.
pub(super) async fn put(tx: &mut SqliteConnection, account: &Account) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO account (name, parent, description, cost_center, time_zone, origin, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (name) DO UPDATE SET parent = excluded.parent, description = excluded.description,
         cost_center = excluded.cost_center, time_zone = excluded.time_zone, origin = excluded.origin, state = excluded.state",
    )
    .bind(account.name.as_str())
    .bind(account.parent.as_ref().map(AccountName::as_str))
    .bind(&account.description)
    .bind(&account.cost_center)
    .bind(&account.time_zone)
    .bind(account.origin.word())
    .bind(account.state.word())
    .execute(tx)
    .await
    .map(drop)
    .map_err(Error::query("keep an account"))
}

/// The audit entry for a changed account.
pub(super) fn entry(action: &'static str, before: Option<&Account>, after: Option<&Account>) -> Entry {
    let name = after.or(before).map(|account| account.name.as_str()).unwrap_or_default();
    Entry {
        action,
        object: format!("account {name}"),
        before: before.map(Account::to_json),
        after: after.map(Account::to_json),
    }
}

/// An account that is still there and lies directly below `name`.
pub(super) fn child_of<'a>(accounts: &'a [Account], name: &AccountName) -> Option<&'a AccountName> {
    accounts
        .iter()
        .find(|account| account.parent.as_ref() == Some(name) && account.state == Presence::Active)
        .map(|account| &account.name)
}

fn manual<'a>(accounts: &'a [Account], name: &AccountName) -> Result<&'a Account, Error> {
    let account = accounts
        .iter()
        .find(|account| account.name == *name && account.state == Presence::Active)
        .ok_or_else(|| Error::NotFound { kind: "account", name: name.to_string() })?;
    match account.origin {
        Origin::Manual => Ok(account),
        Origin::Policy => Err(Error::Refused(format!("account {name} comes from policy.toml; change it there"))),
    }
}

fn check_parent(accounts: &[Account], name: &AccountName, parent: Option<&AccountName>) -> Result<(), Error> {
    let mut above = parent;
    while let Some(current) = above {
        if current == name {
            return Err(Error::Refused(format!("account {name} would lie below itself; choose another parent")));
        }
        let account = accounts
            .iter()
            .find(|account| account.name == *current && account.state == Presence::Active)
            .ok_or_else(|| Error::NotFound { kind: "account", name: current.to_string() })?;
        above = account.parent.as_ref();
    }
    Ok(())
}
