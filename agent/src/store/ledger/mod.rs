//! The ledger: what every run used, kept so that the same reading twice changes nothing and no change is lost.
//!
//! * [`keep`] takes in what one reading told: runs, rows set aside and how far it came, together or not at all.
//! * [`posting`] is one entry of the ledger, [`attribution`] whom it is charged to.
//! * [`days`] are the sums of each day, [`sums`] reads them and the postings for a report.
//! * [`corrections`] are the postings that were taken back, with what was posted in their place.
//! * [`reading`] says where entries came from.

mod attribution;
mod corrections;
mod days;
mod keep;
mod posting;
mod reading;
mod sums;

pub use attribution::Attribution;
pub use corrections::{Correction, Entry};
pub use keep::{Told, ToldBy};
pub use posting::Posting;
pub use reading::{AsideRecord, Progress, ReadingRecord, SetAside};
pub use sums::{Part, Span};
