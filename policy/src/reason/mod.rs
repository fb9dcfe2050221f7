//! Why somebody was refused: one code and one sentence for every cause.
//!
//! * [`Code`] is the stable name: scripts and tickets quote it, and a number is never given to another cause.
//! * [`Reason`] is the cause with its numbers, and `sentence` is what a person reads of it.
//! * `amount` writes numbers with their units: [`Hours`], [`Money`].

mod amount;
mod cause;
mod code;
mod sentence;

pub use amount::{Hours, MONEY, Money};
pub use cause::{Names, Owner, Reason, What, WindowName};
pub use code::{Code, Counted, Kind, Within};
