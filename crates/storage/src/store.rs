//! The store: opening and closing it.

use std::path::PathBuf;

use crate::backend::{Address, Backend, key_file};
use crate::error::{OpenError, StorageError};
use crate::keys::Keys;
use crate::settings::Settings;
use crate::{migrations, proof};

/// Accounts with their credentials, in SQLite or PostgreSQL. A clone shares the connections.
///
/// It is a [`CredentialStore`](leeward_auth_refresh::CredentialStore) of any credential that serde can write and
/// read; the methods here are for who administers accounts.
///
/// Every method is one short transaction. What it answered is durable: a power cut does not undo it.
#[derive(Clone)]
pub struct Store {
    pub(crate) backend: Backend,
    pub(crate) keys: Keys,
}

impl Store {
    /// Opens `sqlite:///path/to/file.db`, `sqlite::memory:` or `postgres://user:password@host/database`, makes
    /// or extends the schema, and proves that the keys are the store's.
    ///
    /// An SQLite file is made if there is none, its directory is not.
    ///
    /// # Errors
    /// [`OpenError`], one line that says how to mend it; see [`OpenError::is_transient`].
    pub async fn open(url: &str, keys: Keys) -> Result<Self, OpenError> {
        Self::open_with(url, keys, Settings::default()).await
    }

    /// [`open`](Self::open) with other limits.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_with(url: &str, keys: Keys, settings: Settings) -> Result<Self, OpenError> {
        let backend = Backend::open(Address::parse(url)?, settings).await?;
        migrations::run(&backend).await?;
        proof::check(&backend, &keys).await?;
        Ok(Self { backend, keys })
    }

    /// The file in which to keep a key that nobody gave ([`Keys::load_or_create`]): beside an SQLite
    /// database, `….db.key`. `None` for PostgreSQL, whose key must be given since several processes need it,
    /// and for a database in memory.
    ///
    /// # Errors
    /// [`OpenError::Address`] if the URL cannot be read.
    pub fn key_file(url: &str) -> Result<Option<PathBuf>, OpenError> {
        key_file(url)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`StorageError`] if it does not.
    pub async fn ping(&self) -> Result<(), StorageError> {
        let mut transaction = self.backend.read().await?;
        transaction.row("SELECT 1 AS one", &[]).await?;
        transaction.commit().await
    }

    /// Closes the connections once what runs on them has ended; later calls fail. SQLite writes its log
    /// back into the file.
    pub async fn close(&self) {
        self.backend.close().await;
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("database", &self.backend.dialect())
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}
