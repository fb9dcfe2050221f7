//! Grants: who may do what, where, from when until when, and who said so.

use bursar_policy::{AccountName, GrantId, Timestamp};
use sqlx::{Row, SqliteConnection};

use super::audit::{Entry, record};
use super::generation::claim;
use super::open::commit;
use super::row::Reading;
use super::subjects::{all_groups, subject_by_id};
use super::{
    Cause, Error, Grant, GroupId, Holder, Lifts, Origin, PersonState, Presence, Revocation, Role, Scope, Store,
    SubjectId,
};

/// A grant to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGrant {
    /// Who holds it.
    pub holder: Holder,
    /// What they may do.
    pub role: Role,
    /// Where.
    pub scope: Scope,
    /// What it lifts, when it is an emergency grant.
    pub lifts: Option<Lifts>,
    /// The first instant at which it counts.
    pub from: Timestamp,
    /// The first instant at which it no longer counts; nothing means no end.
    pub until: Option<Timestamp>,
}

/// Which grants to list; the default lists all, revoked and ended ones included.
#[derive(Debug, Clone, Default)]
pub struct GrantFilter {
    /// Only this holder's own (a person's grants through groups are the groups').
    pub holder: Option<Holder>,
    /// Only this role.
    pub role: Option<Role>,
    /// Only this scope.
    pub scope: Option<Scope>,
    /// Only from policy.toml, or only manual ones.
    pub origin: Option<Origin>,
    /// Only those in force at this instant.
    pub in_force_at: Option<Timestamp>,
}

impl GrantFilter {
    /// Whether the grant is asked for.
    pub fn accepts(&self, grant: &Grant) -> bool {
        self.holder.is_none_or(|holder| grant.holder == holder)
            && self.role.is_none_or(|role| grant.role == role)
            && self.scope.as_ref().is_none_or(|scope| grant.scope == *scope)
            && self.origin.is_none_or(|origin| grant.origin == origin)
            && self.in_force_at.is_none_or(|at| grant.is_in_force(at))
    }
}

impl Store {
    /// The grants that `filter` accepts, by number.
    pub async fn grants(&self, filter: &GrantFilter) -> Result<Vec<Grant>, Error> {
        let mut grants = all_grants(&mut *self.read().await?).await?;
        grants.retain(|grant| filter.accepts(grant));
        Ok(grants)
    }

    /// Adds a grant by hand; the cause's reason becomes the grant's.
    ///
    /// Refused for a tombstone, an unknown account, an empty stretch of time, an end that is past, an emergency without
    /// end or reason, and when the holder already has the same role on the same scope in a manual grant that has not
    /// ended; an emergency grant may stand beside an ordinary one.
    pub async fn add_grant(&self, new: &NewGrant, cause: &Cause<'_>) -> Result<Grant, Error> {
        let mut tx = self.write().await?;
        check_holder(&mut tx, new.holder).await?;
        check_scope(&mut tx, &new.scope).await?;
        check_stretch(new.from, new.until, cause.now)?;
        check_emergency(new, cause)?;
        let same = all_grants(&mut tx).await?.into_iter().find(|grant| {
            grant.origin == Origin::Manual
                && (grant.holder, grant.role, &grant.scope) == (new.holder, new.role, &new.scope)
                && grant.lifts.is_some() == new.lifts.is_some()
                && grant.revocation.is_none()
                && grant.until.is_none_or(|until| until > cause.now)
        });
        if let Some(same) = same {
            return Err(Error::Refused(format!(
                "grant {} already gives {} on {}; modify its end instead",
                same.id, same.role, same.scope
            )));
        }
        let grant = insert(&mut tx, new, Origin::Manual, cause).await?;
        record(&mut tx, cause, &[entry("grant.add", None, Some(&grant))]).await?;
        commit(tx).await?;
        Ok(grant)
    }

    /// Gives a manual grant that is not revoked another end.
    pub async fn renew_grant(&self, id: GrantId, until: Option<Timestamp>, cause: &Cause<'_>) -> Result<Grant, Error> {
        let mut tx = self.write().await?;
        let before = changeable(&mut tx, id).await?;
        check_holder(&mut tx, before.holder).await?;
        check_stretch(before.from, until, cause.now)?;
        if before.lifts.is_some() && until.is_none() {
            return Err(Error::Refused(format!("grant {id} is an emergency grant, which has to end; choose an end")));
        }
        let after = Grant { until, ..before.clone() };
        if after != before {
            set_until(&mut tx, id, until).await?;
            record(&mut tx, cause, &[entry("grant.modify", Some(&before), Some(&after))]).await?;
            commit(tx).await?;
        }
        Ok(after)
    }

