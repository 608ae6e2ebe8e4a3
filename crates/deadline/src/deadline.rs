//! The deadline itself.

use std::time::Duration;

use http::Request;
use tokio::time::Instant;

/// A time that no timer lives to see; stands for a sum that `Instant` cannot hold.
const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);

/// `from + by`, or some 30 years from `from` where the sum overflows.
pub(crate) fn later(from: Instant, by: Duration) -> Instant {
    from.checked_add(by).unwrap_or_else(|| from + FAR)
}

/// When the caller wants the head of an answer at the latest. Travels in the request's extensions.
///
/// ```
/// use std::time::Duration;
/// use leeward_deadline::Deadline;
/// use tokio::time::Instant;
///
/// let now = Instant::now();
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(Deadline::after(now, Duration::from_secs(2)));
///
/// let deadline = Deadline::of(&request).unwrap();
/// assert_eq!(deadline.remaining(now + Duration::from_millis(500)), Duration::from_millis(1500));
/// assert_eq!(deadline.remaining(now + Duration::from_secs(5)), Duration::ZERO);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    at: Instant,
    allowed: Duration,
}

impl Deadline {
    /// `allowed` from `now` on. A span that overflows the clock stands for 30 years.
    pub fn after(now: Instant, allowed: Duration) -> Self {
        Self {
            at: later(now, allowed),
            allowed,
        }
    }

    /// The instant.
    pub fn at(&self) -> Instant {
        self.at
    }

    /// The whole span that was allowed, for the message when it is over.
    pub fn allowed(&self) -> Duration {
        self.allowed
    }

    /// What is left at `now`; zero once it is over.
    pub fn remaining(&self, now: Instant) -> Duration {
        self.at.saturating_duration_since(now)
    }

    /// The deadline that this request carries.
    pub fn of<B>(request: &Request<B>) -> Option<Self> {
        request.extensions().get().copied()
    }
}
