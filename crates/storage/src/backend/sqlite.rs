//! SQLite in this process: one writer, several readers, a write-ahead log.

use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use crate::error::{OpenError, SqliteCode, sqlite_code};
use crate::key_file;
use crate::settings::Settings;

const STEP: Duration = Duration::from_millis(20);

#[derive(Clone)]
pub(super) struct Sqlite {
    pub(super) readers: SqlitePool,
    /// SQLite has one writer at a time. Waiting here is fair and costs nothing; waiting for its lock
    /// is polling.
    pub(super) writer: SqlitePool,
    /// A database in memory lives as long as a connection to it.
    anchor: std::sync::Arc<Mutex<Option<PoolConnection<sqlx::Sqlite>>>>,
}

impl Sqlite {
    pub(super) async fn file(path: &Path, settings: &Settings) -> Result<Self, OpenError> {
        create(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            // The default of WAL mode, NORMAL, forgets the last commits when the power goes: a rotated
            // token would be lost, and its account with it.
            .synchronous(SqliteSynchronous::Full)
            // Where fsync does not reach the disk (macOS).
            .pragma("fullfsync", "ON")
            .busy_timeout(settings.busy)
            .disable_statement_logging();
        first_look(&options, path, settings.busy).await?;
        Ok(Self {
            readers: pool(settings, settings.connections).connect_lazy_with(options.clone()),
            writer: pool(settings, 1).connect_lazy_with(options),
            anchor: std::sync::Arc::default(),
        })
    }

    pub(super) async fn memory(settings: &Settings) -> Result<Self, OpenError> {
        let options = SqliteConnectOptions::from_str("sqlite::memory:")
            .map_err(OpenError::Database)?
            .busy_timeout(settings.busy)
            .disable_statement_logging();
        // Connections to a shared memory database lock tables against each other, without waiting:
        // one that reads and writes, beside the one that keeps it alive.
        let pool = pool(settings, 2).connect_lazy_with(options);
        let anchor = pool.acquire().await.map_err(OpenError::Database)?;
        Ok(Self {
            readers: pool.clone(),
            writer: pool,
            anchor: std::sync::Arc::new(Mutex::new(Some(anchor))),
        })
    }

    pub(super) async fn close(&self) {
        self.anchor.lock().await.take();
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn pool(settings: &Settings, connections: u32) -> SqlitePoolOptions {
    // Whoever waits for the writer waits also for the lock that the writer before waited for.
    let acquire = settings.acquire.saturating_add(settings.busy);
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(acquire)
        .acquire_slow_threshold(acquire)
        .max_lifetime(None)
        // A round trip to the thread, for a connection that cannot go stale.
        .test_before_acquire(false)
}

/// Makes an empty file of mode 0600 if there is none; SQLite gives its log the same mode.
fn create(path: &Path) -> Result<(), OpenError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let fault = |source| OpenError::Directory {
        path: directory.to_owned(),
        source,
    };
    if !directory.metadata().map_err(fault)?.is_dir() {
        return Err(fault(io::Error::from(io::ErrorKind::NotADirectory)));
    }
    match key_file::exclusive(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(fault(source)),
    }
}

/// Opens it once, to say what is wrong in words. Turning the log on needs the file for itself for a
/// moment, and SQLite does not wait for that: when several processes start at once, this does.
async fn first_look(
    options: &SqliteConnectOptions,
    path: &Path,
    patience: Duration,
) -> Result<(), OpenError> {
    let deadline = Instant::now() + patience;
    loop {
        let error = match try_look(options).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        match sqlite_code(&error) {
            Some(SqliteCode::Busy) if Instant::now() < deadline => sleep(STEP).await,
            code => return Err(in_words(path.to_owned(), code, error)),
        }
    }
}

async fn try_look(options: &SqliteConnectOptions) -> Result<(), sqlx::Error> {
    let mut connection = options.connect().await?;
    // The pragmas alone may read nothing of a file that is not SQLite's; this reads its head, and takes the
    // write lock, so that a file that can only be read is noticed now.
    sqlx::raw_sql("BEGIN IMMEDIATE; SELECT COUNT(*) FROM sqlite_master; ROLLBACK")
        .execute(&mut connection)
        .await?;
    connection.close().await
}

fn in_words(path: PathBuf, code: Option<SqliteCode>, source: sqlx::Error) -> OpenError {
    match code {
        Some(SqliteCode::NotADatabase | SqliteCode::Corrupt) => {
            OpenError::NotADatabase { path, source }
        }
        Some(SqliteCode::Busy) => OpenError::Locked { path },
        Some(SqliteCode::ReadOnly | SqliteCode::CannotOpen) => {
            OpenError::NotWritable { path, source }
        }
        Some(SqliteCode::Full) => OpenError::Full { path },
        None => OpenError::Database(source),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Address, Backend};
    use super::*;

    /// A full disk, made by the limit on the file's pages of one connection.
    #[tokio::test]
    async fn a_full_disk_is_an_error_and_passes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("full.db");
        let backend = Backend::open(Address::File(path), Settings::default())
            .await
            .unwrap();
        let mut setup = backend.write().await.unwrap();
        setup.script("CREATE TABLE t (x BLOB)").await.unwrap();
        setup.commit().await.unwrap();

        let mut limited = backend.write().await.unwrap();
        limited.script("PRAGMA max_page_count = 8").await.unwrap();
        let big: &[u8] = &[7; 64 * 1024];
        let fault = limited
            .execute("INSERT INTO t VALUES ($1)", &[big.into()])
            .await
            .unwrap_err();
        assert!(fault.to_string().contains("full"), "{fault}");
        drop(limited);

        // The connection that met the limit is gone with its half-done transaction; the next one works.
        let mut later = backend.write().await.unwrap();
        assert_eq!(
            later
                .execute("INSERT INTO t VALUES ($1)", &[big.into()])
                .await
                .unwrap(),
            1
        );
        later.commit().await.unwrap();
        let mut reader = backend.read().await.unwrap();
        let row = reader
            .row("SELECT COUNT(*) AS n FROM t", &[])
            .await
            .unwrap()
            .unwrap();
        assert_eq!(row.get::<i64>("n").unwrap(), 1);
        reader.commit().await.unwrap();
    }

    #[tokio::test]
    async fn what_was_not_committed_is_not_there() {
        let backend = Backend::open(Address::Memory, Settings::default())
            .await
            .unwrap();
        let mut setup = backend.write().await.unwrap();
        setup.script("CREATE TABLE t (x INTEGER)").await.unwrap();
        setup.commit().await.unwrap();
        for keep in [false, true] {
            let mut writer = backend.write().await.unwrap();
            writer
                .execute("INSERT INTO t VALUES ($1)", &[1.into()])
                .await
                .unwrap();
            if keep {
                writer.commit().await.unwrap();
            }
        }
        let mut reader = backend.read().await.unwrap();
        let row = reader
            .row("SELECT COUNT(*) AS n FROM t", &[])
            .await
            .unwrap()
            .unwrap();
        assert_eq!(row.get::<i64>("n").unwrap(), 1);
        reader.rollback().await.unwrap();
    }
}