    /// Takes a manual grant back at once; the cause's reason is kept with it.
    pub async fn revoke_grant(&self, id: GrantId, cause: &Cause<'_>) -> Result<Grant, Error> {
        let mut tx = self.write().await?;
        let before = changeable(&mut tx, id).await?;
        let after = revoke(&mut tx, &before, cause).await?;
        record(&mut tx, cause, &[entry("grant.revoke", Some(&before), Some(&after))]).await?;
        commit(tx).await?;
        Ok(after)
    }
}

pub(super) async fn all_grants(tx: &mut SqliteConnection) -> Result<Vec<Grant>, Error> {
    let rows = sqlx::query("SELECT * FROM role_grant ORDER BY id")
        .fetch_all(tx)
        .await
        .map_err(Error::query("read the grants"))?;
    rows.iter().map(|row| grant(&Reading::new("role_grant", row))).collect()
}

/// The number of a grant on `account` that is not revoked.
pub(super) async fn grant_on(tx: &mut SqliteConnection, account: &AccountName) -> Result<Option<u64>, Error> {
    let row =
        sqlx::query("SELECT id FROM role_grant WHERE account_name = $1 AND revoked_at IS NULL ORDER BY id LIMIT 1")
            .bind(account.as_str())
            .fetch_optional(tx)
            .await
            .map_err(Error::query("look for grants on an account"))?;
    let id: Option<i64> =
        row.map(|row| row.try_get(0).map_err(Error::query("look for grants on an account"))).transpose()?;
    Ok(id.map(i64::unsigned_abs))
}

