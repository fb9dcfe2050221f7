//! Rate cards: what everything costs by the published rules of a site, exactly, and bills that add up.
//!
//! Nothing here reads a file or a store, and nothing is a floating-point number.
//!
//! * [`card`] is what a card says, [`read`] how it is written, [`simple`] the `[prices]` of `policy.toml` as one.
//! * [`consumption`] is what is priced: runs and stored data.
//! * [`timeline`] cuts runs where their price may change; `terms` says which rules hold, `charge` what they charge,
//!   `pool` what is free because somebody has an allowance or has reserved it.
//! * [`bill()`] does all of that for a period; `lines` rounds each line once, [`line`] sums them up and corrects them.
//! * [`exact`], `wide` and [`money`] are the arithmetic, [`shares()`] splits fixed costs.

pub mod bill;
pub mod card;
mod charge;
pub mod consumption;
pub mod exact;
pub mod line;
mod lines;
pub mod money;
mod names;
mod pool;
pub mod read;
mod read_settings;
pub mod shares;
pub mod simple;
mod stored;
mod terms;
pub mod timeline;
mod wide;

pub use bill::{Error, bill};
pub use card::{Card, Version};
pub use consumption::{Consumption, RunKey, StorageUse};
pub use exact::{Exact, Rounding};
pub use line::{Bill, Charged, Class, Kind, Line, Reason, Unmeasured, Unpriced, corrections};
pub use money::{Currency, UnitRate};
pub use shares::shares;
pub use timeline::{Piece, Timeline};

#[cfg(test)]
mod tests;
