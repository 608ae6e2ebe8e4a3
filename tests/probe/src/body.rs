//! Bodies that tell when they are dropped, and bodies that break.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::Counts;

/// A body of a few frames that is counted when it is dropped.
#[derive(Debug, Default)]
pub struct ProbeBody {
    frames: std::collections::VecDeque<Result<Bytes, TornBody>>,
    hang: bool,
    hint: Option<u64>,
    counts: Option<Arc<Mutex<Counts>>>,
}

/// The error of a [`ProbeBody`] that was told to break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TornBody;

impl std::fmt::Display for TornBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the body broke off")
    }
}

impl std::error::Error for TornBody {}

impl ProbeBody {
    /// A body without a byte.
    pub fn empty() -> Self {
        Self::default()
    }

    /// A body of one frame.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Self::empty().frame(bytes)
    }

    /// Adds a frame.
    #[must_use]
    pub fn frame(mut self, bytes: impl Into<Bytes>) -> Self {
        self.frames.push_back(Ok(bytes.into()));
        self
    }

    /// Breaks after the frames so far.
    #[must_use]
    pub fn torn(mut self) -> Self {
        self.frames.push_back(Err(TornBody));
        self
    }

    /// Never ends: after its frames the body stays pending.
    #[must_use]
    pub fn hanging(mut self) -> Self {
        self.hang = true;
        self
    }

    /// Claims this length whatever the frames hold.
    #[must_use]
    pub fn claiming(mut self, length: u64) -> Self {
        self.hint = Some(length);
        self
    }

    pub(crate) fn counted(mut self, counts: Arc<Mutex<Counts>>) -> Self {
        self.counts = Some(counts);
        self
    }
}

impl Body for ProbeBody {
    type Data = Bytes;
    type Error = TornBody;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TornBody>>> {
        match self.frames.pop_front() {
            Some(frame) => Poll::Ready(Some(frame.map(Frame::data))),
            None if self.hang => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_empty() && !self.hang
    }

    fn size_hint(&self) -> SizeHint {
        if let Some(length) = self.hint {
            return SizeHint::with_exact(length);
        }
        let held = self.frames.iter().flatten().map(|f| f.len() as u64).sum();
        let torn = self.frames.iter().any(Result::is_err);
        if self.hang || torn {
            let mut hint = SizeHint::new();
            hint.set_lower(held);
            hint
        } else {
            SizeHint::with_exact(held)
        }
    }
}

impl Drop for ProbeBody {
    fn drop(&mut self) {
        if let Some(counts) = &self.counts {
            counts
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .bodies_dropped += 1;
        }
    }
}
