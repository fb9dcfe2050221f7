//! Publishes snapshots: written aside, synced, renamed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use bursar_policy::snapshot::{Contents, EncodeError, encode};

/// Why a snapshot was not published; the one before stays in force.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// It cannot be laid out.
    #[error("cannot lay out snapshot {}", path.display())]
    Encode {
        /// The file it would have become.
        path: PathBuf,
        /// Why not.
        #[source]
        source: EncodeError,
    },
    /// It cannot be written.
    #[error("cannot write snapshot {}; check that its folder belongs to bursar's user and has room", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Lays `contents` out and puts them in place of the file at `path`, readable by owner and group.
pub fn publish(path: &Path, contents: &Contents) -> Result<Vec<u8>, PublishError> {
    let bytes = encode(contents).map_err(|source| PublishError::Encode { path: path.to_owned(), source })?;
    replace(path, &bytes, 0o640).map_err(|source| PublishError::Write { path: path.to_owned(), source })?;
    Ok(bytes)
}

/// Replaces the file at `path`: a reader sees the old bytes or the new, and after a crash one of both is there whole.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let aside = path.with_extension("new");
    // A rest of an interrupted write may have another owner or mode.
    match fs::remove_file(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&aside, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
