//! The two configuration files, read so that every problem of both is found at once.
//!
//! * [`machine`] is `bursar.toml`, [`policy`] is `policy.toml` with its mappings and [`limits`].
//! * `read` is the reader under both, [`problem`] what it reports.
//!
//! `bursar check config` and the daemon's start both call [`load()`].

pub mod limits;
mod load;
pub mod machine;
mod mapping;
pub mod policy;
pub mod problem;
pub(crate) mod read;

pub use load::{Config, ConfigPaths, load};
pub use machine::{Machine, MachineRole, SourceConfig};
pub use policy::{AtRunningLimit, Mapping, Policy, PolicyAccount, PolicyLimits};
pub use problem::Problem;

#[cfg(test)]
mod tests;
