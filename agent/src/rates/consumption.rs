//! What is priced: a run with what it held, and stored data with its samples.

use std::collections::BTreeMap;
use std::sync::Arc;

use bursar_policy::Timestamp;

/// A run of a job: a requeued job has several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunKey {
    /// The cluster.
    pub cluster: Arc<str>,
    /// The raw job id.
    pub jobid: u32,
    /// When it was submitted, requeued or resized; with the id it names the run for ever.
    pub submitted_at: Timestamp,
}

/// One run, whole: from its start to its end, or to where it is known to have run.
///
/// Of a million runs most texts are the same; they are shared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Consumption {
    /// Which run.
    pub key: RunKey,
    /// The user's name at that time.
    pub user: Arc<str>,
    /// The user's uid; nothing where nobody used it, as for a reservation that stood idle.
    pub uid: Option<u32>,
    /// The Slurm account.
    pub account: Arc<str>,
    /// The cost centre (wckey), the account's where the run had none.
    pub cost_center: Arc<str>,
    /// The partition.
    pub partition: Arc<str>,
    /// The QOS.
    pub qos: Arc<str>,
    /// Slurm's word for its state, as in `COMPLETED` or `NODE_FAIL`.
    pub state: Arc<str>,
    /// Features or classes of its nodes, in any order.
    pub features: Vec<String>,
    /// The later of start and submission.
    pub start: Timestamp,
    /// The end, exclusive; for a run that goes on, the instant up to which it is known.
    pub end: Timestamp,
    /// Seconds within that in which it was suspended. Where they lay is not told, so they are taken off the end, as
    /// the limits do.
    pub suspended_s: u64,
    /// Allocated nodes.
    pub nodes: u64,
    /// Slurm's TRES by name, memory in MiB: `cpu`, `mem`, `node`, `billing`, `gres/gpu`, `gres/gpu:a100`, `license/x`.
    pub tres: Arc<BTreeMap<String, u64>>,
    /// Whether this is what stood idle in a reservation rather than a run.
    pub idle: bool,
}

impl Consumption {
    /// Whether it goes on, so that nothing can be said yet about its length as a whole.
    pub fn is_open(&self) -> bool {
        matches!(&*self.state, "PENDING" | "RUNNING" | "SUSPENDED" | "COMPLETING" | "CONFIGURING" | "RESIZING")
    }

    /// Its seconds from start to end, 0 for one that ends before it starts.
    pub fn length_s(&self) -> u64 {
        self.end.seconds_since(self.start)
    }

    /// The end of the seconds in which it was not suspended.
    pub(super) fn busy_end(&self) -> Timestamp {
        self.start.plus(self.length_s().saturating_sub(self.suspended_s))
    }

    /// How many of a TRES it held.
    ///
    /// GPUs are as many as Slurm counts without a type, or as those of its types together where it counts more of them.
    pub(super) fn held(&self, tres: &str) -> u64 {
        match tres {
            "node" => self.nodes.max(self.tres.get(tres).copied().unwrap_or(0)),
            GPU => {
                let typed = self.tres.iter().filter(|(name, _)| is_gpu_type(name)).map(|(_, count)| *count);
                let typed = typed.fold(0_u64, u64::saturating_add);
                typed.max(self.tres.get(tres).copied().unwrap_or(0))
            }
            // Slurm takes the types of GRES in any case.
            _ => self.tres.iter().find(|(name, _)| name.eq_ignore_ascii_case(tres)).map_or(0, |(_, count)| *count),
        }
    }
}

/// GPUs whatever their type.
pub(super) const GPU: &str = "gres/gpu";

/// Whether a TRES counts GPUs of one type; `gres/gpumem` and `gres/gpuutil` do not.
pub(super) fn is_gpu_type(tres: &str) -> bool {
    tres.strip_prefix(GPU).is_some_and(|rest| rest.starts_with(':'))
}

/// What somebody stored at one place, as it was measured.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StorageUse {
    /// The Slurm account.
    pub account: String,
    /// Its cost centre.
    pub cost_center: String,
    /// The user; empty for data of the account as such.
    pub user: String,
    /// The user's uid.
    pub uid: Option<u32>,
    /// The place, as in `storage.PLACE-gb-hour`.
    pub place: String,
    /// Bytes by the instant at which they were measured. The last value holds until the next one, at most
    /// [`StorageUse::HOLDS_S`].
    pub samples: BTreeMap<Timestamp, u64>,
    /// The present; no value holds beyond it.
    pub as_of: Timestamp,
}

impl StorageUse {
    /// How many seconds a value holds without another: 48 hours.
    pub const HOLDS_S: u64 = 48 * 3_600;
}
