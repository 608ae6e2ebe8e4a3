//! How a request goes through.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::future::{NormalizeFuture, Pending};
use super::layer::NormalizeLayer;
use crate::body::LookedBody;
use crate::caller::Caller;
use crate::error::RateLimited;
use crate::inspect::Inspect;

/// The service of a [`NormalizeLayer`].
#[derive(Debug)]
pub struct NormalizeService<S, C, I> {
    pub(super) inner: S,
    pub(super) layer: Arc<NormalizeLayer<C, I>>,
}

impl<S: Clone, C, I> Clone for NormalizeService<S, C, I> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            layer: Arc::clone(&self.layer),
        }
    }
}

impl<S, C, I, B, RB> Service<Request<B>> for NormalizeService<S, C, I>
where
    S: Service<Request<B>, Response = Response<RB>>,
    S::Error: From<RateLimited>,
    C: Caller<B>,
    I: Inspect<B>,
    RB: Body<Data = Bytes> + Unpin,
{
    type Response = Response<LookedBody<RB>>;
    type Error = S::Error;
    type Future = NormalizeFuture<S::Future, B, C, I, RB>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let layer = &self.layer;
        let (rules, caller) = (&layer.rules, &layer.caller);
        let pending = Pending {
            account: caller.account(&request),
            method: request.method().clone(),
            path: rules.reads_request().then(|| caller.path(&request).into()),
            facts: rules.reads_account().then(|| caller.facts(&request)),
            inspected: layer.inspect.facts(&request),
            ticket: layer.gate.ticket(),
        };
        NormalizeFuture::new(self.inner.call(request), Arc::clone(layer), pending)
    }
}
