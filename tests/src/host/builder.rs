//! What a host should hold before it boots: files, units, neighbours.

use std::path::Path;
use std::sync::Arc;

use crate::host::Host;
use crate::output::{self, Output};
use crate::{Error, Result, Site, SlurmVersion};

/// The description of a host that does not run yet.
#[derive(Debug, Clone)]
pub struct HostBuilder {
    name: String,
    site: Option<Arc<Site>>,
    files: Vec<(String, Vec<u8>, u32, String)>,
    units: Vec<String>,
    slurm: SlurmVersion,
}

impl HostBuilder {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), site: None, files: Vec::new(), units: Vec::new(), slurm: SlurmVersion::default() }
    }

    /// Takes the root directory with this Slurm instead of the machine's own.
    #[must_use]
    pub fn slurm(mut self, version: SlurmVersion) -> Self {
        self.slurm = version;
        self
    }

    /// Puts the host into a site with others; without this it gets one of its own.
    #[must_use]
    pub fn in_site(mut self, site: &Arc<Site>) -> Self {
        self.site = Some(Arc::clone(site));
        self
    }

    /// Writes a root-owned file before boot; parent directories are made.
    #[must_use]
    pub fn file(self, path: &str, text: impl Into<Vec<u8>>, mode: u32) -> Self {
        self.file_of("root:root", path, text, mode)
    }

    /// Writes a file owned by `owner` (`user:group`) before boot.
    #[must_use]
    pub fn file_of(mut self, owner: &str, path: &str, text: impl Into<Vec<u8>>, mode: u32) -> Self {
        self.files.push((path.to_owned(), text.into(), mode, owner.to_owned()));
        self
    }

    /// Enables a systemd unit, so that it starts at boot.
    #[must_use]
    pub fn enable(mut self, unit: &str) -> Self {
        self.units.push(unit.to_owned());
        self
    }

    /// Makes the root directory and the network of the host, without booting it.
    pub fn build(self) -> Result<Host> {
        let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        // The name becomes part of an interface name, which the kernel limits to 15 bytes.
        if self.name.is_empty() || self.name.len() > 12 || !self.name.chars().all(valid) {
            return Err(Error::Machine(format!(
                "a host cannot be called {:?}: use a-z, 0-9 and -, at most 12",
                self.name
            )));
        }
        let site = self.site.map_or_else(|| Site::new().map(Arc::new), Ok)?;
        let dir = site.dir().join("mnt").join(&self.name);
        let address = site.address();
        let lower = self.slurm.root()?;
        let mut image = site.command("bash");
        image
            .arg("-c")
            .arg(include_str!("image.sh"))
            .arg("image.sh")
            .arg(&dir)
            .arg(&self.name)
            .arg(&address)
            .arg(&lower);
        let raw = image.output().map_err(crate::error::io_error(|| "start nsenter".into()))?;
        let shown = format!("image.sh {} {} {address} {}", dir.display(), self.name, lower.display());
        Output::new(shown, &raw).ok()?;
        let (root, slurm) = (dir.join("root"), self.slurm);
        let host = Host { name: self.name, address, root, leader: None, nspawn: None, site, slurm };
        for (path, text, mode, owner) in &self.files {
            host.write_file_as(owner, path, text, *mode)?;
        }
        if !self.units.is_empty() {
            host.enable_units(&self.units)?;
        }
        Ok(host)
    }
}

impl Host {
    fn enable_units(&self, units: &[String]) -> Result<()> {
        let root = format!("--root={}", self.root.display());
        let mut args = vec!["systemctl", &root, "--quiet", "enable"];
        args.extend(units.iter().map(String::as_str));
        let mut command = self.site.command("systemctl");
        command.args(args.iter().skip(1));
        let raw = command.output().map_err(crate::error::io_error(|| "start systemctl".into()))?;
        Output::new(output::line(&args), &raw).ok().map(drop)
    }

    /// The root directory as processes beside the host see it.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}
