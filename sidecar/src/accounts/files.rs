//! Accounts from `accounts/*.yaml`: put into the store like any other, and taken out again when
//! their file is gone.

use std::collections::BTreeSet;

use leeward_auth_refresh::AccountId;
use leeward_auth_schemes::Map;
use leeward_storage::{Filter, Origin, StorageError};
use serde_json::Value;

use super::{Accounts, Put, PutError};
use crate::provider::own_account;

impl Accounts {
    /// Brings the store in line with the files; with `remove_others`, those that came of files that
    /// are gone are taken out. A fault in one account leaves the others alone.
    pub async fn put_files(
        &self,
        files: &[std::sync::Arc<leeward_config::Account>],
        remove_others: bool,
    ) -> Vec<(String, PutError)> {
        let mut faults = Vec::new();
        let mut here = BTreeSet::new();
        for file in files {
            let map = |fields: &indexmap::IndexMap<String, Value>| -> Map {
                fields
                    .iter()
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect()
            };
            let id = AccountId::from(file.account.0.as_str());
            here.insert(id.clone());
            let put = Put {
                id,
                provider: file.provider.0.as_str().to_owned(),
                credentials: map(&file.credentials),
                vars: map(&file.vars),
                origin: Origin::File,
            };
            if let Err(error) = self.put(&put).await {
                faults.push((file.account.0.as_str().to_owned(), error));
            }
        }
        if remove_others && let Err(error) = self.remove_others(&here).await {
            faults.push(("accounts".to_owned(), error.into()));
        }
        faults
    }

    async fn remove_others(&self, here: &BTreeSet<AccountId>) -> Result<(), StorageError> {
        let filter = Filter {
            origin: Some(Origin::File),
            ..Filter::default()
        };
        let mut after = None;
        loop {
            let page = self.store.list_rows(&filter, after.as_ref(), 1000).await?;
            for account in &page.accounts {
                let id = &account.record.account;
                if !here.contains(id) && !super::is_own(id) {
                    self.store
                        .delete(id, Some(Origin::File), self.now())
                        .await?;
                    self.directory.remove(id);
                    self.keeper.forget(id);
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// The row under which a provider keeps the token that no account owns.
    ///
    /// # Errors
    /// See [`PutError`].
    pub async fn put_own(&self, provider: &str) -> Result<(), PutError> {
        let put = Put {
            id: own_account(provider),
            provider: provider.to_owned(),
            credentials: Map::new(),
            vars: Map::new(),
            origin: Origin::File,
        };
        self.put(&put).await.map(|_| ())
    }
}
