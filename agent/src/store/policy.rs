//! Brings the store in step with `policy.toml`: its accounts, its limits, and its mappings as grants to groups.
//!
//! What a person put there by hand is left alone, with one exception: an account that the file names becomes the
//! file's. A manual limit wins over one from the file until somebody clears it.

use std::collections::{BTreeMap, BTreeSet};

use bursar_policy::Timestamp;
use sqlx::SqliteConnection;

use super::accounts::{all_accounts, child_of};
use super::audit::{Entry, record};
use super::grants::{NewGrant, all_grants};
use super::limits::all_limits;
use super::open::commit;
use super::subjects::{all_groups, all_subjects};
use super::{
    Account, Amount, Cause, Error, Grant, Group, Holder, Limit, LimitKind, LimitTarget, Origin, Presence, Role, Scope,
    Store, Subject, accounts, grants, limits,
};
use crate::config::Config;

/// What is to change so that the store agrees with `policy.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyChanges {
    /// Accounts to write: before (nothing for a new one) and after, parents first.
    pub accounts: Vec<(Option<Account>, Account)>,
    /// Grants to add.
    pub new_grants: Vec<NewGrant>,
    /// Grants that get another end.
    pub new_ends: Vec<(Grant, Option<Timestamp>)>,
    /// Grants whose mapping is gone.
    pub revoked_grants: Vec<Grant>,
    /// Limits to write: before (nothing for a new one) and after.
    pub limits: Vec<(Option<Limit>, Limit)>,
    /// Limits that the file no longer has.
    pub cleared_limits: Vec<Limit>,
    /// What the file asks for and the store cannot do yet, each a sentence; not a change.
    pub waiting: Vec<String>,
}

impl PolicyChanges {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        let Self { accounts, new_grants, new_ends, revoked_grants, limits, cleared_limits, waiting: _ } = self;
        accounts.is_empty()
            && new_grants.is_empty()
            && new_ends.is_empty()
            && revoked_grants.is_empty()
            && limits.is_empty()
            && cleared_limits.is_empty()
    }
}

impl Store {
    /// What [`Self::bring_in_step`] would change.
    pub async fn policy_changes(&self, config: &Config, now: Timestamp) -> Result<PolicyChanges, Error> {
        let held = Held::read(&mut *self.read().await?).await?;
        Ok(held.plan(config, now))
    }

    /// Writes and audits what differs from the file, all of it or nothing, and returns what that was.
    ///
    /// When nothing differs, nothing is written.
    pub async fn bring_in_step(&self, config: &Config, cause: &Cause<'_>) -> Result<PolicyChanges, Error> {
        let changes = self.policy_changes(config, cause.now).await?;
        if changes.is_empty() {
            return Ok(changes);
        }
        let mut tx = self.write().await?;
        // Planned again under the write lock, because somebody may have written since.
        let changes = Held::read(&mut tx).await?.plan(config, cause.now);
        let entries = write(&mut tx, &changes, cause).await?;
        record(&mut tx, cause, &entries).await?;
        commit(tx).await?;
        Ok(changes)
    }
}

/// What the store holds of everything that the file speaks about.
struct Held {
    accounts: Vec<Account>,
    grants: Vec<Grant>,
    limits: Vec<Limit>,
    groups: Vec<Group>,
    subjects: Vec<Subject>,
}

impl Held {
    async fn read(tx: &mut SqliteConnection) -> Result<Self, Error> {
        Ok(Self {
            accounts: all_accounts(tx).await?,
            grants: all_grants(tx).await?,
            limits: all_limits(tx).await?,
            groups: all_groups(tx).await?,
            subjects: all_subjects(tx).await?,
        })
    }

    fn plan(&self, config: &Config, now: Timestamp) -> PolicyChanges {
        let mut changes = PolicyChanges::default();
        self.plan_accounts(config, &mut changes);
        self.plan_grants(config, now, &mut changes);
        self.plan_limits(config, &mut changes);
        changes
    }

