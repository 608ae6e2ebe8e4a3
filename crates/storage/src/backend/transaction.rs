//! One short transaction.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::Postgres;
use sqlx::sqlite::Sqlite;
use tokio::time::{Instant, timeout_at};

use super::value::{Row, Value, bind};
use crate::error::StorageError;

pub(super) enum Connection {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

/// A transaction that was begun, with the connection it runs on.
///
/// One that is not ended (an error on the way, a future that was dropped) closes its connection, whereupon
/// the database rolls back. That is dearer than a `ROLLBACK`, and right whatever state the connection
/// is in: a full disk makes SQLite end the transaction by itself, and a network that swallows packets
/// would let the pool wait for the answer to a ping for a quarter of an hour.
pub(crate) struct Transaction {
    connection: Option<Connection>,
    deadline: Instant,
}

impl Transaction {
    /// Begins; all that follows, `COMMIT` included, must be done within `allowed`.
    pub(super) async fn begin(
        connection: Connection,
        statement: &'static str,
        allowed: Duration,
    ) -> Result<Self, StorageError> {
        let deadline = Instant::now() + allowed;
        let mut begun = Self {
            connection: Some(connection),
            deadline,
        };
        begun.script(statement).await?;
        Ok(begun)
    }

    /// Runs statements without parameters, several at once if need be.
    pub(crate) async fn script(&mut self, sql: &'static str) -> Result<(), StorageError> {
        let deadline = self.deadline;
        let run = async {
            match self.connection()? {
                Connection::Sqlite(connection) => {
                    sqlx::raw_sql(sql).execute(&mut **connection).await?;
                }
                Connection::Postgres(connection) => {
                    sqlx::raw_sql(sql).execute(&mut **connection).await?;
                }
            }
            Ok(())
        };
        timeout_at(deadline, run)
            .await
            .map_err(|_| StorageError::Slow)?
    }

    /// How many rows it changed.
    pub(crate) async fn execute(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<u64, StorageError> {
        let deadline = self.deadline;
        let run = async {
            Ok(match self.connection()? {
                Connection::Sqlite(connection) => {
                    let query = bind(sqlx::query(sql), values);
                    query.execute(&mut **connection).await?.rows_affected()
                }
                Connection::Postgres(connection) => {
                    let query = bind(sqlx::query(sql).persistent(false), values);
                    query.execute(&mut **connection).await?.rows_affected()
                }
            })
        };
        timeout_at(deadline, run)
            .await
            .map_err(|_| StorageError::Slow)?
    }

    pub(crate) async fn rows(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, StorageError> {
        let deadline = self.deadline;
        let run = async {
            Ok(match self.connection()? {
                Connection::Sqlite(connection) => {
                    let query = bind(sqlx::query(sql), values);
                    let rows = query.fetch_all(&mut **connection).await?;
                    rows.into_iter().map(Row::Sqlite).collect()
                }
                Connection::Postgres(connection) => {
                    let query = bind(sqlx::query(sql).persistent(false), values);
                    let rows = query.fetch_all(&mut **connection).await?;
                    rows.into_iter().map(Row::Postgres).collect()
                }
            })
        };
        timeout_at(deadline, run)
            .await
            .map_err(|_| StorageError::Slow)?
    }

    pub(crate) async fn row(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<Row>, StorageError> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// Ends it; what was written is durable once this has answered `Ok`. An error says nothing about
    /// whether it was.
    pub(crate) async fn commit(mut self) -> Result<(), StorageError> {
        self.script("COMMIT").await?;
        self.give_back();
        Ok(())
    }

    /// Ends it as if nothing had been written.
    pub(crate) async fn rollback(mut self) -> Result<(), StorageError> {
        self.script("ROLLBACK").await?;
        self.give_back();
        Ok(())
    }

    fn give_back(&mut self) {
        // Dropping it returns it to its pool.
        self.connection = None;
    }

    fn connection(&mut self) -> Result<&mut Connection, StorageError> {
        self.connection.as_mut().ok_or(StorageError::Slow)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        match &mut self.connection {
            Some(Connection::Sqlite(connection)) => connection.close_on_drop(),
            Some(Connection::Postgres(connection)) => connection.close_on_drop(),
            None => {}
        }
    }
}
