//! What a reading of a place found, and for how long it counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use bursar_policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::StoragePlace;

/// A reading is late when it is older than this many intervals.
const LATE_AFTER: u64 = 3;

/// What somebody stores at a place, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// How much.
    pub used: u64,
    /// How much the source says may be stored, if it says so.
    pub limit: Option<u64>,
}

/// What everybody stores at one place, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usages {
    /// People, whether bursar knows them or not.
    pub people: BTreeMap<String, Stored>,
    /// Accounts, likewise.
    pub accounts: BTreeMap<String, Stored>,
}

/// The same at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// When the source was asked.
    pub read_at: Timestamp,
    /// What it said.
    pub usages: Usages,
}

/// What is known of one place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The last good reading.
    pub reading: Option<Arc<Reading>>,
    /// What is wrong with reading it now, and since when.
    pub fault: Option<(Timestamp, String)>,
}

/// Every place that was tried, by its name.
pub type Places = BTreeMap<String, Place>;

/// How far the last good reading of a place can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'r> {
    /// There is none yet.
    Unread,
    /// It counts.
    Fresh(&'r Reading),
    /// It is older than three intervals and still counts.
    Late(&'r Reading),
    /// It is older than the place's maximum age: nobody is warned or refused for it.
    Expired(&'r Reading),
}

impl<'r> Standing<'r> {
    /// How the last good reading of `place` among `places` stands at `now`.
    pub fn of(place: &StoragePlace, places: &'r Places, now: Timestamp) -> Self {
        let Some(reading) = places.get(&place.name).and_then(|known| known.reading.as_deref()) else {
            return Self::Unread;
        };
        match now.seconds_since(reading.read_at) {
            age if age > place.max_age => Self::Expired(reading),
            age if age > place.every.as_secs().saturating_mul(LATE_AFTER) => Self::Late(reading),
            _ => Self::Fresh(reading),
        }
    }

    /// The reading, whether it counts or not.
    pub const fn reading(self) -> Option<&'r Reading> {
        match self {
            Self::Unread => None,
            Self::Fresh(reading) | Self::Late(reading) | Self::Expired(reading) => Some(reading),
        }
    }

    /// The reading, if it counts.
    pub const fn in_force(self) -> Option<&'r Reading> {
        match self {
            Self::Unread | Self::Expired(_) => None,
            Self::Fresh(reading) | Self::Late(reading) => Some(reading),
        }
    }
}
