//! All that a decision knows: one immutable file of resolved facts.
//!
//! The agent fills [`Contents`] and [`encode`]s it; the plugin, the PAM module and the root program read it as a
//! [`Snapshot`] through [`file::read`]. No bytes whatever make the reader panic.

mod contents;
mod decode;
mod encode;
pub mod file;
mod layout;
mod lookup;
#[cfg(test)]
mod tests;
mod view;
mod windows;
mod wire;

pub use contents::{
    Account, Association, Calendar, ClusterFacts, Contents, CostCenter, CostCenterRule, Edge, Governs, Grant, Group,
    Header, Home, Kind, LiveJob, Opening, OverStorage, Partition, Person, Queue, RecentJob, Window,
};
pub use decode::{DecodeError, Snapshot};
pub use encode::{EncodeError, encode};
pub use view::{
    AccountRef, CostCenterRef, CurrentPeriod, GrantRef, GroupRef, HomeRef, LinesRef, LiveJobRef, OverStorageRef,
    PartitionRef, PersonRef, QueueRef, StorageRef,
};
pub use windows::{GovernsRef, When, WindowRef};
