//! What a timeout says.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

/// A time limit has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{phase} within {after:?}")]
pub struct Elapsed {
    /// Which limit.
    pub phase: Phase,
    /// How long it was.
    pub after: Duration,
}

/// Which limit an [`Elapsed`] speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The request's [`Deadline`](crate::Deadline): to the head of the answer, all attempts together.
    Total,
    /// One attempt, to the head of its answer.
    Response,
    /// The distance between two frames of the answer's body.
    IdleBody,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Total => "no answer, retries included,",
            Self::Response => "no answer",
            Self::IdleBody => "the answer's body did not move",
        })
    }
}
