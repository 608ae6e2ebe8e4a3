//! Settings.

use std::time::Duration;

/// How long and how much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How old an answer may be that is served. Zero switches the layer off.
    pub fallback_for: Duration,
    /// The most bytes that all answers take, keys and heads included.
    pub max_bytes: usize,
    /// The most bytes that one answer's body may have.
    pub max_entry: usize,
    /// Serves an answer past its freshness even where the vendor says `must-revalidate`, or
    /// `no-cache`. RFC 9111 4.2.4 forbids it, so it is off; yet some web frameworks put
    /// `max-age=0, private, must-revalidate` on every answer that they give, and where that is all
    /// it means, this switch is what makes a fallback of such a vendor possible. `no-store` and
    /// `stale-if-error` are obeyed either way.
    pub stale_despite_revalidate: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            fallback_for: Duration::from_secs(60 * 60),
            max_bytes: 32 * 1024 * 1024,
            max_entry: 1024 * 1024,
            stale_despite_revalidate: false,
        }
    }
}
