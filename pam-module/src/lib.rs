//! `pam_bursar.so`: authorises every login from the host's own snapshot.
//!
//! The account phase is the one that every SSH login passes, whatever the key or password; it decides. The session
//! phase writes down. Nothing here asks a daemon or the network, so nothing can keep a login waiting.
//!
//! * [`phase`] is the story of a call, [`decide`] the decision, [`record`] what is written down of it.
//! * [`ffi`] is the border; outside of it only the exports below are unsafe.
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod args;
mod code;
mod decide;
mod ffi;
mod key;
mod name;
mod phase;
mod record;

use std::ffi::{c_char, c_int};

use crate::code::{PAM_IGNORE, PAM_SYSTEM_ERR};
use crate::ffi::guard::guard;
use crate::ffi::handle::{self, Handle, Level, PamHandle};

/// Says whether the user may come in.
///
/// # Safety
/// As libpam calls it: a valid handle, and `argc` strings in `argv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pam_sm_acct_mgmt(
    pamh: *mut PamHandle,
    flags: c_int,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    // SAFETY: passed on as it came; `phase::account` runs while the call does.
    unsafe { enter(pamh, argc, argv, PAM_SYSTEM_ERR, |handle, words| phase::account(handle, flags, words)) }
}

/// Writes down that a session begins. Even a panic does not make it fail, because that would refuse the login.
///
/// # Safety
/// As [`pam_sm_acct_mgmt`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pam_sm_open_session(
    pamh: *mut PamHandle,
    _flags: c_int,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    // SAFETY: passed on as it came; `phase::session` runs while the call does.
    unsafe { enter(pamh, argc, argv, PAM_IGNORE, phase::session) }
}

macro_rules! ignored {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $(
            $(#[$doc])*
            #[unsafe(no_mangle)]
            pub extern "C" fn $name(
                _pamh: *mut PamHandle,
                _flags: c_int,
                _argc: c_int,
                _argv: *const *const c_char,
            ) -> c_int {
                PAM_IGNORE
            }
        )*
    };
}

// libpam refuses a phase whose function is missing, so all six are there.
ignored! {
    /// Leaves authentication to others.
    pam_sm_authenticate;
    /// Leaves credentials to others.
    pam_sm_setcred;
    /// The end of a session is seen by bursard, not here: this call is not made when sshd dies.
    pam_sm_close_session;
    /// Leaves passwords to others.
    pam_sm_chauthtok;
}

/// Runs one phase behind the guard; `broken` is answered when it panics.
///
/// # Safety
/// `pamh` is null or a valid handle, and `argv` holds `argc` strings, all of them for as long as this call lasts.
unsafe fn enter(
    pamh: *mut PamHandle,
    argc: c_int,
    argv: *const *const c_char,
    broken: c_int,
    phase: impl FnOnce(&Handle, &[&[u8]]) -> c_int,
) -> c_int {
    if pamh.is_null() {
        return PAM_SYSTEM_ERR;
    }
    // SAFETY: valid for this call, and the value does not outlive it.
    let handle = unsafe { Handle::new(pamh) };
    guard(
        || {
            // SAFETY: libpam's arguments, for this call.
            let words = unsafe { handle::words(argc, argv) };
            phase(&handle, &words)
        },
        |place| {
            handle.log(Level::Critical, &format!("internal error at {place}; please report it"));
            broken
        },
    )
}
