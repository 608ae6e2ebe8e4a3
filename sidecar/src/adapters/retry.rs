//! What may be sent twice, and after what.

use std::sync::Arc;

use http::{Method, Request, Response};
use leeward_config::types::RetryAfter;
use leeward_retry::Advice;

use super::Outcome;
use super::outcome::retry_after;
use crate::call::{Call, Way};
use crate::error::{BoxError, Error, Kind};

/// A provider's `retry` section, as the layer asks it.
#[derive(Debug, Clone)]
pub struct RetryPolicy {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    methods: Vec<Method>,
    after: Vec<RetryAfter>,
    // A layer inside repeats, too (a renewed token, a limit that was waited for), so that bodies
    // are kept whatever the method.
    keeps_bodies: bool,
}

impl RetryPolicy {
    /// Repeats these methods after these outcomes; `keeps_bodies` where a layer inside may repeat
    /// what was refused.
    pub fn new(methods: Vec<Method>, after: Vec<RetryAfter>, keeps_bodies: bool) -> Self {
        Self {
            inner: Arc::new(Inner {
                methods,
                after,
                keeps_bodies,
            }),
        }
    }

    fn listed(&self, outcome: Outcome) -> bool {
        self.inner
            .after
            .iter()
            .any(|listed| match (listed, outcome) {
                (RetryAfter::Connect, Outcome::NeverSent)
                | (RetryAfter::Reset, Outcome::Reset)
                | (RetryAfter::Timeout, Outcome::TimedOut) => true,
                (RetryAfter::ServerErrors, Outcome::Answered(status)) => status.is_server_error(),
                (RetryAfter::Status(listed), Outcome::Answered(status)) => {
                    status.as_u16() == *listed
                }
                _ => false,
            })
    }
}

impl<RB> leeward_retry::Policy<RB, Error> for RetryPolicy {
    fn may_repeat<B>(&self, request: &Request<B>) -> bool {
        let Some(call) = Call::of(request) else {
            return false;
        };
        match &call.way {
            // In a unified call it is the operation that counts, whatever the vendor's method.
            Way::Unified(unified) => call.keyed || unified.is_idempotent(),
            Way::Proxy { .. } => call.keyed || self.inner.methods.contains(request.method()),
        }
    }

    fn keeps_body<B>(&self, _: &Request<B>) -> bool {
        self.inner.keeps_bodies
    }

    fn advise(&self, _repeatable: bool, result: Result<&Response<RB>, &Error>) -> Advice {
        let outcome = Outcome::of(result);
        let never_sent = outcome == Outcome::NeverSent;
        match outcome.retry_reason() {
            Some(reason) if self.listed(outcome) => Advice::Repeat {
                reason,
                not_before: result.ok().and_then(retry_after),
                never_sent,
            },
            _ => Advice::Done,
        }
    }

    fn torn(&self, source: BoxError) -> Error {
        Kind::Torn(source).into()
    }
}
