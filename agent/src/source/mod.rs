//! Identity sources: who there is, according to somebody else.
//!
//! * [`directory`] reads the TOML file of people and groups, all or nothing.
//! * [`merge`] plans what that changes in the store, with the guard against a read that loses people.
//! * [`key`] accepts or refuses one SSH key.

pub mod directory;
pub mod key;
pub mod merge;

#[cfg(test)]
mod tests;
