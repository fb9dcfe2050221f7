//! Limits of people and accounts, and the defaults that stand in where nothing nearer speaks.
//!
//! For a person the nearest wins: the person's own limit, then `default:guest` for a guest, then `default:ROLE`, then
//! `default`. For a person in an account it is their own limit there, then that of each person in it. A missing limit says nothing; [`Amount::Unlimited`] says "any amount".

use bursar_policy::{AccountName, GrantId};
use serde_json::Value;
use sqlx::SqliteConnection;

use super::audit::{Entry, record};
use super::open::commit;
use super::row::Reading;
use super::subjects::subject_by_id;
use super::{Amount, Cause, Error, Limit, LimitKind, LimitTarget, Origin, Presence, Role, Store, SubjectId};

impl Store {
    /// All limits, by target and kind.
    pub async fn limits(&self) -> Result<Vec<Limit>, Error> {
        all_limits(&mut *self.read().await?).await
    }

    /// Sets a limit by hand; it wins over one from policy.toml until it is cleared.
    pub async fn set_limit(
        &self,
        target: &LimitTarget,
        kind: LimitKind,
        amount: Amount,
        cause: &Cause<'_>,
    ) -> Result<Limit, Error> {
        let mut tx = self.write().await?;
        check_target(&mut tx, target).await?;
        let before = all_limits(&mut tx).await?.into_iter().find(|l| l.target == *target && l.kind == kind);
        let after = Limit { target: target.clone(), kind, amount, origin: Origin::Manual };
        if before.as_ref() != Some(&after) {
            put(&mut tx, &after).await?;
            record(&mut tx, cause, &[entry("limit.set", before.as_ref(), Some(&after))]).await?;
            commit(tx).await?;
        }
        Ok(after)
    }

    /// Takes a manual limit away; the next pass brings back what policy.toml says, if anything.
    pub async fn clear_limit(&self, target: &LimitTarget, kind: LimitKind, cause: &Cause<'_>) -> Result<(), Error> {
        let mut tx = self.write().await?;
        let before = all_limits(&mut tx)
            .await?
            .into_iter()
            .find(|l| l.target == *target && l.kind == kind)
            .ok_or_else(|| Error::NotFound { kind: "limit", name: format!("{kind} of {target}") })?;
        if before.origin == Origin::Policy {
            return Err(Error::Refused(format!("{kind} of {target} comes from policy.toml; change it there")));
        }
        delete(&mut tx, &before).await?;
        record(&mut tx, cause, &[entry("limit.clear", Some(&before), None)]).await?;
        commit(tx).await
    }
}

pub(super) async fn all_limits(tx: &mut SqliteConnection) -> Result<Vec<Limit>, Error> {
    let rows = sqlx::query("SELECT * FROM usage_limit ORDER BY target_kind, target, kind")
        .fetch_all(tx)
        .await
        .map_err(Error::query("read the limits"))?;
    rows.iter().map(|row| limit(&Reading::new("usage_limit", row))).collect()
}

pub(super) async fn put(tx: &mut SqliteConnection, limit: &Limit) -> Result<(), Error> {
    let (target_kind, target) = columns(&limit.target);
    let amount = match limit.amount {
        Amount::AtMost(amount) => Some(i64::try_from(amount).unwrap_or(i64::MAX)),
        Amount::Unlimited => None,
    };
    sqlx::query(
        "INSERT INTO usage_limit (target_kind, target, kind, amount, origin) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (target_kind, target, kind) DO UPDATE SET amount = excluded.amount, origin = excluded.origin",
    )
    .bind(target_kind)
    .bind(target)
    .bind(limit.kind.word())
    .bind(amount)
    .bind(limit.origin.word())
    .execute(tx)
    .await
    .map(drop)
    .map_err(Error::query("keep a limit"))
}

pub(super) async fn delete(tx: &mut SqliteConnection, limit: &Limit) -> Result<(), Error> {
    let (target_kind, target) = columns(&limit.target);
    sqlx::query("DELETE FROM usage_limit WHERE target_kind = $1 AND target = $2 AND kind = $3")
        .bind(target_kind)
        .bind(target)
        .bind(limit.kind.word())
        .execute(tx)
        .await
        .map(drop)
        .map_err(Error::query("clear a limit"))
}

