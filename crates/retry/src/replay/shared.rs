//! The one body under several copies, and what is kept of it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, SizeHint};

use super::Kept;
use crate::{BoxError, ReplayError};

pub(super) struct State<B> {
    pub(super) kept: Kept,
    pub(super) trailers: Option<HeaderMap>,
    pub(super) rest: Rest<B>,
    /// The most bytes that are kept.
    pub(super) cap: usize,
    /// The copy that the body flows through.
    active: u64,
    copies: u64,
}

pub(super) enum Rest<B> {
    Open(B),
    Ended,
    Broken,
    /// More flowed than is kept; the copy that saw it took the body along.
    Capped,
}

impl<B> Rest<B> {
    fn refusal(&self) -> Option<ReplayError> {
        match self {
            Self::Open(_) | Self::Ended => None,
            Self::Broken => Some(ReplayError::Broken),
            Self::Capped => Some(ReplayError::Capped),
        }
    }
}

/// One copy. The last that began is the active one: the body flows through it, and every other
/// that had begun is refused from then on, wherever it still stands.
pub(super) struct Replica<B> {
    shared: Arc<Mutex<State<B>>>,
    id: u64,
    begun: bool,
    at: usize,
    trailers_given: bool,
    hint: SizeHint,
}

/// The next frame of a copy, or of the body itself.
pub(super) enum Next<B> {
    Data(Bytes),
    /// This frame is over the cap: nothing is kept any more, and the body belongs to the copy that
    /// took it.
    Over(Bytes, B),
    Trailers(HeaderMap),
    End,
}

impl<B: Body> Replica<B> {
    pub(super) fn new(body: B, cap: usize) -> Self {
        let hint = body.size_hint();
        Self {
            shared: Arc::new(Mutex::new(State {
                kept: Kept::default(),
                trailers: None,
                rest: Rest::Open(body),
                cap,
                active: 0,
                copies: 0,
            })),
            id: 0,
            begun: false,
            at: 0,
            trailers_given: false,
            hint,
        }
    }
}

impl<B> Replica<B> {
    pub(super) fn lock(&self) -> MutexGuard<'_, State<B>> {
        lock(&self.shared)
    }

    /// Whether a copy can be given from its beginning.
    pub(super) fn whole(&self) -> bool {
        self.lock().rest.refusal().is_none()
    }

    /// Whether this copy has given nothing yet.
    pub(super) fn fresh(&self) -> bool {
        self.at == 0 && !self.trailers_given
    }

    pub(super) fn copy(&self) -> Option<Self> {
        let mut state = self.lock();
        if state.rest.refusal().is_some() {
            return None;
        }
        state.copies += 1;
        let id = state.copies;
        drop(state);
        Some(Self {
            shared: Arc::clone(&self.shared),
            id,
            begun: false,
            at: 0,
            trailers_given: false,
            hint: self.hint,
        })
    }

    /// Makes this copy the active one.
    pub(super) fn claim(&mut self) -> Result<(), ReplayError> {
        claim(&mut lock(&self.shared), self.id, &mut self.begun)
    }
}

fn lock<B>(shared: &Mutex<State<B>>) -> MutexGuard<'_, State<B>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn claim<B>(state: &mut State<B>, id: u64, begun: &mut bool) -> Result<(), ReplayError> {
    if *begun && state.active != id {
        return Err(ReplayError::Superseded);
    }
    if let Some(refusal) = state.rest.refusal() {
        return Err(refusal);
    }
    state.active = id;
    *begun = true;
    Ok(())
}

impl<B> Replica<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Next<B>, BoxError>> {
        let mut guard = lock(&self.shared);
        let state = &mut *guard;
        claim(state, self.id, &mut self.begun)?;
        let piece = state.kept.from(self.at);
        if !piece.is_empty() {
            self.at += piece.len();
            return Poll::Ready(Ok(Next::Data(piece)));
        }
        let next = match ready!(state.poll_rest(cx))? {
            Next::End => match &state.trailers {
                Some(trailers) if !self.trailers_given => Next::Trailers(trailers.clone()),
                _ => Next::End,
            },
            next => next,
        };
        match &next {
            Next::Data(data) => self.at += data.len(),
            Next::Trailers(_) => self.trailers_given = true,
            Next::Over(..) | Next::End => {}
        }
        Poll::Ready(Ok(next))
    }

    pub(super) fn is_end_stream(&self) -> bool {
        let state = self.lock();
        // A copy that is over must not look like a body that ended: it has an error to give.
        let over = self.begun && state.active != self.id;
        let trailers = state.trailers.is_some() && !self.trailers_given;
        let ended = match &state.rest {
            Rest::Open(body) => body.is_end_stream(),
            Rest::Ended => true,
            Rest::Broken | Rest::Capped => false,
        };
        !over && ended && !trailers && self.at >= state.kept.len()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        if !self.begun {
            return self.hint;
        }
        let state = self.lock();
        if state.active != self.id {
            return SizeHint::default();
        }
        let left = (state.kept.len() - self.at.min(state.kept.len())) as u64;
        let rest = match &state.rest {
            Rest::Open(body) => body.size_hint(),
            Rest::Ended => SizeHint::with_exact(0),
            Rest::Broken | Rest::Capped => SizeHint::default(),
        };
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(left));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(left));
        }
        hint
    }
}

impl<B> State<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    /// The next frame of the body itself, kept on its way.
    pub(super) fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Result<Next<B>, BoxError>> {
        loop {
            let Rest::Open(body) = &mut self.rest else {
                return Poll::Ready(Ok(Next::End));
            };
            let frame = match ready!(Pin::new(body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => {
                    self.rest = Rest::Broken;
                    return Poll::Ready(Err(error.into()));
                }
                None => {
                    self.rest = Rest::Ended;
                    return Poll::Ready(Ok(Next::End));
                }
            };
            let frame = match frame.into_data() {
                Ok(data) => return Poll::Ready(Ok(self.keep(data))),
                Err(frame) => frame,
            };
            if let Ok(trailers) = frame.into_trailers() {
                self.trailers = Some(trailers.clone());
                self.rest = Rest::Ended;
                return Poll::Ready(Ok(Next::Trailers(trailers)));
            }
            // A kind of frame that `http-body` does not know today cannot be replayed: left out.
        }
    }

    fn keep(&mut self, data: Bytes) -> Next<B> {
        if self.kept.len().saturating_add(data.len()) <= self.cap {
            self.kept.push(&data);
            return Next::Data(data);
        }
        self.kept = Kept::default();
        match std::mem::replace(&mut self.rest, Rest::Capped) {
            Rest::Open(body) => Next::Over(data, body),
            // Only an open body gives data.
            Rest::Ended | Rest::Broken | Rest::Capped => Next::Data(data),
        }
    }
}
