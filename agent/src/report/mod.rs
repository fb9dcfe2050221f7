//! What people and accounts used, summed up for those who pay, and how runs fared, for those who plan.
//!
//! * [`plan`] lays out the stretches of time that a report looks at, and from where they are read.
//! * [`verify`] takes apart how the ledger and slurmdbd's own sums differ.
//! * [`usage`] sums up what was read by account, person, cost centre, partition, QOS and time.
//! * [`apart`] tells runs apart, [`spread`] is the percentiles of what is told of a group.
//! * [`waits`] is how long runs waited, [`completion`] how they ended, [`peaks`] the most that they held at once.
//! * [`charges`] sums up the lines of a bill, [`corrections`] is what was charged otherwise before.

pub mod apart;
pub mod charges;
pub mod completion;
pub mod corrections;
pub mod peaks;
pub mod plan;
pub mod spread;
pub mod usage;
pub mod verify;
pub mod waits;
