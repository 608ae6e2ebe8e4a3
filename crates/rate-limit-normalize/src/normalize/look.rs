//! Reads the beginning of a body, within bounds of size and time.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::response::Parts;
use http_body::{Body, Frame};
use tokio::time::{Sleep, sleep};

use crate::body::{LookedBody, Read};
use crate::look::Look;

/// A body that does not come within this is not judged.
const PATIENCE: Duration = Duration::from_secs(1);

/// A body that comes in more frames than this before it reaches the limit is cut off there.
const MOST_FRAMES: usize = 16 * 1024;

/// A response of which the body is being read.
pub(super) struct Looking<RB: Body> {
    pub(super) parts: Parts,
    body: RB,
    read: Read<RB::Error>,
    bytes: usize,
    limit: usize,
    /// Made only once the body is waited for.
    timer: Option<Pin<Box<Sleep>>>,
}

/// How the reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// With the body.
    Whole,
    /// At the limit.
    Cut,
    /// With an error, or out of time.
    Broken,
}

impl<RB: Body<Data = Bytes> + Unpin> Looking<RB> {
    pub(super) fn new(parts: Parts, body: RB, limit: usize) -> Self {
        Self {
            parts,
            body,
            read: Read::default(),
            bytes: 0,
            limit,
            timer: None,
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            if self.bytes > self.limit || self.read.frames.len() >= MOST_FRAMES {
                return Poll::Ready(End::Cut);
            }
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.bytes += frame.data_ref().map_or(0, Bytes::len);
                    self.read.frames.push_back(frame);
                }
                Poll::Ready(Some(Err(error))) => {
                    self.read.error = Some(error);
                    return Poll::Ready(End::Broken);
                }
                Poll::Ready(None) => return Poll::Ready(End::Whole),
                Poll::Pending => {
                    let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
                    return timer.as_mut().poll(cx).map(|()| End::Broken);
                }
            }
        }
    }

    /// What was read; `None` if it is not in the coding that the head claims.
    pub(super) fn look(&self, end: End) -> Option<Look> {
        let mut data = self.read.frames.iter().filter_map(Frame::data_ref);
        let (first, second) = (data.next(), data.next());
        let sent = match (first, second) {
            (None, _) => Bytes::new(),
            (Some(only), None) => only.clone(),
            (Some(first), Some(second)) => {
                let mut joined = BytesMut::with_capacity(self.bytes);
                [first, second]
                    .into_iter()
                    .chain(data)
                    .for_each(|d| joined.extend_from_slice(d));
                joined.freeze()
            }
        };
        let sent = sent.slice(..sent.len().min(self.limit));
        Look::decoded(&self.parts.headers, sent, end == End::Whole, self.limit)
    }

    /// The response as it came.
    pub(super) fn into_response(self) -> (Parts, LookedBody<RB>) {
        (self.parts, LookedBody::after(self.read, self.body))
    }
}
