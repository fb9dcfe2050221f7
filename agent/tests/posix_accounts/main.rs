//! The local accounts, on whole hosts in a directory each: real files, real owners, the distribution's own checkers.
//!
//! The numbers in test names are the hard cases of the identity and PAM reference.

mod accounts;
mod cases;
mod foreign;
mod homes;
mod host;
mod plans;
mod speed;
mod sshd;
