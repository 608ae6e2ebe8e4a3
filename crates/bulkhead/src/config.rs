//! What a bulkhead is told.

use std::time::Duration;

/// How many calls at once, and how many may wait for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Calls on their way at once (64); 0 stands for 1.
    pub max_in_flight: usize,
    /// Of one account (32); 0 stands for 1. Calls without an account are bounded by
    /// `max_in_flight` alone.
    pub per_account: usize,
    /// Calls that may wait for a slot (64).
    pub max_waiting: usize,
    /// How long one may wait (1 s).
    pub max_wait: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_in_flight: 64,
            per_account: 32,
            max_waiting: 64,
            max_wait: Duration::from_secs(1),
        }
    }
}
