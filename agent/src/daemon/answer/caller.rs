//! Who asks, and what they may see and change.
//!
//! The kernel names the uid; the store says whose it is and what they hold now. root and bursar's own user administer,
//! as does who holds `cluster-admin`. An observer of the cluster sees everything, one of an account everything about
//! that account and those below it. Everybody else whom the store knows sees what is their own: their rows, and of
//! the accounts they belong to the totals. Nobody else is answered.

use std::collections::{BTreeMap, BTreeSet};

use bursar_policy::{Timestamp, UserName};

use super::no::No;
use crate::snapshot::holdings::ends_at;
use crate::store::contents::Contents;
use crate::store::{Grant, GroupId, Holder, PersonState, Presence, Role, Scope, Subject};
use crate::wire::Peer;

/// Somebody who asks.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// The name that audit records carry.
    pub actor: String,
    /// The person, when it is one.
    pub person: Option<Subject>,
    /// Whether they may change anything.
    pub may_change: bool,
    /// Whether they see everything.
    pub sees_all: bool,
    groups: BTreeSet<GroupId>,
    belongs_to: BTreeSet<String>,
    observes: BTreeSet<String>,
}

impl Caller {
    /// Whoever is at the other end, by what the store holds at `now`.
    pub(super) fn of(peer: Peer, stored: &Contents, now: Timestamp) -> Result<Self, No> {
        let own_uid = nix::unistd::geteuid().as_raw();
        let person = stored.subjects.iter().find(|subject| subject.uid.get() == peer.uid);
        let actor = match person {
            Some(person) => person.name.to_string(),
            None if peer.uid == 0 => "root".to_owned(),
            None if peer.uid == own_uid => "bursar".to_owned(),
            None => return Err(No::Refused(format!("uid {} is nobody whom bursar knows", peer.uid))),
        };
        let administers = peer.uid == 0 || peer.uid == own_uid;
        let mut caller = Self {
            actor,
            person: person.cloned(),
            may_change: administers,
            sees_all: administers,
            groups: BTreeSet::new(),
            belongs_to: BTreeSet::new(),
            observes: BTreeSet::new(),
        };
        match person {
            Some(person) if person.state == PersonState::Removed => {
                Err(No::Refused(format!("{} is no longer in the directory", person.name)))
            }
            Some(person) => {
                caller.take_grants(person, stored, now);
                Ok(caller)
            }
            None => Ok(caller),
        }
    }

    fn take_grants(&mut self, person: &Subject, stored: &Contents, now: Timestamp) {
        let active: BTreeSet<GroupId> =
            stored.groups.iter().filter(|group| group.state == Presence::Active).map(|group| group.id).collect();
        let own = stored.memberships.iter().filter(|(group, member)| *member == person.id && active.contains(group));
        self.groups = own.map(|(group, _)| *group).collect();
        if person.state != PersonState::Active {
            return;
        }
        let tree = Tree::of(stored);
        for grant in &stored.grants {
            if !self.holds(grant) || now < grant.from || ends_at(grant) <= now {
                continue;
            }
            match (grant.role, &grant.scope) {
                (Role::ClusterAdmin, _) => (self.may_change, self.sees_all) = (true, true),
                (Role::Observer, Scope::Cluster) => self.sees_all = true,
                (Role::Observer, Scope::Account(account)) => self.observes.extend(tree.below(account.as_str())),
                (Role::ComputeUser, Scope::Account(account)) => {
                    self.belongs_to.extend(tree.below(account.as_str()));
                    self.belongs_to.extend(tree.above(account.as_str()));
                }
                (Role::ComputeUser, Scope::Cluster) => self.belongs_to.extend(tree.all()),
            }
        }
    }

    /// Whether the grant is the caller's, their own or by a group.
    pub(super) fn holds(&self, grant: &Grant) -> bool {
        match grant.holder {
            Holder::Subject(id) => self.person.as_ref().is_some_and(|person| person.id == id),
            Holder::Group(id) => self.groups.contains(&id),
        }
    }

