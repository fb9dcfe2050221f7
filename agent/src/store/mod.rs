//! What bursar remembers: people, groups, accounts, grants, limits, runs, logins, and who changed any of it.
//!
//! * [`model`] holds the records, [`error`] what can go wrong.
//! * [`subjects`], [`accounts`], [`grants`], [`limits`], [`logins`] and [`runs`] are each about one kind of record.
//! * [`past`] hands over the runs of a period that are over, one by one.
//! * [`ledger`] is what runs used: postings, the readings they came from, and sums by day.
//! * [`sync`] takes in what a source planned and [`refused`] what it could not, [`policy`] what `policy.toml` says.
//! * [`contents`] reads everything a snapshot is compiled from, [`generation`] numbers the snapshots.
//! * [`doors`] is what was done to partitions that windows close.
//! * [`audit`] is written by every change in the change's own transaction, [`numbers`] gives uids out once.
//!
//! One SQLite file in WAL mode. A function either does all it says or nothing.

pub mod accounts;
pub mod audit;
pub mod contents;
pub mod doors;
pub mod error;
pub mod generation;
pub mod grants;
pub mod ledger;
mod limit_kind;
pub mod limits;
pub mod logins;
pub mod model;
pub mod numbers;
mod open;
pub mod past;
pub mod policy;
pub mod refused;
mod row;
pub mod runs;
pub mod subjects;
pub mod sync;
mod word;

pub use accounts::AccountChange;
pub use audit::AuditRecord;
pub use contents::Contents;
pub use error::Error;
pub use grants::{GrantFilter, NewGrant};
pub use logins::{Login, LoginDecision};
pub use model::*;
pub use numbers::UidPool;
pub use open::Store;
pub use policy::PolicyChanges;
pub use runs::{Run, RunChanges};

#[cfg(test)]
mod tests;
