//! What people and accounts used, summed up for those who pay.
//!
//! * [`charges`] sums up the lines of a bill.
//! * [`plan`] lays out the stretches of time that a report looks at, and from where they are read.
//! * [`usage`] sums up what was read by account, person, cost centre, partition, QOS and time.

pub mod charges;
pub mod plan;
pub mod usage;
