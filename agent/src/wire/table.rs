//! Rows of typed cells, as they travel; `cli::table` prints them.

use bursar_policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cli::entity::Schema;

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cell {
    /// A text; control characters are escaped when it is printed.
    #[serde(rename = "t")]
    Text(String),
    /// A number of things.
    #[serde(rename = "n")]
    Count(u64),
    /// CPU time or wall-clock time in seconds.
    #[serde(rename = "s")]
    Seconds(u64),
    /// An amount in parts, and how many parts make one: memory in GB, money.
    #[serde(rename = "p")]
    Parts(u64, u64),
    /// A decimal number, rounded already.
    #[serde(rename = "d")]
    Decimal(String),
    /// UTC seconds; [`Timestamp::NEVER`] prints as `never`.
    #[serde(rename = "i")]
    Instant(i64),
    /// Nothing is known or nothing applies.
    #[serde(rename = "-")]
    Absent,
}

impl Cell {
    /// A text, or [`Cell::Absent`] when it is empty.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Absent } else { Self::Text(text) }
    }

    /// `yes` or `no`.
    pub fn yes_no(yes: bool) -> Self {
        Self::Text(if yes { "yes" } else { "no" }.to_owned())
    }
}

impl From<Timestamp> for Cell {
    fn from(at: Timestamp) -> Self {
        Self::Instant(at.0)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}

/// A column: which field, and how wide unless `format=` says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The field's name, as `cpu-time`.
    pub name: String,
    /// The width in characters; as in Slurm, negative is flush left.
    pub width: i16,
}

/// Columns and rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, each with one cell per column.
    pub rows: Vec<Vec<Cell>>,
    /// The IANA name of the zone in which instants are shown, as `Europe/Berlin`.
    pub zone: String,
}

impl Table {
    /// One row per item: `cell` gives the value of the named field of an item.
    ///
    /// `fields` are names of `schema`'s fields, as a checked request carries them; a name that is none is left out.
    pub fn build<T>(
        schema: &Schema,
        fields: &[String],
        zone: &str,
        items: impl IntoIterator<Item = T>,
        cell: impl Fn(&T, &str) -> Cell,
    ) -> Self {
        let known: Vec<_> = fields.iter().filter_map(|name| schema.field(name)).collect();
        let rows = items.into_iter().map(|item| known.iter().map(|field| cell(&item, field.name)).collect()).collect();
        let columns = known.iter().map(|field| Column { name: field.name.to_owned(), width: field.width }).collect();
        Self { columns, rows, zone: zone.to_owned() }
    }
}
