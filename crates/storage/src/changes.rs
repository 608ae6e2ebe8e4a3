//! What changed since one last looked: how the processes that share a store notice each other's doings.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use leeward_auth_refresh::AccountId;

use crate::account::count;
use crate::backend::{Transaction, Value};
use crate::error::StorageError;
use crate::millis;
use crate::store::Store;

/// How long a deletion is remembered.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

/// One account that changed. Only its last change is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whose.
    pub account: AccountId,
    /// The API that it is for.
    pub provider: Arc<str>,
    /// The version of its credential; it also changes its status, which leaves the version alone.
    pub version: u64,
    /// Whether it is gone.
    pub deleted: bool,
    /// The position of the change.
    pub changed: u64,
}

/// The answer to [`Store::changes_since`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// In the order of their positions.
    pub changes: Vec<Change>,
    /// Where to look from next time. Further than the last change if there is no more.
    pub upto: u64,
    /// Whether there may be more at once.
    pub more: bool,
    /// The store cannot tell all that happened since then (deletions of more than a day ago are forgotten,
    /// and a restored backup knows nothing of later ones): begin anew from [`Store::list_rows`].
    pub reset: bool,
}

impl Store {
    /// The position of the last change: where to begin [`changes_since`](Self::changes_since). Ask for it before
    /// reading the accounts, so that no change falls in between.
    ///
    /// # Errors
    /// [`StorageError`] if the database fails.
    pub async fn position(&self) -> Result<u64, StorageError> {
        let mut transaction = self.backend.read().await?;
        let (head, _) = heads(&mut transaction).await?;
        transaction.commit().await?;
        Ok(head)
    }

    /// Which accounts are new, have another credential or status, or are gone since this position; at most
    /// `limit` of them. Leases and failed attempts are no changes. Cheap enough to be asked each second.
    ///
    /// # Errors
    /// [`StorageError`] if the database fails.
    pub async fn changes_since(
        &self,
        position: u64,
        limit: usize,
    ) -> Result<Changes, StorageError> {
        let limit = limit.max(1);
        let mut transaction = self.backend.read().await?;
        let (head, forgotten) = heads(&mut transaction).await?;
        if position == head {
            transaction.commit().await?;
            return Ok(Changes {
                changes: Vec::new(),
                upto: head,
                more: false,
                reset: false,
            });
        }
        if position < forgotten || position > head {
            transaction.commit().await?;
            return Ok(Changes {
                changes: Vec::new(),
                upto: head,
                more: false,
                reset: true,
            });
        }
        let rows = transaction
            .rows(
                "SELECT id, provider, version, changed, FALSE AS deleted FROM leeward_accounts \
                 WHERE changed > $1 AND changed <= $2 \
                 UNION ALL \
                 SELECT id, provider, version, changed, TRUE AS deleted FROM leeward_deleted_accounts \
                 WHERE changed > $1 AND changed <= $2 \
                 ORDER BY changed LIMIT $3",
                &[
                    signed(position).into(),
                    signed(head).into(),
                    i64::try_from(limit).unwrap_or(i64::MAX).into(),
                ],
            )
            .await?;
        transaction.commit().await?;
        let changes = rows
            .iter()
            .map(|row| {
                let id: String = row.get("id")?;
                Ok(Change {
                    version: count(row, &id, "version")?,
                    changed: count(row, &id, "changed")?,
                    account: AccountId::from(id),
                    provider: row.get::<String>("provider")?.into(),
                    deleted: row.get("deleted")?,
                })
            })
            .collect::<Result<Vec<_>, StorageError>>()?;
        let more = changes.len() >= limit;
        let upto = changes
            .last()
            .filter(|_| more)
            .map_or(head, |last| last.changed);
        Ok(Changes {
            changes,
            upto,
            more,
            reset: false,
        })
    }
}

async fn heads(transaction: &mut Transaction) -> Result<(u64, u64), StorageError> {
    let row = transaction
        .row(
            "SELECT head, forgotten FROM leeward_changes WHERE id = 1",
            &[],
        )
        .await?;
    let row = row.ok_or(sqlx::Error::RowNotFound)?;
    Ok((
        count(&row, "(all)", "head")?,
        count(&row, "(all)", "forgotten")?,
    ))
}

/// The next position. Its row stays locked to the end of the transaction: positions become visible in
/// their order, or a reader could pass one that is not committed yet, and never see it. Taken before any
/// other lock, so that no two transactions wait for each other.
pub(crate) async fn next(transaction: &mut Transaction) -> Result<i64, StorageError> {
    let row = transaction
        .row(
            "UPDATE leeward_changes SET head = head + 1 WHERE id = 1 RETURNING head",
            &[],
        )
        .await?;
    Ok(row.ok_or(sqlx::Error::RowNotFound)?.get("head")?)
}

/// Forgets deletions of long ago.
pub(crate) async fn forget_old(
    transaction: &mut Transaction,
    now: SystemTime,
) -> Result<(), StorageError> {
    let before: Value<'_> = millis::from_time(now - REMEMBERED).into();
    let row = transaction
        .row(
            "SELECT MAX(changed) AS last FROM leeward_deleted_accounts WHERE deleted_at < $1",
            &[before],
        )
        .await?;
    let last: Option<i64> = row.map(|row| row.get("last")).transpose()?.flatten();
    let Some(last) = last else {
        return Ok(());
    };
    transaction
        .execute(
            "DELETE FROM leeward_deleted_accounts WHERE deleted_at < $1",
            &[before],
        )
        .await?;
    transaction
        .execute(
            "UPDATE leeward_changes SET forgotten = $1 WHERE id = 1 AND forgotten < $1",
            &[last.into()],
        )
        .await?;
    Ok(())
}

pub(crate) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
