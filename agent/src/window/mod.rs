//! Weekly windows: business hours and any other times at which work may begin.
//!
//! * [`hours`] is a line of a week as the administrator writes it: `mon-fri 08:00-18:00`.
//! * [`schedule`] turns such a week, its holidays and its zone into instants.
//! * [`door`] says what to do with a partition that is out of service while its window is closed.
//!
//! Where a job fits into them is [`bursar_policy::window`]'s to say.

pub mod door;
pub mod hours;
pub mod schedule;

pub use hours::{DayHours, WeekHours};
pub use schedule::{Openings, Schedule};