    /// Whether the caller is in the group.
    pub(super) fn is_in(&self, group: GroupId) -> bool {
        self.groups.contains(&group)
    }

    /// The caller's own name, when they are a person.
    pub(super) fn name(&self) -> Option<&UserName> {
        self.person.as_ref().map(|person| &person.name)
    }

    /// Whether this name is the caller's own.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name().is_some_and(|own| own.as_str() == name)
    }

    /// Whether the caller sees the rows of everybody on this account.
    pub(super) fn observes(&self, account: &str) -> bool {
        self.sees_all || self.observes.contains(account)
    }

    /// Whether the caller sees the account itself and its totals.
    pub(super) fn knows_account(&self, account: &str) -> bool {
        self.observes(account) || self.belongs_to.contains(account)
    }

    /// Whether the caller sees a row of this person that is about this account.
    pub(super) fn sees_row(&self, name: &str, account: &str) -> bool {
        self.is(name) || self.observes(account)
    }

    /// Refuses who asks by name for people they may not see.
    pub(super) fn may_ask_for_people(&self, names: &[String]) -> Result<(), No> {
        match names.iter().find(|name| !self.sees_all && self.observes.is_empty() && !self.is(name)) {
            Some(name) => Err(No::Refused(format!("you may see what is your own, not what is {name}'s"))),
            None => Ok(()),
        }
    }

    /// Refuses who asks by name for accounts they do not belong to.
    pub(super) fn may_ask_for_accounts(&self, names: &[String]) -> Result<(), No> {
        match names.iter().find(|name| !self.knows_account(name)) {
            Some(name) => Err(No::Refused(format!("you may see accounts that you belong to, not {name}"))),
            None => Ok(()),
        }
    }

    /// Refuses who does not see everything.
    pub(super) fn must_see_all(&self, what: &str) -> Result<(), No> {
        if self.sees_all {
            return Ok(());
        }
        Err(No::Refused(format!("{what} is for administrators and observers of the cluster")))
    }

    /// Refuses who may not change anything.
    pub(super) fn must_administer(&self, what: &str) -> Result<(), No> {
        if self.may_change {
            return Ok(());
        }
        Err(No::Refused(format!("{what} is for administrators: root, or who holds a cluster-admin grant")))
    }
}

/// The accounts that are there, by their places in the tree.
#[derive(Debug)]
pub(super) struct Tree<'c> {
    parents: BTreeMap<&'c str, Option<&'c str>>,
}

impl<'c> Tree<'c> {
    pub(super) fn of(stored: &'c Contents) -> Self {
        let active = stored.accounts.iter().filter(|account| account.state == Presence::Active);
        let parents = active.map(|account| (account.name.as_str(), account.parent.as_ref().map(|name| name.as_str())));
        Self { parents: parents.collect() }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = String> {
        self.parents.keys().map(|name| (*name).to_owned())
    }

    pub(super) fn parent(&self, account: &str) -> Option<&'c str> {
        self.parents.get(account).copied().flatten()
    }

    /// The account and those above it, nearest first.
    pub(super) fn line<'a>(&self, account: &'a str) -> impl Iterator<Item = &'a str>
    where
        'c: 'a,
    {
        // No tree of accounts is this deep; the bound keeps a broken one from holding us here.
        std::iter::successors(Some(account), |below| self.parent(below)).take(64)
    }

    /// The account and those above it.
    fn above(&self, account: &str) -> BTreeSet<String> {
        self.line(account).map(str::to_owned).collect()
    }

    /// The account and those below it.
    pub(super) fn below(&self, account: &str) -> BTreeSet<String> {
        let within = |name: &&&str| self.line(name).any(|above| above == account);
        self.parents.keys().filter(within).map(|name| (*name).to_owned()).collect()
    }
}
