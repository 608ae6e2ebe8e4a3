//! How a request goes through.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::future::{Again, ResponseFuture};
use crate::layer::Shared;
use crate::{BoxError, HeldBody, Policy, ReplayBody};

/// The service of a [`RetryLayer`](crate::RetryLayer).
#[derive(Debug, Clone)]
pub struct Retry<S, P> {
    inner: S,
    shared: Arc<Shared>,
    policy: P,
}

impl<S, P> Retry<S, P> {
    pub(crate) fn new(inner: S, shared: Arc<Shared>, policy: P) -> Self {
        Self {
            inner,
            shared,
            policy,
        }
    }
}

impl<S, P, B, RB> Service<Request<B>> for Retry<S, P>
where
    S: Service<Request<ReplayBody<B>>, Response = Response<RB>> + Clone,
    P: Policy<RB, S::Error>,
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
    RB: Body<Data = Bytes> + Unpin,
    RB::Error: Into<BoxError>,
{
    type Response = Response<HeldBody<RB>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, P, B, RB>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let settings = &self.shared.settings;
        self.shared.budget.deposit();
        if settings.max_attempts <= 1 {
            // Nothing is repeated here; a layer inside may still want to.
            let (keeps, cap) = (self.policy.keeps_body(&request), settings.replay_cap);
            let request = request.map(|body| match keeps || body.is_end_stream() {
                true => ReplayBody::new(body, cap),
                false => ReplayBody::once(body),
            });
            return ResponseFuture::new(self.inner.call(request), None);
        }
        let repeatable = self.policy.may_repeat(&request);
        let keep = repeatable || self.policy.keeps_body(&request);
        let head = copy_head(&request);
        let (parts, body) = request.into_parts();
        let (body, keep) = ReplayBody::sent(body, keep, settings.replay_cap);
        // The instance that was polled ready takes the first attempt, and stays for the others.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let future = inner.call(Request::from_parts(parts, body));
        let again = Again {
            inner,
            shared: Arc::clone(&self.shared),
            policy: self.policy.clone(),
            head,
            keep,
            repeatable,
            attempt: 1,
        };
        ResponseFuture::new(future, Some(again))
    }
}

/// A request's head without its body.
pub(crate) fn copy_head<B>(request: &Request<B>) -> Request<()> {
    let mut head = Request::new(());
    *head.method_mut() = request.method().clone();
    *head.uri_mut() = request.uri().clone();
    *head.version_mut() = request.version();
    *head.headers_mut() = request.headers().clone();
    *head.extensions_mut() = request.extensions().clone();
    head
}
