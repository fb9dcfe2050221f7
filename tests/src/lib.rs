//! Throwaway hosts and real Slurm clusters for tests, benchmarks and the demo.
//!
//! A [`Site`] is a set of namespaces that vanish with the process that made them; a [`Host`] is the machine's own root,
//! or one with another [`SlurmVersion`], under a tmpfs, booted with its own systemd inside a site; a [`Cluster`] is one host running all of Slurm.
//! Everything needs root, and nothing of it changes the machine.

#![forbid(unsafe_code)]

mod cluster;
mod error;
mod governed;
mod host;
mod install;
pub mod memcheck;
mod morning;
mod output;
mod place;
pub mod scenario;
mod site;
mod story;
mod version;
mod wait;
mod world;

pub use cluster::{Cluster, ClusterBuilder};
pub use error::{Error, Result};
pub use governed::{CONTROLLER_SNAPSHOT, Citizen, Governed, NODE_SNAPSHOT, directory};
pub use host::{Host, HostBuilder, Login};
pub use install::{BuildDir, Files, install_bursar};
pub use morning::in_the_morning;
pub use output::Output;
pub use place::{hosts_dir, lock_cluster, remove_remains, target_dir};
pub use site::{Kept, Site};
pub use story::Story;
pub use version::SlurmVersion;
pub use wait::wait_for;
pub use world::{Inhabitant, World};
