//! The border to libpam and libc: everything unsafe but the exports is in here.
//!
//! * [`handle`] is the transaction that libpam passes; [`guard`] lets no panic out into it.
//! * [`passwd`] asks the host's account database.

pub(crate) mod guard;
pub(crate) mod handle;
pub(crate) mod passwd;
