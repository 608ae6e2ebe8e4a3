//! The store as the refresh of credentials sees it.

use std::time::{Duration, SystemTime};

use leeward_auth_refresh::{
    AccountId, Acquired, BoxFuture, CredentialStore, Due, Lease, Outcome, Record, Renewed, Status,
    StoreError,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::account::{Account, StoredAccount, seal};
use crate::backend::Value;
use crate::changes::{self, signed};
use crate::error::StorageError;
use crate::millis::{self, from_time};
use crate::statements::{ACQUIRE, COMMIT, DUE, GIVE_BACK, READ, SET_STATUS, SOONEST};
use crate::store::Store;

type Answer<T> = Result<T, StorageError>;

impl<C> CredentialStore<C> for Store
where
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    fn load<'a>(
        &'a self,
        account: &'a AccountId,
    ) -> BoxFuture<'a, Result<Option<Record<C>>, StoreError>> {
        Box::pin(async move {
            let found = self.backend.repeating(|| self.read_stored(account)).await?;
            Ok(found
                .map(|found| found.open(&self.keys))
                .transpose()?
                .map(|found| found.record))
        })
    }

    fn acquire<'a>(
        &'a self,
        account: &'a AccountId,
        version: u64,
        owner: &'a str,
        now: SystemTime,
        until: SystemTime,
        longest: Duration,
    ) -> BoxFuture<'a, Result<Acquired<C>, StoreError>> {
        Box::pin(async move {
            let last = now.checked_add(longest).map_or(i64::MAX, from_time);
            let attempt = || self.try_acquire(account, version, owner, now, until, last);
            Ok(self.backend.repeating(attempt).await?)
        })
    }

    fn mark_sent<'a>(
        &'a self,
        lease: &'a Lease,
        at: SystemTime,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        const SQL: &str = "UPDATE leeward_accounts SET sent_at = $4 \
             WHERE id = $1 AND fence = $2 AND lease_owner = $3";
        Box::pin(async move {
            Ok(self
                .backend
                .repeating(|| self.touch(SQL, lease, at))
                .await?)
        })
    }

    fn renew<'a>(
        &'a self,
        lease: &'a Lease,
        until: SystemTime,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        const SQL: &str = "UPDATE leeward_accounts SET lease_until = $4 \
             WHERE id = $1 AND fence = $2 AND lease_owner = $3";
        Box::pin(async move {
            Ok(self
                .backend
                .repeating(|| self.touch(SQL, lease, until))
                .await?)
        })
    }

    fn commit<'a>(
        &'a self,
        lease: &'a Lease,
        renewed: Renewed<C>,
    ) -> BoxFuture<'a, Result<Option<Record<C>>, StoreError>> {
        Box::pin(async move {
            let written = self
                .backend
                .repeating(|| self.try_commit(lease, &renewed))
                .await?;
            Ok(written.map(|written| written.with(renewed.credential).record))
        })
    }

    fn give_back<'a>(
        &'a self,
        lease: &'a Lease,
        outcome: Outcome,
    ) -> BoxFuture<'a, Result<Option<Record<C>>, StoreError>> {
        Box::pin(async move {
            let written = self
                .backend
                .repeating(|| self.try_give_back(lease, &outcome))
                .await?;
            Ok(written
                .map(|written| written.open(&self.keys))
                .transpose()?
                .map(|found| found.record))
        })
    }

    fn set_status<'a>(
        &'a self,
        account: &'a AccountId,
        version: Option<u64>,
        status: Status,
        reason: Option<String>,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Option<Record<C>>, StoreError>> {
        Box::pin(async move {
            let reason = reason.as_deref();
            let attempt = || self.try_set_status(account, version, status, reason, now);
            let written = self.backend.repeating(attempt).await?;
            Ok(written
                .map(|written| written.open(&self.keys))
                .transpose()?
                .map(|found| found.record))
        })
    }

    fn due<'a>(&'a self, due: &'a Due) -> BoxFuture<'a, Result<Vec<AccountId>, StoreError>> {
        Box::pin(async move { Ok(self.backend.repeating(|| self.try_due(due)).await?) })
    }

    fn soonest<'a>(&'a self) -> BoxFuture<'a, Result<Option<SystemTime>, StoreError>> {
        Box::pin(async move { Ok(self.backend.repeating(|| self.try_soonest()).await?) })
    }
}

impl Store {
    pub(crate) async fn read_stored(&self, account: &AccountId) -> Answer<Option<StoredAccount>> {
        let mut transaction = self.backend.read().await?;
        let row = transaction.row(READ, &[account.as_str().into()]).await?;
        transaction.commit().await?;
        row.as_ref().map(StoredAccount::read).transpose()
    }

    async fn try_acquire<C: DeserializeOwned>(
        &self,
        account: &AccountId,
        version: u64,
        owner: &str,
        now: SystemTime,
        until: SystemTime,
        last: i64,
    ) -> Answer<Acquired<C>> {
        let mut transaction = self.backend.write().await?;
        let values = [
            account.as_str().into(),
            signed(version).into(),
            owner.into(),
            from_time(until).into(),
            from_time(now).into(),
            last.into(),
        ];
        if let Some(row) = transaction.row(ACQUIRE, &values).await? {
            // Opened before the end: a lease on what cannot be read would only keep others out.
            let record = StoredAccount::read(&row)?.open(&self.keys)?.record;
            transaction.commit().await?;
            return match record.lease.clone() {
                Some(lease) => Ok(Acquired::Leased(lease, record)),
                None => Ok(Acquired::Held { until }),
            };
        }
        let row = transaction.row(READ, &[account.as_str().into()]).await?;
        transaction.rollback().await?;
        let Some(row) = row else {
            return Ok(Acquired::Gone);
        };
        let found = StoredAccount::read(&row)?;
        if found.account.record.version != version {
            return Ok(Acquired::Moved(found.open(&self.keys)?.record));
        }
        // No lease any more: it ended between the two statements. Who asked looks again soon.
        let until = found.account.record.lease.map_or(now, |lease| lease.until);
        Ok(Acquired::Held { until })
    }

