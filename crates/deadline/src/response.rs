//! The timeout of one attempt, up to the head of its answer.

use std::task::{Context, Poll};
use std::time::Duration;

use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use crate::limit::{IDLE, Limit};
use crate::{Elapsed, Progress, TimeoutFuture};

/// Ends a call whose answer's head does not come in time.
///
/// Put it inside a retry, so that each attempt has its own. Where a
/// [`TotalTimeoutLayer`](crate::TotalTimeoutLayer) stands outside, an upload that moves puts the
/// limit off.
#[derive(Debug, Clone, Copy)]
pub struct ResponseTimeoutLayer {
    allowed: Duration,
    idle: Duration,
}

impl ResponseTimeoutLayer {
    /// `allowed` from the first wait of the call to the head of its answer.
    pub fn new(allowed: Duration) -> Self {
        Self {
            allowed,
            idle: IDLE,
        }
    }

    /// How long an upload may stand still once `allowed` is over (30 s, and never more than
    /// `allowed`).
    #[must_use]
    pub fn idle(self, idle: Duration) -> Self {
        Self { idle, ..self }
    }
}

impl<S> Layer<S> for ResponseTimeoutLayer {
    type Service = ResponseTimeout<S>;

    fn layer(&self, inner: S) -> ResponseTimeout<S> {
        ResponseTimeout {
            inner,
            limits: *self,
        }
    }
}

/// The service of [`ResponseTimeoutLayer`].
#[derive(Debug, Clone)]
pub struct ResponseTimeout<S> {
    inner: S,
    limits: ResponseTimeoutLayer,
}

impl<S, B> Service<Request<B>> for ResponseTimeout<S>
where
    S: Service<Request<B>>,
    S::Error: From<Elapsed>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = TimeoutFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let upload = request.extensions().get::<Progress>().cloned();
        let ResponseTimeoutLayer { allowed, idle } = self.limits;
        let limit = Limit::response(allowed, idle, upload);
        TimeoutFuture::new(self.inner.call(request), Some(limit))
    }
}
