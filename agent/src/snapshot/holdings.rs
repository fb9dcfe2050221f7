//! What every person holds: groups resolved to their members, defaults to single limits.
//!
//! The snapshot, the associations in Slurm and the accounts on hosts all start here, so that they agree.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bursar_policy::{AccountName, GrantId, PersonState, Role, SubjectKind, Timestamp};

use crate::store::contents::Contents;
use crate::store::{self, Amount, Grant, GroupId, Holder, LimitKind, LimitTarget, Presence, Scope, Subject, SubjectId};

/// How long an ended grant is still worth telling its holder of: seconds.
const REMEMBERED: u64 = 400 * 86_400;

/// Limits of one owner by kind, in the base unit of each; a kind that is missing is unlimited.
pub type Limits = BTreeMap<LimitKind, u64>;

/// One person and all that follows from the store for them.
#[derive(Debug, Clone)]
pub struct Holding<'c> {
    /// The person.
    pub subject: &'c Subject,
    /// Their grants, own and by group: running, coming, and ended not too long ago; by number.
    pub grants: Vec<&'c Grant>,
    /// The limits over all accounts.
    pub limits: Limits,
    /// The limits in single accounts and below them, where there are any.
    pub limits_in: BTreeMap<&'c AccountName, Limits>,
    /// Accounts in which they may submit now.
    pub accounts: BTreeSet<&'c AccountName>,
    /// Accounts in which they once could and now may not.
    pub former_accounts: BTreeSet<&'c AccountName>,
    /// Where jobs go that name no account: that of their oldest grant for one.
    pub default_account: Option<&'c AccountName>,
    /// Whether they administer the cluster now.
    pub admin: bool,
    /// When the last of the grants that hold now ends; `None` when none holds.
    pub access_until: Option<Timestamp>,
}

/// Everybody's holdings at one instant, by uid.
#[derive(Debug, Clone)]
pub struct Holdings<'c> {
    /// The people.
    pub people: Vec<Holding<'c>>,
    /// The limits that were resolved, for accounts too.
    pub limits: LimitIndex,
    /// The next instant at which some grant begins or ends.
    pub changes_at: Timestamp,
}

impl<'c> Holdings<'c> {
    /// Resolves the store's contents as of `now`.
    pub fn of(contents: &'c Contents, now: Timestamp) -> Self {
        let groups: BTreeSet<GroupId> =
            contents.groups.iter().filter(|group| group.state == Presence::Active).map(|group| group.id).collect();
        let mut groups_of: HashMap<SubjectId, Vec<GroupId>> = HashMap::new();
        for (group, subject) in contents.memberships.iter().filter(|(group, _)| groups.contains(group)) {
            groups_of.entry(*subject).or_default().push(*group);
        }
        let accounts: BTreeMap<&AccountName, &store::Account> = contents
            .accounts
            .iter()
            .filter(|account| account.state == Presence::Active)
            .map(|account| (&account.name, account))
            .collect();
        let mut by_holder: HashMap<Holder, Vec<&Grant>> = HashMap::new();
        for grant in &contents.grants {
            let lost = grant.scope.account().is_some_and(|account| !accounts.contains_key(account));
            if !lost && now.seconds_since(ends_at(grant)) <= REMEMBERED {
                by_holder.entry(grant.holder).or_default().push(grant);
            }
        }
        let limits = LimitIndex::of(contents);
        let mut people: Vec<Holding<'c>> = contents
            .subjects
            .iter()
            .map(|subject| {
                let mut grants: Vec<&Grant> = by_holder.get(&Holder::Subject(subject.id)).cloned().unwrap_or_default();
                for group in groups_of.get(&subject.id).into_iter().flatten() {
                    grants.extend(by_holder.get(&Holder::Group(*group)).into_iter().flatten());
                }
                grants.sort_by_key(|grant| grant.id);
                holding(subject, grants, &accounts, &limits, now)
            })
            .collect();
        people.sort_by_key(|holding| holding.subject.uid);
        let edges = contents.grants.iter().flat_map(|grant| [grant.from, ends_at(grant)]);
        let changes_at = edges.filter(|edge| *edge > now).min().unwrap_or(Timestamp::NEVER);
        Self { people, limits, changes_at }
    }
}

/// The first instant at which a grant no longer counts, by its own end or by being revoked.
pub fn ends_at(grant: &Grant) -> Timestamp {
    let end = grant.until.unwrap_or(Timestamp::NEVER);
    grant.revocation.as_ref().map_or(end, |revocation| revocation.at.min(end))
}

