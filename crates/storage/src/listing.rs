//! Accounts, many at a time.

use std::sync::Arc;
use std::time::SystemTime;

use leeward_auth_refresh::{AccountId, Status};
use serde::de::DeserializeOwned;

use crate::account::{self, Account, Origin, StoredAccount, columns, count};
use crate::backend::Row;
use crate::error::StorageError;
use crate::millis;
use crate::store::Store;

/// The most that one page holds.
const LARGEST_PAGE: usize = 10_000;

macro_rules! page {
    ($columns:expr) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM leeward_accounts WHERE ($1 IS NULL OR provider = $1) \
             AND ($2 IS NULL OR status = $2) AND ($3 IS NULL OR origin = $3) \
             AND ($4 IS NULL OR id > $4) ORDER BY id LIMIT $5"
        )
    };
}

const ROWS: &str = page!(columns!());
const OPENED: &str = page!(concat!(columns!(), ", sealed"));

/// Which accounts a list shows; the default is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those of this provider.
    pub provider: Option<Arc<str>>,
    /// Only those of this status.
    pub status: Option<Status>,
    /// Only those that came from there.
    pub origin: Option<Origin>,
}

/// A part of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The accounts, by their ids.
    pub accounts: Vec<T>,
    /// After which to go on. `None`: this was the last.
    pub next: Option<AccountId>,
}

/// How many accounts of a provider have a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusCount {
    /// The provider.
    pub provider: Arc<str>,
    /// The status.
    pub status: Status,
    /// How many. Ids that end with `/` are kept for tokens that no account owns, and are not counted.
    pub accounts: u64,
    /// The soonest end of a token among them, of those that have one.
    pub soonest_expiry: Option<SystemTime>,
}

impl Store {
    /// Accounts after this one, at most `limit` (1 to 10,000), without opening their credentials.
    ///
    /// # Errors
    /// [`StorageError`] if the database fails.
    pub async fn list_rows(
        &self,
        filter: &Filter,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Page<Account<()>>, StorageError> {
        let fetch = || self.fetch(ROWS, filter, after, limit);
        let rows = self.backend.repeating(fetch).await?;
        let accounts = rows
            .iter()
            .map(Account::read)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(page(accounts, limit, |account| &account.record.account))
    }

    /// Accounts with their credentials, as [`list_rows`](Self::list_rows) without. One that does not open is an error of its own, so
    /// that it hides no other.
    ///
    /// # Errors
    /// [`StorageError`] if the database fails.
    pub async fn list<C: DeserializeOwned>(
        &self,
        filter: &Filter,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Page<Account<Result<C, StorageError>>>, StorageError> {
        let fetch = || self.fetch(OPENED, filter, after, limit);
        let rows = self.backend.repeating(fetch).await?;
        let accounts = rows
            .iter()
            .map(|row| {
                let stored = StoredAccount::read(row)?;
                let credential = stored.credential(&self.keys);
                Ok(stored.account.with(credential))
            })
            .collect::<Result<Vec<_>, StorageError>>()?;
        Ok(page(accounts, limit, |account| &account.record.account))
    }

    /// How many accounts there are, by provider and status.
    ///
    /// # Errors
    /// [`StorageError`] if the database fails.
    pub async fn count_by_status(&self) -> Result<Vec<StatusCount>, StorageError> {
        let mut transaction = self.backend.read().await?;
        let rows = transaction
            .rows(
                "SELECT provider, status, COUNT(CASE WHEN id LIKE '%/' THEN NULL ELSE 1 END) AS accounts, \
                 MIN(NULLIF(expires_at, 0)) AS soonest \
                 FROM leeward_accounts GROUP BY provider, status ORDER BY provider, status",
                &[],
            )
            .await?;
        transaction.commit().await?;
        rows.iter()
            .map(|row| {
                let name: String = row.get("status")?;
                let status = account::status(&name).ok_or(StorageError::Unknown {
                    account: name,
                    column: "status",
                })?;
                Ok(StatusCount {
                    provider: row.get::<String>("provider")?.into(),
                    status,
                    accounts: count(row, "(all)", "accounts")?,
                    soonest_expiry: row.get::<Option<i64>>("soonest")?.map(millis::to_time),
                })
            })
            .collect()
    }

    /// One row more than the page holds tells whether there is another page.
    async fn fetch(
        &self,
        sql: &'static str,
        filter: &Filter,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<Row>, StorageError> {
        let wanted = i64::try_from(bounded(limit) + 1).unwrap_or(i64::MAX);
        let values = [
            filter.provider.as_deref().into(),
            filter.status.map(Status::as_str).into(),
            filter.origin.map(Origin::as_str).into(),
            after.map(AccountId::as_str).into(),
            wanted.into(),
        ];
        let mut transaction = self.backend.read().await?;
        let rows = transaction.rows(sql, &values).await?;
        transaction.commit().await?;
        Ok(rows)
    }
}

fn bounded(limit: usize) -> usize {
    limit.clamp(1, LARGEST_PAGE)
}

fn page<T>(mut accounts: Vec<T>, limit: usize, id: impl Fn(&T) -> &AccountId) -> Page<T> {
    let limit = bounded(limit);
    let more = accounts.len() > limit;
    accounts.truncate(limit);
    let next = accounts
        .last()
        .filter(|_| more)
        .map(|last| id(last).clone());
    Page { accounts, next }
}
