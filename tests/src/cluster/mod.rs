//! A cluster on one host: munge, MariaDB, slurmdbd, slurmctld, two slurmd and sshd, each a real systemd unit.

mod config;
mod database;
mod slurm;

use std::fs::File;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use crate::cluster::config::Shape;
use crate::error::io_error;
use crate::{Host, Output, Result, Site, SlurmVersion, place};

/// The running cluster `demo` on the host `hpc`, with the nodes n1 and n2 in the partition `main`.
#[derive(Debug)]
pub struct Cluster {
    host: Host,
}

/// The description of a cluster that does not run yet.
#[derive(Debug, Clone, Default)]
pub struct ClusterBuilder {
    shape: Shape,
    site_name: Option<String>,
    slurm: SlurmVersion,
}

impl ClusterBuilder {
    /// The Slurm of all daemons and commands; without this the machine's own.
    #[must_use]
    pub fn slurm(mut self, version: SlurmVersion) -> Self {
        self.slurm = version;
        self
    }

    /// CPUs of each node, 4 to 64, whatever the machine has.
    #[must_use]
    pub fn cpus_per_node(mut self, cpus: u32) -> Self {
        self.shape.cpus_per_node = cpus;
        self
    }

    /// So many GPUs of this type on each node, at most eight; files stand for them, which jobs do not open.
    #[must_use]
    pub fn gpus(mut self, kind: &str, count: u32) -> Self {
        self.shape.gpus = Some((kind.to_owned(), count.clamp(1, config::MOST_GPUS)));
        self
    }

    /// `JobSubmitPlugins`; without this there is none.
    #[must_use]
    pub fn job_submit(mut self, plugins: &str) -> Self {
        self.shape.job_submit = Some(plugins.to_owned());
        self
    }

    /// bursar's plugin, which [`crate::install_bursar`] must put in place before the boot (see [`Self::up_with`]).
    #[must_use]
    pub fn with_bursar_plugin(self) -> Self {
        self.job_submit("bursar").plugin_dir(&format!("/usr/lib/bursar/slurm:{}", config::STOCK_PLUGINS))
    }

    /// `PluginDir`, whose directories must all exist; the default is Slurm's own.
    #[must_use]
    pub fn plugin_dir(mut self, dirs: &str) -> Self {
        self.shape.plugin_dir = dirs.to_owned();
        self
    }

    /// One more line of slurm.conf, before the node lines.
    #[must_use]
    pub fn slurm_conf(mut self, line: &str) -> Self {
        self.shape.extra.push(line.to_owned());
        self
    }

    /// `MaxJobCount`.
    #[must_use]
    pub fn max_job_count(mut self, jobs: u32) -> Self {
        self.shape.max_job_count = jobs;
        self
    }

    /// `MaxArraySize`.
    #[must_use]
    pub fn max_array_size(mut self, size: u32) -> Self {
        self.shape.max_array_size = size;
        self
    }

    /// `MinJobAge` in seconds: how long slurmctld remembers a finished job.
    #[must_use]
    pub fn min_job_age(mut self, seconds: u32) -> Self {
        self.shape.min_job_age = seconds;
        self
    }

    /// A fixed name for the run, so that another process can find it by [`crate::Kept::find`].
    #[must_use]
    pub fn site_name(mut self, name: &str) -> Self {
        self.site_name = Some(name.to_owned());
        self
    }

