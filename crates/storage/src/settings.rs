//! How long the store waits, and for how many connections.

use std::time::Duration;

/// Limits of a [`Store`](crate::Store). The defaults are what a sidecar wants.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The most connections to a PostgreSQL server, or readers of an SQLite file (which always has one writer).
    /// Default 4: a process needs few, since nothing is read for a request, and a fleet shares the server's.
    pub connections: u32,
    /// How long to wait for a connection before the store counts as away. Default 2 s.
    pub acquire: Duration,
    /// How long an SQLite writer waits for the write lock of another process. Default 5 s.
    pub busy: Duration,
    /// How long one transaction may take, from `BEGIN` to the end of `COMMIT`. Default 10 s.
    pub transaction: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections: 4,
            acquire: Duration::from_secs(2),
            busy: Duration::from_secs(5),
            transaction: Duration::from_secs(10),
        }
    }
}

impl Settings {
    /// Other than the default number of connections; at least 1.
    #[must_use]
    pub fn connections(mut self, connections: u32) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// Other than the default wait for a connection.
    #[must_use]
    pub fn acquire(mut self, acquire: Duration) -> Self {
        self.acquire = acquire;
        self
    }

    /// Other than the default wait for SQLite's write lock.
    #[must_use]
    pub fn busy(mut self, busy: Duration) -> Self {
        self.busy = busy;
        self
    }

    /// Other than the default length of a transaction.
    #[must_use]
    pub fn transaction(mut self, transaction: Duration) -> Self {
        self.transaction = transaction;
        self
    }
}
