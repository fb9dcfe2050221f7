//! `bursard`: loops of plan, then apply, and answers to those who ask.
//!
//! * [`run`](mod@run) starts everything and ends it.
//! * [`people`] follows sources and policy into the store, onto hosts and, through [`associations`] and [`queues`], into
//!   Slurm.
//! * [`native`] and [`backstop`] say which limits slurmctld itself shall hold: what is at once, and what is left;
//!   [`conf`] says what its configuration lacks.
//! * [`usage`] follows jobs and runs into the snapshot that the plugin decides from.
//! * [`doors`] takes partitions out of service outside their windows, [`moves`] puts waiting jobs into them.
//! * [`storage`] reads what people and accounts store, for the same snapshot.
//! * [`logins`] keeps what PAM modules tell.
//! * [`answer`] is what it says to the command line.
//! * [`site`] is what the tasks share, [`bills`] the last months that were priced; [`describe`] puts a pass into words.

pub mod answer;
pub mod associations;
pub mod backstop;
pub mod bills;
pub mod conf;
pub mod describe;
pub mod doors;
pub mod logins;
pub mod moves;
pub mod native;
pub mod people;
pub mod queues;
pub mod run;
pub mod site;
pub mod storage;
pub mod usage;

pub use answer::Answers;
pub use site::{Site, View};
