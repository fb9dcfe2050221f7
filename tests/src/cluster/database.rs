//! An initialised MariaDB for every cluster, made once per build folder.

use std::fs;
use std::path::PathBuf;

use crate::error::io_error;
use crate::host::{Host, output_of};
use crate::{Error, Result, place};

impl Host {
    /// Fills `/var/lib/mysql` before boot, from the archive under `target` or afresh.
    pub(crate) fn fill_database(&self) -> Result<()> {
        let archive = seed_path(self)?;
        if let Ok(bytes) = fs::read(&archive) {
            let args = ["tar", "--extract", "--directory=/var/lib/mysql"];
            return output_of(self.command(&args), &args, &bytes)?.ok().map(drop);
        }
        let args = [
            "mariadb-install-db",
            "--user=mysql",
            "--datadir=/var/lib/mysql",
            "--auth-root-authentication-method=socket",
            "--skip-test-db",
        ];
        self.run(&args)?.ok()?;
        self.save_database()
    }

    /// Keeps a copy of `/var/lib/mysql` for the next cluster; MariaDB must not be running.
    pub(crate) fn save_database(&self) -> Result<()> {
        let archive = seed_path(self)?;
        let raw = self.command(&["tar", "--create", "--directory=/var/lib/mysql", "."]).output();
        let raw = raw.map_err(io_error(|| "start tar".into()))?;
        if !raw.status.success() {
            return Err(Error::Machine(format!(
                "cannot archive /var/lib/mysql: {}",
                String::from_utf8_lossy(&raw.stderr)
            )));
        }
        // By rename, so that a run that is interrupted here leaves no half archive.
        let partial = archive.with_extension("partial");
        fs::write(&partial, raw.stdout).map_err(io_error(|| format!("write {}", partial.display())))?;
        fs::rename(&partial, &archive).map_err(io_error(|| format!("rename {}", partial.display())))
    }
}

/// The archive's path; its name carries the versions, since both decide what the tables look like.
fn seed_path(host: &Host) -> Result<PathBuf> {
    let query = ["dpkg-query", "--show", "--showformat=${Version}_", "mariadb-server-core", "slurmdbd"];
    let versions = host.run(&query)?.ok()?;
    let safe: String = versions.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    let dir = place::target_dir().join("hosts-seed");
    fs::create_dir_all(&dir).map_err(io_error(|| format!("make {}", dir.display())))?;
    Ok(dir.join(format!("mysql-{safe}.tar")))
}
