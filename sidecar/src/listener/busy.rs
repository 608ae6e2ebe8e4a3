//! The requests of one connection, from their head to the last byte of their answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::drain::Drain;

/// What a connection has to do. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Busy(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    answering: AtomicUsize,
    // Answers whose body has ended, and which may not have left for the socket yet: a reader who is
    // slow at the end must not lose it to the end of the process.
    unsent: AtomicUsize,
    drain: Drain,
}

/// A request being answered, until its body has ended or was dropped.
#[derive(Debug)]
pub(super) struct BusyGuard(Busy);

impl Busy {
    /// Nothing to do yet; `drain` counts what comes.
    pub(super) fn new(drain: Drain) -> Self {
        Self(Arc::new(Shared {
            answering: AtomicUsize::new(0),
            unsent: AtomicUsize::new(0),
            drain,
        }))
    }

    pub(super) fn begin(&self) -> BusyGuard {
        self.0.answering.fetch_add(1, Ordering::Relaxed);
        self.0.drain.enter();
        BusyGuard(self.clone())
    }

    /// Whether a request is being answered.
    pub(super) fn is(&self) -> bool {
        self.0.answering.load(Ordering::Relaxed) > 0
    }

    /// Whatever was written has left for the socket.
    pub(super) fn flushed(&self) {
        if self.0.unsent.load(Ordering::Relaxed) > 0 {
            self.0.drain.leave(self.0.unsent.swap(0, Ordering::Relaxed));
        }
    }
}

impl Drop for BusyGuard {
    fn drop(&mut self) {
        let shared = &self.0.0;
        shared.unsent.fetch_add(1, Ordering::Relaxed);
        shared.answering.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.drain.leave(*self.unsent.get_mut());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_until_it_has_left() {
        let drain = Drain::default();
        let busy = Busy::new(drain.clone());
        let (one, two) = (busy.begin(), busy.begin());
        assert_eq!((busy.is(), drain.in_flight()), (true, 2));
        drop(one);
        assert_eq!((busy.is(), drain.in_flight()), (true, 2));
        busy.flushed();
        assert_eq!((busy.is(), drain.in_flight()), (true, 1));
        // The connection ends before its body does.
        drop(busy);
        assert_eq!(drain.in_flight(), 1);
        drop(two);
        assert_eq!(drain.in_flight(), 0);
    }
}