    /// Makes and boots the cluster, after `prepare` has put more into the host than Slurm needs.
    pub fn up_with(self, prepare: impl FnOnce(&Host) -> Result<()>) -> Result<Cluster> {
        let lock = place::lock_cluster()?;
        let name = self.site_name.clone().unwrap_or_else(|| format!("{}-cluster", std::process::id()));
        let site = Arc::new(Site::named(&name, Some(lock))?);
        let slurm = "slurm:slurm";
        let host = Host::builder("hpc")
            .in_site(&site)
            .slurm(self.slurm)
            .file("/etc/slurm/slurm.conf", self.shape.slurm_conf(), 0o644)
            .file("/etc/slurm/gres.conf", self.shape.gres_conf(), 0o644)
            .file("/etc/slurm/cgroup.conf", config::cgroup_conf(self.slurm), 0o644)
            .file_of(slurm, "/etc/slurm/slurmdbd.conf", config::SLURMDBD_CONF, 0o600)
            .file_of("munge:munge", "/etc/munge/munge.key", munge_key()?, 0o600)
            .file("/etc/mysql/mariadb.conf.d/99-slurm.cnf", config::MARIADB_CNF, 0o644)
            .file("/etc/mysql/slurm.sql", config::SLURM_SQL, 0o644)
            .file("/etc/tmpfiles.d/slurm.conf", config::tmpfiles(), 0o644)
            .file("/usr/local/sbin/cluster-ready", config::CLUSTER_READY, 0o755)
            .file("/etc/systemd/system/mariadb.service.d/quick.conf", config::MARIADB_UNIT, 0o644)
            .file("/etc/systemd/system/slurmctld.service.d/cluster.conf", config::SLURMCTLD_UNIT, 0o644)
            .file("/etc/systemd/system/slurmd@.service", config::SLURMD_UNIT, 0o644)
            .enable("munge")
            .enable("mariadb")
            .enable("slurmdbd")
            .enable("slurmctld")
            .enable("slurmd@n1")
            .enable("slurmd@n2")
            .enable("ssh")
            .build()?;
        host.fill_database()?;
        prepare(&host)?;
        let cluster = Cluster { host: host.boot()? };
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    /// Makes and boots the cluster.
    pub fn up(self) -> Result<Cluster> {
        self.up_with(|_| Ok(()))
    }
}

impl Cluster {
    /// Starts the description of a cluster.
    pub fn builder() -> ClusterBuilder {
        ClusterBuilder::default()
    }

    /// The one host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Waits until slurmctld answers and both nodes are idle.
    pub fn wait_until_ready(&self) -> Result<()> {
        self.host.wait_for("two idle nodes", Duration::from_secs(60), || {
            let seen = self
                .host
                .run(&["sinfo", "--noheader", "--Node", "--partition=main", "--format=%N|%T"])
                .map_err(|e| e.to_string())?;
            let idle = seen.rows().iter().filter(|row| row.get(1).is_some_and(|state| state == "idle")).count();
            if idle == 2 { Ok(()) } else { Err(format!("{}{}", seen.stdout, seen.stderr)) }
        })
    }

    /// Restarts a unit. slurmctld is waited for until it is gone, and then until it answers again.
    pub fn restart(&self, unit: &str) -> Result<()> {
        self.host.run(&["systemctl", "restart", unit])?.ok()?;
        if unit.starts_with("slurmctld") { self.wait_for_controller() } else { Ok(()) }
    }

    fn wait_for_controller(&self) -> Result<()> {
        self.host.wait_for("slurmctld", Duration::from_secs(30), || {
            let ping = self.host.run(&["scontrol", "ping"]).map_err(|error| error.to_string())?;
            if ping.stdout.contains(" is UP") { Ok(()) } else { Err(ping.stdout) }
        })
    }

    /// Makes bursar's system user an administrator in Slurm, as its installation guide says.
    pub fn authorise_bursar(&self) -> Result<()> {
        self.sacctmgr(&["add", "user", "bursar", "account=root", "adminlevel=Administrator"])?.ok().map(drop)
    }

    /// Makes an account by `useradd`, with a home.
    pub fn add_user(&self, name: &str) -> Result<Output> {
        self.host.run(&["useradd", "--create-home", "--shell", "/bin/bash", name])
    }
}

/// A fresh key for munge.
fn munge_key() -> Result<Vec<u8>> {
    let mut key = vec![0; 128];
    let mut random = File::open("/dev/urandom").map_err(io_error(|| "open /dev/urandom".into()))?;
    random.read_exact(&mut key).map_err(io_error(|| "read /dev/urandom".into()))?;
    Ok(key)
}