/// Writes a new grant; the caller has checked it.
pub(super) async fn insert(
    tx: &mut SqliteConnection,
    new: &NewGrant,
    origin: Origin,
    cause: &Cause<'_>,
) -> Result<Grant, Error> {
    let id = GrantId(claim(tx, "role_grant", 1).await?.unsigned_abs());
    let (subject, group) = match new.holder {
        Holder::Subject(id) => (Some(id.0), None),
        Holder::Group(id) => (None, Some(id.0)),
    };
    sqlx::query(
        "INSERT INTO role_grant (id, subject_id, group_id, role, account_name, from_at, until_at, reason, origin,
         granted_by, granted_at, lifts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(row_id(id))
    .bind(subject)
    .bind(group)
    .bind(new.role.word())
    .bind(new.scope.account().map(AccountName::as_str))
    .bind(new.from.0)
    .bind(new.until.map(|at| at.0))
    .bind(cause.reason)
    .bind(origin.word())
    .bind(cause.actor)
    .bind(cause.now.0)
    .bind(new.lifts.map(Lifts::word))
    .execute(tx)
    .await
    .map_err(Error::query("keep a grant"))?;
    Ok(Grant {
        id,
        holder: new.holder,
        role: new.role,
        scope: new.scope.clone(),
        lifts: new.lifts,
        from: new.from,
        until: new.until,
        reason: cause.reason.to_owned(),
        origin,
        granted_by: cause.actor.to_owned(),
        granted_at: cause.now,
        revocation: None,
    })
}

/// Writes another end for a grant.
pub(super) async fn set_until(tx: &mut SqliteConnection, id: GrantId, until: Option<Timestamp>) -> Result<(), Error> {
    sqlx::query("UPDATE role_grant SET until_at = $1 WHERE id = $2")
        .bind(until.map(|at| at.0))
        .bind(row_id(id))
        .execute(tx)
        .await
        .map(drop)
        .map_err(Error::query("renew a grant"))
}

/// Writes the revocation of a grant.
pub(super) async fn revoke(tx: &mut SqliteConnection, before: &Grant, cause: &Cause<'_>) -> Result<Grant, Error> {
    sqlx::query("UPDATE role_grant SET revoked_at = $1, revoked_by = $2, revoke_reason = $3 WHERE id = $4")
        .bind(cause.now.0)
        .bind(cause.actor)
        .bind(cause.reason)
        .bind(row_id(before.id))
        .execute(tx)
        .await
        .map_err(Error::query("revoke a grant"))?;
    let revocation = Revocation { at: cause.now, by: cause.actor.to_owned(), reason: cause.reason.to_owned() };
    Ok(Grant { revocation: Some(revocation), ..before.clone() })
}

/// The audit entry for a changed grant.
pub(super) fn entry(action: &'static str, before: Option<&Grant>, after: Option<&Grant>) -> Entry {
    let id = after.or(before).map(|grant| grant.id.to_string()).unwrap_or_default();
    Entry {
        action,
        object: format!("grant {id}"),
        before: before.map(Grant::to_json),
        after: after.map(Grant::to_json),
    }
}

async fn changeable(tx: &mut SqliteConnection, id: GrantId) -> Result<Grant, Error> {
    let row = sqlx::query("SELECT * FROM role_grant WHERE id = $1")
        .bind(row_id(id))
        .fetch_optional(tx)
        .await
        .map_err(Error::query("look up a grant"))?
        .ok_or_else(|| Error::NotFound { kind: "grant", name: id.to_string() })?;
    let grant = grant(&Reading::new("role_grant", &row))?;
    if grant.origin == Origin::Policy {
        return Err(Error::Refused(format!("grant {id} comes from a mapping in policy.toml; change it there")));
    }
    match &grant.revocation {
        Some(end) => Err(Error::Refused(format!("grant {id} was revoked by {} at {}; add a new one", end.by, end.at))),
        None => Ok(grant),
    }
}

async fn check_holder(tx: &mut SqliteConnection, holder: Holder) -> Result<(), Error> {
    match holder {
        Holder::Subject(id) => {
            let subject = subject_by_id(tx, id).await?;
            if subject.state == PersonState::Removed {
                return Err(Error::Refused(format!(
                    "{} was removed at the source; no grant can be held",
                    subject.name
                )));
            }
        }
        Holder::Group(id) => {
            let groups = all_groups(tx).await?;
            if !groups.iter().any(|group| group.id == id && group.state == Presence::Active) {
                return Err(Error::NotFound { kind: "group with number", name: id.0.to_string() });
            }
        }
    }
    Ok(())
}

async fn check_scope(tx: &mut SqliteConnection, scope: &Scope) -> Result<(), Error> {
    let Scope::Account(name) = scope else { return Ok(()) };
    let accounts = super::accounts::all_accounts(tx).await?;
    match accounts.iter().any(|account| account.name == *name && account.state == Presence::Active) {
        true => Ok(()),
        false => Err(Error::NotFound { kind: "account", name: name.to_string() }),
    }
}

fn check_stretch(from: Timestamp, until: Option<Timestamp>, now: Timestamp) -> Result<(), Error> {
    match until {
        Some(until) if until <= from => {
            Err(Error::Refused(format!("the grant would end at {until}, before it begins; choose a later end")))
        }
        Some(until) if until <= now => {
            Err(Error::Refused(format!("the end {until} is past; choose a later one, or revoke the grant")))
        }
        _ => Ok(()),
    }
}

/// An emergency is short and accounted for.
fn check_emergency(new: &NewGrant, cause: &Cause<'_>) -> Result<(), Error> {
    if new.lifts.is_none() {
        return Ok(());
    }
    if new.until.is_none() {
        return Err(Error::Refused("an emergency grant has to end; choose an end".to_owned()));
    }
    if cause.reason.trim().is_empty() {
        return Err(Error::Refused("an emergency grant needs a reason; say why".to_owned()));
    }
    Ok(())
}

fn row_id(id: GrantId) -> i64 {
    i64::try_from(id.0).unwrap_or(i64::MAX)
}

fn grant(row: &Reading<'_>) -> Result<Grant, Error> {
    let holder = match (row.maybe_int("subject_id")?, row.maybe_int("group_id")?) {
        (_, Some(group)) => Holder::Group(GroupId(group)),
        (subject, None) => Holder::Subject(SubjectId(subject.unwrap_or_default())),
    };
    let revocation = match row.maybe_at("revoked_at")? {
        None => None,
        Some(at) => Some(Revocation {
            at,
            by: row.maybe_text("revoked_by")?.unwrap_or_default(),
            reason: row.maybe_text("revoke_reason")?.unwrap_or_default(),
        }),
    };
    Ok(Grant {
        id: GrantId(row.unsigned("id")?),
        holder,
        role: row.word("role", Role::parse)?,
        scope: row.maybe_account_name("account_name")?.map_or(Scope::Cluster, Scope::Account),
        lifts: row.maybe_word("lifts", Lifts::parse)?,
        from: row.at("from_at")?,
        until: row.maybe_at("until_at")?,
        reason: row.text("reason")?,
        origin: row.word("origin", Origin::parse)?,
        granted_by: row.text("granted_by")?,
        granted_at: row.at("granted_at")?,
        revocation,
    })
}
