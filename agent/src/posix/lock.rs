//! Write locks on files, with a deadline of our own.
//!
//! The account files are guarded by an fcntl lock on `/etc/.pwd.lock`, which shadow-utils, systemd and others honour.
//! glibc's `lckpwdf` takes it with SIGALRM, which is unsafe beside other threads, so it is taken here directly, as an
//! open-file-description lock: that excludes fcntl locks of other programs and other threads of this one alike.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;

use super::error::Error;

/// How long to wait between two tries; nothing can wake us when another program lets go.
const PAUSE: Duration = Duration::from_millis(20);

/// A held lock; dropping it lets go.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Locks `path`, which is made when missing, or gives up after `wait`.
    pub fn acquire(path: &Path, wait: Duration) -> Result<Self, Error> {
        let lock_error = |source: std::io::Error| Error::Lock { path: path.to_owned(), source };
        let flags = OFlag::O_NOFOLLOW.bits();
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).mode(0o600).custom_flags(flags).open(path);
        let file = file.map_err(lock_error)?;
        let whole = libc::flock {
            l_type: libc::F_WRLCK as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: 0,
            l_len: 0,
            l_pid: 0,
        };
        let deadline = Instant::now() + wait;
        loop {
            match fcntl(&file, FcntlArg::F_OFD_SETLK(&whole)) {
                Ok(_) => return Ok(Self { _file: file }),
                Err(Errno::EAGAIN | Errno::EACCES) if Instant::now() < deadline => std::thread::sleep(PAUSE),
                Err(Errno::EAGAIN | Errno::EACCES) => {
                    return Err(Error::Locked { path: path.to_owned(), seconds: wait.as_secs() });
                }
                Err(Errno::EINTR) => {}
                Err(error) => return Err(lock_error(error.into())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_held_lock_then_a_second_one_gives_up_at_its_deadline_and_gets_it_once_let_go() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".pwd.lock");
        let held = FileLock::acquire(&path, Duration::ZERO).unwrap();
        let second = FileLock::acquire(&path, Duration::from_millis(50));
        assert!(matches!(second, Err(Error::Locked { .. })), "{second:?}");
        drop(held);
        assert!(FileLock::acquire(&path, Duration::ZERO).is_ok());
    }
}
