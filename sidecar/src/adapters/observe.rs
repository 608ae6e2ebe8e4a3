//! What the layers tell, turned into metrics and log lines.

use std::sync::Arc;
use std::time::Duration;

use leeward_circuit_breaker::State;

use crate::metrics::{ProviderMetrics, Waited, state_name};

/// Listens to one provider's layers.
#[derive(Debug)]
pub struct Observer {
    provider: Arc<str>,
    metrics: Arc<ProviderMetrics>,
}

impl Observer {
    /// Reports to these handles.
    pub fn new(provider: Arc<str>, metrics: Arc<ProviderMetrics>) -> Self {
        Self { provider, metrics }
    }
}

impl leeward_circuit_breaker::Observe for Observer {
    fn transition(&self, _key: &str, from: State, to: State) {
        self.metrics.breaker_transition(to);
        tracing::warn!(
            provider = %self.provider,
            from = state_name(from),
            to = state_name(to),
            "breaker"
        );
    }
}

impl leeward_bulkhead::Observe for Observer {
    fn waited(&self, waited: Duration) {
        self.metrics.waited(Waited::Bulkhead, waited);
    }
}

impl leeward_retry::Observe for Observer {
    fn retry(&self, reason: &'static str) {
        self.metrics.retry(reason);
    }
}

impl leeward_upstream::Observe for Observer {
    fn connected(&self, result: &'static str) {
        self.metrics.connected(result);
    }
}

impl leeward_rate_limit_normalize::Observe for Observer {
    fn limited(&self, scope: &str, by: leeward_rate_limit_normalize::By, retry_after: Duration) {
        self.metrics.rate_limited(scope, by.as_str(), retry_after);
    }

    fn waited(&self, waited: Duration) {
        self.metrics.waited(Waited::Gate, waited);
    }
}

impl leeward_fallback::Observe for Observer {}
