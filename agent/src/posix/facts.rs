//! What else of the host a plan needs to know: homes, shells and the key files that are there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsString;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use bursar_policy::time::Timestamp;
use nix::fcntl::OFlag;

use super::check;
use super::desired::{Desired, DesiredPerson};
use super::entry;
use super::error::Error;
use super::homes::Parents;
use super::refusal::Why;
use super::root::Root;

/// The shells tried where the wanted one is missing, best first; the last is written in any case.
const FALLBACKS: [&str; 2] = ["/bin/bash", "/bin/sh"];

/// The host, as far as a plan depends on it.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The day number of now.
    pub today: i64,
    /// Homes looked at; a home that is missing here is not bursar's business.
    pub homes: HashMap<PathBuf, HomeFound>,
    /// The uid that stands for a person on the host's files; the identity but in tests without root.
    pub owner_override: Option<u32>,
    /// The shells that exist and can be run.
    pub shells: HashSet<PathBuf>,
    /// The entries of the key directory; none for one that is no sound key file.
    pub keys: BTreeMap<OsString, Option<Vec<u8>>>,
}

/// What stands at a home's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HomeFound {
    /// Nothing.
    Absent,
    /// A directory of this uid.
    Directory(u32),
    /// Something else stands at this path, the home's or one above it.
    Other(PathBuf),
    /// The host cannot say or does not care.
    Unknown,
}

impl Facts {
    /// Looks at the host.
    pub fn gather(root: &Root, desired: &Desired, now: Timestamp) -> Result<Self, Error> {
        let active = || desired.people.iter().filter(|person| person.state.is_active());
        let wanted: HashSet<&Path> = active().map(|person| person.shell.as_path()).collect();
        let shells = wanted.into_iter().chain(FALLBACKS.map(Path::new)).filter(|shell| is_program(shell));
        let shells = shells.map(Path::to_owned).collect();
        let mut homes = HashMap::new();
        if root.create_homes {
            let mut parents = Parents::new(&root.home_bases);
            for person in active().filter(|person| check::home(&person.home, &root.home_bases).is_ok()) {
                homes.insert(person.home.clone(), parents.look(&person.home));
            }
        }
        Ok(Self {
            today: entry::day_of(now).max(1),
            homes,
            owner_override: (!root.chown).then(|| root.owner_of(0)),
            shells,
            keys: read_keys(&root.keys(), root.owner_of(0))?,
        })
    }

    /// What stands at the person's home, or why the person cannot have it.
    pub fn home(&self, person: &DesiredPerson) -> Result<HomeFound, Why> {
        let found = self.homes.get(&person.home).cloned().unwrap_or(HomeFound::Unknown);
        match found {
            HomeFound::Directory(owner) if owner != self.owner_override.unwrap_or(person.uid.get()) => {
                Err(Why::HomeForeign(person.home.clone(), owner))
            }
            HomeFound::Other(path) => Err(Why::HomeNotDirectory(path)),
            found => Ok(found),
        }
    }

    /// The shell itself where the host has it, else the first fallback it has.
    pub fn shell_or_fallback<'s>(&'s self, shell: &'s Path) -> &'s Path {
        if self.shells.contains(shell) {
            return shell;
        }
        let mut there = FALLBACKS.iter().map(Path::new).filter(|path| self.shells.contains(*path));
        there.next().unwrap_or(Path::new("/bin/sh"))
    }
}

fn is_program(path: &Path) -> bool {
    check::shell(path).is_ok()
        && std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 == 0o111)
}

/// Reads the key directory; a file with another owner or mode, a link or a directory counts as unsound.
fn read_keys(dir: &Path, owner: u32) -> Result<BTreeMap<OsString, Option<Vec<u8>>>, Error> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(Error::read(dir)(error)),
    };
    let mut keys = BTreeMap::new();
    for entry in entries {
        let name = entry.map_err(Error::read(dir))?.file_name();
        let content = read_key_file(&dir.join(&name), owner).ok().flatten();
        keys.insert(name, content);
    }
    Ok(keys)
}

fn read_key_file(path: &Path, owner: u32) -> std::io::Result<Option<Vec<u8>>> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let mut file = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() || meta.permissions().mode() & 0o7777 != 0o644 || meta.uid() != owner {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or_default().min(1 << 20));
    file.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
