//! The body, in each of its kinds.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use super::once::{Once, Slot, Unsent, put};
use super::shared::{Next, Replica};
use crate::{BoxError, ReplayError};

/// A request body that can be sent again, as long as it is not too large.
///
/// - One that was held whole ([`held`](Self::held)), or is empty, is repeated freely, without a
///   lock.
/// - One that flows ([`new`](Self::new)) is kept on its way, up to a cap: a later copy gives what
///   has flowed from the beginning and goes on with the rest. Only one copy is active, the last
///   that began; every earlier one then fails with [`ReplayError::Superseded`], so that no byte is
///   ever lost between two. Over the cap the active copy flows on, alone, and no other is given.
/// - One that is never repeated ([`once`](Self::once)) costs neither lock nor copy.
pub struct ReplayBody<B> {
    pub(super) kind: Kind<B>,
}

pub(super) enum Kind<B> {
    Held(Held),
    Once(Once<B>),
    Shared(Replica<B>),
}

#[derive(Clone, Default)]
pub(super) struct Held {
    pub(super) bytes: Bytes,
    pub(super) trailers: Option<Arc<HeaderMap>>,
    pub(super) data_given: bool,
    pub(super) trailers_given: bool,
}

impl<B> ReplayBody<B> {
    /// A body that is known whole.
    pub fn held(bytes: Bytes) -> Self {
        Self::whole(Held {
            bytes,
            ..Held::default()
        })
    }

    pub(super) fn whole(held: Held) -> Self {
        Self {
            kind: Kind::Held(held),
        }
    }

    /// A body that is never repeated.
    pub fn once(body: B) -> Self {
        Self::passing(body, None)
    }

    pub(super) fn back_to(body: B, slot: &Slot<B>) -> Self {
        Self::passing(body, Some(Arc::clone(slot)))
    }

    fn passing(body: B, slot: Option<Slot<B>>) -> Self {
        Self {
            kind: Kind::Once(Once {
                body: Some(body),
                touched: false,
                slot,
            }),
        }
    }

    /// A body that is never repeated, but comes back through [`Unsent`] if it is dropped before it
    /// gave a frame. It costs one allocation, and a lock only when it comes back.
    pub fn returning(body: B) -> (Self, Unsent<B>) {
        let slot = Slot::default();
        (Self::back_to(body, &slot), Unsent(slot))
    }

    /// The whole body, if it is held.
    pub fn held_bytes(&self) -> Option<&Bytes> {
        match &self.kind {
            Kind::Held(held) => Some(&held.bytes),
            Kind::Once(_) | Kind::Shared(_) => None,
        }
    }

    /// Whether a copy may be made and sent now.
    pub fn is_replayable(&self) -> bool {
        match &self.kind {
            Kind::Held(_) => true,
            Kind::Once(_) => false,
            Kind::Shared(replica) => replica.whole(),
        }
    }

    /// A copy that gives the body from its beginning; `None` for a body that is never repeated,
    /// has flowed beyond the cap, or broke off.
    pub fn try_clone(&self) -> Option<Self> {
        let kind = match &self.kind {
            Kind::Held(held) => Kind::Held(Held {
                bytes: held.bytes.clone(),
                trailers: held.trailers.clone(),
                ..Held::default()
            }),
            Kind::Once(_) => return None,
            Kind::Shared(replica) => Kind::Shared(replica.copy()?),
        };
        Some(Self { kind })
    }

    /// Makes this the active copy before it is first polled, so that nothing that still flows
    /// through another can take it over the cap meanwhile.
    pub(crate) fn claim(&mut self) -> Result<(), ReplayError> {
        match &mut self.kind {
            Kind::Held(_) | Kind::Once(_) => Ok(()),
            Kind::Shared(replica) => replica.claim(),
        }
    }
}

impl<B: Body> ReplayBody<B> {
    /// Lets `body` flow and keeps up to `cap` bytes of it. An empty body is held; one that is
    /// known to be larger is never repeated, and nothing of it is kept.
    pub fn new(body: B, cap: usize) -> Self {
        if body.is_end_stream() {
            return Self::held(Bytes::new());
        }
        if body.size_hint().lower() > cap as u64 {
            return Self::once(body);
        }
        Self {
            kind: Kind::Shared(Replica::new(body, cap)),
        }
    }

