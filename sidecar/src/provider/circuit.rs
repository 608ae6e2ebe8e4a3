//! Which circuit a call belongs to: known before a token is bought, from what is in hand.

use std::collections::HashMap;
use std::sync::Arc;

use dashmap::DashMap;
use foldhash::fast::RandomState;
use leeward_auth_refresh::AccountId;
use leeward_config::types::BreakerBy;

use super::Provider;
use crate::unified::UnifiedCall;

/// The keys of a provider's circuits, made once.
#[derive(Debug)]
pub struct Circuits {
    by: BreakerBy,
    provider: Arc<str>,
    // The hosts of fixed bases, by the base's name ("" for the default).
    hosts: HashMap<String, Arc<str>, RandomState>,
    operations: DashMap<String, Arc<str>>,
}

impl Circuits {
    /// Keys of this kind.
    pub fn new(
        by: BreakerBy,
        provider: Arc<str>,
        hosts: HashMap<String, Arc<str>, RandomState>,
    ) -> Self {
        Self {
            by,
            provider,
            hosts,
            operations: DashMap::with_shard_amount(2),
        }
    }
}

impl Provider {
    /// The key of a call's circuit.
    pub fn circuit(
        &self,
        account: Option<&AccountId>,
        base: Option<&str>,
        unified: Option<&UnifiedCall>,
    ) -> Arc<str> {
        let circuits = &self.circuits;
        match circuits.by {
            BreakerBy::Provider => Arc::clone(&circuits.provider),
            BreakerBy::Account => account.map_or_else(
                || Arc::clone(&circuits.provider),
                |account| account.as_str().into(),
            ),
            BreakerBy::Operation => {
                let label = unified.map_or(crate::metrics::PROXY, UnifiedCall::operation_label);
                if let Some(key) = circuits.operations.get(label) {
                    return Arc::clone(&key);
                }
                let key: Arc<str> = label.into();
                circuits
                    .operations
                    .insert(label.to_owned(), Arc::clone(&key));
                key
            }
            BreakerBy::Host => {
                if let Some(host) = circuits.hosts.get(base.unwrap_or_default()) {
                    return Arc::clone(host);
                }
                account
                    .and_then(|account| self.shared.keeper.peek(account))
                    .and_then(|current| self.ready(&current).ok()?.base(base))
                    .map_or_else(|| Arc::clone(&circuits.provider), |base| base.host().into())
            }
        }
    }
}
