//! Accounts switched off and on, and deleted.

use std::time::SystemTime;

use leeward_auth_refresh::{AccountId, Status};

use crate::account::{Account, Origin, columns};
use crate::accounts::ROW;
use crate::backend::Value;
use crate::changes;
use crate::error::StorageError;
use crate::millis::from_time;
use crate::store::Store;

const ENABLE: &str = concat!(
    "UPDATE leeward_accounts SET status = status_before, reason = reason_before, since = $2, \
     status_before = NULL, reason_before = NULL, changed = $3 \
     WHERE id = $1 AND status = 'disabled' RETURNING ",
    columns!()
);

impl Store {
    /// Switches an account off: nothing is sent or renewed for it until it is enabled. `None`: there is no such account.
    ///
    /// # Errors
    /// [`StorageError`] if the database fails.
    pub async fn disable(
        &self,
        account: &AccountId,
        reason: Option<&str>,
        now: SystemTime,
    ) -> Result<Option<Account<()>>, StorageError> {
        let attempt = || self.try_set_status(account, None, Status::Disabled, reason, now);
        Ok(self
            .backend
            .repeating(attempt)
            .await?
            .map(|stored| stored.account))
    }

    /// Switches a disabled account on again, with the status (and its reason) that it had before; one that
    /// is not disabled stays as it is. `None`: there is no such account.
    ///
    /// # Errors
    /// [`StorageError`] if the database fails.
    pub async fn enable(
        &self,
        account: &AccountId,
        now: SystemTime,
    ) -> Result<Option<Account<()>>, StorageError> {
        self.backend
            .repeating(|| self.try_enable(account, now))
            .await
    }

    /// Deletes an account; with `only`, if it came from there. Whether there was one.
    ///
    /// # Errors
    /// [`StorageError`] if the database fails.
    pub async fn delete(
        &self,
        account: &AccountId,
        only: Option<Origin>,
        now: SystemTime,
    ) -> Result<bool, StorageError> {
        self.backend
            .repeating(|| self.try_delete(account, only, now))
            .await
    }

    async fn try_enable(
        &self,
        account: &AccountId,
        now: SystemTime,
    ) -> Result<Option<Account<()>>, StorageError> {
        let mut transaction = self.backend.write().await?;
        let changed = changes::next(&mut transaction).await?;
        let values = [
            account.as_str().into(),
            from_time(now).into(),
            changed.into(),
        ];
        if let Some(row) = transaction.row(ENABLE, &values).await? {
            let written = Account::read(&row)?;
            transaction.commit().await?;
            return Ok(Some(written));
        }
        let row = transaction.row(ROW, &[account.as_str().into()]).await?;
        transaction.rollback().await?;
        row.as_ref().map(Account::read).transpose()
    }

    async fn try_delete(
        &self,
        account: &AccountId,
        only: Option<Origin>,
        now: SystemTime,
    ) -> Result<bool, StorageError> {
        let id = Value::from(account.as_str());
        let mut transaction = self.backend.write().await?;
        let changed = changes::next(&mut transaction).await?;
        let deleted = transaction
            .row(
                "DELETE FROM leeward_accounts WHERE id = $1 AND ($2 IS NULL OR origin = $2) \
                 RETURNING provider, version, fence",
                &[id, only.map(Origin::as_str).into()],
            )
            .await?;
        let Some(deleted) = deleted else {
            transaction.rollback().await?;
            return Ok(false);
        };
        let provider: String = deleted.get("provider")?;
        transaction
            .execute(
                "INSERT INTO leeward_deleted_accounts (id, provider, version, fence, deleted_at, changed) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
                &[
                    id,
                    provider.as_str().into(),
                    deleted.get::<i64>("version")?.into(),
                    deleted.get::<i64>("fence")?.into(),
                    from_time(now).into(),
                    changed.into(),
                ],
            )
            .await?;
        changes::forget_old(&mut transaction, now).await?;
        transaction.commit().await?;
        Ok(true)
    }
}
