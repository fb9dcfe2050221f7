//! Where a job is judged.
//!
//! * [`Request`] and [`Edit`] are what is asked, [`bound`] is what it can cost at most.
//! * [`judge`] says yes with terms or no with a reason; it is a pure function.
//! * [`Ledger`] holds what was admitted and is not yet seen in slurmctld's own list.
//! * [`Gate`] puts them together behind one lock, and keeps the snapshot fresh.

mod array;
mod bound;
mod gate;
mod judge;
mod ledger;
#[cfg(test)]
mod ledger_tests;
mod request;
#[cfg(test)]
mod tests;

pub use array::most_tasks;
pub use bound::{Bound, Cost, bound, bound_listed};
pub use gate::{Answer, Gate, Severity};
pub use judge::{Asked, Terms, Verdict, after_rollover, judge, judge_edit};
pub use ledger::{GRACE, Ledger};
pub use request::{Edit, Memory, Request, Shape, TimeLimit};
