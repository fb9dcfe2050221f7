//! One request's view of everything: who asks, when, and what the store and the daemon know at that moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use bursar_policy::Timestamp;

use super::Answer;
use super::caller::Caller;
use super::no::No;
use crate::cli::entity::Schema;
use crate::daemon::{Site, View};
use crate::store::contents::Contents;
use crate::store::{Account, GroupId, Subject, SubjectId};
use crate::wire::{Cell, Peer, Query, Response, Table, Values};

/// What an answer is made from.
#[derive(Debug)]
pub(super) struct Session<'s> {
    pub(super) site: &'s Site,
    pub(super) view: Arc<View>,
    pub(super) stored: Arc<Contents>,
    pub(super) now: Timestamp,
    pub(super) caller: Caller,
}

impl<'s> Session<'s> {
    /// With the store as it is now.
    pub(super) async fn fresh(site: &'s Site, peer: Peer) -> Result<Self, No> {
        let stored = Arc::new(site.store.contents().await?);
        Self::new(site, peer, stored)
    }

    /// With the store as the daemon last read it.
    pub(super) fn of_view(site: &'s Site, peer: Peer) -> Result<Self, No> {
        let stored = Arc::clone(&site.view().stored);
        Self::new(site, peer, stored)
    }

    fn new(site: &'s Site, peer: Peer, stored: Arc<Contents>) -> Result<Self, No> {
        let now = site.now();
        let caller = Caller::of(peer, &stored, now)?;
        Ok(Self { site, view: site.view(), stored, now, caller })
    }

    /// The name of the site's zone.
    pub(super) fn zone(&self) -> &str {
        &self.view.config.policy.time_zone_name
    }

    /// Slurm's name of the cluster.
    pub(super) fn cluster(&self) -> &str {
        &self.view.config.machine.cluster
    }

    /// The instant that a key means; `None` when it was not given.
    pub(super) fn instant(&self, values: &Values, key: &str) -> Result<Option<Timestamp>, No> {
        Ok(values.instant(key, self.now, &self.view.calendar.zone)?)
    }

    /// The instants of `start=` and `end=`, open where they were not given.
    pub(super) fn span(&self, filter: &Values) -> Result<(Timestamp, Timestamp), No> {
        let start = self.instant(filter, "start")?.unwrap_or(Timestamp(i64::MIN));
        let end = self.instant(filter, "end")?.unwrap_or(Timestamp::NEVER);
        Ok((start, end))
    }

    /// The person of this name, tombstones included.
    pub(super) fn person(&self, name: &str) -> Result<&Subject, No> {
        let found = self.stored.subjects.iter().find(|subject| subject.name.as_str() == name);
        found.ok_or_else(|| No::Refused(format!("there is no user {name}")))
    }

    /// The account of this name, tombstones included.
    pub(super) fn account(&self, name: &str) -> Result<&Account, No> {
        let found = self.stored.accounts.iter().find(|account| account.name.as_str() == name);
        found.ok_or_else(|| No::Refused(format!("there is no account {name}")))
    }

    /// Everybody's names by number.
    pub(super) fn user_names(&self) -> BTreeMap<SubjectId, &str> {
        self.stored.subjects.iter().map(|subject| (subject.id, subject.name.as_str())).collect()
    }

    /// Everybody's names by uid.
    pub(super) fn names_by_uid(&self) -> BTreeMap<u32, &str> {
        self.stored.subjects.iter().map(|subject| (subject.uid.get(), subject.name.as_str())).collect()
    }

    /// All groups' names by number.
    pub(super) fn group_names(&self) -> BTreeMap<GroupId, &str> {
        self.stored.groups.iter().map(|group| (group.id, group.name.as_str())).collect()
    }

    /// A table of the fields that the query asks for.
    pub(super) fn rows<T>(
        &self,
        schema: &Schema,
        query: &Query,
        items: impl IntoIterator<Item = T>,
        cell: impl Fn(&T, &str) -> Cell,
    ) -> Table {
        Table::build(schema, &query.fields, self.zone(), items, cell)
    }

    /// The same as an answer without notes.
    pub(super) fn table<T>(
        &self,
        schema: &Schema,
        query: &Query,
        items: impl IntoIterator<Item = T>,
        cell: impl Fn(&T, &str) -> Cell,
    ) -> Answer {
        Ok(Response::table(self.rows(schema, query, items, cell)))
    }
}

/// Whether the condition of `key` lets something pass: it was not given, or one of its values fits.
pub(super) fn passes(filter: &Values, key: &str, fits: impl Fn(&str) -> bool) -> bool {
    !filter.has(key) || filter.list(key).iter().any(|value| fits(value))
}

/// The number of a grant written as `12` or `G12`.
pub(super) fn grant_number(text: &str) -> Option<u64> {
    crate::cli::amount::digits(text.strip_prefix(['G', 'g']).unwrap_or(text))
}
