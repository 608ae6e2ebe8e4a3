//! One provider's authentication, compiled.

use leeward_auth_refresh::RefreshPolicy;
use leeward_expression::Names;
use serde_json::Value;

use crate::{Incomplete, Inputs, Placement, Placements, Prepared, Scheme, Secrets};

/// One provider's authentication: its type, where the credential goes, and when it is renewed.
#[derive(Debug, Clone)]
pub struct ProviderAuth {
    scheme: Scheme,
    placements: Placements,
    policy: RefreshPolicy,
    apply: Vec<Placement>,
}

/// Settings that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupFault {
    /// A key goes nowhere by itself.
    #[error("`type: api_key` needs `apply`: where the key goes")]
    NeedsApply,
}

impl ProviderAuth {
    /// Puts the parts together. `apply`, unless empty, takes the place of the type's own placement.
    ///
    /// # Errors
    /// A key without `apply`.
    pub fn new(
        scheme: Scheme,
        apply: Vec<Placement>,
        policy: RefreshPolicy,
    ) -> Result<Self, SetupFault> {
        if matches!(scheme, Scheme::ApiKey) && apply.is_empty() {
            return Err(SetupFault::NeedsApply);
        }
        Ok(Self {
            placements: Placements::new(&scheme, apply.clone()),
            scheme,
            policy,
            apply,
        })
    }

    /// The type with its settings.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Where the credential goes.
    #[must_use]
    pub fn placements(&self) -> &Placements {
        &self.placements
    }

    /// When it is renewed.
    #[must_use]
    pub fn policy(&self) -> &RefreshPolicy {
        &self.policy
    }

    /// Whether requests need an account: the type or a placement reads something of it.
    #[must_use]
    pub fn needs_account(&self) -> bool {
        let mut names = Names::default();
        self.apply
            .iter()
            .for_each(|placement| names.extend(placement.value.names()));
        self.scheme.needs_account() || names.contains("account") || names.contains("credentials")
    }

    /// The credential, ready to be put on requests of this account. `request` and `now` (milliseconds since 1970) are
    /// looked at only if [`Placements::per_request`] says so; otherwise the result is kept as long as the secrets.
    ///
    /// # Errors
    /// [`Incomplete`] names what the account lacks.
    pub fn prepare(
        &self,
        account: &str,
        secrets: &Secrets,
        request: Option<Value>,
        now: i64,
    ) -> Result<Prepared, Incomplete> {
        let mut inputs = Inputs::new(account, secrets).at(now);
        if let Some(request) = request {
            inputs = inputs.request(request);
        }
        // Placements may name the client, too.
        if self.placements.names().contains("client")
            && let Some(endpoint) = self.scheme.endpoint()
        {
            inputs = endpoint.with_client(&inputs)?;
        }
        self.placements.prepare(&inputs)
    }
}
