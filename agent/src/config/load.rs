//! Loads both files together, because mappings name sources.

use std::path::PathBuf;

use super::machine::{self, Machine};
use super::policy::{self, Policy};
use super::problem::Problem;
use super::read::read_file;

/// Where the two files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigPaths {
    /// `bursar.toml`.
    pub machine: PathBuf,
    /// `policy.toml`.
    pub policy: PathBuf,
}

impl Default for ConfigPaths {
    fn default() -> Self {
        Self { machine: PathBuf::from("/etc/bursar/bursar.toml"), policy: PathBuf::from("/etc/bursar/policy.toml") }
    }
}

/// Both files, sound on their own and together.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// `bursar.toml`.
    pub machine: Machine,
    /// `policy.toml`.
    pub policy: Policy,
}

/// Reads both files; the error holds every problem of both, by file and line.
pub fn load(paths: &ConfigPaths) -> Result<Config, Vec<Problem>> {
    let machine = machine::read(&paths.machine);
    let names: Option<Vec<String>> =
        machine.as_ref().ok().map(|machine| machine.sources.iter().map(|source| source.name.clone()).collect());
    let policy = read_file(&paths.policy, |root| policy::policy(root, names.as_deref()));
    match (machine, policy) {
        (Ok(machine), Ok(policy)) => Ok(Config { machine, policy }),
        (machine, policy) => {
            let mut problems = machine.err().unwrap_or_default();
            problems.extend(policy.err().unwrap_or_default());
            Err(problems)
        }
    }
}
