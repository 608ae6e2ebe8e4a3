//! The accounts of this process: kept in the store, known in memory, renewed by the keeper.

mod directory;
mod files;
mod follow;
mod put;
mod view;

use std::sync::Arc;
use std::time::SystemTime;

use leeward_auth_refresh::{AccountId, CredentialError, Keeper, Record, Status};
use leeward_auth_schemes::{ProviderAuth, Secrets};
use leeward_storage::{Account, Filter, StorageError, Store};

pub use directory::{Directory, Only};
pub use put::{Change, Put, PutError};
pub use view::{Page, time, view};

use crate::clock::Clock;

/// How each provider's requests are authorized, as its configuration in force says.
pub trait Auths: Send + Sync + 'static {
    /// The provider's; nothing if it is not configured.
    fn auth_of(&self, provider: &str) -> Option<Arc<ProviderAuth>>;
}

/// What operators and files do with accounts. Clones share everything.
#[derive(Clone)]
pub struct Accounts {
    store: Store,
    keeper: Keeper<Secrets>,
    directory: Directory,
    auths: Arc<dyn Auths>,
    clock: Clock,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").finish_non_exhaustive()
    }
}

/// Whether an id is `[A-Za-z0-9._:@-]{1,200}`.
pub fn is_account_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:@-".contains(&byte);
    (1..=200).contains(&id.len()) && id.bytes().all(allowed)
}

impl Accounts {
    /// Over this store and keeper.
    pub fn new(
        store: Store,
        keeper: Keeper<Secrets>,
        directory: Directory,
        auths: Arc<dyn Auths>,
        clock: Clock,
    ) -> Self {
        Self {
            store,
            keeper,
            directory,
            auths,
            clock,
        }
    }

    /// The store, for its health.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// One account.
    pub async fn get(&self, id: &AccountId) -> Result<Option<Account<Secrets>>, StorageError> {
        self.store.get(id).await
    }

    /// Accounts in the order of their ids.
    pub async fn list(
        &self,
        provider: Option<&str>,
        status: Option<Status>,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Page, StorageError> {
        let filter = Filter {
            provider: provider.map(Into::into),
            status,
            origin: None,
        };
        let page = self.store.list::<Secrets>(&filter, after, limit).await?;
        Ok(Page {
            next: page.next,
            accounts: page
                .accounts
                .into_iter()
                .filter(|account| !is_own(&account.record.account))
                .map(|account| {
                    let vars = account
                        .record
                        .credential
                        .as_ref()
                        .map(|secrets| secrets.vars.clone())
                        .unwrap_or_default();
                    let refreshing = self.keeper.refreshing(&account.record.account);
                    view(&account.record, &vars, refreshing)
                })
                .collect(),
        })
    }

    /// An account as the admin API shows it.
    pub fn show(&self, record: &Record<Secrets>) -> serde_json::Value {
        let refreshing = self.keeper.refreshing(&record.account);
        view(record, &record.credential.vars, refreshing)
    }

    /// Deletes an account. Whether there was one.
    pub async fn delete(&self, id: &AccountId) -> Result<bool, StorageError> {
        let deleted = self.store.delete(id, None, self.now()).await?;
        self.directory.remove(id);
        self.keeper.forget(id);
        Ok(deleted)
    }

    /// Renews by hand; joins a flight that is under way.
    pub async fn refresh(&self, id: &AccountId) -> Result<Record<Secrets>, CredentialError> {
        self.keeper.refresh(id).await
    }

    /// Switches an account off.
    pub async fn disable(&self, id: &AccountId) -> Result<bool, StorageError> {
        let found = self.store.disable(id, Some("by hand"), self.now()).await?;
        self.take_in(id).await?;
        Ok(found.is_some())
    }

    /// Switches an account on again.
    pub async fn enable(&self, id: &AccountId) -> Result<bool, StorageError> {
        let found = self.store.enable(id, self.now()).await?;
        self.take_in(id).await?;
        Ok(found.is_some())
    }

    /// Takes the store's record of an account into memory, or forgets it.
    async fn take_in(&self, id: &AccountId) -> Result<(), StorageError> {
        match self.store.get::<Secrets>(id).await? {
            Some(account) => {
                let provider = Arc::clone(&account.record.provider);
                self.keeper.put(account.record);
                self.directory.insert(id.clone(), provider);
            }
            None => {
                self.directory.remove(id);
                self.keeper.forget(id);
            }
        }
        Ok(())
    }

    fn now(&self) -> SystemTime {
        self.clock.wall()
    }
}

/// The row of a provider that needs no account: never shown, never named by a request.
fn is_own(id: &AccountId) -> bool {
    id.as_str().ends_with('/')
}
