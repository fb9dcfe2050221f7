//! What the daemon's tasks and answers share: the store, the newest view of everything, and what to do next.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};

use bursar_policy::{Clock, Snapshot, SystemClock, Timestamp};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::bills::Bills;
use crate::accounting::{Calendar, Flight, Standing};
use crate::config::{Config, ConfigPaths};
use crate::snapshot::compile::Cluster;
use crate::storage::Places;
use crate::store::Store;
use crate::store::contents::Contents;

/// Everything as the daemon last saw it; replaced as a whole, so that an answer is of one moment.
#[derive(Debug, Clone)]
pub struct View {
    /// The configuration in force.
    pub config: Arc<Config>,
    /// The site's calendar.
    pub calendar: Calendar,
    /// The store's people, groups, accounts, grants and limits.
    pub stored: Arc<Contents>,
    /// The snapshot that the plugin has, once there is one.
    pub snapshot: Option<Arc<Snapshot>>,
    /// Live jobs.
    pub flight: Arc<Flight>,
    /// What everybody holds.
    pub standing: Arc<Standing>,
    /// Slurm's facts of itself.
    pub cluster: Arc<Cluster>,
    /// People's associations as slurmdbd last told them, once it has.
    pub associations: Option<Arc<Associations>>,
    /// What is stored at each place that was tried.
    pub storage: Arc<Places>,
}

/// What slurmdbd holds of people's associations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Associations {
    /// By user and account: whether it is shut, that is, has its limits at zero.
    pub shut: BTreeMap<(String, String), bool>,
    /// The account of jobs that name none, by user.
    pub default_accounts: BTreeMap<String, String>,
}

/// How a part of the daemon fares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    /// When it last did its work without a fault.
    pub good_at: Option<Timestamp>,
    /// What is wrong now, and since when.
    pub fault: Option<(Timestamp, String)>,
    /// A sentence on its last work.
    pub detail: String,
}

/// A pass over sources, accounts and associations that somebody asked for.
#[derive(Debug)]
pub struct SyncRequest {
    /// Only plan.
    pub dry_run: bool,
    /// Let a drop of people through that stopped an earlier pass.
    pub accept_drop: bool,
    /// Where the outcome goes.
    pub reply: oneshot::Sender<SyncOutcome>,
}

/// One thing that a pass did or, for a dry run, would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where: `store`, `policy`, `snapshot`, `slurm`.
    pub part: &'static str,
    /// What, as in `add`, `modify`, `revoke`.
    pub action: String,
    /// To what.
    pub object: String,
    /// How.
    pub detail: String,
}

/// What came of a pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncOutcome {
    /// What it did, in order.
    pub steps: Vec<Step>,
    /// What stopped it, if something did.
    pub fault: Option<String>,
}

/// Shared by every task of the daemon.
#[derive(Debug)]
pub struct Site {
    /// Where the configuration lies.
    pub paths: ConfigPaths,
    /// The store.
    pub store: Store,
    view: watch::Sender<Arc<View>>,
    health: Mutex<BTreeMap<&'static str, Health>>,
    sync: mpsc::Sender<SyncRequest>,
    /// When bursar itself made slurmctld read its configuration anew: seconds of UTC, or the least number.
    pub reconfigured_at: Arc<AtomicI64>,
    /// The last bills.
    pub bills: Bills,
    /// How many parts of dumps were imported.
    pub imports: AtomicU64,
    /// Woken when somebody changed the store.
    pub changed: Notify,
    /// When the daemon started.
    pub started_at: Timestamp,
}

impl Site {
    /// A site with its first view; the other end takes requests for passes.
    pub fn new(paths: ConfigPaths, store: Store, view: View) -> (Self, mpsc::Receiver<SyncRequest>) {
        let (sync, requests) = mpsc::channel(4);
        let site = Self {
            paths,
            store,
            view: watch::Sender::new(Arc::new(view)),
            health: Mutex::default(),
            sync,
            reconfigured_at: Arc::new(AtomicI64::new(i64::MIN)),
            bills: Bills::default(),
            imports: AtomicU64::new(0),
            changed: Notify::new(),
            started_at: SystemClock.now(),
        };
        (site, requests)
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    /// The newest view.
    pub fn view(&self) -> Arc<View> {
        self.view.borrow().clone()
    }

    /// Replaces parts of the view.
    pub fn renew(&self, change: impl FnOnce(&mut View)) {
        self.view.send_modify(|view| change(Arc::make_mut(view)));
    }

    /// Says how a part fares; tells the log when that changes.
    pub fn report(&self, part: &'static str, outcome: Result<String, String>) {
        let now = self.now();
        let mut all = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let health = all.entry(part).or_default();
        match outcome {
            Ok(detail) => {
                if health.fault.take().is_some() {
                    tracing::info!(part, detail, "works again");
                }
                health.good_at = Some(now);
                health.detail = detail;
            }
            Err(fault) => {
                if health.fault.as_ref().is_none_or(|(_, known)| *known != fault) {
                    tracing::error!(part, fault, "fails");
                }
                let since = health.fault.as_ref().map_or(now, |(since, _)| *since);
                health.fault = Some((since, fault));
            }
        }
    }

    /// How every part fares, by name.
    pub fn health(&self) -> BTreeMap<&'static str, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks for a pass and waits for what comes of it; `None` when the daemon is going down.
    pub async fn sync(&self, dry_run: bool, accept_drop: bool) -> Option<SyncOutcome> {
        let (reply, outcome) = oneshot::channel();
        self.sync.send(SyncRequest { dry_run, accept_drop, reply }).await.ok()?;
        outcome.await.ok()
    }
}

/// An error with everything below it, on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(cause) = below {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        below = cause.source();
    }
    text
}
