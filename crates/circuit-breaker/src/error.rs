//! The refusal.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

/// The circuit is open, or half-open with all its probes on their way.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the circuit of {key} is open; the next attempt may go out in {retry_after:?}")]
pub struct CircuitOpen {
    /// Which circuit.
    pub key: Arc<str>,
    /// When asking again makes sense at the earliest: the rest of the open time, or of the lease
    /// that ends first. Never zero.
    pub retry_after: Duration,
}
