//! `bursard`: a loop of plan, then apply, and answers to those who ask.
//!
//! * [`site`] is what the tasks share.

pub mod site;

pub use site::{Site, View};
