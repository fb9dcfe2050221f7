//! `bursar.toml`: where things are on this machine, which sources there are, and how often to look.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bursar_policy::Uid;

use super::problem::Problem;
use super::read::{Table, read_file};
use crate::store::numbers::UidPool;

/// What `bursar.toml` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Slurm's `ClusterName`.
    pub cluster: String,
    /// What runs on this machine.
    pub roles: Vec<MachineRole>,
    /// Where things are.
    pub paths: Paths,
    /// The uids and gids that bursar may give out.
    pub uid_pool: UidPool,
    /// What accounts on hosts look like.
    pub hosts: Hosts,
    /// The identity sources, in the order of the file.
    pub sources: Vec<SourceConfig>,
    /// How often the agent looks.
    pub intervals: Intervals,
}

/// What runs on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MachineRole {
    /// slurmctld.
    Controller,
    /// slurmdbd.
    Database,
    /// sshd for people.
    Login,
    /// slurmd.
    Compute,
}

/// Where things are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The store file.
    pub store: PathBuf,
    /// The folder of the published snapshots.
    pub publish: PathBuf,
    /// The folder of the sockets.
    pub run: PathBuf,
    /// The folder of `sacctmgr`, `sacct`, `squeue` and `scontrol`.
    pub slurm_bin: PathBuf,
}

/// What accounts on hosts look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    /// The folder in which homes lie.
    pub home_base: PathBuf,
    /// The login shell.
    pub shell: PathBuf,
}

/// One identity source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceConfig {
    /// The name that the store keeps identities under; never change it.
    pub name: String,
    /// The directory file.
    pub path: PathBuf,
}

/// How often the agent looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intervals {
    /// At the sources.
    pub source: Duration,
    /// At running and pending jobs in slurmctld.
    pub jobs: Duration,
    /// At finished jobs in slurmdbd.
    pub runs: Duration,
}

/// Reads `bursar.toml` and finds every problem in it.
pub fn read(path: &Path) -> Result<Machine, Vec<Problem>> {
    read_file(path, machine)
}

pub(super) fn machine(root: &Table<'_>) -> Option<Machine> {
    let cluster = root.parsed("cluster", cluster_name);
    let roles = roles(root);
    let paths = paths(root);
    let uid_pool = uid_pool(root);
    let hosts = hosts(root);
    let sources = sources(root);
    let intervals = intervals(root);
    Some(Machine {
        cluster: cluster?,
        roles: roles?,
        paths: paths?,
        uid_pool: uid_pool?,
        hosts: hosts?,
        sources: sources?,
        intervals: intervals?,
    })
}

fn cluster_name(text: &str) -> Result<String, &'static str> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    match text.len() <= 40 && text.bytes().all(allowed) {
        true => Ok(text.to_owned()),
        false => Err("is no cluster name; use ClusterName of slurm.conf in lower case"),
    }
}

fn roles(root: &Table<'_>) -> Option<Vec<MachineRole>> {
    let values = match root.required("roles") {
        None => return None,
        Some(_) => root.list("roles"),
    };
    let mut roles = Vec::new();
    let count = values.len();
    for value in &values {
        let role = value.parsed(|word| match word {
            "controller" => Ok(MachineRole::Controller),
            "database" => Ok(MachineRole::Database),
            "login" => Ok(MachineRole::Login),
            "compute" => Ok(MachineRole::Compute),
            _ => Err("is no role of a machine; choose from controller, database, login, compute"),
        });
        match role {
            Some(role) if roles.contains(&role) => value.bad("stands there twice; keep one"),
            Some(role) => roles.push(role),
            None => {}
        }
    }
    (roles.len() == count).then_some(roles)
}

/// A path that says where it is by itself.
pub(super) fn absolute(text: &str) -> Result<PathBuf, &'static str> {
    let path = Path::new(text);
    let plain = path.is_absolute() && !path.components().any(|part| part == std::path::Component::ParentDir);
    if plain { Ok(path.to_owned()) } else { Err("is no absolute path without ..; write it from / on") }
}

fn path_or(table: Option<&Table<'_>>, key: &'static str, default: &str) -> Option<PathBuf> {
    match table {
        None => Some(PathBuf::from(default)),
        Some(table) => Some(table.maybe_parsed(key, absolute)?.unwrap_or_else(|| PathBuf::from(default))),
    }
}

