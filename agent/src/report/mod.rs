//! What people and accounts used, summed up for those who pay.
//!
//! * [`plan`] lays out the stretches of time that a report looks at, and from where they are read.
//! * [`verify`] takes apart how the ledger and slurmdbd's own sums differ.
//! * [`usage`] sums up what was read by account, person, cost centre, partition, QOS and time.

pub mod plan;
pub mod usage;
pub mod verify;
