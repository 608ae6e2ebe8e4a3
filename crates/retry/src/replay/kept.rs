//! The bytes of a body that have flowed so far.

use bytes::{Bytes, BytesMut};

/// The first frame as it came, and a copy of all that followed.
///
/// Most bodies are one frame, which is kept without a copy. Later frames are copied together: a
/// thousand small ones would otherwise pin a thousand read buffers for a few bytes each.
#[derive(Default)]
pub(crate) struct Kept {
    first: Bytes,
    more: BytesMut,
}

impl Kept {
    pub(crate) fn len(&self) -> usize {
        self.first.len() + self.more.len()
    }

    pub(crate) fn push(&mut self, frame: &Bytes) {
        if self.len() == 0 {
            self.first = frame.clone();
        } else {
            self.more.extend_from_slice(frame);
        }
    }

    /// The next piece from `at` on; empty at the end.
    pub(crate) fn from(&self, at: usize) -> Bytes {
        match at.checked_sub(self.first.len()) {
            None => self.first.slice(at..),
            Some(at) => Bytes::copy_from_slice(self.more.get(at..).unwrap_or_default()),
        }
    }

    /// All of it as one piece.
    pub(crate) fn whole(&mut self) -> Bytes {
        if !self.more.is_empty() {
            let mut all = BytesMut::with_capacity(self.len());
            all.extend_from_slice(&self.first);
            all.extend_from_slice(&self.more);
            self.more = BytesMut::new();
            self.first = all.freeze();
        }
        self.first.clone()
    }
}
