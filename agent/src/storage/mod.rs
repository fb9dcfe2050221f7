//! Storage: who stores how much at which place, and who is over their allocation.
//!
//! * [`quota`] reads a place by the quota system call, [`command`] by a command of the site; [`format`](mod@format) is
//!   what that prints.
//! * [`reading`] is what came of it and how long it counts; [`over`] holds it against the allocations of `policy.toml`;
//!   [`kept`] keeps it over a restart.

pub mod command;
pub mod format;
pub mod kept;
pub mod over;
pub mod quota;
pub mod reading;

pub use reading::{Place, Places, Reading, Standing, Stored, Usages};
