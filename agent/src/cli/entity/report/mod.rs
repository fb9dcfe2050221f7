//! The reports that there are, and their declarations.

mod charges;
mod focus;
mod ledger;
mod runs;
mod used;

pub use charges::CHARGED;
use serde::{Deserialize, Serialize};

use super::Place::Where;
use super::{Key, Kind, Schema};

/// What `report` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Report {
    /// What was used by whom.
    Usage,
    /// What was used by cost centre.
    CostCentres,
    /// What a month costs.
    Charges,
    /// The same as FOCUS 1.2 has it.
    Focus,
    /// How long runs waited.
    Waits,
    /// How runs ended.
    Completion,
    /// The most that was held at once.
    Peaks,
    /// What was charged otherwise before.
    Corrections,
}

impl Report {
    /// All reports, in the order of the help.
    pub const ALL: [Self; 8] = [
        Self::Usage,
        Self::CostCentres,
        Self::Charges,
        Self::Focus,
        Self::Waits,
        Self::Completion,
        Self::Peaks,
        Self::Corrections,
    ];

    /// Its declaration.
    pub const fn schema(self) -> &'static Schema {
        match self {
            Self::Usage => &used::USAGE,
            Self::CostCentres => &used::COST_CENTRES,
            Self::Charges => &charges::CHARGES,
            Self::Focus => &focus::FOCUS,
            Self::Waits => &runs::WAITS,
            Self::Completion => &runs::COMPLETION,
            Self::Peaks => &runs::PEAKS,
            Self::Corrections => &ledger::CORRECTIONS,
        }
    }

    /// How it is asked for.
    pub fn command(self) -> String {
        format!("report {}", self.schema().name)
    }
}

const START: Key = Key::new("start", Kind::Instant, &[Where], "first instant of the period");
const END: Key = Key::new("end", Kind::Instant, &[Where], "first instant after it");
const USER: Key = Key::new("user", Kind::Names, &[Where], "people").or(&["users"]);
const ACCOUNT: Key = Key::new("account", Kind::Names, &[Where], "accounts, with all below them").or(&["accounts"]);
const CLUSTER: Key =
    Key::new("cluster", Kind::Names, &[Where], "clusters, or all; without it the site's own").or(&["clusters"]);
const PARTITION: Key = Key::new("partition", Kind::Names, &[Where], "partitions").or(&["partitions"]);
const QOS: Key = Key::new("qos", Kind::Names, &[Where], "QOS");
const TIME_ZONE: Key = Key::new("time-zone", Kind::Text, &[Where], "the zone of times and days; without it the site's");
