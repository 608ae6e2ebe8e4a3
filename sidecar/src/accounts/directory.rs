//! Which accounts there are, and of which provider: in memory, for every request.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use dashmap::DashMap;
use leeward_auth_refresh::AccountId;

/// Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    accounts: DashMap<AccountId, Arc<str>>,
    of_provider: RwLock<HashMap<Arc<str>, BTreeSet<AccountId>>>,
}

/// The account that a request means which names none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Only {
    /// There is none.
    None,
    /// There is just this one.
    One(AccountId),
    /// There are several.
    Several,
}

impl Directory {
    /// An account by its id, with its provider.
    pub fn find(&self, id: &str) -> Option<(AccountId, Arc<str>)> {
        let found = self.shared.accounts.get(&AccountId::from(id))?;
        Some((found.key().clone(), Arc::clone(found.value())))
    }

    /// The provider's only account.
    pub fn only(&self, provider: &str) -> Only {
        let of_provider = self.read();
        let Some(accounts) = of_provider.get(provider) else {
            return Only::None;
        };
        match (accounts.first(), accounts.len()) {
            (Some(one), 1) => Only::One(one.clone()),
            (None, _) => Only::None,
            _ => Only::Several,
        }
    }

    /// Adds an account, or moves it to another provider.
    pub fn insert(&self, id: AccountId, provider: Arc<str>) {
        if super::is_own(&id) {
            return;
        }
        let before = self
            .shared
            .accounts
            .insert(id.clone(), Arc::clone(&provider));
        let mut of_provider = self
            .shared
            .of_provider
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = before.filter(|before| *before != provider)
            && let Some(accounts) = of_provider.get_mut(&before)
        {
            accounts.remove(&id);
        }
        of_provider.entry(provider).or_default().insert(id);
    }

    /// Removes an account.
    pub fn remove(&self, id: &AccountId) {
        let Some((_, provider)) = self.shared.accounts.remove(id) else {
            return;
        };
        let mut of_provider = self
            .shared
            .of_provider
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(accounts) = of_provider.get_mut(&provider) {
            accounts.remove(id);
            if accounts.is_empty() {
                of_provider.remove(&provider);
            }
        }
    }

    /// All ids.
    pub fn ids(&self) -> Vec<AccountId> {
        let each = self.shared.accounts.iter();
        each.map(|account| account.key().clone()).collect()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<Arc<str>, BTreeSet<AccountId>>> {
        self.shared
            .of_provider
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
