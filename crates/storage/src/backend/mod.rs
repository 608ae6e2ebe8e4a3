//! The two databases behind one face: a pool that gives short transactions.

mod address;
mod postgres;
mod sqlite;
mod transaction;
mod value;

use std::future::Future;

use sqlx::pool::PoolConnection;

pub(crate) use address::{Address, key_file};
pub(crate) use transaction::Transaction;
pub(crate) use value::{Row, Value};

use crate::error::{OpenError, StorageError};
use crate::settings::Settings;
use transaction::Connection;

/// Which dialect its migrations are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

#[derive(Clone)]
enum Pools {
    Sqlite(sqlite::Sqlite),
    Postgres(sqlx::PgPool),
}

/// A database, open. A clone shares its connections.
#[derive(Clone)]
pub(crate) struct Backend {
    pools: Pools,
    settings: Settings,
}

impl Backend {
    pub(crate) async fn open(address: Address, settings: Settings) -> Result<Self, OpenError> {
        let pools = match address {
            Address::File(path) => Pools::Sqlite(sqlite::Sqlite::file(&path, &settings).await?),
            Address::Memory => Pools::Sqlite(sqlite::Sqlite::memory(&settings).await?),
            Address::Server(options) => Pools::Postgres(postgres::open(*options, &settings).await?),
        };
        Ok(Self { pools, settings })
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self.pools {
            Pools::Sqlite(_) => Dialect::Sqlite,
            Pools::Postgres(_) => Dialect::Postgres,
        }
    }

    /// A transaction that reads.
    pub(crate) async fn read(&self) -> Result<Transaction, StorageError> {
        match &self.pools {
            Pools::Sqlite(sqlite) => {
                let connection = sqlite.readers.acquire().await?;
                self.begin(Connection::Sqlite(connection), "BEGIN").await
            }
            Pools::Postgres(pool) => self.begin_on(pool.acquire().await?, postgres::READ).await,
        }
    }

    /// A transaction that writes.
    pub(crate) async fn write(&self) -> Result<Transaction, StorageError> {
        match &self.pools {
            Pools::Sqlite(sqlite) => {
                let connection = sqlite.writer.acquire().await?;
                // A deferred transaction that turns into a writer may fail at once with SQLITE_BUSY,
                // whatever the busy timeout: it read what another has changed since.
                self.begin(Connection::Sqlite(connection), "BEGIN IMMEDIATE")
                    .await
            }
            Pools::Postgres(pool) => self.begin_on(pool.acquire().await?, postgres::WRITE).await,
        }
    }

    /// Runs one whole transaction again when the database asked for that: two met (a serialisation
    /// failure or a deadlock), which distributed databases report as a matter of course.
    pub(crate) async fn repeating<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, StorageError>
    where
        F: Future<Output = Result<T, StorageError>>,
    {
        const ATTEMPTS: u32 = 4;
        let mut done = 1;
        loop {
            match attempt().await {
                Err(error) if error.asks_for_repetition() && done < ATTEMPTS => done += 1,
                result => return result,
            }
        }
    }

    pub(crate) async fn close(&self) {
        match &self.pools {
            Pools::Sqlite(sqlite) => sqlite.close().await,
            Pools::Postgres(pool) => pool.close().await,
        }
    }

    async fn begin_on(
        &self,
        connection: PoolConnection<sqlx::Postgres>,
        statement: &'static str,
    ) -> Result<Transaction, StorageError> {
        self.begin(Connection::Postgres(connection), statement)
            .await
    }

    async fn begin(
        &self,
        connection: Connection,
        statement: &'static str,
    ) -> Result<Transaction, StorageError> {
        Transaction::begin(connection, statement, self.settings.transaction).await
    }
}
