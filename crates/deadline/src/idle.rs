//! The timeout between two frames of an answer's body.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tower_layer::Layer;
use tower_service::Service;

use crate::deadline::later;
use crate::{BoxError, Elapsed, Phase};

/// Fails an answer's body that stands still for too long.
///
/// A body may take for ever as long as it moves, and a reader that does not ask is not the
/// sender's fault: the time runs only while the body was asked and had nothing.
#[derive(Debug, Clone, Copy)]
pub struct IdleBodyLayer {
    idle: Duration,
}

impl IdleBodyLayer {
    /// `idle` from one frame to the next, and from the head to the first.
    pub fn new(idle: Duration) -> Self {
        Self { idle }
    }
}

impl<S> Layer<S> for IdleBodyLayer {
    type Service = IdleBodyService<S>;

    fn layer(&self, inner: S) -> IdleBodyService<S> {
        IdleBodyService {
            inner,
            idle: self.idle,
        }
    }
}

/// The service of [`IdleBodyLayer`].
#[derive(Debug, Clone)]
pub struct IdleBodyService<S> {
    inner: S,
    idle: Duration,
}

impl<S, B, RB> Service<Request<B>> for IdleBodyService<S>
where
    S: Service<Request<B>, Response = Response<RB>>,
{
    type Response = Response<IdleBody<RB>>;
    type Error = S::Error;
    type Future = IdleBodyFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        IdleBodyFuture {
            inner: self.inner.call(request),
            idle: self.idle,
        }
    }
}

pin_project! {
    /// The future of [`IdleBodyService`].
    #[derive(Debug)]
    pub struct IdleBodyFuture<F> {
        #[pin]
        inner: F,
        idle: Duration,
    }
}

impl<F, RB, E> Future for IdleBodyFuture<F>
where
    F: Future<Output = Result<Response<RB>, E>>,
{
    type Output = Result<Response<IdleBody<RB>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let idle = *this.idle;
        let answer = ready!(this.inner.poll(cx));
        Poll::Ready(answer.map(|response| response.map(|body| IdleBody::new(body, idle))))
    }
}

pin_project! {
    /// A body that fails with an [`Elapsed`] of [`Phase::IdleBody`] when it stands still.
    ///
    /// `Unpin` where `B` is: the timer, which only a body that has to be waited for gets, is boxed.
    #[derive(Debug)]
    pub struct IdleBody<B> {
        #[pin]
        inner: B,
        idle: Duration,
        timer: Option<Pin<Box<Sleep>>>,
        waiting: bool,
        elapsed: bool,
    }
}

impl<B> IdleBody<B> {
    /// Watches `inner`.
    pub fn new(inner: B, idle: Duration) -> Self {
        Self {
            inner,
            idle,
            timer: None,
            waiting: false,
            elapsed: false,
        }
    }
}

impl<B> Body for IdleBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let this = self.project();
        if *this.elapsed {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = this.inner.poll_frame(cx) {
            *this.waiting = false;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        if !*this.waiting {
            *this.waiting = true;
            let end = later(Instant::now(), *this.idle);
            match this.timer {
                Some(timer) => timer.as_mut().reset(end),
                None => *this.timer = Some(Box::pin(sleep_until(end))),
            }
        }
        if let Some(timer) = this.timer {
            ready!(timer.as_mut().poll(cx));
            *this.elapsed = true;
            let (phase, after) = (Phase::IdleBody, *this.idle);
            return Poll::Ready(Some(Err(Elapsed { phase, after }.into())));
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.elapsed || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
