//! What the gate and the rules ask of a request.

use std::borrow::Cow;
use std::sync::Arc;

use http::Request;
use leeward_auth_refresh::AccountId;
use leeward_deadline::Deadline;
use leeward_rate_limit_normalize::{AccountFacts, Caller};
use serde_json::Value;
use tokio::time::Instant;

use crate::call::Call;
use crate::provider::Provider;

/// One provider's callers.
#[derive(Debug, Clone)]
pub struct LimitedCaller {
    provider: Arc<Provider>,
    nobody: Arc<str>,
}

impl LimitedCaller {
    /// Of this provider.
    pub fn new(provider: Arc<Provider>) -> Self {
        Self {
            provider,
            nobody: "".into(),
        }
    }
}

/// `$account` of a rule: read only where one asks.
#[derive(Debug)]
pub struct Facts {
    provider: Arc<Provider>,
    account: Option<AccountId>,
}

impl AccountFacts for Facts {
    fn account(&self) -> Value {
        self.provider.account_value(self.account.as_ref())
    }
}

impl<B> Caller<B> for LimitedCaller {
    fn account(&self, request: &Request<B>) -> Arc<str> {
        let account = Call::of(request).and_then(|call| call.account());
        account.map_or_else(|| Arc::clone(&self.nobody), AccountId::shared)
    }

    fn path<'a>(&self, request: &'a Request<B>) -> Cow<'a, str> {
        // The gate asks before the vendor's URL is made, the rules after: both mean the same path.
        match Call::of(request) {
            Some(call) => self.provider.vendor_path(call, request.uri()),
            None => request.uri().path().into(),
        }
    }

    fn facts(&self, request: &Request<B>) -> Arc<dyn AccountFacts> {
        Arc::new(Facts {
            provider: Arc::clone(&self.provider),
            account: Call::of(request).and_then(|call| call.account().cloned()),
        })
    }

    fn deadline(&self, request: &Request<B>) -> Option<Instant> {
        Deadline::of(request).map(|deadline| deadline.at())
    }
}
