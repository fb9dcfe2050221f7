//! What `bursar-node` does: takes a new snapshot over from bursard, and brings this host in step with it.
//!
//! It runs as root, without network, started by systemd when a new snapshot is there. It believes nothing of the
//! unprivileged side: owner, checksum, generation, every name, number and path are checked again.
//!
//! * [`take_over`] is the story.
//! * [`desired`] turns a snapshot into accounts, [`applied`] tells bursard how far this host is.

pub mod applied;
pub mod desired;

use std::path::{Path, PathBuf};

use bursar_policy::node_conf::NodeConfError;
use bursar_policy::snapshot::Kind;
use bursar_policy::snapshot::file::{self, ReadError};
use bursar_policy::{Clock, NodeConf};

use crate::posix::{self, Outcome, Root};
use crate::snapshot::publish::replace;
use applied::Applied;

/// Why this host was not brought in step; what it had stays in force.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// node.conf cannot be used.
    #[error("cannot start without node.conf")]
    Conf(#[from] NodeConfError),
    /// The published snapshot cannot be used.
    #[error("cannot take over the published snapshot; the one before stays in force")]
    Published(#[source] ReadError),
    /// An older snapshot was put in the place of a newer one.
    #[error("the published snapshot has generation {found}, this host has {known}; publish a newer one")]
    Older {
        /// The generation found.
        found: u64,
        /// The generation in force.
        known: u64,
    },
    /// A file of this host cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The accounts cannot be brought in step.
    #[error("cannot bring the accounts of this host in step; nobody's access was widened")]
    Accounts(#[from] posix::Error),
}

/// What became of a snapshot.
#[derive(Debug)]
pub struct TakenOver {
    /// Its generation.
    pub generation: u64,
    /// What was done to accounts.
    pub outcome: Outcome,
    /// People and groups of the snapshot that could not even be read as such.
    pub unreadable: Vec<String>,
}

/// Takes the published snapshot over and brings this host in step with it.
///
/// PAM's copy is replaced first: whoever lost access is refused from then on, whatever becomes of the account files.
pub fn take_over(conf: &NodeConf, root: &Root, clock: &dyn Clock) -> Result<TakenOver, Error> {
    let published = published_path(conf);
    let (snapshot, _) = file::read(&published, &conf.trusted_publishers()).map_err(Error::Published)?;
    if snapshot.kind() != Kind::Node {
        return Err(Error::Published(ReadError { path: published, fault: file::Fault::Kind }));
    }
    let known = file::read(&conf.snapshot, &[0]).map_or(0, |(snapshot, _)| snapshot.generation());
    if snapshot.generation() < known {
        return Err(Error::Older { found: snapshot.generation(), known });
    }
    write(&conf.snapshot, snapshot.bytes(), 0o644)?;
    let (desired, unreadable) = desired::desired(&snapshot, conf.managed.clone(), clock.now());
    let outcome = posix::bring_in_step(root, &desired, clock)?;
    let taken = TakenOver { generation: snapshot.generation(), outcome, unreadable };
    let applied = Applied::new(&taken, clock.now());
    write(&applied::path(&conf.snapshot), &applied.to_json(), 0o644)?;
    Ok(taken)
}

/// Where bursard leaves the snapshot for hosts: beside the plugin's.
pub fn published_path(conf: &NodeConf) -> PathBuf {
    conf.controller_snapshot.with_file_name("node.snap")
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    replace(path, bytes, mode).map_err(|source| Error::Write { path: path.to_owned(), source })
}
