//! The end of the process: not ready, still serving, gone once it is quiet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// What is under way, and whether the end has begun. Clones share it.
#[derive(Debug, Clone)]
pub struct Drain {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    draining: AtomicBool,
    began: Notify,
    in_flight: AtomicUsize,
    epoch: Instant,
    last_ms: AtomicU64,
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            shared: Arc::new(Shared {
                draining: AtomicBool::new(false),
                began: Notify::new(),
                in_flight: AtomicUsize::new(0),
                epoch: Instant::now(),
                last_ms: AtomicU64::new(0),
            }),
        }
    }
}

impl Drain {
    /// Begins the end. Again is no harm.
    pub fn begin(&self) {
        self.shared.draining.store(true, Ordering::SeqCst);
        self.shared.touch();
        self.shared.began.notify_waiters();
    }

    /// Whether the end has begun: then answers close their connections.
    pub fn draining(&self) -> bool {
        self.shared.draining.load(Ordering::Relaxed)
    }

    /// Resolves when the end begins.
    pub async fn begun(&self) {
        loop {
            let began = self.shared.began.notified();
            if self.draining() {
                return;
            }
            began.await;
        }
    }

    /// Counts a request.
    pub fn enter(&self) {
        self.shared.in_flight.fetch_add(1, Ordering::Relaxed);
        if self.draining() {
            self.shared.touch();
        }
    }

    /// So many requests have been answered, to the last byte.
    pub fn leave(&self, requests: usize) {
        if requests > 0 {
            // The time first: whoever sees that nothing is left sees since when.
            if self.draining() {
                self.shared.touch();
            }
            self.shared.in_flight.fetch_sub(requests, Ordering::SeqCst);
        }
    }

    /// How many requests are under way.
    pub fn in_flight(&self) -> usize {
        self.shared.in_flight.load(Ordering::SeqCst)
    }

    /// Resolves once nothing is in flight and nothing came for `quiet`, or after `timeout`.
    /// Tells whether it was quiet.
    pub async fn quiet(&self, quiet: Duration, timeout: Duration) -> bool {
        let give_up = Instant::now() + timeout;
        loop {
            let now = Instant::now();
            let last = self.shared.epoch
                + Duration::from_millis(self.shared.last_ms.load(Ordering::SeqCst));
            let calm = self.in_flight() == 0;
            if calm && now.saturating_duration_since(last) >= quiet {
                return true;
            }
            if now >= give_up {
                return false;
            }
            let next = if calm {
                last + quiet
            } else {
                now + Duration::from_millis(20)
            };
            tokio::time::sleep_until(next.min(give_up)).await;
        }
    }
}

impl Shared {
    fn touch(&self) {
        let since = self.epoch.elapsed().as_millis();
        self.last_ms
            .store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::SeqCst);
    }
}
