//! The outermost layer: refusals become problem+json here and only here, every answer gets its
//! headers, and what the application saw is measured.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::AGE;
use http::{HeaderValue, Request, Response};
use leeward_fallback::Served;
use tower_layer::Layer;
use tower_service::Service;

use super::envelope::tell_cached;
use crate::body::Body;
use crate::call::{Call, Way};
use crate::code::Code;
use crate::error::{BoxError, Error};
use crate::headers;
use crate::metrics::{Outcome, PROXY, Source};
use crate::problem;
use crate::provider::Provider;

/// See the module.
#[derive(Debug, Clone)]
pub struct RespondLayer {
    provider: Arc<Provider>,
}

impl RespondLayer {
    /// Answers in this provider's name.
    pub fn new(provider: Arc<Provider>) -> Self {
        Self { provider }
    }
}

impl<S> Layer<S> for RespondLayer {
    type Service = Respond<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Respond {
            inner,
            provider: Arc::clone(&self.provider),
        }
    }
}

/// See [`RespondLayer`].
#[derive(Debug, Clone)]
pub struct Respond<S> {
    inner: S,
    provider: Arc<Provider>,
}

impl<S, B, RB> Service<Request<B>> for Respond<S>
where
    S: Service<Request<B>, Response = Response<RB>, Error = Error>,
    RB: http_body::Body<Data = Bytes> + Send + 'static,
    RB::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Responding<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // What is not ready for good says so again when it is called, and becomes a problem then.
        self.inner.poll_ready(cx).map(|_| Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let call = Call::of(&request).cloned();
        self.provider.metrics().in_flight.inc();
        Responding {
            inner: self.inner.call(request),
            ending: Ending {
                provider: Arc::clone(&self.provider),
                call,
                answered: false,
            },
        }
    }
}

pin_project_lite::pin_project! {
    /// The future of [`Respond`].
    pub struct Responding<F> {
        #[pin]
        inner: F,
        ending: Ending,
    }
}

/// Counts a request whose application hung up, in the one place that is always reached.
#[derive(Debug)]
struct Ending {
    provider: Arc<Provider>,
    call: Option<Arc<Call>>,
    answered: bool,
}

impl<F, RB> Future for Responding<F>
where
    F: Future<Output = Result<Response<RB>, Error>>,
    RB: http_body::Body<Data = Bytes> + Send + 'static,
    RB::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = std::task::ready!(this.inner.poll(cx));
        Poll::Ready(Ok(this.ending.answer(result)))
    }
}

impl Ending {
    fn answer<RB>(&mut self, result: Result<Response<RB>, Error>) -> Response<Body>
    where
        RB: http_body::Body<Data = Bytes> + Send + 'static,
        RB::Error: Into<BoxError>,
    {
        let provider = Arc::clone(&self.provider);
        let Some(call) = self.call.clone() else {
            let error = Error::refused(Code::Internal, "a request without its call");
            return problem::respond(&error, problem::Place::default());
        };
        let account = call.account();
        let (mut response, outcome, source) = match result {
            Ok(response) => {
                let age = response
                    .extensions()
                    .get::<Served>()
                    .map(|served| served.age);
                let mut response = match (&call.way, age) {
                    (Way::Unified(_), Some(_)) => tell_cached(response),
                    _ => response.map(Body::flowing),
                };
                let source = match age {
                    Some(age) => {
                        response.headers_mut().insert(AGE, age.as_secs().into());
                        Source::Cache
                    }
                    None => Source::Live,
                };
                let outcome = Outcome::of_status(response.status());
                (response, outcome, source)
            }
            Err(error) => {
                let place = problem::Place {
                    provider: Some(provider.name()),
                    account: account.map(AsRef::as_ref),
                    request_id: call.request_id.as_str(),
                    debug: call.debug,
                };
                log(&error, &call, &provider);
                let outcome = Outcome::Code(error.code());
                (problem::respond(&error, place), outcome, Source::Live)
            }
        };
        let headers = response.headers_mut();
        headers.reserve(OURS);
        let source_name = HeaderValue::from_static(source.as_str());
        headers.insert(headers::SOURCE, source_name);
        headers.insert(headers::PROVIDER, provider.name_header());
        headers.insert(headers::CONFIG, provider.version_header());
        headers.insert(headers::REQUEST_ID, call.request_id.header());
        headers.insert(headers::ATTEMPTS, attempts(call.attempts()));
        if let Some(account) = account
            && let Ok(account) = HeaderValue::from_str(account.as_str())
        {
            headers.insert(headers::ACCOUNT, account);
        }
        self.answered = true;
        let took = provider.now().saturating_duration_since(call.began);
        let operation = match &call.way {
            Way::Proxy { .. } => PROXY,
            Way::Unified(unified) => unified.operation_label(),
        };
        provider.metrics().request(operation, outcome, source, took);
        provider
            .metrics()
            .overhead(took.saturating_sub(call.wire_time()));
        if provider.logs_access() {
            tracing::info!(
                provider = provider.name(),
                request_id = call.request_id.as_str(),
                operation,
                status = response.status().as_u16(),
                outcome = outcome.as_str(),
                source = source.as_str(),
                attempts = call.attempts(),
                seconds = took.as_secs_f64(),
                "request"
            );
        }
        response
    }
}

/// The headers that every answer gets, so that they find room at once.
const OURS: usize = 8;

fn attempts(count: u32) -> HeaderValue {
    match count {
        0 => HeaderValue::from_static("0"),
        1 => HeaderValue::from_static("1"),
        more => more.into(),
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let metrics = self.provider.metrics();
        metrics.in_flight.dec();
        if !self.answered
            && let Some(call) = &self.call
        {
            let took = self.provider.now().saturating_duration_since(call.began);
            let operation = match &call.way {
                Way::Proxy { .. } => PROXY,
                Way::Unified(unified) => unified.operation_label(),
            };
            metrics.request(operation, Outcome::ClientAborted, Source::Live, took);
        }
    }
}

fn log(error: &Error, call: &Call, provider: &Provider) {
    let (code, request_id) = (error.code(), call.request_id.as_str());
    let provider = provider.name();
    if code == Code::Internal {
        tracing::error!(provider, request_id, code = code.as_str(), "request failed");
    } else {
        tracing::debug!(
            provider,
            request_id,
            code = code.as_str(),
            "request refused"
        );
    }
}
