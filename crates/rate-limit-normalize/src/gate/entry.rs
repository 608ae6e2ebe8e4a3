//! One scope of one account.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::closing::Ticket;
use crate::error::By;
use crate::judgement::PathScope;
use crate::settings::Backoff;

/// No gate stays closed longer, whatever a rule's `max` says.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

pub(super) struct Entry {
    pub(super) scope: Arc<str>,
    pub(super) path: Option<PathScope>,
    pub(super) until: Instant,
    pub(super) by: By,
    /// Limits without a given time since the last success.
    pub(super) failures: u32,
    /// The number of the closing.
    pub(super) closed: u64,
    /// How many requests have asked when they may go since it closed.
    pub(super) waiting: u32,
}

/// `delay` after `start`, at most [`LONGEST`].
pub(super) fn after(start: Instant, delay: Duration) -> Instant {
    start.checked_add(delay.min(LONGEST)).unwrap_or(start)
}

impl Entry {
    pub(super) fn is(&self, scope: &str, path: Option<&PathScope>) -> bool {
        *self.scope == *scope && self.path.as_ref() == path
    }

    pub(super) fn concerns(&self, path: &str) -> bool {
        self.path.as_ref().is_none_or(|scope| scope.contains(path))
    }

    /// Open, and without a backoff worth remembering: that is for twice the longest wait.
    pub(super) fn is_over(&self, now: Instant, longest: Duration) -> bool {
        let memory = if self.failures > 0 {
            longest.saturating_mul(2)
        } else {
            Duration::ZERO
        };
        after(self.until, memory) <= now
    }

    /// The limit was met once more; how long the scope is closed from `now` on.
    pub(super) fn again(
        &mut self,
        now: Instant,
        delay: Option<Duration>,
        ticket: Ticket,
        backoff: Backoff,
        closings: &AtomicU64,
    ) -> Duration {
        // The request began before the scope closed: one of the same wave.
        let same_wave = ticket.0 < self.closed;
        match delay {
            Some(delay) => {
                let until = after(now, delay);
                if same_wave && until <= self.until {
                    return self.until.saturating_duration_since(now);
                }
                self.until = until.max(self.until);
            }
            None if same_wave && self.until > now => {
                return self.until.saturating_duration_since(now);
            }
            // A straggler of a wave that is over: believed, but no further failure.
            None if same_wave => {
                self.until = after(now, backoff.wait(self.failures.saturating_sub(1)));
                self.closed = closings.fetch_add(1, Ordering::AcqRel) + 1;
            }
            None => {
                self.until = after(now, backoff.wait(self.failures)).max(self.until);
                self.failures = self.failures.saturating_add(1);
            }
        }
        if !same_wave {
            self.closed = closings.fetch_add(1, Ordering::AcqRel) + 1;
            self.waiting = 0;
        }
        self.until.saturating_duration_since(now)
    }
}
