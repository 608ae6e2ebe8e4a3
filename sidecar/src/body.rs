//! The two bodies at the sidecar's border: what applications send, and what they get.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;

use crate::error::BoxError;

/// The body of a request as it enters a provider's stack.
#[derive(Debug)]
pub enum AppBody {
    /// It flows in from a listener.
    Incoming(Incoming),
    /// It is all here, from a call of the sidecar's own.
    Held(Full<Bytes>),
}

impl Default for AppBody {
    fn default() -> Self {
        Self::Held(Full::default())
    }
}

impl http_body::Body for AppBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Incoming(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Self::Held(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Incoming(body) => body.is_end_stream(),
            Self::Held(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Incoming(body) => body.size_hint(),
            Self::Held(body) => body.size_hint(),
        }
    }
}

/// The body of an answer as it leaves. `guard` lives as long as it does.
pub struct Body {
    inner: Inner,
    guard: Option<Box<dyn Send>>,
}

enum Inner {
    Held(Full<Bytes>),
    Flowing(UnsyncBoxBody<Bytes, BoxError>),
}

impl Body {
    /// A body without a byte.
    pub fn empty() -> Self {
        Self::from(Bytes::new())
    }

    /// A body that flows.
    pub fn flowing<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self {
            inner: Inner::Flowing(body.map_err(Into::into).boxed_unsync()),
            guard: None,
        }
    }

    /// Keeps something alive until the body has ended or was dropped.
    #[must_use]
    pub fn guarded(mut self, guard: impl Send + 'static) -> Self {
        self.guard = Some(Box::new((guard, self.guard.take())));
        self
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self {
            inner: Inner::Held(Full::new(bytes.into())),
            guard: None,
        }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").finish_non_exhaustive()
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let polled = match &mut this.inner {
            Inner::Held(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Inner::Flowing(body) => Pin::new(body).poll_frame(cx),
        };
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            this.guard = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Inner::Held(body) => body.is_end_stream(),
            Inner::Flowing(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Held(body) => body.size_hint(),
            Inner::Flowing(body) => body.size_hint(),
        }
    }
}
