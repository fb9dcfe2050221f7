//! What can go wrong in the store, each message naming the operation, the object and the way out.

use std::path::PathBuf;

/// A failed store operation; nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be opened or created.
    #[error("cannot open the store {}; check that the directory exists and belongs to bursar's user", path.display())]
    Open {
        /// The store file.
        path: PathBuf,
        /// What SQLite or the system said.
        #[source]
        source: sqlx::Error,
    },
    /// The file is not a sound SQLite database.
    #[error(
        "the store {} is damaged ({detail}); nothing was changed: keep the file and restore the newest backup",
        path.display()
    )]
    Damaged {
        /// The store file.
        path: PathBuf,
        /// What SQLite found.
        detail: String,
    },
    /// A newer bursar wrote the file.
    #[error(
        "the store {} has schema {found}, this bursar knows schemas up to {known}; install the newer bursar again",
        path.display()
    )]
    NewerSchema {
        /// The store file.
        path: PathBuf,
        /// The newest schema number in the file.
        found: i64,
        /// The newest schema number this program knows.
        known: i64,
    },
    /// The schema could not be brought up to date.
    #[error("cannot bring the schema of the store {} up to date", path.display())]
    Migrate {
        /// The store file.
        path: PathBuf,
        /// The step that failed.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// A statement failed.
    #[error("the store failed to {operation}")]
    Query {
        /// What was being done, as a verb phrase.
        operation: &'static str,
        /// What SQLite said.
        #[source]
        source: sqlx::Error,
    },
    /// A row holds what this program would never have written.
    #[error("the store has {field} = {value} in table {table}, which {why}; restore that row from a backup")]
    BadRow {
        /// The table.
        table: &'static str,
        /// The column.
        field: &'static str,
        /// What stands there.
        value: String,
        /// Which rule it breaks.
        why: String,
    },
    /// No such object.
    #[error("there is no {kind} {name}")]
    NotFound {
        /// What kind of object.
        kind: &'static str,
        /// Its name as asked for.
        name: String,
    },
    /// The change breaks a rule; the text says which and what to do.
    #[error("{0}")]
    Refused(String),
    /// No number is left for a new person, group or account.
    #[error("no free number is left in the uid pool {first}-{last}; widen [uid-pool] in bursar.toml")]
    PoolExhausted {
        /// The first number of the pool.
        first: u32,
        /// The last number of the pool.
        last: u32,
    },
}

impl Error {
    /// Wraps a failed statement with what it was for.
    pub(crate) fn query(operation: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Query { operation, source }
    }
}
