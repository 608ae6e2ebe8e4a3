//! The layer and its service.

use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use leeward_deadline::Deadline;
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use crate::bulkhead::Entered;
use crate::{Account, Bulkhead, BulkheadFuture, Overloaded};

/// Puts calls through a [`Bulkhead`].
#[derive(Debug, Clone)]
pub struct BulkheadLayer<A> {
    bulkhead: Bulkhead,
    account: A,
}

impl<A> BulkheadLayer<A> {
    /// Over these slots; `account` says whose call it is.
    pub fn new(bulkhead: Bulkhead, account: A) -> Self {
        Self { bulkhead, account }
    }
}

impl<S, A: Clone> Layer<S> for BulkheadLayer<A> {
    type Service = BulkheadService<S, A>;

    fn layer(&self, inner: S) -> BulkheadService<S, A> {
        BulkheadService {
            inner,
            ready: false,
            layer: self.clone(),
        }
    }
}

/// The service of [`BulkheadLayer`].
#[derive(Debug)]
pub struct BulkheadService<S, A> {
    inner: S,
    /// Whether `inner` was polled ready and not called since.
    ready: bool,
    layer: BulkheadLayer<A>,
}

impl<S: Clone, A: Clone> Clone for BulkheadService<S, A> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            ready: false,
            layer: self.layer.clone(),
        }
    }
}

impl<S, A, B, RB> Service<Request<B>> for BulkheadService<S, A>
where
    S: Service<Request<B>, Response = Response<RB>> + Clone,
    S::Error: From<Overloaded>,
    A: Account<B>,
    RB: Body,
{
    type Response = Response<crate::PermitBody<RB>>;
    type Error = S::Error;
    type Future = BulkheadFuture<S, B>;

    /// Ready at once: neither a slot nor an inner service that is stuck is waited for here. The
    /// future does both, the slot first.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        if !self.ready
            && let Poll::Ready(ready) = self.inner.poll_ready(cx)
        {
            ready?;
            self.ready = true;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let BulkheadLayer { bulkhead, account } = &self.layer;
        let remaining = || {
            let deadline = Deadline::of(&request)?;
            Some(deadline.remaining(Instant::now()))
        };
        match bulkhead.enter(account.account(&request), remaining) {
            Err(overloaded) => {
                if let Some(observer) = bulkhead.observer() {
                    observer.refused();
                }
                BulkheadFuture::refused(overloaded)
            }
            Ok(Entered::Running(permit)) if self.ready => {
                self.ready = false;
                let future = self.inner.call(request);
                BulkheadFuture::calling(future, permit)
            }
            Ok(entered) => {
                // The instance that was polled goes with the call: readiness left behind could be
                // the very thing that the call then waits for.
                let ready = std::mem::take(&mut self.ready);
                let fresh = self.inner.clone();
                let inner = std::mem::replace(&mut self.inner, fresh);
                let bulkhead = bulkhead.clone();
                BulkheadFuture::later(inner, ready, request, bulkhead, entered)
            }
        }
    }
}
