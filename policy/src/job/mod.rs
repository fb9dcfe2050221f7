//! Where a job is judged.
//!
//! * [`Request`] and [`Edit`] are what is asked, [`bound()`] is what it can cost at most;
//!   `reading` is what a job may mean that slurmctld lists.
//! * [`judge`] says yes with terms or no with a reason; [`judge_edit`] does for a change; both are pure functions.
//! * `place` finds account, queue and cost centre, `room` asks every limit, `asked` cuts work into periods.
//! * `windows` says whether a job may begin now, and when it may.
//! * [`Ledger`] holds what was admitted and is not yet seen in slurmctld's own list.
//! * [`Gate`] puts them together behind one lock, and keeps the snapshot fresh.

mod array;
mod asked;
mod bound;
mod desk;
mod edit;
mod edits;
mod gate;
mod gres;
mod group;
mod judge;
mod ledger;
#[cfg(all(test, not(loom)))]
mod ledger_tests;
#[cfg(all(test, not(loom)))]
mod limit_tests;
#[cfg(all(test, not(loom)))]
mod listed_tests;
mod load;
mod notice;
mod place;
#[cfg(test)]
mod place_tests;
mod reading;
mod request;
mod room;
#[cfg(all(test, not(loom)))]
mod table_tests;
// These have no order of threads to try.
#[cfg(all(test, not(loom)))]
mod tests;
mod windows;
#[cfg(test)]
mod windows_tests;

pub use array::most_tasks;
pub use asked::Asked;
pub use bound::{Bound, Cost, bound, charged, with_untold_types};
pub use edit::judge_edit;
pub use edits::{Earlier, Edits};
pub use gate::{Answer, Fresh, Gate, Severity};
pub use gres::GpuAsk;
pub use judge::{Terms, Verdict, judge};
pub use ledger::{GRACE, Ledger};
pub use reading::bound_listed;
pub use request::{Edit, GpusBy, Memory, Request, Shape, TimeLimit};
pub use windows::{Waits, governing, moved_to};
