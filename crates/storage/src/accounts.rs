//! Accounts as their administration puts them and looks at them.

use std::time::SystemTime;

use leeward_auth_refresh::{AccountId, Record};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::account::{Account, Origin, Sealed, columns, seal};
use crate::backend::Value;
use crate::changes::{self, signed};
use crate::error::StorageError;
use crate::millis::from_time;
use crate::statements::write_status;
use crate::store::Store;

const INSERT: &str = concat!(
    "INSERT INTO leeward_accounts (id, provider, status, reason, since, origin, renewable, expires_at, \
     refresh_at, refreshed_at, refresh_expires_at, key_id, sealed, changed, version, fence, \
     status_before, failures) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, \
     CASE WHEN $3 = 'disabled' THEN 'active' END, 0) \
     ON CONFLICT (id) DO NOTHING RETURNING ",
    columns!()
);

const REPLACE: &str = concat!(
    "UPDATE leeward_accounts SET provider = $2, ",
    write_status!(),
    ", origin = $6, renewable = $7, expires_at = $8, refresh_at = $9, refreshed_at = $10, \
     refresh_expires_at = $11, key_id = $12, sealed = $13, changed = $14, version = version + 1, \
     fence = fence + 1, retry_at = NULL, failures = 0, sent_at = NULL, \
     lease_owner = NULL, lease_until = NULL \
     WHERE id = $1 AND version = $15 RETURNING ",
    columns!()
);

const AMEND: &str = concat!(
    "UPDATE leeward_accounts SET origin = $3, key_id = $4, sealed = $5, changed = $6, \
     version = version + 1 WHERE id = $1 AND version = $2 \
     AND (lease_until IS NULL OR lease_until <= $7) RETURNING ",
    columns!()
);

pub(crate) const ROW: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM leeward_accounts WHERE id = $1"
);

/// How a change of an account that is there went.
#[derive(Debug)]
pub enum Replaced {
    /// Written. The account as it is now.
    Done(Account<()>),
    /// Its credential is no longer of the version expected: here is what is there.
    Moved(Account<()>),
    /// Only from [`Store::amend`]: it is being renewed, and what comes of that must not be lost. Try again
    /// then, or sooner.
    Leased {
        /// When the lease ends, unless it is renewed.
        until: SystemTime,
    },
    /// There is no such account.
    Gone,
}

impl Store {
    /// Adds an account. `record.version`, `retry_at`, `failures`, `sent_at` and `lease` are not read; `since`
    /// is taken for now. `None`: there is an account of that name, and nothing was written.
    ///
    /// The version begins at 1, or after the last one of an account of that name that was deleted
    /// lately, so that nobody takes the new credential for the old.
    ///
    /// # Errors
    /// [`StorageError`] if the database fails or the credential cannot be written.
    pub async fn insert<C: Serialize>(
        &self,
        record: &Record<C>,
        origin: Origin,
    ) -> Result<Option<Account<()>>, StorageError> {
        let sealed = seal(&self.keys, &record.account, &record.credential)?;
        self.backend
            .repeating(|| self.try_insert(record, origin, &sealed))
            .await
    }

    /// Puts other credentials in the place of those of version `expected`. A renewal that is under way has
    /// lost its lease with that, and its result is dropped. The status becomes the record's, but a disabled
    /// account stays disabled, and that is what enabling it returns to; `since` is taken for now;
    /// `retry_at`, `failures` and `sent_at` are cleared.
    ///
    /// # Errors
    /// [`StorageError`] if the database fails or the credential cannot be written.
    pub async fn replace<C: Serialize>(
        &self,
        record: &Record<C>,
        origin: Origin,
        expected: u64,
    ) -> Result<Replaced, StorageError> {
        let sealed = seal(&self.keys, &record.account, &record.credential)?;
        self.backend
            .repeating(|| self.try_replace(record, origin, expected, &sealed))
            .await
    }

    /// Writes what lies beside the tokens (variables, say): status, schedule and fence stay, so that nothing
    /// is bought for it. While a lease is in force at `now` it is refused, for the holder would
    /// either overwrite it or lose a rotated token. (A holder that comes back after its lease
    /// has ended, and finds nobody has taken over, does overwrite it.)
    ///
    /// # Errors
    /// [`StorageError`] if the database fails or the credential cannot be written.
    pub async fn amend<C: Serialize>(
        &self,
        account: &AccountId,
        credential: &C,
        origin: Origin,
        expected: u64,
        now: SystemTime,
    ) -> Result<Replaced, StorageError> {
        let sealed = seal(&self.keys, account, credential)?;
        self.backend
            .repeating(|| self.try_amend(account, origin, expected, &sealed, now))
            .await
    }

