//! The refusal.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

/// Who refused, or who closed a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum By {
    /// The vendor, just now.
    Vendor,
    /// The gate, which knows what the vendor said before; the vendor was not asked.
    Gate,
}

impl By {
    /// `vendor` or `gate`: the label of a metric.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vendor => "vendor",
            Self::Gate => "gate",
        }
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The request was not served because of a rate limit. Its debug form shows no body.
#[derive(Clone, PartialEq, Eq)]
pub struct RateLimited {
    /// The scope of the limit; [`DEFAULT_SCOPE`](crate::DEFAULT_SCOPE) if the rule names none.
    pub scope: Arc<str>,
    /// How long to stay away; [`retry_after`](crate::retry_after) rounds it for a header.
    pub retry_after: Duration,
    /// Who said so.
    pub by: By,
    /// The vendor's status, if it was asked.
    pub upstream_status: Option<StatusCode>,
    /// The vendor's body as far as it was read, decompressed.
    pub upstream_body: Option<Bytes>,
    /// Whether the request may be repeated after the wait.
    pub retryable: bool,
    /// The rule that decided.
    pub rule: Option<Arc<str>>,
}

impl fmt::Display for RateLimited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = crate::retry_after(self.retry_after);
        write!(
            f,
            "rate limited (scope {}) for {seconds} s, says the {}",
            self.scope, self.by
        )
    }
}

impl fmt::Debug for RateLimited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimited")
            .field("scope", &self.scope)
            .field("retry_after", &self.retry_after)
            .field("by", &self.by)
            .field("upstream_status", &self.upstream_status)
            .field(
                "upstream_body_bytes",
                &self.upstream_body.as_ref().map(Bytes::len),
            )
            .field("retryable", &self.retryable)
            .field("rule", &self.rule)
            .finish()
    }
}

impl Error for RateLimited {}

/// An error that may be a [`RateLimited`].
pub trait Limited {
    /// The refusal, if that is what it is.
    fn limited(&self) -> Option<&RateLimited>;
}

impl Limited for RateLimited {
    fn limited(&self) -> Option<&RateLimited> {
        Some(self)
    }
}

impl Limited for Box<dyn Error + Send + Sync> {
    fn limited(&self) -> Option<&RateLimited> {
        let mut error: &(dyn Error + 'static) = &**self;
        loop {
            if let Some(limited) = error.downcast_ref() {
                return Some(limited);
            }
            error = error.source()?;
        }
    }
}
