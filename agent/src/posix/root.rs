//! Where the files of the host lie, so that a test can put a whole host into one directory.

use std::path::PathBuf;
use std::time::Duration;

/// The places `bursar-node` reads and writes.
#[derive(Debug, Clone)]
pub struct Root {
    /// The directory of passwd, group, shadow, gshadow and `.pwd.lock`.
    pub etc: PathBuf,
    /// The program's own directory: the ownership ledger and `keys/`.
    pub state: PathBuf,
    /// What a new home is filled from.
    pub skel: PathBuf,
    /// The directories below which homes may lie; others are refused.
    pub home_bases: Vec<PathBuf>,
    /// Whether this host makes homes; false where a file server does it, and then no home is even looked at.
    pub create_homes: bool,
    /// Whether owners are set; only root can, so a test without root turns it off.
    pub chown: bool,
    /// Whether this is the running host: caches are told and SELinux labels are copied.
    pub live: bool,
    /// How long to wait for another program that holds the account files.
    pub lock_wait: Duration,
}

impl Root {
    /// The running host with its usual places and `/home` as the only base.
    pub fn host() -> Self {
        Self {
            etc: PathBuf::from("/etc"),
            state: PathBuf::from("/var/lib/bursar-node"),
            skel: PathBuf::from("/etc/skel"),
            home_bases: vec![PathBuf::from("/home")],
            create_homes: true,
            chown: nix::unistd::geteuid().is_root(),
            live: true,
            lock_wait: Duration::from_secs(15),
        }
    }

    /// The ownership ledger.
    pub fn ledger(&self) -> PathBuf {
        self.state.join("owned")
    }

    /// The directory of the key files, one per login name.
    pub fn keys(&self) -> PathBuf {
        self.state.join("keys")
    }

    /// The uid that a file of `uid` has here: its own, or this process's where owners cannot be set.
    pub fn owner_of(&self, uid: u32) -> u32 {
        if self.chown { uid } else { nix::unistd::geteuid().as_raw() }
    }
}
