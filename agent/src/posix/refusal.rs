//! What concerns one person, group or key and stops nothing else.

use std::fmt;
use std::path::PathBuf;

use super::keys::KeyError;

/// One person or group that was not brought in step, wholly or in the part named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The login or group name.
    pub name: String,
    /// The uid or gid wanted.
    pub id: u32,
    /// Why, and what to do.
    pub why: Why,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.name, self.id, self.why)
    }
}

/// Why one person, group or key was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The name stands in this local file, and bursar did not write it there.
    NameTaken(&'static str),
    /// The uid belongs to this local name.
    UidTaken(String),
    /// The gid belongs to this local group.
    GidTaken(String),
    /// The name or number was given before, to the person or group with this number.
    Twice(u32),
    /// The uid or gid lies outside the managed range.
    OutsideRange,
    /// The private group's gid is not the uid.
    GidIsNotUid(u32),
    /// The home is no plain absolute path below a home base.
    BadHome(PathBuf),
    /// Another person's home is this one or lies above it.
    HomeShared(PathBuf),
    /// The home exists and belongs to this uid.
    HomeForeign(PathBuf, u32),
    /// Something that is no directory stands at the home's place or above it.
    HomeNotDirectory(PathBuf),
    /// The home could not be made; the account works without it.
    HomeNotMade(PathBuf, String),
    /// The shell is no plain absolute path.
    BadShell(PathBuf),
    /// The key with this position (from 1) was left out; the others were kept.
    BadKey(usize, KeyError),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameTaken(file) => write!(
                f,
                "{file} already has this name and bursar did not write it; remove or rename that entry, or adopt it"
            ),
            Self::UidTaken(name) => {
                write!(f, "the uid already belongs to the local account {name:?}; renumber that one")
            }
            Self::GidTaken(name) => write!(f, "the gid already belongs to the local group {name:?}; renumber that one"),
            Self::Twice(id) => write!(f, "the name or number already belongs to {id}; neither is ever given twice"),
            Self::OutsideRange => f.write_str("the number lies outside the managed range of node.conf"),
            Self::GidIsNotUid(gid) => write!(f, "the private group's gid {gid} differs from the uid"),
            Self::BadHome(home) => {
                write!(f, "the home {} is no plain path below a home base; correct it at the source", home.display())
            }
            Self::HomeShared(home) => {
                write!(f, "the home {} is or lies in another person's home; correct it at the source", home.display())
            }
            Self::HomeForeign(home, uid) => {
                write!(f, "{} belongs to uid {uid}; move it away or give it to the person by hand", home.display())
            }
            Self::HomeNotDirectory(path) => {
                write!(f, "{} is no directory (or a symbolic link); move it away", path.display())
            }
            Self::HomeNotMade(home, error) => {
                write!(f, "the home {} could not be made: {error}; make it where root may write", home.display())
            }
            Self::BadShell(shell) => {
                write!(f, "the shell {} is no plain absolute path; correct it at the source", shell.display())
            }
            Self::BadKey(at, error) => write!(f, "SSH key {at} was left out: it {error}"),
        }
    }
}

/// Something an administrator may want to know about an account that was brought in step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The shell wanted is not on this host, so the person has another.
    ShellMissing {
        /// The person.
        name: String,
        /// The shell wanted.
        wanted: PathBuf,
        /// The shell written.
        used: PathBuf,
    },
    /// The person is in more groups than NFS carries with AUTH_SYS.
    ManyGroups {
        /// The person.
        name: String,
        /// In how many groups, the private one included.
        count: usize,
    },
    /// Bursar wrote the account earlier and the snapshot no longer has it; it is suspended.
    Missing {
        /// The person.
        name: String,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShellMissing { name, wanted, used } => {
                write!(f, "{name}: this host lacks {}, so the shell is {}", wanted.display(), used.display())
            }
            Self::ManyGroups { name, count } => {
                write!(f, "{name}: is in {count} groups, of which NFS with AUTH_SYS carries 16")
            }
            Self::Missing { name } => write!(f, "{name}: is missing in the snapshot, so the account is suspended"),
        }
    }
}
