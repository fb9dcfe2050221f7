//! Reads a place by the kernel's quota of the file system that is mounted there.
//!
//! The system call wants the block device, and `CAP_SYS_ADMIN` for the usage of others: bursard has that only where a
//! site installs the drop-in for it (`packaging/systemd/bursard-quota.conf`).

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::quota::{QuotaType, quotactl_get};

use super::reading::{Stored, Usages};

/// The unit of a quota's limits.
const BLOCK: u64 = 1_024;
/// Where the kernel lists what is mounted for this process.
const MOUNTS: &str = "/proc/self/mountinfo";

/// Why a quota gave no reading.
#[derive(Debug, thiserror::Error)]
pub enum QuotaError {
    /// The kernel's list of mounts cannot be read.
    #[error("cannot read {MOUNTS}; check that /proc is mounted")]
    Mounts(#[source] std::io::Error),
    /// Nothing with a device is mounted there.
    #[error("no block device is mounted at {}; correct path, or read the place by a command", .0.display())]
    NotMounted(PathBuf),
    /// The system call failed.
    #[error("cannot read the quota of {what} on {}: {}", device.display(), remedy(*errno))]
    Call {
        /// Whose.
        what: String,
        /// The device.
        device: PathBuf,
        /// What the kernel said.
        errno: Errno,
    },
}

fn remedy(errno: Errno) -> String {
    let remedy = match errno {
        Errno::EPERM | Errno::EACCES | Errno::ENOENT => {
            "bursard may not; install packaging/systemd/bursard-quota.conf as a drop-in, or read the place by a command"
        }
        Errno::ESRCH => "it is not turned on; mount the file system with usrquota and, for accounts, grpquota",
        Errno::ENOSYS | Errno::ENODEV | Errno::ENOTBLK | Errno::EOPNOTSUPP => {
            "it has no such quota; read the place by a command"
        }
        _ => "see the kernel's log",
    };
    format!("{remedy} ({errno})")
}

/// Reads what `people` (by uid) and `accounts` (by gid) store on the file system mounted at `path`.
pub fn read(
    path: &Path,
    people: &BTreeMap<String, u32>,
    accounts: &BTreeMap<String, u32>,
) -> Result<Usages, QuotaError> {
    let mounts = std::fs::read(MOUNTS).map_err(QuotaError::Mounts)?;
    let device = device_at(&mounts, path).ok_or_else(|| QuotaError::NotMounted(path.to_owned()))?;
    let all = |kind: QuotaType, word: &str, owners: &BTreeMap<String, u32>| {
        let one = |(name, id): (&String, &u32)| Ok((name.clone(), stored(&device, kind, word, name, *id)?));
        owners.iter().map(one).collect::<Result<BTreeMap<_, _>, _>>()
    };
    Ok(Usages {
        people: all(QuotaType::USRQUOTA, "user", people)?,
        accounts: all(QuotaType::GRPQUOTA, "account", accounts)?,
    })
}

fn stored(device: &Path, kind: QuotaType, word: &str, name: &str, id: u32) -> Result<Stored, QuotaError> {
    let fails = |errno| QuotaError::Call { what: format!("{word} {name}"), device: device.to_owned(), errno };
    let id = i32::try_from(id).map_err(|_| fails(Errno::EINVAL))?;
    match quotactl_get(kind, device, id) {
        Ok(quota) => Ok(of_quota(quota.occupied_space(), quota.blocks_soft_limit())),
        // XFS has no record of somebody who never stored anything; a device that is gone says the same.
        Err(Errno::ENOENT) if device.exists() => Ok(Stored { used: 0, limit: None }),
        Err(errno) => Err(fails(errno)),
    }
}

/// Bytes stored, and a soft limit in blocks; no limit is written as 0.
fn of_quota(bytes: Option<u64>, blocks: Option<u64>) -> Stored {
    let limit = blocks.filter(|blocks| *blocks > 0).map(|blocks| blocks.saturating_mul(BLOCK));
    Stored { used: bytes.unwrap_or(0), limit }
}

/// The device of the file system mounted at `path`: the last with a device, as something may lie over it for us alone.
fn device_at(mounts: &[u8], path: &Path) -> Option<PathBuf> {
    let device = |line: &[u8]| {
        let mut fields = line.split(|byte| *byte == b' ');
        let mounted = fields.nth(4)?;
        let source = fields.skip_while(|field| *field != b"-").nth(2)?;
        let here = unescaped(mounted) == path.as_os_str().as_bytes() && source.starts_with(b"/");
        here.then(|| PathBuf::from(std::ffi::OsStr::from_bytes(&unescaped(source))))
    };
    mounts.split(|byte| *byte == b'\n').filter_map(device).next_back()
}

/// The kernel writes blanks and backslashes of a path as three octal digits.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..3).filter(|_| *first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                plain.push(byte);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &[u8] = b"22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
        23 22 0:5 / /proc rw - proc proc rw\n\
        30 22 8:1 / /my\\040home rw,nosuid shared:1 master:2 - xfs /dev/sd\\134x rw,usrquota\n\
        31 22 0:9 / /my\\040home ro - tmpfs tmpfs ro\n\
        32 22 8:2 / /home rw - ext4 /dev/sdb1 rw\n\
        33 22 8:3 / /home rw - ext4 /dev/sdc1 rw\nbroken\n32 22\n";

