//! The vendor's side of a head: the URL where no credential made it, and what comes back made
//! clean: no hop-by-hop header, no `Leeward-*` of the vendor's, a `Location` that stays behind Leeward.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::LOCATION;
use http::{HeaderValue, Request, Response, StatusCode};
use leeward_retry::ReplayBody;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::call::{Call, Way};
use crate::error::Error;
use crate::provider::Provider;

/// See the module.
#[derive(Debug, Clone)]
pub struct AddressLayer {
    provider: Arc<Provider>,
}

impl AddressLayer {
    /// Writes this provider's addresses.
    pub fn new(provider: Arc<Provider>) -> Self {
        Self { provider }
    }
}

impl<S> Layer<S> for AddressLayer {
    type Service = Address<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Address {
            inner,
            provider: Arc::clone(&self.provider),
        }
    }
}

/// See [`AddressLayer`].
#[derive(Debug, Clone)]
pub struct Address<S> {
    inner: S,
    provider: Arc<Provider>,
}

impl<S, B, RB> Service<Request<ReplayBody<B>>> for Address<S>
where
    S: Service<Request<ReplayBody<B>>, Response = Response<RB>, Error = Error>,
{
    type Response = Response<RB>;
    type Error = Error;
    type Future = Addressed<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReplayBody<B>>) -> Self::Future {
        let call = Call::of(&request).cloned();
        if request.uri().authority().is_none()
            && let Err(error) = self.provider.address_plainly(&mut request)
        {
            return Addressed::Refused { error: Some(error) };
        }
        Addressed::Called {
            inner: self.inner.call(request),
            provider: Arc::clone(&self.provider),
            call,
        }
    }
}

pin_project! {
    /// The future of [`Address`].
    #[project = AddressedProj]
    pub enum Addressed<F> {
        /// There is no URL for it.
        Refused {
            error: Option<Error>,
        },
        /// On its way.
        Called {
            #[pin]
            inner: F,
            provider: Arc<Provider>,
            call: Option<Arc<Call>>,
        },
    }
}

impl<F, RB> Future for Addressed<F>
where
    F: Future<Output = Result<Response<RB>, Error>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            AddressedProj::Refused { error } => {
                Poll::Ready(Err(error.take().unwrap_or_else(|| {
                    Error::refused(crate::code::Code::Internal, "polled after it had ended")
                })))
            }
            AddressedProj::Called {
                inner,
                provider,
                call,
            } => {
                let mut response = ready!(inner.poll(cx))?;
                leeward_wire::strip_response_headers(response.headers_mut());
                if moved(response.status()) && response.headers().contains_key(LOCATION) {
                    turn_back(&mut response, provider, call.as_deref());
                }
                Poll::Ready(Ok(response))
            }
        }
    }
}

/// Whether a `Location` says where something is (RFC 9110, 10.2.2).
fn moved(status: StatusCode) -> bool {
    status.is_redirection() || status == StatusCode::CREATED
}

fn turn_back<RB>(response: &mut Response<RB>, provider: &Provider, call: Option<&Call>) {
    let Some(Way::Proxy { mount, .. }) = call.map(|call| &call.way) else {
        return;
    };
    let Some(base) = call.and_then(|call| provider.base_of(call)) else {
        return;
    };
    // The URL is made again, rather than kept for the few answers that redirect.
    let Ok(uri) = base.join(mount.rest()) else {
        return;
    };
    let location = response
        .headers()
        .get(LOCATION)
        .and_then(|value| value.to_str().ok());
    let rewritten = location
        .and_then(|location| leeward_wire::rewrite_location(location, &base, &uri, mount.as_str()))
        .and_then(|location| HeaderValue::try_from(location).ok());
    if let Some(location) = rewritten {
        response.headers_mut().insert(LOCATION, location);
    }
}
