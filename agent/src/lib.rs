//! The parts of bursar that talk to the world: sources, store, accounts, Slurm, reports.
//!
//! Read [`daemon`] first: its loop is the story, every other module is one sentence of it.
#![forbid(unsafe_code)]

pub mod accounting;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod import;
pub mod node;
pub mod posix;
pub mod rates;
pub mod report;
pub mod slurm;
pub mod snapshot;
pub mod source;
pub mod storage;
pub mod store;
pub mod window;
pub mod wire;
