//! All that a decision knows: one immutable file of resolved facts.
//!
//! The agent fills [`Contents`] and [`encode`]s it; the plugin, the PAM module and the root program read it as a
//! [`Snapshot`] through [`file::read`]. No bytes whatever make the reader panic.

mod contents;
mod decode;
mod encode;
pub mod file;
mod layout;
#[cfg(test)]
mod tests;
mod view;
mod wire;

pub use contents::{
    Account, ClusterFacts, Contents, Edge, Grant, Group, Header, Home, Kind, LiveJob, Partition, Person, RecentJob,
};
pub use decode::{DecodeError, Snapshot};
pub use encode::{EncodeError, encode};
pub use view::{AccountRef, CurrentPeriod, GrantRef, GroupRef, HomeRef, LiveJobRef, PartitionRef, PersonRef};
