//! The PAM transaction that libpam passes to every call.

use std::ffi::{CStr, CString, c_char, c_int, c_void};

use crate::code::{PAM_RHOST, PAM_SERVICE, PAM_SUCCESS, PAM_TTY, PAM_USER};

/// libpam's own structure; its inside is its own.
#[repr(C)]
pub struct PamHandle {
    _opaque: [u8; 0],
}

#[link(name = "pam")]
unsafe extern "C" {
    fn pam_get_item(handle: *const PamHandle, item: c_int, value: *mut *const c_void) -> c_int;
    fn pam_getenv(handle: *mut PamHandle, name: *const c_char) -> *const c_char;
    fn pam_get_data(handle: *const PamHandle, name: *const c_char, data: *mut *const c_void) -> c_int;
    fn pam_set_data(
        handle: *mut PamHandle,
        name: *const c_char,
        data: *mut c_void,
        cleanup: Option<unsafe extern "C" fn(*mut PamHandle, *mut c_void, c_int)>,
    ) -> c_int;
    fn pam_prompt(
        handle: *mut PamHandle,
        style: c_int,
        response: *mut *mut c_char,
        format: *const c_char,
        ...
    ) -> c_int;
    fn pam_syslog(handle: *const PamHandle, priority: c_int, format: *const c_char, ...);
}

/// How important a line of the log is; syslog's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Level {
    /// This module is broken.
    Critical = 2,
    /// Somebody must act.
    Error = 3,
    /// Somebody tries something odd.
    Warning = 4,
    /// A refusal.
    Notice = 5,
    /// A permission.
    Info = 6,
    /// None of this module's business.
    Debug = 7,
}

/// A transaction, lent for one call.
pub(crate) struct Handle {
    raw: *mut PamHandle,
}

impl Handle {
    /// Takes what libpam passed.
    ///
    /// # Safety
    /// `raw` is the handle of a transaction that lasts longer than the value returned.
    pub(crate) unsafe fn new(raw: *mut PamHandle) -> Self {
        Self { raw }
    }

    /// The user's name, byte for byte. Never asks for one.
    pub(crate) fn user(&self) -> Option<Vec<u8>> {
        self.item(PAM_USER)
    }

    /// The name of the service that asks.
    pub(crate) fn service(&self) -> String {
        self.text(PAM_SERVICE).unwrap_or_default()
    }

    /// The host that somebody comes from.
    pub(crate) fn rhost(&self) -> Option<String> {
        self.text(PAM_RHOST)
    }

    /// The terminal.
    pub(crate) fn tty(&self) -> Option<String> {
        self.text(PAM_TTY)
    }

    fn text(&self, item: c_int) -> Option<String> {
        self.item(item).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).filter(|text| !text.is_empty())
    }

    fn item(&self, item: c_int) -> Option<Vec<u8>> {
        let mut value = std::ptr::null();
        // SAFETY: the handle is valid for `self`'s life, and pam_get_item writes one pointer.
        let code = unsafe { pam_get_item(self.raw, item, &raw mut value) };
        if code != PAM_SUCCESS || value.is_null() {
            return None;
        }
        // SAFETY: every item asked for here is a NUL-terminated string of libpam's that nothing changes meanwhile.
        Some(unsafe { CStr::from_ptr(value.cast()) }.to_bytes().to_vec())
    }

    /// A variable of the PAM environment, which is not the process's.
    pub(crate) fn env(&self, name: &CStr) -> Option<String> {
        // SAFETY: the handle is valid and the name NUL-terminated.
        let value = unsafe { pam_getenv(self.raw, name.as_ptr()) };
        if value.is_null() {
            return None;
        }
        // SAFETY: pam_getenv returned a NUL-terminated string that libpam keeps.
        Some(unsafe { CStr::from_ptr(value) }.to_string_lossy().into_owned())
    }

    /// Says one line to the user; whether anybody listens does not matter.
    pub(crate) fn say(&self, style: c_int, line: &str) {
        let line = CString::new(line).unwrap_or_default();
        // SAFETY: one `%s` and one NUL-terminated string for it; without a place for a response libpam frees it.
        unsafe { pam_prompt(self.raw, style, std::ptr::null_mut(), c"%s".as_ptr(), line.as_ptr()) };
    }

    /// Writes one line to the system's log, under the module's and service's name.
    pub(crate) fn log(&self, level: Level, line: &str) {
        let line = CString::new(line).unwrap_or_default();
        // SAFETY: one `%s` and one NUL-terminated string for it.
        unsafe { pam_syslog(self.raw, level as c_int, c"%s".as_ptr(), line.as_ptr()) };
    }

    /// Whether this is the first time in this transaction that `mark` is asked for.
    pub(crate) fn is_first(&self, mark: &str) -> bool {
        static MARKED: u8 = 1;
        let mark = CString::new(mark).unwrap_or_default();
        let mut found = std::ptr::null();
        // SAFETY: the handle is valid, the name NUL-terminated, and pam_get_data writes one pointer.
        if unsafe { pam_get_data(self.raw, mark.as_ptr(), &raw mut found) } == PAM_SUCCESS {
            return false;
        }
        let data = (&raw const MARKED).cast_mut().cast::<c_void>();
        // SAFETY: libpam copies the name and keeps the pointer, which nobody reads or writes through and which, for
        // want of a cleanup function, libpam just drops.
        unsafe { pam_set_data(self.raw, mark.as_ptr(), data, None) };
        true
    }
}

/// The words of a configuration line.
///
/// # Safety
/// `argv` is null or points to `argc` NUL-terminated strings that stay as they are while `'a` lasts.
pub(crate) unsafe fn words<'a>(argc: c_int, argv: *const *const c_char) -> Vec<&'a [u8]> {
    let count = usize::try_from(argc).unwrap_or_default();
    if argv.is_null() || count == 0 {
        return Vec::new();
    }
    // SAFETY: `argv` points to `argc` pointers by this function's contract.
    let words = unsafe { std::slice::from_raw_parts(argv, count) };
    words
        .iter()
        .filter(|word| !word.is_null())
        // SAFETY: not null, so a NUL-terminated string for `'a` by this function's contract.
        .map(|&word| unsafe { CStr::from_ptr(word) }.to_bytes())
        .collect()
}
