//! Strings on either side of the border: lent by slurmctld, or made by its allocator and kept by it.
//!
//! slurmctld frees with `xfree` what its structures hold, so every string written there must come from
//! `slurm_xstrdup`, and the one it replaces must go through `slurm_xfree`.

use std::ffi::{CStr, CString, c_char};
use std::fmt;

use host::{slurm_xfree, slurm_xstrdup};

#[cfg(not(any(test, fuzzing)))]
mod host {
    use std::ffi::{c_char, c_void};

    unsafe extern "C" {
        pub(super) fn slurm_xstrdup(text: *const c_char) -> *mut c_char;
        pub(super) fn slurm_xfree(block: *mut *mut c_void);
    }
}

/// Slurm's allocator in miniature, where there is no slurmctld: every string is a `CString` of ours.
#[cfg(any(test, fuzzing))]
pub(super) mod host {
    use std::ffi::{CStr, CString, c_char, c_void};

    /// # Safety
    /// `text` is a NUL-terminated string.
    pub(in super::super) unsafe fn slurm_xstrdup(text: *const c_char) -> *mut c_char {
        // SAFETY: NUL-terminated by this function's contract.
        unsafe { CStr::from_ptr(text) }.to_owned().into_raw()
    }

    /// # Safety
    /// `block` points to a pointer made by [`slurm_xstrdup`], not given back before.
    pub(in super::super) unsafe fn slurm_xfree(block: *mut *mut c_void) {
        // SAFETY: `block` can be written to by this function's contract.
        let text = unsafe { std::mem::replace(&mut *block, std::ptr::null_mut()) };
        // SAFETY: made by `slurm_xstrdup` and given back once, by this function's contract.
        drop(unsafe { CString::from_raw(text.cast()) });
    }
}

unsafe extern "C" {
    /// libc's; a field of a megabyte must not cost a megabyte's scan.
    fn strnlen(text: *const c_char, most: usize) -> usize;
}

/// Why a field's text cannot be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadText {
    /// It is not UTF-8, so no name that bursar knows.
    NotUtf8(&'static str),
    /// It is longer than this many bytes.
    TooLong(&'static str, usize),
}

impl fmt::Display for BadText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8(field) => write!(f, "the {field} of the request is not valid UTF-8"),
            Self::TooLong(field, most) => write!(f, "the {field} of the request is longer than {most} bytes"),
        }
    }
}

/// The text at `start`, `None` for null, refused when longer than `most` bytes or not UTF-8.
///
/// # Safety
/// `start` is null or a NUL-terminated string that nobody changes or frees while `'a` lasts.
pub(crate) unsafe fn borrow<'a>(
    start: *const c_char,
    field: &'static str,
    most: usize,
) -> Result<Option<&'a str>, BadText> {
    // SAFETY: by this function's contract.
    let bytes = unsafe { borrow_bytes(start, field, most) }?;
    bytes.map(std::str::from_utf8).transpose().map_err(|_| BadText::NotUtf8(field))
}

/// The bytes at `start`, `None` for null, refused when there are more than `most`.
///
/// # Safety
/// As for [`borrow`].
pub(crate) unsafe fn borrow_bytes<'a>(
    start: *const c_char,
    field: &'static str,
    most: usize,
) -> Result<Option<&'a [u8]>, BadText> {
    if start.is_null() {
        return Ok(None);
    }
    // SAFETY: not null, and NUL-terminated by this function's contract; strnlen stops at the NUL or sooner.
    let length = unsafe { strnlen(start, most.saturating_add(1)) };
    if length > most {
        return Err(BadText::TooLong(field, most));
    }
    // SAFETY: strnlen found `length` bytes before the NUL, and they stay as they are while `'a` lasts.
    Ok(Some(unsafe { std::slice::from_raw_parts(start.cast::<u8>(), length) }))
}

/// Puts a copy of `text` into `slot`, made by Slurm's allocator, and frees what was there.
///
/// # Safety
/// `slot` holds null or a string from Slurm's allocator that nobody else refers to.
pub(crate) unsafe fn replace(slot: &mut *mut c_char, text: &str) {
    let copy = CString::new(printable(text)).unwrap_or_default();
    // SAFETY: `copy` is NUL-terminated and lives until the end of this function; slurm_xstrdup copies it.
    let fresh = unsafe { slurm_xstrdup(copy.as_ptr()) };
    let mut old = std::mem::replace(slot, fresh).cast::<std::ffi::c_void>();
    if !old.is_null() {
        // SAFETY: `old` came from Slurm's allocator and, just taken out of `slot`, has no other owner.
        unsafe { slurm_xfree(&raw mut old) };
    }
}

/// Adds `text` to the message for the user; another plugin may already have put lines there.
///
/// # Safety
/// `slot` is null or points to null or to a string from Slurm's allocator that nobody else refers to.
pub(crate) unsafe fn tell(slot: *mut *mut c_char, text: &str) {
    // SAFETY: null or valid and unshared by this function's contract.
    let Some(slot) = (unsafe { slot.as_mut() }) else { return };
    let earlier = if slot.is_null() {
        String::new()
    } else {
        // SAFETY: not null, so a NUL-terminated string of Slurm's by this function's contract.
        let earlier = unsafe { CStr::from_ptr(*slot) };
        format!("{}\n", earlier.to_string_lossy().trim_end_matches('\n'))
    };
    // SAFETY: what the slot holds is Slurm's and unshared by this function's contract.
    unsafe { replace(slot, &(earlier + text)) };
}

/// `text` with everything taken out that a terminal or a log might obey; line ends stay.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Takes the text out of a slot, freeing it.
    pub(crate) fn take(slot: &mut *mut c_char) -> Option<String> {
        if slot.is_null() {
            return None;
        }
        let text = std::mem::replace(slot, std::ptr::null_mut());
        // SAFETY: every slot of the tests is filled by `slurm_xstrdup` above.
        Some(unsafe { CString::from_raw(text) }.into_string().unwrap())
    }

    #[test]
    fn miri_given_an_earlier_message_then_ours_follows_on_its_own_line() {
        let mut slot = std::ptr::null_mut();
        // SAFETY: the slot is null or holds a string of the fake allocator.
        unsafe { tell(&raw mut slot, "first\x1b[2J\0") };
        // SAFETY: as above.
        unsafe { tell(&raw mut slot, "second") };
        assert_eq!(take(&mut slot).as_deref(), Some("first[2J\nsecond"));
        // SAFETY: null is allowed.
        unsafe { tell(std::ptr::null_mut(), "nowhere") };
    }

    #[test]
    fn miri_given_bytes_that_are_no_text_then_they_are_refused_and_never_repaired() {
        for (bytes, expected) in [
            (c"physics".to_bytes_with_nul(), Ok(Some("physics"))),
            (b"phys\xffics\0", Err(BadText::NotUtf8("account"))),
            (b"123456789\0", Err(BadText::TooLong("account", 8))),
        ] {
            // SAFETY: a literal with its NUL.
            assert_eq!(unsafe { borrow(bytes.as_ptr().cast(), "account", 8) }, expected);
        }
        // SAFETY: null is allowed.
        assert_eq!(unsafe { borrow(std::ptr::null(), "account", 8) }, Ok(None));
    }
}
