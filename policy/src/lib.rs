//! What bursar decides, and nothing else: the vocabulary, the snapshot, and the two judges.
//!
//! * [`job::judge`] says whether a job may enter, [`job::judge_edit`] whether it may change.
//! * [`login::judge`] says whether a person may log in.
//! * [`access::holding`] is where a grant ends, for both.
//! * [`snapshot::Snapshot`] is all that any of them knows.
//!
//! Nothing here blocks, logs or touches the network; the files that are read are the snapshot, in
//! [`snapshot::file`], and the host's few facts, in [`node_conf`].
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod access;
#[cfg(test)]
#[cfg_attr(loom, allow(dead_code, reason = "most tests have no threads"))]
mod fixture;
pub mod id;
pub mod job;
pub mod limit;
pub mod login;
pub mod node_conf;
pub mod reason;
pub mod role;
pub mod snapshot;
mod sync;
pub mod time;
pub mod tres;
pub mod window;

pub use id::{AccountName, Gid, GrantId, IdError, Uid, UserName};
pub use limit::{Line, Measure, PeriodUse, Usage};
pub use node_conf::NodeConf;
pub use reason::{Code, Reason};
pub use role::{Lifts, PersonState, Role, SubjectKind};
pub use snapshot::Snapshot;
pub use time::{Clock, Period, PeriodKind, SystemClock, Timestamp};
pub use tres::{Gpus, Prices, Resource, Tres};
