//! Which circuit a request belongs to.

use std::sync::Arc;

use http::Request;

/// Names the circuit of a request: its host, its account, its operation, …
///
/// Any `Fn(&Request<B>) -> Arc<str>` is one. Asked once per request and face, so let it hand out
/// names that exist already.
pub trait Circuit<B>: Clone + Send + Sync + 'static {
    /// The circuit's name.
    fn key(&self, request: &Request<B>) -> Arc<str>;
}

impl<B, F> Circuit<B> for F
where
    F: Fn(&Request<B>) -> Arc<str> + Clone + Send + Sync + 'static,
{
    fn key(&self, request: &Request<B>) -> Arc<str> {
        self(request)
    }
}

/// One circuit for all requests.
#[derive(Debug, Clone)]
pub struct Single(Arc<str>);

impl Single {
    /// Of this name.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }
}

impl<B> Circuit<B> for Single {
    fn key(&self, _: &Request<B>) -> Arc<str> {
        Arc::clone(&self.0)
    }
}
