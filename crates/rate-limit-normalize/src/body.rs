//! A body that goes on from its first byte, whatever was read of it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// The body of a response that may have been looked at: first the frames that were read, then
    /// the rest.
    #[derive(Debug)]
    pub struct LookedBody<B: Body> {
        read: Option<Box<Read<B::Error>>>,
        #[pin]
        rest: B,
    }
}

/// What was read, also the error that the reading ended with.
#[derive(Debug)]
pub(crate) struct Read<E> {
    pub(crate) frames: VecDeque<Frame<Bytes>>,
    pub(crate) error: Option<E>,
}

impl<E> Default for Read<E> {
    fn default() -> Self {
        Self {
            frames: VecDeque::new(),
            error: None,
        }
    }
}

impl<B: Body> LookedBody<B> {
    /// A body that was not read.
    pub(crate) fn untouched(rest: B) -> Self {
        Self { read: None, rest }
    }

    pub(crate) fn after(read: Read<B::Error>, rest: B) -> Self {
        let empty = read.frames.is_empty() && read.error.is_none();
        Self {
            read: (!empty).then(|| Box::new(read)),
            rest,
        }
    }
}

impl<B: Body<Data = Bytes>> Body for LookedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        if let Some(read) = this.read {
            let next = read.frames.pop_front().map(Ok);
            let next = next.or_else(|| read.error.take().map(Err));
            if read.frames.is_empty() && read.error.is_none() {
                *this.read = None;
            }
            if next.is_some() {
                return Poll::Ready(next);
            }
        }
        this.rest.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.size_hint();
        let Some(read) = &self.read else {
            return rest;
        };
        let held = read.frames.iter().filter_map(Frame::data_ref);
        let held: u64 = held.map(|data| data.len() as u64).sum();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(held));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(held)) {
            hint.set_upper(upper);
        }
        hint
    }
}
