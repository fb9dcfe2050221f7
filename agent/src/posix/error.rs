//! What stops a whole pass; what concerns one person is a [`super::Refusal`].

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why the accounts were not brought in step.
#[derive(Debug, Error)]
pub enum Error {
    /// A file or directory could not be read.
    #[error("cannot read {path}; check that it exists and that bursar-node runs as root")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {path}; check free space and that the file system is writable")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// Another program kept the lock too long.
    #[error("{path} stayed locked by another program for {seconds} s; find it with `fuser {path}` and run again")]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// How long this program waited.
        seconds: u64,
    },
    /// The lock could not be asked for.
    #[error("cannot lock {path}; check that it can be created and that the file system knows locks")]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// Somebody besides root could put files into a directory whose files grant logins.
    #[error(
        "{path} is not a directory that only root can change; make it root's with `chown root {path}; chmod 0755 {path}`"
    )]
    Exposed {
        /// The directory.
        path: PathBuf,
    },
    /// The ledger has a line that is not ours.
    #[error("{path}, line {line}, is not `user:NAME:UID` or `group:NAME:GID`; correct or remove the line")]
    Ledger {
        /// The ledger.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// What would have been written is not a sound file.
    #[error("refusing to write {path}, because {why}; repair the file by hand (the last good copy is {path}-)")]
    Unsound {
        /// The file.
        path: PathBuf,
        /// What is wrong with the result.
        why: &'static str,
    },
    /// A program without the lock kept changing the file.
    #[error("{path} changed under every one of {tries} tries; stop the program that writes it and run again")]
    Changing {
        /// The file.
        path: PathBuf,
        /// How often the pass was tried.
        tries: u32,
    },
}

impl Error {
    /// A read error of `path`, for `map_err`.
    pub fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Read { path, source }
    }

    /// A write error of `path`, for `map_err`.
    pub fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }
}