    async fn touch(&self, sql: &'static str, lease: &Lease, time: SystemTime) -> Answer<bool> {
        let mut transaction = self.backend.write().await?;
        let values = [
            lease.account.as_str().into(),
            signed(lease.fence).into(),
            (&*lease.owner).into(),
            from_time(time).into(),
        ];
        let touched = transaction.execute(sql, &values).await?;
        transaction.commit().await?;
        Ok(touched > 0)
    }

    async fn try_commit<C: Serialize>(
        &self,
        lease: &Lease,
        renewed: &Renewed<C>,
    ) -> Answer<Option<Account<()>>> {
        let sealed = seal(&self.keys, &lease.account, &renewed.credential)?;
        let mut transaction = self.backend.write().await?;
        let changed = changes::next(&mut transaction).await?;
        let values = [
            lease.account.as_str().into(),
            signed(lease.fence).into(),
            (&*lease.owner).into(),
            from_time(renewed.refreshed_at).into(),
            renewed.expires_at.map(from_time).into(),
            renewed.refresh_at.map(from_time).into(),
            renewed.refresh_expires_at.map(from_time).into(),
            sealed.key_id.as_str().into(),
            sealed.bytes.as_slice().into(),
            changed.into(),
        ];
        let Some(row) = transaction.row(COMMIT, &values).await? else {
            transaction.rollback().await?;
            return Ok(None);
        };
        let written = Account::read(&row)?;
        transaction.commit().await?;
        Ok(Some(written))
    }

    async fn try_give_back(
        &self,
        lease: &Lease,
        outcome: &Outcome,
    ) -> Answer<Option<StoredAccount>> {
        let id = Value::from(lease.account.as_str());
        let mut transaction = self.backend.write().await?;
        // A failure that changes no status is nobody else's business: no position is spent, which in an
        // outage would be many.
        let changed = match &outcome.status {
            Some(_) => Some(changes::next(&mut transaction).await?),
            None => None,
        };
        let values = [
            id,
            signed(lease.fence).into(),
            (&*lease.owner).into(),
            outcome.retry_at.map(from_time).into(),
            i64::from(outcome.failures).into(),
            outcome.sent_at.map(from_time).into(),
            outcome.refresh_at.map(from_time).into(),
        ];
        let Some(mut row) = transaction.row(GIVE_BACK, &values).await? else {
            transaction.rollback().await?;
            return Ok(None);
        };
        if let (Some((status, reason)), Some(changed)) = (&outcome.status, changed) {
            let values = [
                id,
                None::<i64>.into(),
                status.as_str().into(),
                reason.as_str().into(),
                from_time(outcome.at).into(),
                changed.into(),
            ];
            row = transaction
                .row(SET_STATUS, &values)
                .await?
                .ok_or(sqlx::Error::RowNotFound)?;
        }
        let written = StoredAccount::read(&row)?;
        transaction.commit().await?;
        Ok(Some(written))
    }

    pub(crate) async fn try_set_status(
        &self,
        account: &AccountId,
        version: Option<u64>,
        status: Status,
        reason: Option<&str>,
        now: SystemTime,
    ) -> Answer<Option<StoredAccount>> {
        let mut transaction = self.backend.write().await?;
        let changed = changes::next(&mut transaction).await?;
        let values = [
            account.as_str().into(),
            version.map(signed).into(),
            status.as_str().into(),
            reason.into(),
            from_time(now).into(),
            changed.into(),
        ];
        let Some(row) = transaction.row(SET_STATUS, &values).await? else {
            transaction.rollback().await?;
            return Ok(None);
        };
        let written = StoredAccount::read(&row)?;
        transaction.commit().await?;
        Ok(Some(written))
    }

    async fn try_due(&self, due: &Due) -> Answer<Vec<AccountId>> {
        let from_now = |distance| due.now.checked_add(distance).map_or(i64::MAX, from_time);
        let values = [
            from_time(due.now).into(),
            from_now(due.longest_lease).into(),
            from_now(due.longest_backoff).into(),
            from_now(due.longest_reauth).into(),
            i64::try_from(due.limit).unwrap_or(i64::MAX).into(),
        ];
        let mut transaction = self.backend.read().await?;
        let rows = transaction.rows(DUE, &values).await?;
        transaction.commit().await?;
        rows.iter()
            .map(|row| Ok(AccountId::from(row.get::<String>("id")?)))
            .collect()
    }

    async fn try_soonest(&self) -> Answer<Option<SystemTime>> {
        let mut transaction = self.backend.read().await?;
        let row = transaction.row(SOONEST, &[]).await?;
        transaction.commit().await?;
        let soonest: Option<i64> = row.map(|row| row.get("soonest")).transpose()?.flatten();
        Ok(soonest.map(millis::to_time))
    }
}
