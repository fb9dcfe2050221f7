//! Makes homes without ever following a symbolic link and without changing the owner of anything that was there.
//!
//! A home is filled under another name that only root can enter, and gets its owner and its name last, so an
//! interrupted pass leaves either a whole home or none.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, RenameFlags, open, openat, renameat, renameat2};
use nix::libc;
use nix::sys::stat::{FileStat, Mode, fchmod, fstat, fstatat, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, syncfs, unlinkat};

use super::error::Error;
use super::facts::HomeFound;
use super::plan::HomeToMake;
use super::refusal::{Refusal, Why};
use super::root::Root;
use super::skel::Skel;

/// How many open parent directories are kept.
const MOST_OPEN: usize = 256;
const DIRECTORY: OFlag = OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

/// The open directories in which homes lie.
#[derive(Debug)]
pub struct Parents<'r> {
    bases: &'r [PathBuf],
    open: HashMap<PathBuf, Rc<OwnedFd>>,
}

/// Why a directory of a home could not be used.
enum Obstacle {
    Kernel(Errno),
    /// A link, a file, or a directory of somebody who is neither root nor the base's owner.
    Untrusted(PathBuf),
}

impl From<Errno> for Obstacle {
    fn from(error: Errno) -> Self {
        Self::Kernel(error)
    }
}

impl<'r> Parents<'r> {
    /// No directory is open yet.
    pub fn new(bases: &'r [PathBuf]) -> Self {
        Self { bases, open: HashMap::new() }
    }

    /// What stands at the place of `home`.
    pub fn look(&mut self, home: &Path) -> HomeFound {
        let (Some(parent), Some(name)) = (home.parent(), home.file_name()) else { return HomeFound::Unknown };
        let dir = match self.directory(parent, false) {
            Ok(dir) => dir,
            Err(Obstacle::Kernel(Errno::ENOENT)) => return HomeFound::Absent,
            Err(Obstacle::Kernel(_)) => return HomeFound::Unknown,
            Err(Obstacle::Untrusted(path)) => return HomeFound::Other(path),
        };
        match fstatat(&*dir, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) if is_directory(&stat) => HomeFound::Directory(stat.st_uid),
            Ok(_) => HomeFound::Other(home.to_owned()),
            Err(Errno::ENOENT) => HomeFound::Absent,
            Err(_) => HomeFound::Unknown,
        }
    }

    /// Opens `path`, a base or a directory below one, link by link; directories below a base are made when `make`.
    fn directory(&mut self, path: &Path, make: bool) -> Result<Rc<OwnedFd>, Obstacle> {
        if let Some(dir) = self.open.get(path) {
            return Ok(Rc::clone(dir));
        }
        let dir = if self.bases.iter().any(|base| base == path) {
            // A base is the administrator's choice and may be a link.
            open(path, DIRECTORY, Mode::empty())?
        } else {
            let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
                return Err(Errno::ENOENT.into());
            };
            let above = self.directory(parent, make)?;
            if make {
                match mkdirat(&*above, name, Mode::from_bits_truncate(0o755)) {
                    Ok(()) | Err(Errno::EEXIST) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            let dir = match openat(&*above, name, DIRECTORY | OFlag::O_NOFOLLOW, Mode::empty()) {
                Err(Errno::ELOOP | Errno::ENOTDIR) => return Err(Obstacle::Untrusted(path.to_owned())),
                opened => opened?,
            };
            let (stat, above) = (fstat(&dir)?, fstat(&*above)?);
            let open_to_others = stat.st_mode & 0o022 != 0 && stat.st_mode & libc::S_ISVTX == 0;
            if (stat.st_uid != 0 && stat.st_uid != above.st_uid) || open_to_others {
                return Err(Obstacle::Untrusted(path.to_owned()));
            }
            dir
        };
        if self.open.len() >= MOST_OPEN {
            self.open.clear();
        }
        let dir = Rc::new(dir);
        self.open.insert(path.to_owned(), Rc::clone(&dir));
        Ok(dir)
    }
}

