//! An upload that tells when it last moved.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::deadline::later;

/// How far an upload has come. Travels in the request's extensions beside its [`MovingBody`].
#[derive(Debug, Clone)]
pub struct Progress {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    made: Instant,
    /// Nanoseconds from `made` to the last movement.
    moved: AtomicU64,
    finished: AtomicBool,
}

impl Progress {
    fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                made: Instant::now(),
                moved: AtomicU64::new(0),
                finished: AtomicBool::new(false),
            }),
        }
    }

    fn moved(&self) {
        let since = Instant::now().saturating_duration_since(self.shared.made);
        let nanos = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        self.shared.moved.store(nanos, Ordering::Release);
    }

    fn finished(&self) {
        self.shared.finished.store(true, Ordering::Release);
    }

    /// When the body last gave a frame or ended; when it was wrapped, if it never did.
    pub fn moved_at(&self) -> Instant {
        let nanos = self.shared.moved.load(Ordering::Acquire);
        later(self.shared.made, Duration::from_nanos(nanos))
    }

    /// Whether nothing more will come: the body ended, failed, or was dropped.
    pub fn is_finished(&self) -> bool {
        self.shared.finished.load(Ordering::Acquire)
    }
}

/// Marks the upload as finished however the body goes away.
#[derive(Debug)]
struct Mover(Progress);

impl Drop for Mover {
    fn drop(&mut self) {
        self.0.finished();
    }
}

pin_project! {
    /// A request body whose [`Progress`] can be looked at from outside.
    ///
    /// Frames, trailers, length and errors pass unchanged.
    #[derive(Debug)]
    pub struct MovingBody<B> {
        #[pin]
        inner: B,
        mover: Option<Mover>,
    }
}

impl<B> MovingBody<B> {
    /// A body that nobody watches: for a client whose type asks for a `MovingBody` where no
    /// [`TotalTimeoutLayer`](crate::TotalTimeoutLayer) stands before it.
    pub fn unwatched(inner: B) -> Self {
        Self { inner, mover: None }
    }

    /// A body, and the handle that watches it; none for one that is already at its end.
    pub fn watched(inner: B) -> (Self, Option<Progress>)
    where
        B: Body,
    {
        if inner.is_end_stream() {
            return (Self::unwatched(inner), None);
        }
        let progress = Progress::new();
        let mover = Some(Mover(progress.clone()));
        (Self { inner, mover }, Some(progress))
    }
}

impl<B> From<B> for MovingBody<B> {
    fn from(inner: B) -> Self {
        Self::unwatched(inner)
    }
}

impl<B: Default> Default for MovingBody<B> {
    fn default() -> Self {
        Self::unwatched(B::default())
    }
}

impl<B: Body> Body for MovingBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.inner.as_mut().poll_frame(cx));
        if let Some(Mover(progress)) = this.mover {
            progress.moved();
            if !matches!(frame, Some(Ok(_))) || this.inner.is_end_stream() {
                *this.mover = None;
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
