//! A panic beneath becomes an error, so that what stands above answers it like any other refusal.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::FutureExt as _;
use futures_util::future::CatchUnwind;
use http::Request;
use pin_project_lite::pin_project;
use prometheus::IntCounter;
use tower_layer::Layer;
use tower_service::Service;

use crate::code::Code;
use crate::error::Error;

/// Catches panics, and counts them. What the layers beneath hold (a permit, a lease, a probe) has
/// come back when the error goes up: unwinding has dropped it.
#[derive(Debug, Clone)]
pub struct CatchLayer {
    panics: IntCounter,
}

impl CatchLayer {
    /// Counts here.
    pub fn new(panics: IntCounter) -> Self {
        Self { panics }
    }
}

impl<S> Layer<S> for CatchLayer {
    type Service = Catch<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Catch {
            inner,
            panics: self.panics.clone(),
        }
    }
}

/// See [`CatchLayer`].
#[derive(Debug, Clone)]
pub struct Catch<S> {
    inner: S,
    panics: IntCounter,
}

impl<S, B> Service<Request<B>> for Catch<S>
where
    S: Service<Request<B>, Error = Error>,
{
    type Response = S::Response;
    type Error = Error;
    type Future = Caught<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // A layer may panic before it has made a future. Its state is not used again: the stack
        // that serves a request is a clone of its own.
        let called = catch_unwind(AssertUnwindSafe(|| self.inner.call(request)));
        Caught {
            inner: called
                .ok()
                .map(|future| AssertUnwindSafe(future).catch_unwind()),
            panics: self.panics.clone(),
        }
    }
}

pin_project! {
    /// The future of [`Catch`].
    pub struct Caught<F> {
        // None: it panicked when it was called.
        #[pin]
        inner: Option<CatchUnwind<AssertUnwindSafe<F>>>,
        panics: IntCounter,
    }
}

impl<F, R> Future for Caught<F>
where
    F: Future<Output = Result<R, Error>>,
{
    type Output = Result<R, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(inner) = this.inner.as_pin_mut()
            && let Ok(result) = ready!(inner.poll(cx))
        {
            return Poll::Ready(result);
        }
        this.panics.inc();
        Poll::Ready(Err(Error::refused(
            Code::Internal,
            "a fault of Leeward's own; it is in the log under this request_id",
        )))
    }
}

#[cfg(test)]
mod tests;
