//! Writes and withdraws the key files that sshd reads from `keys/NAME`.
//!
//! Every entry of the directory grants a login, so whatever the plan does not know is removed. A pass writes all new
//! files under other names, makes them last with one sync, and renames them: a file is never seen half written.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use nix::unistd::syncfs;

use super::error::Error;
use super::install::sync_directory;

/// Makes a directory that everybody may enter and only this program may change, or makes sure that it is one.
pub fn ensure_directory(path: &Path, owner: u32) -> Result<(), Error> {
    match DirBuilder::new().mode(0o755).create(path) {
        // The umask of whoever started us must not lock sshd out.
        Ok(()) => std::fs::set_permissions(path, Permissions::from_mode(0o755)).map_err(Error::write(path)),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let meta = path.symlink_metadata().map_err(Error::read(path))?;
            let ours = meta.is_dir() && meta.uid() == owner && meta.permissions().mode() & 0o022 == 0;
            if ours { Ok(()) } else { Err(Error::Exposed { path: path.to_owned() }) }
        }
        Err(error) => Err(Error::write(path)(error)),
    }
}

/// Removes entries of the key directory.
pub fn remove(dir: &Path, names: &[OsString]) -> Result<(), Error> {
    for name in names {
        let path = dir.join(name);
        let removed = match path.symlink_metadata() {
            Ok(meta) if meta.is_dir() => std::fs::remove_dir_all(&path),
            _ => std::fs::remove_file(&path),
        };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::write(&path)(error)),
            _ => {}
        }
    }
    if names.is_empty() { Ok(()) } else { sync_directory(dir) }
}

/// Writes key files by login name.
pub fn write(dir: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<(), Error> {
    if files.is_empty() {
        return Ok(());
    }
    // Login names have no dot, so this is nobody's file; the next pass clears away what an interrupted one left.
    let next = |name: &str| dir.join(format!(".{name}+"));
    for (name, text) in files {
        let path = next(name);
        write_one(&path, text).map_err(Error::write(&path))?;
    }
    let opened = File::open(dir).map_err(Error::write(dir))?;
    syncfs(&opened).map_err(|error| Error::write(dir)(error.into()))?;
    for name in files.keys() {
        let path = dir.join(name);
        // A directory of that name would stand in the way of the rename.
        if path.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
            std::fs::remove_dir_all(&path).map_err(Error::write(&path))?;
        }
        std::fs::rename(next(name), &path).map_err(Error::write(&path))?;
    }
    sync_directory(dir)
}

fn write_one(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let make = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = match make() {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            std::fs::remove_file(path)?;
            make()?
        }
        made => made?,
    };
    file.write_all(text)?;
    file.set_permissions(Permissions::from_mode(0o644))
}
