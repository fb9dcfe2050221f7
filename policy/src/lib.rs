//! What bursar decides, and nothing else: the vocabulary, the snapshot, and the two judges.
//!
//! * [`job::judge`] says whether a job may enter or change.
//! * [`login::judge`] says whether a person may log in.
//! * [`snapshot::Snapshot`] is all that either of them knows.
//!
//! Nothing here blocks, logs, reads a clock or touches the network; the one file that is read is the
//! snapshot, in [`snapshot::file`].
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod id;
pub mod time;

pub use id::{AccountName, Gid, GrantId, IdError, Uid, UserName};
pub use time::{Clock, Period, PeriodKind, SystemClock, Timestamp};
