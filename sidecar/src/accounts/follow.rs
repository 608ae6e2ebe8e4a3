//! What other processes did to the accounts of a shared store, noticed within two seconds; and the
//! gauges that are read off the store.

use std::collections::BTreeSet;
use std::time::Duration;

use leeward_auth_refresh::Status;
use leeward_auth_schemes::Secrets;
use leeward_storage::{Filter, StorageError};

use super::Accounts;
use crate::metrics::Metrics;

/// Between two looks at the store's changes.
const EVERY: Duration = Duration::from_secs(1);
/// Between two counts of accounts.
const COUNT_EVERY: u32 = 5;
/// Changes taken at once.
const BATCH: usize = 1000;

impl Accounts {
    /// Takes every account of the store into memory; the position from which to follow.
    ///
    /// # Errors
    /// The store failed.
    pub async fn load_all(&self) -> Result<u64, StorageError> {
        let position = self.store.position().await?;
        let mut gone: BTreeSet<_> = self.directory.ids().into_iter().collect();
        let mut after = None;
        loop {
            let page = self
                .store
                .list::<Secrets>(&Filter::default(), after.as_ref(), BATCH)
                .await?;
            for account in page.accounts {
                gone.remove(&account.record.account);
                let provider = account.record.provider.clone();
                let id = account.record.account.clone();
                let (record, credential) = account.record.split();
                match credential {
                    Ok(secrets) => {
                        self.keeper.put(record.with(secrets));
                        self.directory.insert(id, provider);
                    }
                    Err(error) => tracing::error!(%error, "an account cannot be opened"),
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        for id in gone {
            self.directory.remove(&id);
            self.keeper.forget(&id);
        }
        Ok(position)
    }

    /// Follows the store until the task is aborted.
    pub async fn follow(self, mut position: u64, metrics: Metrics) {
        let mut turn = 0_u32;
        loop {
            tokio::time::sleep(EVERY).await;
            let followed = self.follow_once(&mut position).await;
            if let Err(error) = &followed {
                tracing::warn!(%error, "the store does not answer");
            }
            metrics.store_up.set(i64::from(followed.is_ok()));
            if turn.is_multiple_of(COUNT_EVERY) {
                // A store that is away is told by its own gauge; the counts stay as they were.
                let _ = self.count(&metrics).await;
            }
            turn = turn.wrapping_add(1);
        }
    }

    async fn follow_once(&self, position: &mut u64) -> Result<(), StorageError> {
        loop {
            let changes = self.store.changes_since(*position, BATCH).await?;
            if changes.reset {
                *position = self.load_all().await?;
                return Ok(());
            }
            for change in &changes.changes {
                let known = self.keeper.peek(&change.account);
                let ours = known.is_some_and(|known| known.version == change.version);
                if change.deleted {
                    self.directory.remove(&change.account);
                    self.keeper.forget(&change.account);
                } else if !ours || self.status_moved(change).await? {
                    self.take_in(&change.account).await?;
                }
            }
            *position = changes.upto;
            if !changes.more {
                return Ok(());
            }
        }
    }

    async fn status_moved(&self, change: &leeward_storage::Change) -> Result<bool, StorageError> {
        let Some(row) = self.store.get_row(&change.account).await? else {
            return Ok(true);
        };
        let known = self.keeper.peek(&change.account);
        Ok(known.is_none_or(|known| known.status != row.record.status))
    }

    /// Sets the gauges of accounts and tokens.
    ///
    /// # Errors
    /// The store failed.
    pub async fn count(&self, metrics: &Metrics) -> Result<(), StorageError> {
        let counts = self.store.count_by_status().await?;
        let now = self.now();
        let mut accounts = Vec::new();
        let mut soonest = Vec::new();
        for count in &counts {
            if count.accounts > 0 {
                let accounted = i64::try_from(count.accounts).unwrap_or(i64::MAX);
                accounts.push((&*count.provider, count.status.as_str(), accounted));
            }
            if count.status == Status::Active
                && let Some(expiry) = count.soonest_expiry
            {
                let left = match expiry.duration_since(now) {
                    Ok(left) => left.as_secs_f64(),
                    Err(over) => -over.duration().as_secs_f64(),
                };
                soonest.push((&*count.provider, left));
            }
        }
        metrics.set_accounts(&accounts);
        metrics.set_token_expiries(&soonest);
        Ok(())
    }
}
