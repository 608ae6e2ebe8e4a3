//! What may be repeated, and when it is.

use std::time::Duration;

use http::{Request, Response};

use crate::BoxError;

/// What a [`Policy`] says of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Send the request again, if attempts, budget, deadline and body allow.
    Repeat {
        /// One word for the counters: `connect`, `reset`, `503`.
        reason: &'static str,
        /// The vendor's own `Retry-After`: no repeat before that.
        not_before: Option<Duration>,
        /// No byte of the request has left: it may be repeated whatever its method.
        never_sent: bool,
    },
    /// Pass it on.
    Done,
}

/// Decides for a [`RetryLayer`](crate::RetryLayer) what is repeated.
///
/// `RB` is the body of the answers, `E` the error of the service inside.
pub trait Policy<RB, E>: Clone {
    /// Whether the request may reach the vendor twice: its method is idempotent (RFC 9110 9.2.2),
    /// or it carries an idempotency key. Read before the body is moved.
    fn may_repeat<B>(&self, request: &Request<B>) -> bool;

    /// Whether the body is kept for a repeat though [`may_repeat`](Self::may_repeat) is false,
    /// because a layer inside may send the request again by its own right (a credential that was
    /// refused, say). By default it is not.
    fn keeps_body<B>(&self, request: &Request<B>) -> bool {
        let _ = request;
        false
    }

    /// What to do with a result; `repeatable` is what [`may_repeat`](Self::may_repeat) said.
    fn advise(&self, repeatable: bool, result: Result<&Response<RB>, &E>) -> Advice;

    /// The error of an answer that was held whole, broke off, and cannot be repeated.
    fn torn(&self, source: BoxError) -> E;
}
