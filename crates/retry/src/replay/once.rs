//! A body that is never repeated, yet comes back if it was never touched.

use std::sync::{Arc, Mutex, PoisonError};

use super::ReplayBody;

/// Where an untouched body comes back to when it is dropped.
pub(super) type Slot<B> = Arc<Mutex<Option<Back<B>>>>;

pub(super) enum Back<B> {
    Untouched(B),
    /// It was taken whole by a layer on its way: as good as untouched.
    Held(ReplayBody<B>),
}

/// The way back of a body made by [`ReplayBody::returning`].
pub struct Unsent<B>(pub(super) Slot<B>);

impl<B> Unsent<B> {
    pub(super) fn is_back(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }

    /// The body, if it was dropped before it had given a frame (or was held whole on its way):
    /// what was never sent has an untouched body. It comes back here again if it is dropped
    /// untouched once more.
    pub fn take(&self) -> Option<ReplayBody<B>> {
        let back = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match back? {
            Back::Untouched(body) => Some(ReplayBody::back_to(body, &self.0)),
            Back::Held(body) => {
                let again = body.try_clone();
                put(&self.0, Back::Held(body));
                again
            }
        }
    }
}

impl<B> std::fmt::Debug for Unsent<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unsent")
    }
}

pub(super) fn put<B>(slot: &Slot<B>, back: Back<B>) {
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(back);
}

/// The body on its way out. The slot is locked only when it comes back.
pub(super) struct Once<B> {
    pub(super) body: Option<B>,
    pub(super) touched: bool,
    pub(super) slot: Option<Slot<B>>,
}

impl<B> Drop for Once<B> {
    fn drop(&mut self) {
        if !self.touched
            && let (Some(slot), Some(body)) = (&self.slot, self.body.take())
        {
            put(slot, Back::Untouched(body));
        }
    }
}
