//! Who calls, until when: the account, the circuit and the deadline go onto the request, and what
//! must not leave with it is taken off.

use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::Either;
use http::{HeaderMap, Request};
use leeward_deadline::Deadline;
use std::future::{Ready, ready};
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;

use crate::call::{Call, Resolved, Way};
use crate::code::Code;
use crate::egress::account_named;
use crate::error::Error;
use crate::headers;
use crate::provider::Provider;

/// See the module.
#[derive(Debug, Clone)]
pub struct ResolveLayer {
    provider: Arc<Provider>,
}

impl ResolveLayer {
    /// Resolves against this provider's accounts and settings.
    pub fn new(provider: Arc<Provider>) -> Self {
        Self { provider }
    }
}

impl<S> Layer<S> for ResolveLayer {
    type Service = Resolve<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Resolve {
            inner,
            provider: Arc::clone(&self.provider),
        }
    }
}

/// See [`ResolveLayer`].
#[derive(Debug, Clone)]
pub struct Resolve<S> {
    inner: S,
    provider: Arc<Provider>,
}

impl<S, B> Service<Request<B>> for Resolve<S>
where
    S: Service<Request<B>, Error = Error>,
{
    type Response = S::Response;
    type Error = Error;
    type Future = Either<S::Future, Ready<Result<S::Response, Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match resolve(&self.provider, &mut request) {
            Ok(()) => Either::Left(self.inner.call(request)),
            Err(error) => Either::Right(ready(Err(error))),
        }
    }
}

fn resolve<B>(provider: &Provider, request: &mut Request<B>) -> Result<(), Error> {
    let call = Call::of(request)
        .cloned()
        .ok_or_else(|| Error::refused(Code::Internal, "a request without its call"))?;
    let named = account_named(request.headers());
    let account = provider.account_for(named.as_deref())?;
    let operation = match &call.way {
        Way::Proxy { .. } => None,
        Way::Unified(unified) => Some(unified),
    };
    let circuit = provider.circuit(account.as_ref(), call.base(), operation);
    call.resolve(Resolved { account, circuit });
    let allowed = allowed(provider.config().timeout.total.0, request.headers())?;
    let deadline = Deadline::after(call.began, allowed);
    request.extensions_mut().insert(deadline);
    if matches!(call.way, Way::Proxy { .. }) {
        leeward_wire::check_path(request.uri().path())
            .map_err(|error| Error::refused(Code::InvalidRequest, error.to_string()))?;
    }
    leeward_wire::strip_request_headers(request.headers_mut());
    Ok(())
}

/// The total timeout: the provider's, or a shorter one that the request asks for.
fn allowed(total: Duration, headers: &HeaderMap) -> Result<Duration, Error> {
    let Some(asked) = headers.get(headers::TIMEOUT) else {
        return Ok(total);
    };
    let asked = asked
        .to_str()
        .ok()
        .and_then(|text| text.parse::<leeward_config::Period>().ok())
        .map(|period| period.0);
    match asked {
        Some(asked) if !asked.is_zero() => Ok(asked.min(total)),
        _ => Err(Error::refused(
            Code::InvalidRequest,
            "Leeward-Timeout must be a duration above zero, such as 500ms or 2s",
        )),
    }
}