    /// One account with its credential.
    ///
    /// # Errors
    /// [`StorageError`] if the database fails or the credential does not open.
    pub async fn get<C: DeserializeOwned>(
        &self,
        account: &AccountId,
    ) -> Result<Option<Account<C>>, StorageError> {
        let stored = self.backend.repeating(|| self.read_stored(account)).await?;
        stored.map(|stored| stored.open(&self.keys)).transpose()
    }

    /// One account without opening its credential.
    ///
    /// # Errors
    /// [`StorageError`] if the database fails.
    pub async fn get_row(&self, account: &AccountId) -> Result<Option<Account<()>>, StorageError> {
        self.backend.repeating(|| self.try_row(account)).await
    }

    async fn try_insert<C>(
        &self,
        record: &Record<C>,
        origin: Origin,
        sealed: &Sealed,
    ) -> Result<Option<Account<()>>, StorageError> {
        let id = Value::from(record.account.as_str());
        let mut transaction = self.backend.write().await?;
        let changed = changes::next(&mut transaction).await?;
        let deleted = transaction
            .row(
                "SELECT version, fence FROM leeward_deleted_accounts WHERE id = $1",
                &[id],
            )
            .await?;
        let (version, fence): (i64, i64) = match &deleted {
            Some(row) => (row.get("version")?, row.get("fence")?),
            None => (0, 0),
        };
        let mut values = described(record, origin, sealed, changed).to_vec();
        values.push(version.saturating_add(1).into());
        values.push(fence.saturating_add(1).into());
        let Some(row) = transaction.row(INSERT, &values).await? else {
            transaction.rollback().await?;
            return Ok(None);
        };
        let written = Account::read(&row)?;
        transaction
            .execute("DELETE FROM leeward_deleted_accounts WHERE id = $1", &[id])
            .await?;
        transaction.commit().await?;
        Ok(Some(written))
    }

    async fn try_replace<C>(
        &self,
        record: &Record<C>,
        origin: Origin,
        expected: u64,
        sealed: &Sealed,
    ) -> Result<Replaced, StorageError> {
        let mut transaction = self.backend.write().await?;
        let changed = changes::next(&mut transaction).await?;
        let mut values = described(record, origin, sealed, changed).to_vec();
        values.push(signed(expected).into());
        if let Some(row) = transaction.row(REPLACE, &values).await? {
            let written = Account::read(&row)?;
            transaction.commit().await?;
            return Ok(Replaced::Done(written));
        }
        let row = transaction
            .row(ROW, &[record.account.as_str().into()])
            .await?;
        transaction.rollback().await?;
        Ok(match row {
            Some(row) => Replaced::Moved(Account::read(&row)?),
            None => Replaced::Gone,
        })
    }

    async fn try_amend(
        &self,
        account: &AccountId,
        origin: Origin,
        expected: u64,
        sealed: &Sealed,
        now: SystemTime,
    ) -> Result<Replaced, StorageError> {
        let mut transaction = self.backend.write().await?;
        let changed = changes::next(&mut transaction).await?;
        let values = [
            account.as_str().into(),
            signed(expected).into(),
            origin.as_str().into(),
            sealed.key_id.as_str().into(),
            sealed.bytes.as_slice().into(),
            changed.into(),
            from_time(now).into(),
        ];
        if let Some(row) = transaction.row(AMEND, &values).await? {
            let written = Account::read(&row)?;
            transaction.commit().await?;
            return Ok(Replaced::Done(written));
        }
        let row = transaction.row(ROW, &[account.as_str().into()]).await?;
        transaction.rollback().await?;
        let Some(row) = row else {
            return Ok(Replaced::Gone);
        };
        let found = Account::read(&row)?;
        if found.record.version != expected {
            return Ok(Replaced::Moved(found));
        }
        let until = found.record.lease.map_or(now, |lease| lease.until);
        Ok(Replaced::Leased { until })
    }

    async fn try_row(&self, account: &AccountId) -> Result<Option<Account<()>>, StorageError> {
        let mut transaction = self.backend.read().await?;
        let row = transaction.row(ROW, &[account.as_str().into()]).await?;
        transaction.commit().await?;
        row.as_ref().map(Account::read).transpose()
    }
}

/// Parameters 1 to 14 of an insertion and a replacement.
fn described<'a, C>(
    record: &'a Record<C>,
    origin: Origin,
    sealed: &'a Sealed,
    changed: i64,
) -> [Value<'a>; 14] {
    [
        record.account.as_str().into(),
        (&*record.provider).into(),
        record.status.as_str().into(),
        record.reason.as_deref().into(),
        from_time(record.since).into(),
        origin.as_str().into(),
        record.renewable.into(),
        record.expires_at.map(from_time).into(),
        record.refresh_at.map(from_time).into(),
        record.refreshed_at.map(from_time).into(),
        record.refresh_expires_at.map(from_time).into(),
        sealed.key_id.as_str().into(),
        sealed.bytes.as_slice().into(),
        changed.into(),
    ]
}
