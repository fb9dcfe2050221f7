//! Rate cards: what everything costs by the published rules of a site, exactly, and bills that add up.
//!
//! Nothing here reads a file or a store, and nothing is a floating-point number.
//!
//! * [`exact`] and [`money`] are the arithmetic, [`shares()`] splits fixed costs.

pub mod exact;
pub mod money;
pub mod shares;

pub use exact::{Exact, Rounding};
pub use money::{Currency, UnitRate};
pub use shares::shares;
