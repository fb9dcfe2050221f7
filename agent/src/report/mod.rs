//! What people and accounts used, summed up for those who pay.
//!
//! * [`usage`] sums up CPU time by account and person over a period.

pub mod usage;
