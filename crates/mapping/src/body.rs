//! The bodies on both sides of the border: one that flows through untouched, or one that a mapping made.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    #[derive(Debug)]
    #[project = SideProj]
    enum Side<B> {
        Flowing { #[pin] body: B },
        Held { bytes: Bytes },
    }
}

impl<B: Body<Data = Bytes>> Body for Side<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project() {
            SideProj::Flowing { body } => body.poll_frame(cx),
            SideProj::Held { bytes } => {
                let bytes = std::mem::take(bytes);
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Flowing { body } => body.is_end_stream(),
            Self::Held { bytes } => bytes.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Flowing { body } => body.size_hint(),
            Self::Held { bytes } => SizeHint::with_exact(bytes.len() as u64),
        }
    }
}

pin_project! {
    /// The body of a request as it goes on to the vendor.
    #[derive(Debug)]
    pub struct MappedBody<B> {
        #[pin]
        side: Side<B>,
    }
}

impl<B> MappedBody<B> {
    /// The application's own, of a request that is not mapped.
    pub fn app(body: B) -> Self {
        Self {
            side: Side::Flowing { body },
        }
    }

    /// One that a mapping made.
    pub fn held(bytes: Bytes) -> Self {
        Self {
            side: Side::Held { bytes },
        }
    }

    /// All of it, if a mapping made it.
    pub fn held_bytes(&self) -> Option<&Bytes> {
        match &self.side {
            Side::Held { bytes } => Some(bytes),
            Side::Flowing { .. } => None,
        }
    }
}

impl<B: Body<Data = Bytes>> Body for MappedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.project().side.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.side.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.side.size_hint()
    }
}

pin_project! {
    /// The body of an answer as it goes on to the application.
    #[derive(Debug)]
    pub struct MappedResponseBody<B> {
        #[pin]
        side: Side<B>,
    }
}

impl<B> MappedResponseBody<B> {
    /// The vendor's own, of a request that is not mapped.
    pub fn vendor(body: B) -> Self {
        Self {
            side: Side::Flowing { body },
        }
    }

    /// One that a mapping made.
    pub fn held(bytes: Bytes) -> Self {
        Self {
            side: Side::Held { bytes },
        }
    }

    /// All of it, if a mapping made it.
    pub fn held_bytes(&self) -> Option<&Bytes> {
        match &self.side {
            Side::Held { bytes } => Some(bytes),
            Side::Flowing { .. } => None,
        }
    }
}

impl<B: Body<Data = Bytes>> Body for MappedResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.project().side.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.side.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.side.size_hint()
    }
}
