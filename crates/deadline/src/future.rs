//! A call under one limit.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::Elapsed;
use crate::limit::Limit;

pin_project! {
    /// The future of [`TotalTimeout`](crate::TotalTimeout) and
    /// [`ResponseTimeout`](crate::ResponseTimeout): the inner one, or an [`Elapsed`].
    ///
    /// The timer is made when the inner future is first pending. Where the time is over, the inner
    /// future is dropped before the [`Elapsed`] goes out: whatever it held is free by then.
    #[derive(Debug)]
    pub struct TimeoutFuture<F> {
        #[pin]
        inner: Option<F>,
        limit: Option<Limit>,
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl<F> TimeoutFuture<F> {
    pub(crate) fn new(inner: F, limit: Option<Limit>) -> Self {
        Self {
            inner: Some(inner),
            limit,
            sleep: None,
        }
    }
}

impl<F, R, E> Future for TimeoutFuture<F>
where
    F: Future<Output = Result<R, E>>,
    E: From<Elapsed>,
{
    type Output = Result<R, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        if let Poll::Ready(answer) = inner.poll(cx) {
            return Poll::Ready(answer);
        }
        let Some(limit) = this.limit else {
            return Poll::Pending;
        };
        if this.sleep.is_none() {
            let end = limit.end(Instant::now());
            this.sleep.set(Some(sleep_until(end)));
        }
        while let Some(mut sleep) = this.sleep.as_mut().as_pin_mut() {
            ready!(sleep.as_mut().poll(cx));
            let end = limit.end(Instant::now());
            if end <= sleep.deadline() {
                this.inner.set(None);
                return Poll::Ready(Err(limit.elapsed().into()));
            }
            // The upload moved meanwhile.
            sleep.reset(end);
        }
        Poll::Pending
    }
}
