//! Further tests that read from the same look.

use http::{Request, response};

use crate::look::Look;

/// Looks at answers that are not rate limited where they come in, so that a body is read once
/// whoever asks: is the token rejected, is there a failure inside a 200? `B` is the request's body.
pub trait Inspect<B>: Clone + Send + Sync + 'static {
    /// What is kept of the request until its answer comes.
    type Facts: Send + 'static;

    /// Reads the request before it goes.
    fn facts(&self, request: &Request<B>) -> Self::Facts;

    /// Must the body be read? It is only if its type, coding and status allow it.
    fn wants_body(&self, facts: &Self::Facts, parts: &response::Parts) -> bool;

    /// Looks at the answer; what it finds goes into the extensions. `look` is `None` if the body
    /// was not read, or did not come in time.
    fn inspect(&self, facts: &Self::Facts, parts: &mut response::Parts, look: Option<&Look>);
}

/// Inspects nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoInspect;

impl<B> Inspect<B> for NoInspect {
    type Facts = ();

    fn facts(&self, _: &Request<B>) {}

    fn wants_body(&self, (): &(), _: &response::Parts) -> bool {
        false
    }

    fn inspect(&self, (): &(), _: &mut response::Parts, _: Option<&Look>) {}
}
