//! The host's account database.

use std::ffi::{CString, c_char};
use std::io;

/// No entry is as large as this.
const MOST_BYTES: usize = 1024 * 1024;

/// The uid of `name`; `None` when the host knows no such account.
pub(crate) fn uid_of(name: &str) -> io::Result<Option<u32>> {
    let name = CString::new(name).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut space = vec![0_u8; 4 * 1024];
    loop {
        // SAFETY: a passwd is numbers and pointers, for which all zeroes is a value.
        let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
        let mut found = std::ptr::null_mut();
        // SAFETY: getpwnam_r wants a NUL-terminated name and three places to write to, of which the buffer is as long
        // as it is told; all of them live until it returns.
        let fault = unsafe {
            libc::getpwnam_r(
                name.as_ptr(),
                &raw mut entry,
                space.as_mut_ptr().cast::<c_char>(),
                space.len(),
                &raw mut found,
            )
        };
        match fault {
            0 if found.is_null() => return Ok(None),
            0 => return Ok(Some(entry.pw_uid)),
            libc::ERANGE if space.len() < MOST_BYTES => space = vec![0; space.len() * 2],
            libc::EINTR => {}
            // glibc's list of what else "not found" may be called.
            libc::ENOENT | libc::ESRCH | libc::EBADF | libc::EPERM => return Ok(None),
            fault => return Err(io::Error::from_raw_os_error(fault)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::uid_of;

    #[test]
    fn given_root_and_a_name_of_nobody_then_the_host_knows_one_of_them() {
        assert_eq!(uid_of("root").unwrap(), Some(0));
        assert_eq!(uid_of("no-such-account").unwrap(), None);
        assert!(uid_of("a\0b").is_err());
    }
}
