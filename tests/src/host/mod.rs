//! A throwaway host: the machine's own root, or another, under a tmpfs, with its own network, names, accounts and systemd.

mod boot;
mod builder;
mod login;
mod run;

pub use builder::HostBuilder;
pub use login::Login;
pub(crate) use run::output_of;

use std::path::PathBuf;
use std::process::Child;
use std::sync::Arc;

use crate::{Site, SlurmVersion, wait_for};

/// The namespaces that make up a booted host, as nsenter's options.
pub(crate) const NAMESPACES: &[&str] = &["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"];

/// One host. Before [`Host::boot`] commands run in its root directory only; afterwards in all its namespaces.
#[derive(Debug)]
pub struct Host {
    name: String,
    address: String,
    /// The root directory as the guardian sees it.
    root: PathBuf,
    /// The host's process 1, as the machine numbers it.
    leader: Option<u32>,
    nspawn: Option<Child>,
    site: Arc<Site>,
    slurm: SlurmVersion,
}

impl Host {
    /// Starts the description of a host.
    pub fn builder(name: &str) -> HostBuilder {
        HostBuilder::new(name)
    }

    /// The host name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address in the site's network.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The Slurm that is installed on it.
    pub fn slurm(&self) -> SlurmVersion {
        self.slurm
    }

    /// The site that the host is in.
    pub fn site(&self) -> &Arc<Site> {
        &self.site
    }

    /// Whether [`Host::boot`] was done.
    pub fn is_booted(&self) -> bool {
        self.leader.is_some()
    }

    /// Looks until `look` answers Ok; see [`crate::wait_for`].
    pub fn wait_for<T>(
        &self,
        what: &str,
        timeout: std::time::Duration,
        look: impl FnMut() -> std::result::Result<T, String>,
    ) -> crate::Result<T> {
        wait_for(&format!("{what} on {}", self.name), timeout, look)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if !self.site.is_kept() {
            self.halt();
        }
    }
}
