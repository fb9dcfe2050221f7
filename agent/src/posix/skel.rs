//! What a new home is filled with, read once for all homes of a pass.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, fchmod, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, fchownat, symlinkat, unlinkat};

use super::error::Error;

/// The most bytes of all files together, so that a mistaken skeleton does not fill the file server.
const MOST_BYTES: usize = 16 << 20;

/// The files of the skeleton directory.
#[derive(Debug, Default)]
pub struct Skel {
    items: Vec<Item>,
}

#[derive(Debug)]
struct Item {
    name: OsString,
    mode: u32,
    kind: ItemKind,
}

#[derive(Debug)]
enum ItemKind {
    File(Vec<u8>),
    Directory(Vec<Item>),
    Link(PathBuf),
}

/// Who gets the files; none where owners cannot be set.
pub type Owner = Option<(Uid, Gid)>;

impl Skel {
    /// Reads the directory; a missing one is an empty skeleton. Sockets, pipes and devices are left out.
    pub fn read(dir: &Path) -> Result<Self, Error> {
        let mut room = MOST_BYTES;
        match dir.symlink_metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            _ => read_items(dir, &mut room).map(|items| Self { items }),
        }
    }

    /// Copies the skeleton into a directory that nobody but this process can reach yet.
    pub fn copy_into(&self, dir: impl AsFd, owner: Owner) -> nix::Result<()> {
        copy_items(&self.items, dir, owner)
    }
}

fn read_items(dir: &Path, room: &mut usize) -> Result<Vec<Item>, Error> {
    let mut items = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(Error::read(dir))? {
        let entry = entry.map_err(Error::read(dir))?;
        let path = entry.path();
        let meta = entry.metadata().map_err(Error::read(&path))?;
        let kind = if meta.is_dir() {
            ItemKind::Directory(read_items(&path, room)?)
        } else if meta.is_symlink() {
            ItemKind::Link(std::fs::read_link(&path).map_err(Error::read(&path))?)
        } else if meta.is_file() {
            let bytes = std::fs::read(&path).map_err(Error::read(&path))?;
            *room = room
                .checked_sub(bytes.len())
                .ok_or_else(|| Error::read(dir)(std::io::Error::other("the skeleton has more than 16 MB")))?;
            ItemKind::File(bytes)
        } else {
            continue;
        };
        items.push(Item { name: entry.file_name(), mode: meta.permissions().mode() & 0o777, kind });
    }
    items.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(items)
}

fn copy_items(items: &[Item], dir: impl AsFd, owner: Owner) -> nix::Result<()> {
    let dir = dir.as_fd();
    for item in items {
        let name = item.name.as_os_str();
        let mode = Mode::from_bits_truncate(item.mode);
        let set = |fd: &dyn AsFd| -> nix::Result<()> {
            fchmod(fd.as_fd(), mode)?;
            owner.map_or(Ok(()), |(uid, gid)| fchown(fd.as_fd(), Some(uid), Some(gid)))
        };
        match &item.kind {
            ItemKind::File(bytes) => {
                let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
                let make = || openat(dir, name, flags, Mode::S_IRUSR | Mode::S_IWUSR);
                let mut file = std::fs::File::from(over_leftover(dir, name, make)?);
                file.write_all(bytes).map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or_default()))?;
                set(&file)?;
            }
            ItemKind::Directory(inner) => {
                match mkdirat(dir, name, Mode::S_IRWXU) {
                    Ok(()) | Err(Errno::EEXIST) => {}
                    Err(error) => return Err(error),
                }
                let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
                let made = openat(dir, name, flags, Mode::empty())?;
                copy_items(inner, &made, owner)?;
                set(&made)?;
            }
            ItemKind::Link(target) => {
                over_leftover(dir, name, || symlinkat(target.as_path(), dir, name))?;
                if let Some((uid, gid)) = owner {
                    fchownat(dir, name, Some(uid), Some(gid), AtFlags::AT_SYMLINK_NOFOLLOW)?;
                }
            }
        }
    }
    Ok(())
}

/// Makes a file anew where an interrupted pass left it half written.
fn over_leftover<T>(dir: impl AsFd, name: &OsStr, make: impl Fn() -> nix::Result<T>) -> nix::Result<T> {
    match make() {
        Err(Errno::EEXIST) => {
            unlinkat(dir, name, UnlinkatFlags::NoRemoveDir)?;
            make()
        }
        made => made,
    }
}
