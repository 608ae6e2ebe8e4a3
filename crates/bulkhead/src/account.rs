//! Whose call it is.

use std::sync::Arc;

use http::Request;

/// Names the account of a request, if it has one.
///
/// Any `Fn(&Request<B>) -> Option<Arc<str>>` is one. Asked once per call, so let it hand out names
/// that exist already.
pub trait Account<B>: Clone + Send + Sync + 'static {
    /// The account's name.
    fn account(&self, request: &Request<B>) -> Option<Arc<str>>;
}

impl<B, F> Account<B> for F
where
    F: Fn(&Request<B>) -> Option<Arc<str>> + Clone + Send + Sync + 'static,
{
    fn account(&self, request: &Request<B>) -> Option<Arc<str>> {
        self(request)
    }
}