    /// What [`RetryLayer`](crate::RetryLayer) sends, and what it keeps to send it again.
    pub(crate) fn sent(body: B, keep: bool, cap: usize) -> (Self, Keep<B>) {
        if body.is_end_stream() {
            return (Self::default(), Keep::Copy(Self::default()));
        }
        if keep && body.size_hint().lower() <= cap as u64 {
            let body = Self::new(body, cap);
            if let Some(copy) = body.try_clone() {
                return (body, Keep::Copy(copy));
            }
            return (body, Keep::Nothing);
        }
        let (body, unsent) = Self::returning(body);
        (body, Keep::Unsent(unsent))
    }
}

/// How a request's body may be had once more.
pub(crate) enum Keep<B> {
    Copy(ReplayBody<B>),
    Unsent(Unsent<B>),
    Nothing,
}

impl<B> Keep<B> {
    /// Whether [`again`](Self::again) has a body to give.
    pub(crate) fn can(&self, never_sent: bool) -> bool {
        match self {
            Self::Copy(copy) => copy.is_replayable(),
            Self::Unsent(unsent) => never_sent && unsent.is_back(),
            Self::Nothing => false,
        }
    }

    /// The body for a repeat, active from now on.
    pub(crate) fn again(&self, never_sent: bool) -> Option<ReplayBody<B>> {
        match self {
            Self::Copy(copy) => {
                let mut body = copy.try_clone()?;
                body.claim().ok()?;
                Some(body)
            }
            Self::Unsent(unsent) if never_sent => unsent.take(),
            Self::Unsent(_) | Self::Nothing => None,
        }
    }
}

impl<B> Body for ReplayBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let next = match &mut self.kind {
            Kind::Held(held) => return Poll::Ready(held.next().map(Ok)),
            Kind::Once(once) => return once.poll_frame(cx),
            Kind::Shared(replica) => ready!(replica.poll_next(cx)),
        };
        Poll::Ready(match next {
            Ok(Next::Data(data)) => Some(Ok(Frame::data(data))),
            Ok(Next::Over(data, body)) => {
                self.kind = Kind::Once(Once {
                    body: Some(body),
                    touched: true,
                    slot: None,
                });
                Some(Ok(Frame::data(data)))
            }
            Ok(Next::Trailers(trailers)) => Some(Ok(Frame::trailers(trailers))),
            Ok(Next::End) => None,
            Err(error) => Some(Err(error)),
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Held(held) => held.is_end(),
            Kind::Once(once) => once.body.as_ref().is_some_and(Body::is_end_stream),
            Kind::Shared(replica) => replica.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Held(held) if held.data_given => SizeHint::with_exact(0),
            Kind::Held(held) => SizeHint::with_exact(held.bytes.len() as u64),
            Kind::Once(once) => once.body.as_ref().map(Body::size_hint).unwrap_or_default(),
            Kind::Shared(replica) => replica.size_hint(),
        }
    }
}

impl Held {
    fn next(&mut self) -> Option<Frame<Bytes>> {
        if !std::mem::replace(&mut self.data_given, true) && !self.bytes.is_empty() {
            return Some(Frame::data(self.bytes.clone()));
        }
        if std::mem::replace(&mut self.trailers_given, true) {
            return None;
        }
        let trailers = self.trailers.as_deref()?;
        Some(Frame::trailers(trailers.clone()))
    }

    fn is_end(&self) -> bool {
        (self.data_given || self.bytes.is_empty())
            && (self.trailers_given || self.trailers.is_none())
    }
}

impl<B> Once<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(body) = &mut self.body else {
            // It was over the cap of whoever tried to hold it.
            return Poll::Ready(Some(Err(ReplayError::Capped.into())));
        };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        // A poll that gave nothing took nothing: the body is still untouched.
        if !self.touched {
            self.touched = true;
            self.slot = None;
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }
}

/// Nothing of what a body holds: it may be a secret.
impl<B> fmt::Debug for ReplayBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.kind {
            Kind::Held(_) => "ReplayBody(held)",
            Kind::Once(_) => "ReplayBody(once)",
            Kind::Shared(_) => "ReplayBody(flowing)",
        })
    }
}

impl<B> Default for ReplayBody<B> {
    fn default() -> Self {
        Self::held(Bytes::new())
    }
}

/// Lets [`hold`](ReplayBody::hold) leave a held body where an untouched one would come back.
pub(super) fn leave<B>(slot: &Slot<B>, held: Held) {
    put(slot, super::once::Back::Held(ReplayBody::whole(held)));
}
