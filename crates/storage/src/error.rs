//! What can go wrong, and how to mend it.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use leeward_auth_refresh::StoreError;
use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;
use thiserror::Error;

use crate::envelope::EnvelopeError;
use crate::keys::KeyId;

/// Why a store was not opened. Each is one line that says how to mend it; none holds a secret.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL cannot be read.
    #[error(
        "the store's address is not understood: {0}; it is sqlite:///path/to/leeward.db, sqlite::memory: or postgres://user:password@host:port/database"
    )]
    Address(&'static str),
    /// The file's directory is not there, or no file can be made in it.
    #[error(
        "the store's directory {} cannot be used: {source}; create it and make it writable for this user",
        path.display()
    )]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is there, but cannot be written.
    #[error(
        "the store {} cannot be written: {source}; make it, its directory and its -wal and -shm files writable for this user",
        path.display()
    )]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// The file is not an SQLite database, or a broken one.
    #[error(
        "the store {} is not a usable SQLite database: {source}; restore it from a backup, or move it away to begin anew",
        path.display()
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// Another process does not let go of it.
    #[error(
        "the store {} is locked by another process; end what holds it (a backup, an SQLite shell), and start again",
        path.display()
    )]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// No room for the file.
    #[error("the disk that holds the store {} is full; make room, and start again", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The server cannot be reached, or refuses us.
    #[error(
        "the store's server {server} does not let us in: {source}; check address, user, password and database, and that it runs"
    )]
    Server {
        /// Host, port and database.
        server: String,
        /// What the driver said.
        source: sqlx::Error,
    },
    /// The server does not answer.
    #[error(
        "the store's server {server} did not answer within {} ms; check its address, and that it runs",
        after.as_millis()
    )]
    ServerSilent {
        /// Host, port and database.
        server: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// The keys are not those that sealed the store.
    #[error(
        "the store is sealed with the encryption key {missing}, which is not in encryption_key (there: {}); add it to the end of the list",
        names(given)
    )]
    WrongKey {
        /// The name of the key that is missing.
        missing: KeyId,
        /// The names of the keys given.
        given: Vec<KeyId>,
    },
    /// What proves the keys was changed by somebody.
    #[error(
        "the store's proof of the encryption key {key} does not open; the table leeward_keys was changed: restore it from a backup"
    )]
    Tampered {
        /// The name of the key.
        key: KeyId,
    },
    /// A newer version of the program has been here.
    #[error(
        "the store has schema {found}, made by a newer version; this one knows {known}: use the newer version, or restore a backup from before"
    )]
    Newer {
        /// The schema that is there.
        found: i64,
        /// The newest that this version knows.
        known: i64,
    },
    /// A step of the schema could not be taken. Nothing of it is left; the next start tries again.
    #[error(
        "the store's schema cannot be brought to version {version}: {source}; its user must be allowed to make tables"
    )]
    Migration {
        /// The step.
        version: i64,
        /// Why.
        source: StorageError,
    },
    /// The database failed while the store was opened.
    #[error("the store cannot be opened: {0}")]
    Storage(#[from] StorageError),
    /// The same, before there was a pool.
    #[error("the store cannot be opened: {0}")]
    Database(#[source] sqlx::Error),
}

impl OpenError {
    /// Whether the same call may succeed later with nothing mended on this side: the server is away, or a
    /// file is locked. Whoever starts while the database does waits on this.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::ServerSilent { .. } | Self::Locked { .. } => true,
            Self::Server { source, .. } | Self::Database(source) => is_away(source),
            Self::Storage(error) | Self::Migration { source: error, .. } => error.is_away(),
            _ => false,
        }
    }
}

/// Why the store did not do what it was asked. Holds no secret.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The database failed or is away.
    #[error("the database failed: {0}")]
    Database(#[source] sqlx::Error),
    /// A transaction took too long, and was given up. Whether it took effect is unknown if it was at its end.
    #[error("the database did not answer in time")]
    Slow,
    /// The disk is full.
    #[error("the disk that holds the store is full")]
    Full,
    /// What is sealed in the row does not open.
    #[error("the credential of account {account} does not open: {reason}")]
    Sealed {
        /// Whose.
        account: String,
        /// Why.
        reason: String,
    },
    /// What was sealed is not what the program expects, or cannot be sealed.
    #[error("the credential of account {account} cannot be {}", if *.reading { "read: it is of another form" } else { "written" })]
    Form {
        /// Whose.
        account: String,
        /// Whether it was read or written.
        reading: bool,
    },
    /// A row holds what this version does not know.
    #[error(
        "account {account} has an unknown {column}; a newer version wrote it, or somebody by hand"
    )]
    Unknown {
        /// Whose.
        account: String,
        /// The column.
        column: &'static str,
    },
}

impl StorageError {
    /// Whether the database is away (as opposed to: here, and refusing).
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            Self::Slow => true,
            Self::Database(error) => is_away(error),
            _ => false,
        }
    }

    pub(crate) fn sealed(account: &str, error: &EnvelopeError) -> Self {
        Self::Sealed {
            account: account.to_owned(),
            reason: error.to_string(),
        }
    }

    /// Serialisation failure and deadlock: the transaction is undone, and the same again may succeed.
    pub(crate) fn asks_for_repetition(&self) -> bool {
        matches!(self, Self::Database(error) if has_state(error, &["40001", "40P01"]))
    }

    /// Two processes made the same thing at once: a unique row, a table, a type.
    pub(crate) fn is_made_twice(&self) -> bool {
        match self {
            Self::Database(error) => {
                error
                    .as_database_error()
                    .is_some_and(DatabaseError::is_unique_violation)
                    || has_state(error, &["42P07", "42710", "42P06"])
            }
            _ => false,
        }
    }
}

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        if sqlite_code(&error) == Some(SqliteCode::Full) || has_state(&error, &["53100"]) {
            return Self::Full;
        }
        Self::Database(error)
    }
}

impl From<StorageError> for StoreError {
    fn from(error: StorageError) -> Self {
        Self::new(error)
    }
}

fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        // Starting, stopping, crashed, or too many connections.
        _ => has_state(error, &["57P01", "57P02", "57P03", "53300"]),
    }
}

/// Whether PostgreSQL gave one of these codes (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn has_state(error: &sqlx::Error, states: &[&str]) -> bool {
    error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
        .is_some_and(|error| states.contains(&error.code()))
}

/// The few of SQLite's result codes that have words of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SqliteCode {
    Busy,
    ReadOnly,
    Corrupt,
    Full,
    CannotOpen,
    NotADatabase,
}

pub(crate) fn sqlite_code(error: &sqlx::Error) -> Option<SqliteCode> {
    let error = error
        .as_database_error()?
        .try_downcast_ref::<SqliteError>()?;
    let code: u32 = error.code()?.parse().ok()?;
    // The low byte is the primary code (https://sqlite.org/rescode.html).
    match code & 0xff {
        5 => Some(SqliteCode::Busy),
        8 => Some(SqliteCode::ReadOnly),
        11 => Some(SqliteCode::Corrupt),
        13 => Some(SqliteCode::Full),
        14 => Some(SqliteCode::CannotOpen),
        26 => Some(SqliteCode::NotADatabase),
        _ => None,
    }
}

fn names(keys: &[KeyId]) -> String {
    let mut text = String::new();
    for (index, key) in keys.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{comma}{key}");
    }
    text
}
