//! Loads the files together, because mappings name sources and a rate card is read in the policy's zone.

use std::path::PathBuf;
use std::sync::Arc;

use super::machine::{self, Machine};
use super::policy::{self, Policy};
use super::problem::Problem;
use super::read::read_file;
use crate::rates::Card;
use crate::rates::read::card;
use crate::snapshot::queues::factor;

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

/// The rate card's name, beside `policy.toml`.
pub const RATES: &str = "rates.toml";

/// The files, sound on their own and together.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// `bursar.toml`.
    pub machine: Machine,
    /// `policy.toml`.
    pub policy: Policy,
    /// What is charged: `rates.toml` if there is one, otherwise the policy's `[prices]` with its queues' factors.
    pub card: Arc<Card>,
}

impl ConfigPaths {
    /// Where a rate card lies, if there is one.
    pub fn rates(&self) -> Option<PathBuf> {
        Some(self.policy.with_file_name(RATES)).filter(|path| path.exists())
    }
}

/// Reads the files; the error holds every problem of all, by file and line.
pub fn load(paths: &ConfigPaths) -> Result<Config, Vec<Problem>> {
    let machine = machine::read(&paths.machine);
    let names: Option<Vec<String>> =
        machine.as_ref().ok().map(|machine| machine.sources.iter().map(|source| source.name.clone()).collect());
    let policy = read_file(&paths.policy, |root| policy::policy(root, names.as_deref()));
    let zone = policy.as_ref().map_or(jiff::tz::TimeZone::UTC, |policy| policy.time_zone.clone());
    let rates = paths.rates().map(|path| read_file(&path, |root| card(root, &zone))).transpose();
    match (machine, policy, rates) {
        (Ok(machine), Ok(policy), Ok(card)) => {
            let card = Arc::new(card.unwrap_or_else(|| of_policy(&policy)));
            Ok(Config { machine, policy, card })
        }
        (machine, policy, rates) => {
            let mut problems = machine.err().unwrap_or_default();
            problems.extend(policy.err().unwrap_or_default());
            problems.extend(rates.err().unwrap_or_default());
            Err(problems)
        }
    }
}

fn of_policy(policy: &Policy) -> Card {
    let factors: Vec<(&str, u64)> = policy.queues.iter().map(|queue| (queue.qos.as_str(), factor(queue))).collect();
    Card::of_prices(&policy.prices).with_qos_factors(factors)
}
