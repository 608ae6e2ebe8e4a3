//! The refusal.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

/// There was no slot for the call; it never went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("too many calls at once: {reason}")]
pub struct Overloaded {
    /// Why.
    pub reason: Reason,
    /// When asking again makes sense: the longest that a call may wait, and at least a second.
    pub retry_after: Duration,
}

/// Why a call was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The waiting room was full.
    Full,
    /// It was full, and a call of an account with fewer calls in it took the place.
    Displaced,
    /// It waited for this long in vain.
    Waited(Duration),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the waiting room is full"),
            Self::Displaced => f.write_str("the waiting room is full, most of it of this account"),
            Self::Waited(span) => write!(f, "none became free within {span:?}"),
        }
    }
}