    fn plan_accounts(&self, config: &Config, changes: &mut PolicyChanges) {
        let mut after_all: BTreeMap<_, Account> = self.accounts.iter().map(|a| (a.name.clone(), a.clone())).collect();
        for wanted in &config.policy.accounts {
            let before = self.accounts.iter().find(|account| account.name == wanted.name);
            let after = Account {
                name: wanted.name.clone(),
                parent: wanted.parent.clone(),
                description: wanted.description.clone(),
                cost_center: wanted.cost_center.clone(),
                time_zone: wanted.time_zone.clone(),
                gid: before.and_then(|account| account.gid),
                origin: Origin::Policy,
                state: Presence::Active,
            };
            after_all.insert(after.name.clone(), after.clone());
            if before != Some(&after) {
                changes.accounts.push((before.cloned(), after));
            }
        }
        let named: BTreeSet<_> = config.policy.accounts.iter().map(|account| &account.name).collect();
        let mut leaving: Vec<&Account> = self
            .accounts
            .iter()
            .filter(|account| account.origin == Origin::Policy && account.state == Presence::Active)
            .filter(|account| !named.contains(&account.name))
            .collect();
        // Bottom up: an account may leave once nothing lies below it.
        loop {
            let present: Vec<Account> = after_all.values().cloned().collect();
            let (free, held): (Vec<_>, Vec<_>) =
                leaving.into_iter().partition(|account| child_of(&present, &account.name).is_none());
            for account in &free {
                let after = Account { state: Presence::Removed, ..(*account).clone() };
                after_all.insert(after.name.clone(), after.clone());
                changes.accounts.push((Some((*account).clone()), after));
            }
            leaving = held;
            if free.is_empty() {
                break;
            }
        }
        for account in leaving {
            changes.waiting.push(format!(
                "account {} is no longer in policy.toml, but an account lies below it; move or delete that one",
                account.name
            ));
        }
    }

    fn plan_grants(&self, config: &Config, now: Timestamp, changes: &mut PolicyChanges) {
        let own = |grant: &&Grant| grant.origin == Origin::Policy && grant.revocation.is_none();
        let mut unmatched: BTreeMap<(Holder, Role, &Scope), &Grant> =
            self.grants.iter().filter(own).map(|grant| ((grant.holder, grant.role, &grant.scope), grant)).collect();
        let only_source = config.machine.sources.first().map(|source| source.name.as_str());
        for mapping in &config.policy.mappings {
            let source = mapping.source.as_deref().or(only_source).unwrap_or_default();
            let group = self.groups.iter().find(|g| g.source == source && g.immutable_id == mapping.group);
            let Some(group) = group else {
                let unseen =
                    format!("group {} of source {source} has not been seen yet; its mapping waits", mapping.group);
                changes.waiting.push(unseen);
                continue;
            };
            let holder = Holder::Group(group.id);
            match unmatched.remove(&(holder, mapping.role, &mapping.scope)) {
                Some(grant) if grant.until == mapping.until => {}
                Some(grant) if mapping.until.is_some_and(|until| until <= grant.from) => {
                    changes.revoked_grants.push(grant.clone());
                }
                Some(grant) => changes.new_ends.push((grant.clone(), mapping.until)),
                None if mapping.until.is_some_and(|until| until <= now) => {}
                None => changes.new_grants.push(NewGrant {
                    holder,
                    role: mapping.role,
                    scope: mapping.scope.clone(),
                    lifts: None,
                    from: now,
                    until: mapping.until,
                }),
            }
        }
        changes.revoked_grants.extend(unmatched.into_values().cloned());
    }

