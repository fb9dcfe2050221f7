//! The Slurm versions that bursar is tested with, and where their headers, daemons and plugin are on this machine.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::io_error;
use crate::place::{self, lock_file};
use crate::{Error, Result};

/// Makes a root directory; also run by itself.
const ROOT_SCRIPT: &str = include_str!("../root");

/// A series of Slurm, each as one of Debian's suites has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum SlurmVersion {
    /// The machine's own.
    #[default]
    V22_05,
    /// Debian 13's.
    V24_11,
    /// Debian unstable's.
    V26_05,
}

impl SlurmVersion {
    /// All of them, oldest first.
    pub const ALL: [Self; 3] = [Self::V22_05, Self::V24_11, Self::V26_05];

    /// Debian's suite with it; `None` is the machine's own root.
    const fn suite(self) -> Option<&'static str> {
        match self {
            Self::V22_05 => None,
            Self::V24_11 => Some("trixie"),
            Self::V26_05 => Some("sid"),
        }
    }

    /// The root directory with this Slurm in it, fetched and unpacked under `target/roots` if it is not there yet.
    pub fn root(self) -> Result<PathBuf> {
        let Some(suite) = self.suite() else { return Ok(PathBuf::from("/")) };
        let roots = place::target_dir().join("roots");
        fs::create_dir_all(&roots).map_err(io_error(|| format!("make {}", roots.display())))?;
        let roots = fs::canonicalize(&roots).map_err(io_error(|| format!("resolve {}", roots.display())))?;
        let root = roots.join(suite);
        // What it was made by lies beside it, so that another list of packages makes another root.
        let recipe = roots.join(format!("{suite}.made-by"));
        let _lock = lock_file(&roots.join(format!("{suite}.lock")))?;
        if root.is_dir() && fs::read_to_string(&recipe).is_ok_and(|made_by| made_by == ROOT_SCRIPT) {
            return Ok(root);
        }
        eprintln!("fetching Debian's {suite} with Slurm {self} into {}", root.display());
        make_root(suite, &root)?;
        fs::write(&recipe, ROOT_SCRIPT).map_err(io_error(|| format!("write {}", recipe.display())))?;
        Ok(root)
    }

    /// bursar's plugin for this version: the one in `build`, or one built under `target/plugins` with its headers.
    pub(crate) fn plugin(self, build: &Path) -> Result<PathBuf> {
        match self.plugin_dir() {
            None => Ok(build.join(PLUGIN)),
            Some(dir) => {
                self.cargo_for_plugin("build")?;
                Ok(dir.join("debug").join(PLUGIN))
            }
        }
    }

    /// Runs the plugin's own tests with this version's headers.
    pub fn test_plugin(self) -> Result<()> {
        self.cargo_for_plugin("test")
    }

    fn plugin_dir(self) -> Option<PathBuf> {
        self.suite().map(|suite| place::target_dir().join("plugins").join(suite))
    }

    fn cargo_for_plugin(self, subcommand: &str) -> Result<()> {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args([subcommand, "--quiet", "--package", "bursar-slurm-plugin"]);
        command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
        if let Some(dir) = self.plugin_dir() {
            let headers = format!("-I{}", self.root()?.join("usr/include").display());
            command.arg("--target-dir").arg(dir).env("BINDGEN_EXTRA_CLANG_ARGS", headers);
        }
        let done = command.output().map_err(io_error(|| "start cargo".into()))?;
        if done.status.success() {
            return Ok(());
        }
        let said = [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).trim().to_owned());
        Err(Error::Machine(format!("cannot {subcommand} the plugin for Slurm {self}: {}", said.join("\n"))))
    }
}

/// Fetches and unpacks `suite` into `root`, which is there afterwards whole or not at all.
fn make_root(suite: &str, root: &Path) -> Result<()> {
    let made = Command::new("bash").args(["-c", ROOT_SCRIPT, "root", suite]).arg(root).stdin(Stdio::null()).output();
    let made = made.map_err(io_error(|| "start bash".into()))?;
    if made.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&made.stderr).trim().to_owned();
    Err(Error::Machine(format!("cannot make the root directory of Debian's {suite}: {said}")))
}

/// The plugin as cargo names it.
pub(crate) const PLUGIN: &str = "libjob_submit_bursar.so";

impl fmt::Display for SlurmVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V22_05 => "22.05",
            Self::V24_11 => "24.11",
            Self::V26_05 => "26.05",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_suite_that_cannot_be_had_then_the_error_says_what_debootstrap_said_and_no_root_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("nosuch");
        let error = make_root("nosuch", &root).unwrap_err().to_string();
        assert!(error.contains("E: ") && error.contains("debootstrap could not make nosuch"), "{error}");
        assert!(!root.exists());
    }
}
