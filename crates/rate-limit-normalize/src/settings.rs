//! Settings of a gate and its layers.

use std::time::Duration;

/// What a provider's `rate_limit` says beside its rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The most bytes of a body, as sent, that a rule looks at (16 times that once decompressed).
    pub look: usize,
    /// The wait when the vendor gives no time.
    pub backoff: Backoff,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            look: 64 * 1024,
            backoff: Backoff::default(),
        }
    }
}

/// Exponential backoff with full jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The most of the first wait; it doubles with each limit that follows without a success.
    pub base: Duration,
    /// The most of any wait.
    pub max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(1),
            max: Duration::from_secs(60),
        }
    }
}

impl Backoff {
    /// The most that the wait after `failures` earlier limits may be.
    pub(crate) fn ceiling(&self, failures: u32) -> Duration {
        let factor = 1_u32.checked_shl(failures.min(31)).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.max)
    }

    /// The wait: anything from nothing to the ceiling, so that those who were refused together do
    /// not come back together.
    pub(crate) fn wait(&self, failures: u32) -> Duration {
        let nanos = self.ceiling(failures).as_nanos();
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        Duration::from_nanos(fastrand::u64(0..=nanos))
    }
}