    fn plan_limits(&self, config: &Config, changes: &mut PolicyChanges) {
        let wanted = self.wanted_limits(config, changes);
        let held: BTreeMap<(&LimitTarget, LimitKind), &Limit> =
            self.limits.iter().map(|limit| ((&limit.target, limit.kind), limit)).collect();
        for ((target, kind), amount) in &wanted {
            let before = held.get(&(target, *kind));
            let after = Limit { target: target.clone(), kind: *kind, amount: *amount, origin: Origin::Policy };
            let is_manual = before.is_some_and(|limit| limit.origin == Origin::Manual);
            if !is_manual && before != Some(&&after) {
                changes.limits.push((before.map(|limit| (*limit).clone()), after));
            }
        }
        let gone = |limit: &&Limit| {
            limit.origin == Origin::Policy && !wanted.contains_key(&(limit.target.clone(), limit.kind))
        };
        changes.cleared_limits.extend(self.limits.iter().filter(gone).cloned());
    }

    fn wanted_limits(
        &self,
        config: &Config,
        changes: &mut PolicyChanges,
    ) -> BTreeMap<(LimitTarget, LimitKind), Amount> {
        let limits = &config.policy.limits;
        let mut tables = vec![(LimitTarget::Default, &limits.default), (LimitTarget::DefaultGuest, &limits.guest)];
        tables.extend(limits.roles.iter().map(|(role, amounts)| (LimitTarget::DefaultRole(*role), amounts)));
        for account in &config.policy.accounts {
            tables.push((LimitTarget::Account(account.name.clone()), &account.limits));
            tables.push((LimitTarget::EachIn(account.name.clone()), &account.limits_each));
            for (name, amounts) in &account.people {
                match self.subjects.iter().find(|subject| subject.name == *name) {
                    Some(subject) => {
                        tables.push((LimitTarget::PersonIn(subject.id, account.name.clone()), amounts));
                    }
                    None => changes.waiting.push(format!(
                        "user {name} has not been seen yet; their limits in account {} wait",
                        account.name
                    )),
                }
            }
        }
        for (name, amounts) in &limits.people {
            match self.subjects.iter().find(|subject| subject.name == *name) {
                Some(subject) => tables.push((LimitTarget::Person(subject.id), amounts)),
                None => changes.waiting.push(format!("user {name} has not been seen yet; their limits wait")),
            }
        }
        let spread = |(target, amounts): (LimitTarget, &BTreeMap<LimitKind, Amount>)| {
            amounts.iter().map(|(kind, amount)| ((target.clone(), *kind), *amount)).collect::<Vec<_>>()
        };
        tables.into_iter().flat_map(spread).collect()
    }
}

async fn write(tx: &mut SqliteConnection, changes: &PolicyChanges, cause: &Cause<'_>) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    for (before, after) in &changes.accounts {
        accounts::put(tx, after).await?;
        let action = match (before, after.state) {
            (_, Presence::Removed) => "account.delete",
            (None, Presence::Active) => "account.add",
            (Some(_), Presence::Active) => "account.modify",
        };
        entries.push(accounts::entry(action, before.as_ref(), Some(after)));
    }
    for grant in &changes.revoked_grants {
        let after = grants::revoke(tx, grant, cause).await?;
        entries.push(grants::entry("grant.revoke", Some(grant), Some(&after)));
    }
    for (grant, until) in &changes.new_ends {
        grants::set_until(tx, grant.id, *until).await?;
        let after = Grant { until: *until, ..grant.clone() };
        entries.push(grants::entry("grant.modify", Some(grant), Some(&after)));
    }
    for new in &changes.new_grants {
        let grant = grants::insert(tx, new, Origin::Policy, cause).await?;
        entries.push(grants::entry("grant.add", None, Some(&grant)));
    }
    for limit in &changes.cleared_limits {
        limits::delete(tx, limit).await?;
        entries.push(limits::entry("limit.clear", Some(limit), None));
    }
    for (before, after) in &changes.limits {
        limits::put(tx, after).await?;
        entries.push(limits::entry("limit.set", before.as_ref(), Some(after)));
    }
    Ok(entries)
}
