//! The timeout of a whole request, up to the head of its answer.

use std::task::{Context, Poll};
use std::time::Duration;

use http::Request;
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use crate::limit::{IDLE, Limit};
use crate::{Deadline, Elapsed, MovingBody, TimeoutFuture};

/// Ends a request at its [`Deadline`], if it carries one.
///
/// The inner service gets a [`MovingBody`], and its [`Progress`](crate::Progress) as an extension,
/// unless the body is empty.
#[derive(Debug, Clone, Copy)]
pub struct TotalTimeoutLayer {
    idle: Duration,
}

impl TotalTimeoutLayer {
    /// With 30 s for an upload to stand still.
    pub fn new() -> Self {
        Self { idle: IDLE }
    }

    /// How long an upload may stand still after the deadline. A deadline that allowed less than
    /// this in all allows no more than that.
    #[must_use]
    pub fn idle(self, idle: Duration) -> Self {
        Self { idle }
    }
}

impl Default for TotalTimeoutLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for TotalTimeoutLayer {
    type Service = TotalTimeout<S>;

    fn layer(&self, inner: S) -> TotalTimeout<S> {
        TotalTimeout {
            inner,
            idle: self.idle,
        }
    }
}

/// The service of [`TotalTimeoutLayer`].
#[derive(Debug, Clone)]
pub struct TotalTimeout<S> {
    inner: S,
    idle: Duration,
}

impl<S, B> Service<Request<B>> for TotalTimeout<S>
where
    S: Service<Request<MovingBody<B>>>,
    S::Error: From<Elapsed>,
    B: Body,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = TimeoutFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let deadline = Deadline::of(&request);
        let (mut head, body) = request.into_parts();
        let (body, upload) = MovingBody::watched(body);
        if let Some(upload) = &upload {
            head.extensions.insert(upload.clone());
        }
        let limit = deadline.map(|deadline| Limit::total(deadline, self.idle, upload));
        TimeoutFuture::new(self.inner.call(Request::from_parts(head, body)), limit)
    }
}
