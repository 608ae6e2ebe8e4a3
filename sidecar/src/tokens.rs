//! Token calls over a provider's own connections: they go to the client and are no vendor call for
//! gate or breaker.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use leeward_auth_refresh::{BoxFuture, Refreshed, Status};
use leeward_auth_schemes::{MAX_ANSWER, TokenCall, Transport, TransportError};

use crate::metrics::{Metrics, Waited};
use crate::registry::Registry;

/// A token call that was sent is read for so long: its answer may hold the only living refresh
/// token.
const READ: Duration = Duration::from_secs(5 * 60);

/// Sends token calls through the providers of a registry.
#[derive(Debug, Clone)]
pub struct TokenTransport {
    registry: Weak<Registry>,
}

impl TokenTransport {
    /// Over this registry.
    pub fn new(registry: &Arc<Registry>) -> Self {
        Self {
            registry: Arc::downgrade(registry),
        }
    }

    async fn exchange(
        &self,
        call: TokenCall<'_>,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, TransportError> {
        let registry = self.registry.upgrade();
        let entry = registry.and_then(|registry| registry.entry(call.provider));
        let Some(entry) = entry else {
            return Err(TransportError::NotSent {
                reason: format!("provider {:?} is not configured", call.provider),
                source: None,
            });
        };
        let client = entry.provider().token_client(call.account);
        let answered = client.send(request.map(Full::new)).await;
        let (head, body) = answered.map_err(failed)?.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body = body.map_err(|source| TransportError::Unanswered {
            reason: format!("the answer broke off: {source}"),
            source: None,
        })?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

fn failed(error: leeward_upstream::Error) -> TransportError {
    let (reason, never_sent) = (error.to_string(), error.never_sent());
    let source = Some(Arc::new(error) as _);
    if never_sent {
        TransportError::NotSent { reason, source }
    } else {
        TransportError::Unanswered { reason, source }
    }
}

impl Transport for TokenTransport {
    fn send<'a>(
        &'a self,
        call: TokenCall<'a>,
        request: Request<Bytes>,
    ) -> BoxFuture<'a, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let exchange = self.exchange(call, request);
            tokio::time::timeout(READ, exchange)
                .await
                .unwrap_or_else(|_| {
                    Err(TransportError::Unanswered {
                        reason: "no answer within 5 minutes".to_owned(),
                        source: None,
                    })
                })
        })
    }
}

/// What the keeper tells, turned into metrics and log lines.
#[derive(Debug)]
pub struct TokenObserver {
    registry: Weak<Registry>,
    metrics: Metrics,
}

impl TokenObserver {
    /// Reports to these metrics.
    pub fn new(registry: &Arc<Registry>, metrics: Metrics) -> Self {
        Self {
            registry: Arc::downgrade(registry),
            metrics,
        }
    }
}

impl leeward_auth_refresh::Observe for TokenObserver {
    fn refreshed(&self, provider: &str, result: Refreshed) {
        self.metrics.token_refreshed(provider, result.as_str());
        if result != Refreshed::Ok && result != Refreshed::Joined {
            tracing::warn!(provider, result = result.as_str(), "token not renewed");
        }
    }

    fn status(
        &self,
        _account: &leeward_auth_refresh::AccountId,
        provider: &str,
        from: Status,
        to: Status,
        _reason: Option<&str>,
    ) {
        // Which account: GET /accounts?status=needs_reauth, never the log.
        tracing::warn!(
            provider,
            from = from.as_str(),
            to = to.as_str(),
            "account status"
        );
    }

    fn waited(&self, provider: &str, waited: Duration) {
        let registry = self.registry.upgrade();
        if let Some(entry) = registry.and_then(|registry| registry.entry(provider)) {
            entry.provider().metrics().waited(Waited::Token, waited);
        }
    }
}