fn holding<'c>(
    subject: &'c Subject,
    grants: Vec<&'c Grant>,
    accounts: &BTreeMap<&'c AccountName, &'c store::Account>,
    limits: &LimitIndex,
    now: Timestamp,
) -> Holding<'c> {
    let present = subject.state == PersonState::Active;
    let mut granted: BTreeSet<&AccountName> = BTreeSet::new();
    let mut former: BTreeSet<&AccountName> = BTreeSet::new();
    let mut default_account = None;
    let mut admin = false;
    let mut strongest: Option<Role> = None;
    let mut access_until = None;
    for grant in &grants {
        let holds = present && grant.from <= now && now < ends_at(grant);
        if holds {
            strongest = strongest.max(Some(grant.role));
            access_until = access_until.max(Some(ends_at(grant)));
            admin |= grant.role == Role::ClusterAdmin;
        }
        if grant.role == Role::Observer {
            continue;
        }
        let into = if holds { &mut granted } else { &mut former };
        match &grant.scope {
            Scope::Account(name) => {
                into.insert(name);
                if holds && default_account.is_none() {
                    default_account = Some(name);
                }
            }
            // An administrator may submit anywhere without having an association everywhere.
            Scope::Cluster if grant.role == Role::ClusterAdmin => {}
            Scope::Cluster => into.extend(accounts.keys()),
        }
    }
    former.retain(|account| !granted.contains(account));
    let above = |name: &&'c AccountName| accounts.get(*name).and_then(|account| account.parent.as_ref());
    let line = |name: &'c AccountName| std::iter::successors(Some(name), above).take(64);
    let mut reached: BTreeSet<&AccountName> = granted.iter().flat_map(|account| line(account)).collect();
    if admin {
        reached.extend(accounts.keys());
    }
    let limited = limits.accounts_with_people().filter_map(|account| reached.get(account).copied());
    let limits_in = limited.map(|account| (account, limits.person_in(subject.id, account)));
    let limits_in = limits_in.filter(|(_, limits)| !limits.is_empty()).collect();
    let default_account = default_account.or_else(|| granted.first().copied());
    Holding {
        subject,
        limits: limits.person(subject, strongest),
        limits_in,
        grants,
        accounts: granted,
        former_accounts: former,
        default_account,
        admin,
        access_until,
    }
}

/// Limits by target.
#[derive(Debug, Clone)]
pub struct LimitIndex {
    amounts: HashMap<LimitTarget, BTreeMap<LimitKind, Amount>>,
    /// Accounts in which single people, or each of them, have limits.
    with_people: BTreeSet<AccountName>,
}

impl LimitIndex {
    /// Indexes the store's limits.
    pub fn of(contents: &Contents) -> Self {
        let mut amounts: HashMap<LimitTarget, BTreeMap<LimitKind, Amount>> = HashMap::new();
        let mut with_people = BTreeSet::new();
        for limit in &contents.limits {
            if let LimitTarget::PersonIn(_, account) | LimitTarget::EachIn(account) = &limit.target {
                with_people.insert(account.clone());
            }
            amounts.entry(limit.target.clone()).or_default().insert(limit.kind, limit.amount);
        }
        Self { amounts, with_people }
    }

    fn accounts_with_people(&self) -> impl Iterator<Item = &AccountName> {
        self.with_people.iter()
    }

    /// The limits of an account.
    pub fn account(&self, name: &AccountName) -> Limits {
        self.resolve(&[LimitTarget::Account(name.clone())])
    }

    /// The limits of a person: their own, else those of guests, of their strongest role, of everybody.
    pub fn person(&self, subject: &Subject, strongest: Option<Role>) -> Limits {
        let mut targets = vec![LimitTarget::Person(subject.id)];
        if subject.kind == SubjectKind::Guest {
            targets.push(LimitTarget::DefaultGuest);
        }
        targets.extend(strongest.map(LimitTarget::DefaultRole));
        targets.push(LimitTarget::Default);
        self.resolve(&targets)
    }

    /// The limits of a person in an account: their own there, else those of each person in it.
    pub fn person_in(&self, subject: SubjectId, account: &AccountName) -> Limits {
        self.resolve(&[LimitTarget::PersonIn(subject, account.clone()), LimitTarget::EachIn(account.clone())])
    }

    /// The limits of what a grant lets each of its holders consume.
    pub fn grant(&self, id: GrantId) -> Limits {
        self.resolve(&[LimitTarget::Grant(id)])
    }

    /// Every kind that some limit counts.
    pub fn kinds(&self) -> impl Iterator<Item = LimitKind> {
        self.amounts.values().flat_map(BTreeMap::keys).copied()
    }

    /// What the nearest target that says something of a kind says.
    fn resolve(&self, targets: &[LimitTarget]) -> Limits {
        let mut nearest: BTreeMap<LimitKind, Amount> = BTreeMap::new();
        for amounts in targets.iter().rev().filter_map(|target| self.amounts.get(target)) {
            nearest.extend(amounts);
        }
        let limited = nearest.into_iter().filter_map(|(kind, amount)| match amount {
            Amount::AtMost(amount) => Some((kind, amount)),
            Amount::Unlimited => None,
        });
        limited.collect()
    }
}
