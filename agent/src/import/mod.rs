//! Dumps of sacct from elsewhere or from before: any field list, read line by line into runs.
//!
//! * [`fields`] finds out what each column is, [`record`] which lines make a row.
//! * [`civil`] gives times without a zone their instants, [`row`] makes a run of a row.
//!
//! Pure: the command line reads the file, the daemon keeps what comes of it.

pub mod civil;
pub mod fields;
pub mod record;
pub mod row;

pub use fields::{Columns, FieldsError};
pub use record::Records;
pub use row::{Row, Site};
