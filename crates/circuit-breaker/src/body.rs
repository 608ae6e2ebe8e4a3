//! The body that follows a success.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::breaker::Watch;

pin_project! {
    /// A response body whose death is told to its circuit. Frames, length and errors pass
    /// unchanged; a body that is dropped before its end tells nothing.
    #[derive(Debug)]
    pub struct AdmitBody<B> {
        #[pin]
        inner: B,
        watch: Option<Watch>,
    }
}

impl<B: Body> AdmitBody<B> {
    pub(crate) fn new(inner: B, watch: Option<Watch>) -> Self {
        let watch = watch.filter(|_| !inner.is_end_stream());
        Self { inner, watch }
    }
}

impl<B: Body> Body for AdmitBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.inner.poll_frame(cx));
        match frame {
            Some(Ok(_)) => {}
            None => *this.watch = None,
            Some(Err(_)) => {
                if let Some(watch) = this.watch.take() {
                    watch.torn();
                }
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