fn paths(root: &Table<'_>) -> Option<Paths> {
    let table = root.table("paths");
    let table = table.as_ref();
    let store = path_or(table, "store", "/var/lib/bursar/store.db");
    let publish = path_or(table, "publish", "/var/lib/bursar/publish");
    let run = path_or(table, "run", "/run/bursar");
    let slurm_bin = path_or(table, "slurm-bin", "/usr/bin");
    if let Some(table) = table {
        table.finish();
    }
    Some(Paths { store: store?, publish: publish?, run: run?, slurm_bin: slurm_bin? })
}

fn hosts(root: &Table<'_>) -> Option<Hosts> {
    let table = root.table("hosts");
    let table = table.as_ref();
    let home_base = path_or(table, "home-base", "/home");
    let shell = path_or(table, "shell", "/bin/bash");
    if let Some(table) = table {
        table.finish();
    }
    Some(Hosts { home_base: home_base?, shell: shell? })
}

fn uid_pool(root: &Table<'_>) -> Option<UidPool> {
    let default = UidPool::default();
    let Some(table) = root.table("uid-pool") else { return Some(default) };
    let number = |key, default: u32| {
        let number = table.number_or(key, 1..=u64::from(u32::MAX), u64::from(default))?;
        u32::try_from(number).ok()
    };
    let (first, last) = (number("first", default.first), number("last", default.last));
    table.finish();
    // With one end wrong the other is still judged on its own.
    let pool = UidPool { first: first.or(last)?, last: last.or(first)? };
    if pool.first > pool.last {
        table.bad("first is greater than last; swap them");
        return None;
    }
    let reserved = RESERVED_RANGES.iter().find(|(from, to, _)| pool.first <= *to && *from <= pool.last);
    if let Some((from, to, what)) = reserved {
        table.bad(format!("the pool holds {from}-{to}, {what}; choose for example 65536-99999"));
        return None;
    }
    first.and(last)?;
    (Uid::new(pool.first).is_ok() && Uid::new(pool.last).is_ok()).then_some(pool)
}

/// Numbers that mean something else on Debian and under systemd (its UIDS-GIDS page).
const RESERVED_RANGES: &[(u32, u32, &str)] = &[
    (0, 999, "which belong to the system"),
    (1_000, 60_000, "which adduser gives to local people"),
    (60_001, 60_577, "which systemd gives to home directories and containers"),
    (61_184, 65_519, "which systemd gives to DynamicUser services"),
    (65_534, 65_535, "which mean nobody"),
    (524_288, 1_879_048_191, "which systemd gives to containers"),
    (2_147_483_648, u32::MAX, "which many programs take for negative"),
];

fn sources(root: &Table<'_>) -> Option<Vec<SourceConfig>> {
    let tables = root.tables("source");
    if tables.is_empty() {
        root.required("source");
        return None;
    }
    let mut sources: Vec<SourceConfig> = Vec::new();
    for table in &tables {
        let name = table.required("name");
        let parsed = name.as_ref().and_then(|name| name.parsed(source_name));
        let kind = table.parsed("kind", |kind| match kind {
            "directory" => Ok(()),
            _ => Err("is no kind of source; choose directory"),
        });
        let path = table.parsed("path", absolute);
        table.finish();
        let (Some(name), Some(parsed), Some(()), Some(path)) = (name, parsed, kind, path) else { continue };
        if sources.iter().any(|source| source.name == parsed) {
            name.bad(format!("{parsed:?} is the name of two sources; give each its own"));
        } else {
            sources.push(SourceConfig { name: parsed, path });
        }
    }
    (sources.len() == tables.len()).then_some(sources)
}

fn source_name(text: &str) -> Result<String, &'static str> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match text.len() <= 32 && text.bytes().all(allowed) {
        true => Ok(text.to_owned()),
        false => Err("is no name of a source; use at most 32 small letters, digits and -"),
    }
}

fn intervals(root: &Table<'_>) -> Option<Intervals> {
    let table = root.table("intervals");
    let seconds = |key, default| match &table {
        None => Some(Duration::from_secs(default)),
        Some(table) => table.number_or(key, 1..=86_400, default).map(Duration::from_secs),
    };
    let (source, jobs, runs) = (seconds("source-seconds", 60), seconds("jobs-seconds", 2), seconds("runs-seconds", 5));
    if let Some(table) = &table {
        table.finish();
    }
    Some(Intervals { source: source?, jobs: jobs?, runs: runs? })
}
