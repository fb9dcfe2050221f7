//! Storage: reads every place at its interval and keeps the last good reading of each.
//!
//! Places are read beside each other, so that one that hangs delays no other; one that has not answered is not asked
//! again. A good reading goes into the plugin's snapshot at once, a bad one leaves the last good one in force.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bursar_policy::Timestamp;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::site::{Site, View, chain};
use crate::config::{StoragePlace, StorageSource};
use crate::storage::{Reading, Usages, command, kept, quota};
use crate::store::{PersonState, Presence};

/// How often it is looked which places are due.
const LOOK_AFTER: Duration = Duration::from_secs(1);
/// The task's name in `bursar status` and alarms.
pub const PART: &str = "storage";

/// The last time that a place was asked.
struct Asked {
    /// How; another way is due at once.
    source: StorageSource,
    at: Instant,
    /// Whether it has not answered yet.
    waits: bool,
}

/// An answer of a place.
struct Answered {
    place: String,
    asked_at: Timestamp,
    outcome: Result<Usages, String>,
}

/// The task's memory between readings.
pub struct Storage {
    site: Arc<Site>,
    /// Woken when the usage task should lay the snapshot out anew.
    laid_out: Arc<Notify>,
    asked: BTreeMap<String, Asked>,
    readings: JoinSet<Answered>,
    /// Why the last good readings are not kept over a restart.
    unkept: Option<String>,
}

impl Storage {
    /// A task that has read nothing yet.
    pub fn new(site: Arc<Site>, laid_out: Arc<Notify>) -> Self {
        Self { site, laid_out, asked: BTreeMap::new(), readings: JoinSet::new(), unkept: None }
    }

    /// Runs until the daemon ends.
    pub async fn run(mut self) {
        loop {
            self.ask_due();
            tokio::select! {
                Some(answered) = self.readings.join_next() => match answered {
                    Ok(answered) => self.take(answered).await,
                    Err(error) => tracing::error!("a reading of storage ended: {}", chain(&error)),
                },
                () = tokio::time::sleep(LOOK_AFTER) => {}
            }
        }
    }

    /// Asks every place that is due, and forgets those that are no longer configured.
    fn ask_due(&mut self) {
        let view = self.site.view();
        let configured = &view.config.policy.storage;
        let known = |name: &String| configured.iter().any(|place| place.name == *name);
        self.asked.retain(|name, _| known(name));
        if view.storage.keys().any(|name| !known(name)) {
            self.site.renew(|view| Arc::make_mut(&mut view.storage).retain(|name, _| known(name)));
            self.report();
            self.laid_out.notify_one();
        }
        for place in configured {
            let due = self.asked.get(&place.name).is_none_or(|asked| {
                !asked.waits && (asked.at.elapsed() >= place.every || asked.source != place.source)
            });
            if due {
                let asked = Asked { source: place.source.clone(), at: Instant::now(), waits: true };
                self.asked.insert(place.name.clone(), asked);
                self.ask(place, &view);
            }
        }
    }

    fn ask(&mut self, place: &StoragePlace, view: &View) {
        let (name, asked_at, source) = (place.name.clone(), self.site.now(), place.source.clone());
        let (people, accounts) = match &source {
            StorageSource::Quota { gids, .. } => owners(view, gids),
            StorageSource::Command { .. } => Default::default(),
        };
        // In a task of its own, so that a panic is this place's fault and no silence.
        let reading = tokio::spawn(read(source, people, accounts));
        self.readings.spawn(async move {
            let outcome = reading.await.unwrap_or_else(|error| Err(chain(&error)));
            Answered { place: name, asked_at, outcome }
        });
    }

    async fn take(&mut self, answered: Answered) {
        let Answered { place, asked_at, outcome } = answered;
        // It may have been taken out of the configuration meanwhile.
        let Some(asked) = self.asked.get_mut(&place) else { return };
        asked.waits = false;
        let now = self.site.now();
        let good = outcome.is_ok();
        self.site.renew(|view| {
            let known = Arc::make_mut(&mut view.storage).entry(place).or_default();
            match outcome {
                Ok(usages) => {
                    known.reading = Some(Arc::new(Reading { read_at: asked_at, usages }));
                    known.fault = None;
                }
                Err(fault) => {
                    let since = known.fault.as_ref().map_or(now, |(since, _)| *since);
                    known.fault = Some((since, fault));
                }
            }
        });
        if good {
            self.keep().await;
        }
        self.report();
        self.laid_out.notify_one();
    }

    /// Keeps the last good readings over a restart.
    async fn keep(&mut self) {
        let view = self.site.view();
        let path = kept::path(&view.config.machine.paths.store);
        let saved = tokio::task::spawn_blocking(move || kept::save(&path, &view.storage)).await;
        let fault = match saved {
            Ok(saved) => saved.err().map(|error| chain(&error)),
            Err(error) => Some(chain(&error)),
        };
        self.unkept = fault.map(|fault| format!("readings would not outlast a restart: {fault}; give the disk room"));
    }

    /// Says how all places fare together; `bursar status` has a line for each.
    fn report(&self) {
        let view = self.site.view();
        let faults: Vec<String> = view
            .storage
            .iter()
            .filter_map(|(name, place)| Some(format!("{name}: {}", place.fault.as_ref()?.1)))
            .chain(self.unkept.clone())
            .collect();
        let outcome = match faults.is_empty() {
            true => Ok(format!("{} places are read", view.storage.len())),
            false => Err(faults.join("; ")),
        };
        self.site.report(PART, outcome);
    }
}

type Ids = BTreeMap<String, u32>;

/// Whose quota is asked for: everybody's who is there, and that of accounts with a group.
fn owners(view: &View, gids: &BTreeMap<bursar_policy::AccountName, u32>) -> (Ids, Ids) {
    let people = view.stored.subjects.iter().filter(|subject| subject.state != PersonState::Removed);
    let accounts = view.stored.accounts.iter().filter(|account| account.state == Presence::Active);
    let gid = |account: &crate::store::Account| gids.get(&account.name).copied().or(account.gid.map(|gid| gid.get()));
    (
        people.map(|subject| (subject.name.to_string(), subject.uid.get())).collect(),
        accounts.filter_map(|account| Some((account.name.to_string(), gid(account)?))).collect(),
    )
}

async fn read(source: StorageSource, people: Ids, accounts: Ids) -> Result<Usages, String> {
    match source {
        StorageSource::Command { argv, timeout } => command::read(&argv, timeout).await.map_err(|error| chain(&error)),
        StorageSource::Quota { path, .. } => {
            let reading = tokio::task::spawn_blocking(move || quota::read(&path, &people, &accounts)).await;
            reading.map_err(|error| chain(&error))?.map_err(|error| chain(&error))
        }
    }
}