    #[test]
    fn given_mounts_then_the_device_is_the_last_one_there() {
        let at = |path: &str| device_at(INFO, Path::new(path));
        assert_eq!(at("/"), Some(PathBuf::from("/dev/vda")));
        assert_eq!(at("/home"), Some(PathBuf::from("/dev/sdc1")));
        assert_eq!(at("/my home"), Some(PathBuf::from("/dev/sd\\x")), "what lies over it for us alone has none");
        assert_eq!((at("/proc"), at("/scratch")), (None, None));
    }

    proptest::proptest! {
        #[test]
        fn given_any_list_of_mounts_then_nothing_panics(text in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..512)) {
            let _ = device_at(&text, Path::new("/"));
            proptest::prop_assert!(unescaped(&text).len() <= text.len());
        }
    }

    #[test]
    fn given_a_quota_then_its_soft_limit_is_in_bytes_and_0_is_none() {
        assert_eq!(of_quota(Some(7), Some(0)), Stored { used: 7, limit: None });
        assert_eq!(of_quota(Some(7), Some(3)), Stored { used: 7, limit: Some(3_072) });
        assert_eq!(of_quota(None, Some(u64::MAX)), Stored { used: 0, limit: Some(u64::MAX) });
    }

    #[test]
    fn given_a_real_file_system_without_quota_then_the_kernels_no_is_told_with_what_to_do() {
        let people = BTreeMap::from([("ana".to_owned(), 65_541)]);
        let none = BTreeMap::new();
        let error = read(Path::new("/proc"), &people, &none).unwrap_err();
        assert!(error.to_string().starts_with("no block device is mounted at /proc; correct path"), "{error}");
        // Whatever / is here: asked of the kernel, not of a model of it.
        match read(Path::new("/"), &people, &none) {
            Ok(usages) => assert_eq!(usages.people.len(), 1),
            Err(QuotaError::NotMounted(path)) => assert_eq!(path, Path::new("/")),
            Err(error) => {
                let text = error.to_string();
                assert!(text.starts_with("cannot read the quota of user ana on /dev/"), "{text}");
                assert!(text.contains("; "), "{text} has a remedy");
            }
        }
        assert!(
            read(Path::new("/"), &none, &none).is_ok_and(|usages| usages == Usages::default())
                || device_of_root().is_none()
        );
    }

    fn device_of_root() -> Option<PathBuf> {
        device_at(&std::fs::read(MOUNTS).unwrap(), Path::new("/"))
    }
}
