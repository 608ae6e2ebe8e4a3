//! What the breaker asks.

use std::sync::Arc;

use http::{Request, Response};
use leeward_circuit_breaker::Verdict;

use super::Outcome;
use crate::call::Call;
use crate::error::Error;

/// Which circuit the call belongs to, as it was resolved.
pub fn circuit_key<B>(request: &Request<B>) -> Arc<str> {
    Call::of(request)
        .and_then(|call| call.circuit().cloned())
        .unwrap_or_else(|| "-".into())
}

/// What the call said about the vendor's health.
pub fn verdict<RB>(result: Result<&Response<RB>, &Error>) -> Verdict {
    Outcome::of(result).verdict()
}
