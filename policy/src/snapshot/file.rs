//! The one file that this crate reads.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::decode::{DecodeError, Snapshot};

/// A snapshot larger than this is not believed.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// Why a snapshot file could not be used.
#[derive(Debug)]
pub struct ReadError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a snapshot file.
#[derive(Debug)]
pub enum Fault {
    /// It could not be opened or read.
    Io(std::io::Error),
    /// It is not a plain file.
    NotAFile,
    /// This uid owns it, and is not one of those that are trusted.
    Owner(u32),
    /// Others than its owner may write to it; the number is its mode.
    Writable(u32),
    /// It is too large.
    Size(u64),
    /// It is for another reader.
    Kind,
    /// Its content is not a snapshot.
    Content(DecodeError),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "snapshot {} ", self.path.display())?;
        match &self.fault {
            Fault::Io(cause) => write!(f, "cannot be read: {cause}"),
            Fault::NotAFile => f.write_str("is not a plain file"),
            Fault::Owner(uid) => write!(f, "belongs to uid {uid}, which is not trusted with it"),
            Fault::Writable(mode) => write!(f, "has mode {:04o}: others may write to it", mode & 0o7777),
            Fault::Size(bytes) => write!(f, "has {bytes} bytes, more than the {MOST_BYTES} it may have"),
            Fault::Kind => f.write_str("is for another reader"),
            Fault::Content(cause) => cause.fmt(f),
        }
    }
}

impl std::error::Error for ReadError {}

/// What tells one version of a file from the next without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    inode: u64,
    seconds: i64,
    nanoseconds: i64,
    bytes: u64,
}

impl Stamp {
    /// The stamp of the file at `path`; `None` when there is none.
    pub fn of(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().map(|meta| Self::from(&meta))
    }

    fn from(meta: &std::fs::Metadata) -> Self {
        Self { inode: meta.ino(), seconds: meta.mtime(), nanoseconds: meta.mtime_nsec(), bytes: meta.size() }
    }
}

/// Reads the snapshot at `path`, which one of `owners` must own and nobody else may be able to write.
///
/// The file is read into memory, never mapped: whoever cuts a mapped file short kills its readers. It is replaced by
/// rename, so one open file is one version.
pub fn read(path: &Path, owners: &[u32]) -> Result<(Snapshot, Stamp), ReadError> {
    let fault = |fault| ReadError { path: path.to_owned(), fault };
    let io = |cause| fault(Fault::Io(cause));
    let meta = std::fs::symlink_metadata(path).map_err(io)?;
    if !meta.is_file() {
        // Before opening, because opening a pipe without a writer blocks.
        return Err(fault(Fault::NotAFile));
    }
    let file = File::open(path).map_err(io)?;
    let meta = file.metadata().map_err(io)?;
    if !meta.is_file() {
        return Err(fault(Fault::NotAFile));
    }
    if !owners.contains(&meta.uid()) {
        return Err(fault(Fault::Owner(meta.uid())));
    }
    if meta.mode() & 0o022 != 0 {
        return Err(fault(Fault::Writable(meta.mode())));
    }
    if meta.size() > MOST_BYTES {
        return Err(fault(Fault::Size(meta.size())));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.size()).unwrap_or_default());
    file.take(MOST_BYTES).read_to_end(&mut bytes).map_err(io)?;
    let snapshot = Snapshot::decode(bytes).map_err(|cause| fault(Fault::Content(cause)))?;
    Ok((snapshot, Stamp::from(&meta)))
}
