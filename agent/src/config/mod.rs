//! The configuration files, read so that every problem of all is found at once.
//!
//! * [`machine`] is `bursar.toml`, [`policy`] is `policy.toml` with its mappings, [`limits`], [`queue`]s, cost
//!   centres, [`window`]s and [`storage`].
//! * `read` is the reader under both, [`problem`] what it reports.
//!
//! `bursar check config` and the daemon's start both call [`load()`].

pub mod cost_center;
pub mod limits;
mod load;
pub mod machine;
mod mapping;
pub mod policy;
mod preemption;
pub mod prices;
pub mod problem;
pub mod queue;
pub(crate) mod read;
mod slurm_conf;
pub mod storage;
pub mod window;

pub use cost_center::CostCentres;
pub use load::{Config, ConfigPaths, RATES, load};
pub use machine::{Machine, MachineRole, SourceConfig};
pub use policy::{AtRunningLimit, Mapping, Policy, PolicyAccount, PolicyLimits};
pub use prices::{PriceList, Rates};
pub use problem::Problem;
pub use queue::{Factor, OnPreempt, PreemptedRuns, Queue, QueueCaps};
pub use slurm_conf::slurm_conf_needs;
pub use storage::{StoragePlace, StorageSource};
pub use window::{Governs, Window};

#[cfg(test)]
mod queue_tests;
#[cfg(test)]
mod storage_tests;
#[cfg(test)]
mod tests;
