//! What was consumed, what is in flight, and in which period.
//!
//! * [`calendar`] turns the site's days, weeks and months into instants.
//! * [`measure`] says what one run amounts to in a stretch of time, [`days`] cuts that at the site's midnights.
//! * [`settled`] sums up runs that have ended, [`flight`] adds what live jobs hold.
//! * [`pricing`] says what an allocation holds and costs.
//! * [`listed`] reads jobs, runs and facts of Slurm's into these terms.
//! * [`standing`] is both together, by person and by account with everything below it.

pub mod calendar;
pub mod days;
pub mod flight;
pub mod listed;
pub mod measure;
pub mod pricing;
pub mod settled;
pub mod standing;

pub use calendar::{Calendar, Calendars};
pub use flight::{Flight, LiveJob};
pub use pricing::Pricing;
pub use settled::Settled;
pub use standing::Standing;
