//! A store in memory.

use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::shelf::Shelf;
use crate::{
    AccountId, Acquired, BoxFuture, CredentialStore, Due, Lease, Outcome, Record, Renewed, Status,
    StoreError,
};

/// A [`CredentialStore`] that keeps its records in memory: for tests, examples and programs whose
/// grants need not outlive them. A rotated refresh token is lost when the process ends.
///
/// Clones share the records, so several keepers can stand over one store.
pub struct MemoryStore<C>(Arc<Mutex<Shelf<C>>>);

impl<C> Clone for MemoryStore<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> Default for MemoryStore<C> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<C> std::fmt::Debug for MemoryStore<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl<C: Clone> MemoryStore<C> {
    /// A store without records.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a record in place of the account's earlier one; the version grows, and who renews the
    /// earlier one at this moment is fenced. Answers the record as it is kept; give it to
    /// [`Keeper::put`](crate::Keeper::put).
    pub fn put(&self, record: Record<C>) -> Record<C> {
        self.shelf().put(record)
    }

    /// Takes a record away.
    pub fn remove(&self, account: &AccountId) -> Option<Record<C>> {
        self.shelf().remove(account)
    }

    /// A copy of a record.
    pub fn get(&self, account: &AccountId) -> Option<Record<C>> {
        self.shelf().load(account)
    }

    /// Which accounts there are, in no order.
    pub fn accounts(&self) -> Vec<AccountId> {
        self.shelf().accounts()
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf<C>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Result<T, StoreError>> {
    Box::pin(ready(Ok(value)))
}

impl<C: Clone + Send + 'static> CredentialStore<C> for MemoryStore<C> {
    fn load<'a>(
        &'a self,
        account: &'a AccountId,
    ) -> BoxFuture<'a, Result<Option<Record<C>>, StoreError>> {
        now(self.get(account))
    }

    fn acquire<'a>(
        &'a self,
        account: &'a AccountId,
        version: u64,
        owner: &'a str,
        at: SystemTime,
        until: SystemTime,
        longest: Duration,
    ) -> BoxFuture<'a, Result<Acquired<C>, StoreError>> {
        now(self
            .shelf()
            .acquire(account, version, owner, at, until, longest))
    }

    fn mark_sent<'a>(
        &'a self,
        lease: &'a Lease,
        at: SystemTime,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        now(self.shelf().mark_sent(lease, at))
    }

    fn renew<'a>(
        &'a self,
        lease: &'a Lease,
        until: SystemTime,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        now(self.shelf().renew(lease, until))
    }

    fn commit<'a>(
        &'a self,
        lease: &'a Lease,
        renewed: Renewed<C>,
    ) -> BoxFuture<'a, Result<Option<Record<C>>, StoreError>> {
        now(self.shelf().commit(lease, renewed))
    }

    fn give_back<'a>(
        &'a self,
        lease: &'a Lease,
        outcome: Outcome,
    ) -> BoxFuture<'a, Result<Option<Record<C>>, StoreError>> {
        now(self.shelf().give_back(lease, outcome))
    }

    fn set_status<'a>(
        &'a self,
        account: &'a AccountId,
        version: Option<u64>,
        status: Status,
        reason: Option<String>,
        at: SystemTime,
    ) -> BoxFuture<'a, Result<Option<Record<C>>, StoreError>> {
        now(self
            .shelf()
            .set_status(account, version, status, reason, at))
    }

    fn due<'a>(&'a self, due: &'a Due) -> BoxFuture<'a, Result<Vec<AccountId>, StoreError>> {
        now(self.shelf().due(due))
    }

    fn soonest<'a>(&'a self) -> BoxFuture<'a, Result<Option<SystemTime>, StoreError>> {
        now(self.shelf().soonest())
    }
}
