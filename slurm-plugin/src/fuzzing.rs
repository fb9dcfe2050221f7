//! The plugin as the fuzzer drives it: the way of a call through [`crate::entry`] and [`crate::convert`], without slurmctld.
//!
//! Nothing here is in the library that slurmctld loads: the fuzzer's build alone sets `cfg(fuzzing)`.

use std::path::PathBuf;

use bursar_policy::job::Gate;
use bursar_policy::{NodeConf, Timestamp};

use crate::entry::{Outcome, Plugin};
pub use crate::ffi::hostile::{Description, NUMBERS, TEXTS};
use crate::ffi::{hostile, sys};

/// slurmctld's own uid, whose jobs and updates are not judged.
pub const SLURM_UID: u32 = 64_030;

/// The error numbers upon which Slurm's clients try again, so that a refusal with one of them would not be final.
pub const RETRIED: [i64; 6] = [
    -1,
    11,
    sys::ESLURM_ERROR_ON_DESC_TO_RECORD_COPY as i64,
    sys::ESLURM_NODES_BUSY as i64,
    sys::ESLURM_PORTS_BUSY as i64,
    sys::ESLURM_INTERCONNECT_BUSY as i64,
];

/// The plugin in a slurmctld that has long been running.
pub struct Subject(Plugin<Gate>);

/// What slurmctld and the user are left with.
pub struct Told {
    /// 0, or an error number.
    pub rc: i32,
    /// Our lines for the user, as Slurm passes them on.
    pub text: Option<String>,
    /// Whether anything was written into the description.
    pub is_written: bool,
}

impl Subject {
    /// A plugin that finds `controller.snap` at this path and `jobs.snap` beside it, owned by `publisher`.
    pub fn new(controller_snapshot: PathBuf, publisher: u32, started_at: Timestamp) -> Self {
        let conf = NodeConf { controller_snapshot, publisher_uid: Some(publisher), ..NodeConf::default() };
        Self(Plugin::new(Ok(conf), SLURM_UID, started_at))
    }

    /// Does the loader's work once.
    pub fn refresh(&self, now: Timestamp) {
        self.0.refresh(now);
    }

    /// A job that wants to enter.
    pub fn submit(&self, description: &mut Description, now: Timestamp) -> Told {
        let outcome = self.0.submit(&description.lent(), now);
        told(description, outcome)
    }

    /// A job that is to be changed by `editor`.
    pub fn modify(&self, description: &mut Description, editor: u32, now: Timestamp) -> Told {
        let outcome = self.0.modify(&description.lent(), editor, now);
        told(description, outcome)
    }
}

fn told(description: &mut Description, Outcome { rc, text, written }: Outcome) -> Told {
    let is_written = written != Default::default();
    description.write(&written);
    Told { rc, text: text.map(|text| hostile::told(None, &text)), is_written }
}
