//! From the store to the files that decide: who holds what, laid out and published.
//!
//! * [`holdings`] resolves groups, scopes and limits to single people.
//! * [`compile`] turns everything into the contents of the three snapshots.
//! * [`queues`] are those of `policy.toml` in the judge's terms, [`windows`] likewise.
//! * [`publish`] writes them so that a reader sees the old one or the new one, never a mix.

pub mod compile;
pub mod holdings;
pub mod publish;
pub mod queues;
pub mod windows;

pub use holdings::{Holding, Holdings};