/// The audit entry for a changed limit.
pub(super) fn entry(action: &'static str, before: Option<&Limit>, after: Option<&Limit>) -> Entry {
    let object = after.or(before).map(|limit| format!("limit {} of {}", limit.kind, limit.target)).unwrap_or_default();
    let json = |limit: &Limit| -> Value {
        serde_json::json!({ "amount": limit.amount.to_json(), "origin": limit.origin.word() })
    };
    Entry { action, object, before: before.map(json), after: after.map(json) }
}

async fn check_target(tx: &mut SqliteConnection, target: &LimitTarget) -> Result<(), Error> {
    match target {
        LimitTarget::Person(id) => subject_by_id(tx, *id).await.map(drop),
        LimitTarget::Account(name) => check_account(tx, name).await,
        LimitTarget::PersonIn(id, name) => {
            subject_by_id(tx, *id).await?;
            check_account(tx, name).await
        }
        LimitTarget::EachIn(name) => check_account(tx, name).await,
        LimitTarget::Grant(id) => {
            let grants = super::grants::all_grants(tx).await?;
            match grants.iter().any(|grant| grant.id == *id) {
                true => Ok(()),
                false => Err(Error::NotFound { kind: "grant", name: id.to_string() }),
            }
        }
        LimitTarget::DefaultRole(_) | LimitTarget::DefaultGuest | LimitTarget::Default => Ok(()),
    }
}

async fn check_account(tx: &mut SqliteConnection, name: &AccountName) -> Result<(), Error> {
    let accounts = super::accounts::all_accounts(tx).await?;
    match accounts.iter().any(|account| account.name == *name && account.state == Presence::Active) {
        true => Ok(()),
        false => Err(Error::NotFound { kind: "account", name: name.to_string() }),
    }
}

fn columns(target: &LimitTarget) -> (&'static str, String) {
    match target {
        LimitTarget::Person(id) => ("person", id.0.to_string()),
        LimitTarget::Account(name) => ("account", name.to_string()),
        LimitTarget::PersonIn(id, name) => ("person-in-account", format!("{}/{name}", id.0)),
        LimitTarget::EachIn(name) => ("each-in-account", name.to_string()),
        LimitTarget::Grant(id) => ("grant", id.0.to_string()),
        LimitTarget::DefaultRole(role) => ("default-role", role.word().to_owned()),
        LimitTarget::DefaultGuest => ("default-guest", String::new()),
        LimitTarget::Default => ("default", String::new()),
    }
}

fn limit(row: &Reading<'_>) -> Result<Limit, Error> {
    let target_kind = row.text("target_kind")?;
    let target = row.text("target")?;
    let parsed = match target_kind.as_str() {
        "person" => target.parse().ok().map(|id| LimitTarget::Person(SubjectId(id))),
        "account" => AccountName::new(&target).ok().map(LimitTarget::Account),
        "person-in-account" => target.split_once('/').and_then(|(id, name)| {
            Some(LimitTarget::PersonIn(SubjectId(id.parse().ok()?), AccountName::new(name).ok()?))
        }),
        "each-in-account" => AccountName::new(&target).ok().map(LimitTarget::EachIn),
        "grant" => target.parse().ok().map(|id| LimitTarget::Grant(GrantId(id))),
        "default-role" => Role::parse(&target).map(LimitTarget::DefaultRole),
        "default-guest" => Some(LimitTarget::DefaultGuest),
        "default" => Some(LimitTarget::Default),
        _ => None,
    };
    let target = parsed.ok_or_else(|| Error::BadRow {
        table: "usage_limit",
        field: "target",
        value: format!("{target_kind} {target}"),
        why: "names no target of a limit".to_owned(),
    })?;
    Ok(Limit {
        target,
        kind: row.word("kind", LimitKind::parse)?,
        amount: row.maybe_unsigned("amount")?.map_or(Amount::Unlimited, Amount::AtMost),
        origin: row.word("origin", Origin::parse)?,
    })
}
