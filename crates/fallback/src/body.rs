//! The body of an answer that went through the layer.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::entry::Entry;
use crate::{Answers, Key};

/// How much room is made at once for a body of a declared length.
const FIRST_ROOM: usize = 64 * 1024;

pin_project! {
    /// A live body, of which a copy may be kept on its way, or one that was kept.
    #[derive(Debug)]
    pub struct FallbackBody<RB> {
        #[pin]
        kind: Kind<RB>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = KindProj]
    enum Kind<RB> {
        Live { #[pin] body: RB, copy: Option<Box<Copy>> },
        Kept { bytes: Bytes },
    }
}

impl<RB> FallbackBody<RB> {
    pub(crate) fn live(body: RB) -> Self {
        let copy = None;
        Self {
            kind: Kind::Live { body, copy },
        }
    }

    pub(crate) fn kept(bytes: Bytes) -> Self {
        Self {
            kind: Kind::Kept { bytes },
        }
    }
}

impl<RB: Body<Data = Bytes>> FallbackBody<RB> {
    /// A live body that is kept once it has ended whole.
    pub(crate) fn copied(body: RB, copy: Copy) -> Self {
        if body.is_end_stream() {
            copy.keep(true);
            return Self::live(body);
        }
        let hint = body.size_hint();
        if hint.lower() > copy.max_entry as u64 {
            return Self::live(body);
        }
        let copy = Some(Box::new(copy.expecting(hint.exact())));
        Self {
            kind: Kind::Live { body, copy },
        }
    }
}

impl<RB: Body<Data = Bytes>> Body for FallbackBody<RB> {
    type Data = Bytes;
    type Error = RB::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RB::Error>>> {
        let (mut body, copy) = match self.project().kind.project() {
            KindProj::Live { body, copy } => (body, copy),
            KindProj::Kept { bytes } => {
                let bytes = std::mem::take(bytes);
                let frame = (!bytes.is_empty()).then(|| Ok(Frame::data(bytes)));
                return Poll::Ready(frame);
            }
        };
        let frame = ready!(body.as_mut().poll_frame(cx));
        let Some(mut taken) = copy.take() else {
            return Poll::Ready(frame);
        };
        match &frame {
            // An error tears it; trailers belong to it, and are not kept.
            Some(Err(_)) => {}
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref()
                    && taken.push(data)
                {
                    // Who sends it on may never ask for the end of a body whose length it knows.
                    if taken.is_whole(body.is_end_stream()) {
                        taken.keep(false);
                    } else {
                        *copy = Some(taken);
                    }
                }
            }
            None => {
                if taken.is_whole(true) {
                    taken.keep(false);
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Live { body, .. } => body.is_end_stream(),
            Kind::Kept { bytes } => bytes.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Live { body, .. } => body.size_hint(),
            Kind::Kept { bytes } => SizeHint::with_exact(bytes.len() as u64),
        }
    }
}

/// The copy of a body on its way, and where it goes.
#[derive(Debug)]
pub(crate) struct Copy {
    answers: Answers,
    key: Key,
    entry: Option<Entry>,
    epoch: u64,
    max_entry: usize,
    expected: Option<u64>,
    bytes: Vec<u8>,
    /// What the store set aside for `bytes`.
    reserved: usize,
}

impl Copy {
    pub(crate) fn new(answers: Answers, key: Key, entry: Entry, epoch: u64) -> Self {
        let max_entry = answers.settings().max_entry;
        Self {
            answers,
            key,
            entry: Some(entry),
            epoch,
            max_entry,
            expected: None,
            bytes: Vec::new(),
            reserved: 0,
        }
    }

    fn expecting(mut self, length: Option<u64>) -> Self {
        self.expected = length;
        // No more than it says, lest a claimed length alone takes memory.
        if let Some(length) = length.and_then(|length| usize::try_from(length).ok()) {
            self.bytes.reserve_exact(length.min(FIRST_ROOM));
        }
        self
    }

    /// Copies a piece rather than holds on to it: it is a slice of a connection's read buffer.
    fn push(&mut self, data: &Bytes) -> bool {
        if self.bytes.len().saturating_add(data.len()) > self.max_entry
            || !self.answers.reserve(data.len())
        {
            return false;
        }
        self.reserved += data.len();
        self.bytes.extend_from_slice(data);
        true
    }

    /// By its declared length, if it has one: a body may end short of it.
    fn is_whole(&self, ended: bool) -> bool {
        let length = self.bytes.len() as u64;
        self.expected.map_or(ended, |expected| expected == length)
    }

    /// Puts the whole answer into the store. `head_only`: nothing of a body was to come.
    fn keep(mut self, head_only: bool) {
        let Some(mut entry) = self.entry.take() else {
            return;
        };
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.shrink_to_fit();
        entry.complete(bytes.into(), head_only);
        let key = self.key.clone();
        self.answers.put(key, entry, self.epoch);
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        self.answers.release(self.reserved);
    }
}
