//! Opens the store file: creates it private, brings its schema up to date, and never repairs or wipes anything.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row, Sqlite, Transaction};

use super::Error;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The open store; cheap to clone, safe to share between tasks.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) pool: SqlitePool,
}

impl Store {
    /// Opens the store at `path`, creating it with mode 0600 when it is not there.
    ///
    /// A damaged file or a newer schema is an error that says so; the file stays as it is.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        let open_error = |source| Error::Open { path: path.to_owned(), source };
        create_private(path).map_err(|source| open_error(sqlx::Error::Io(source)))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            // A uid that a snapshot has carried to hosts must survive a power cut, or it would be given out again.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(30));
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await
            .map_err(|source| damage(path, &source).unwrap_or_else(|| open_error(source)))?;
        check_sound(path, &pool).await?;
        migrate(path, &pool).await?;
        Ok(Self { pool })
    }

    /// Closes every connection, writing the log back into the file.
    pub async fn close(self) {
        self.pool.close().await;
    }

    /// Starts a transaction that may write; it takes SQLite's write lock at once, so it cannot fail half-way for it.
    pub(super) async fn write(&self) -> Result<Transaction<'static, Sqlite>, Error> {
        self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(Error::query("start a change"))
    }

    /// Starts a transaction that only reads and sees one moment.
    pub(super) async fn read(&self) -> Result<Transaction<'static, Sqlite>, Error> {
        self.pool.begin().await.map_err(Error::query("start a reading"))
    }
}

/// Ends a change.
pub(super) async fn commit(transaction: Transaction<'static, Sqlite>) -> Result<(), Error> {
    transaction.commit().await.map_err(Error::query("keep a change"))
}

fn create_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    // SQLite gives its side files the mode of the main file, so this one call keeps all of them private.
    std::fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path).map(drop)
}

/// The error for a file that SQLite calls corrupt (11) or not a database (26).
fn damage(path: &Path, source: &sqlx::Error) -> Option<Error> {
    let database = source.as_database_error()?;
    let code = database.code().and_then(|code| i32::from_str(&code).ok())?;
    matches!(code & 0xff, 11 | 26)
        .then(|| Error::Damaged { path: path.to_owned(), detail: database.message().to_owned() })
}

async fn check_sound(path: &Path, pool: &SqlitePool) -> Result<(), Error> {
    let row = sqlx::query("PRAGMA quick_check(1)")
        .fetch_one(pool)
        .await
        .map_err(|source| damage(path, &source).unwrap_or_else(|| Error::Open { path: path.to_owned(), source }))?;
    let verdict: String = row.try_get(0).map_err(Error::query("check the store"))?;
    if verdict == "ok" { Ok(()) } else { Err(Error::Damaged { path: path.to_owned(), detail: verdict }) }
}

async fn migrate(path: &Path, pool: &SqlitePool) -> Result<(), Error> {
    let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
    match MIGRATIONS.run(pool).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(found)) if found > known => {
            Err(Error::NewerSchema { path: path.to_owned(), found, known })
        }
        Err(source) => Err(Error::Migrate { path: PathBuf::from(path), source }),
    }
}
