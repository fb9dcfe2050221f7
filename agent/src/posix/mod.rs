//! Brings the local accounts of a host in step with the snapshot: what `bursar-node` does as root.
//!
//! Read [`step::bring_in_step`] first. Deciding is pure ([`plan`](mod@plan), [`groups`], [`entry`], [`check`],
//! [`keys`]); reading the host is [`facts`], writing it is [`install`], [`homes`] and [`key_files`]. A line, a home
//! or a name that somebody else made is never taken over: it is a [`refusal`] of that one person.

pub mod check;
pub mod desired;
pub mod entry;
pub mod error;
pub mod facts;
pub mod groups;
pub mod homes;
pub mod install;
pub mod key_files;
pub mod keys;
pub mod ledger;
pub mod lock;
pub mod parse;
pub mod plan;
pub mod refusal;
pub mod root;
pub mod sessions;
pub mod skel;
pub mod step;

pub use desired::{Desired, DesiredGroup, DesiredPerson, PersonState};
pub use error::Error;
pub use refusal::{Notice, Refusal, Why};
pub use root::Root;
pub use sessions::end_sessions;
pub use step::{Outcome, bring_in_step};
