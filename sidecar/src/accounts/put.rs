//! What a PUT or a file gives becomes an account, or changes nothing.

use leeward_auth_refresh::{AccountId, Record, refresh_at};
use leeward_auth_schemes::{AdoptFault, Map, ProviderAuth, Secrets};
use leeward_storage::{Account, Origin, Replaced, StorageError};

use super::Accounts;

/// What is given.
#[derive(Debug, Clone)]
pub struct Put {
    /// Whose it is.
    pub id: AccountId,
    /// The API that it is for.
    pub provider: String,
    /// As the provider's type names them.
    pub credentials: Map,
    /// Variables for templates and expressions.
    pub vars: Map,
    /// From where.
    pub origin: Origin,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A new account.
    Created,
    /// Other credentials are in their place.
    Replaced,
    /// Superseded or present credentials: only the variables were taken.
    Unchanged,
}

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// The provider is not configured.
    #[error("no provider is called {0:?}")]
    UnknownProvider(String),
    /// The credentials do not have the form that the type needs.
    #[error(transparent)]
    Credentials(#[from] AdoptFault),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StorageError),
    /// It was being renewed, time and again.
    #[error("the account is being renewed; try again")]
    Busy,
}

/// How often a write that lost a race is tried again.
const TRIES: u32 = 40;

impl Accounts {
    /// Puts an account. A rotated token wins over the credentials that it came from: putting those
    /// again, from whichever earlier PUT or file, changes nothing but the variables.
    ///
    /// # Errors
    /// See [`PutError`].
    pub async fn put(&self, put: &Put) -> Result<Change, PutError> {
        let auth = self
            .auths
            .auth_of(&put.provider)
            .ok_or_else(|| PutError::UnknownProvider(put.provider.clone()))?;
        for _ in 0..TRIES {
            let known = self.store.get::<Secrets>(&put.id).await?;
            if let Some(change) = self.try_put(put, &auth, known).await? {
                self.take_in(&put.id).await?;
                return Ok(change);
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        Err(PutError::Busy)
    }

    /// All that would be refused, each at its JSON pointer in the body of a PUT.
    pub fn faults(&self, provider: &str, credentials: &Map) -> Vec<(String, String)> {
        match self.auths.auth_of(provider) {
            None => {
                let message = format!("no provider is called {provider:?}");
                vec![("/provider".to_owned(), message)]
            }
            Some(auth) => {
                let faults = auth.scheme().faults(credentials, self.now());
                let told = faults.iter().map(|fault| {
                    let pointer = format!("/credentials/{}", fault.name);
                    (pointer, fault.message.to_owned())
                });
                told.collect()
            }
        }
    }

    /// `None`: somebody else was faster; look again.
    async fn try_put(
        &self,
        put: &Put,
        auth: &ProviderAuth,
        known: Option<Account<Secrets>>,
    ) -> Result<Option<Change>, PutError> {
        let now = self.now();
        if let Some(known) = &known
            && *known.record.provider == *put.provider
            && known.record.credential.has_seen(&put.credentials)
            // Of a provider that got another type of `auth` since, they must be taken over anew.
            && known.record.renewable == auth.scheme().renewable(&known.record.credential)
        {
            let mut secrets = known.record.credential.clone();
            if secrets.given_vars == put.vars && known.origin == put.origin {
                return Ok(Some(Change::Unchanged));
            }
            secrets.set_given_vars(put.vars.clone());
            let version = known.record.version;
            let amended = self
                .store
                .amend(&put.id, &secrets, put.origin, version, now)
                .await?;
            return Ok(matches!(amended, Replaced::Done(_)).then_some(Change::Unchanged));
        }
        let adopted = auth
            .scheme()
            .adopt(put.credentials.clone(), put.vars.clone(), now)?;
        let mut record = Record::new(put.id.clone(), put.provider.as_str(), adopted.secrets, now);
        record.renewable = adopted.renewable;
        record.expires_at = adopted.expires_at;
        record.refresh_expires_at = adopted.refresh_expires_at;
        if record.renewable {
            record.refresh_at = refresh_at(
                &put.id,
                now,
                adopted.expires_at,
                adopted.refresh_expires_at,
                auth.policy(),
            );
        }
        let Some(known) = known else {
            let inserted = self.store.insert(&record, put.origin).await?;
            return Ok(inserted.map(|_| Change::Created));
        };
        // What was superseded stays known, so that a boot with old credentials changes nothing.
        let new = std::mem::take(&mut record.credential.seen);
        record.credential.seen = known.record.credential.seen.clone();
        record.credential.seen.retain(|seen| !new.contains(seen));
        record.credential.seen.extend(new);
        let version = known.record.version;
        let replaced = self.store.replace(&record, put.origin, version).await?;
        Ok(matches!(replaced, Replaced::Done(_)).then_some(Change::Replaced))
    }
}