/// Makes the homes of a plan; how many were made, and who has none.
pub fn make_all(root: &Root, homes: &[HomeToMake]) -> Result<(usize, Vec<Refusal>), Error> {
    if homes.is_empty() {
        return Ok((0, Vec::new()));
    }
    let skel = Skel::read(&root.skel)?;
    let mut parents = Parents::new(&root.home_bases);
    let mut made = 0;
    let mut refusals = Vec::new();
    for home in homes {
        match make(root, &mut parents, &skel, home) {
            Ok(true) => made += 1,
            Ok(false) => {}
            Err(why) => refusals.push(Refusal { name: home.name.clone(), id: home.id, why }),
        }
    }
    let mut synced = Vec::new();
    for dir in parents.open.values() {
        let device = fstat(&**dir).map(|stat| stat.st_dev).unwrap_or_default();
        if !synced.contains(&device) {
            synced.push(device);
            syncfs(&**dir).map_err(|error| Error::write(Path::new("the homes"))(error.into()))?;
        }
    }
    Ok((made, refusals))
}

fn make(root: &Root, parents: &mut Parents<'_>, skel: &Skel, wanted: &HomeToMake) -> Result<bool, Why> {
    let home = &wanted.home;
    let not_made = |error: Errno| Why::HomeNotMade(home.clone(), error.desc().to_lowercase());
    let (Some(parent), Some(name)) = (home.parent(), home.file_name()) else { return Err(Why::BadHome(home.clone())) };
    let dir = parents.directory(parent, true).map_err(|obstacle| match obstacle {
        Obstacle::Kernel(error) => not_made(error),
        Obstacle::Untrusted(path) => Why::HomeNotDirectory(path),
    })?;
    match fstatat(&*dir, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Err(Errno::ENOENT) => {}
        Err(error) => return Err(not_made(error)),
        Ok(stat) if !is_directory(&stat) => return Err(Why::HomeNotDirectory(home.clone())),
        Ok(stat) if stat.st_uid != root.owner_of(wanted.id) => {
            return Err(Why::HomeForeign(home.clone(), stat.st_uid));
        }
        Ok(_) => return Ok(false),
    }
    let unfinished = unfinished_name(name);
    match mkdirat(&*dir, unfinished.as_os_str(), Mode::S_IRWXU) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(error) => return Err(not_made(error)),
    }
    let inside =
        openat(&*dir, unfinished.as_os_str(), DIRECTORY | OFlag::O_NOFOLLOW, Mode::empty()).map_err(not_made)?;
    let owner = fstat(&inside).map_err(not_made)?.st_uid;
    if owner == root.owner_of(0) {
        fill(root, skel, &inside, wanted.id).map_err(not_made)?;
    } else if owner != wanted.id {
        // A file server that makes root nobody; what was made a moment ago is still empty.
        let _ = unlinkat(&*dir, unfinished.as_os_str(), UnlinkatFlags::RemoveDir);
        return Err(Why::HomeForeign(home.with_file_name(unfinished), owner));
    }
    match renameat2(&*dir, unfinished.as_os_str(), &*dir, name, RenameFlags::RENAME_NOREPLACE) {
        // NFS knows no such flag; a directory never replaces anything but an empty directory.
        Err(Errno::EINVAL | Errno::ENOSYS) => renameat(&*dir, unfinished.as_os_str(), &*dir, name),
        renamed => renamed,
    }
    .map_err(not_made)?;
    Ok(true)
}

/// The owner comes last: from then on the person could reach in.
fn fill(root: &Root, skel: &Skel, dir: impl AsFd, id: u32) -> nix::Result<()> {
    let owner = root.chown.then(|| (Uid::from_raw(id), Gid::from_raw(id)));
    skel.copy_into(&dir, owner)?;
    fchmod(&dir, Mode::S_IRWXU)?;
    owner.map_or(Ok(()), |(uid, gid)| fchown(&dir, Some(uid), Some(gid)))
}

/// Homes never begin with a dot (see [`super::check::home`]), so this is nobody's home.
fn unfinished_name(name: &OsStr) -> OsString {
    let mut unfinished = OsString::from(".");
    unfinished.push(name);
    unfinished.push(".bursar-new");
    unfinished
}

fn is_directory(stat: &FileStat) -> bool {
    stat.st_mode & libc::S_IFMT == libc::S_IFDIR
}
