//! Whose request it is.

use std::borrow::Cow;
use std::sync::Arc;

use http::Request;
use tokio::time::Instant;

use crate::answer::AccountFacts;

/// What the layers ask of a request. `B` is its body.
pub trait Caller<B>: Clone + Send + Sync + 'static {
    /// The account that it is for, part of the gate's key; `""` if there is none.
    fn account(&self, request: &Request<B>) -> Arc<str>;

    /// The path that goes to the vendor, without the query; asked only where a scope is closed or a
    /// rule reads it.
    fn path<'a>(&self, request: &'a Request<B>) -> Cow<'a, str> {
        request.uri().path().into()
    }

    /// What rules may ask of the account; asked only where a rule does.
    fn facts(&self, request: &Request<B>) -> Arc<dyn AccountFacts> {
        let _ = request;
        Arc::new(())
    }

    /// When the caller stops waiting: nothing is held beyond it.
    fn deadline(&self, request: &Request<B>) -> Option<Instant> {
        let _ = request;
        None
    }
}

/// One account for all requests.
#[derive(Debug, Clone)]
pub struct OneAccount(Arc<str>);

impl OneAccount {
    /// All requests are for this account.
    pub fn new(account: impl Into<Arc<str>>) -> Self {
        Self(account.into())
    }
}

impl Default for OneAccount {
    fn default() -> Self {
        Self::new("")
    }
}

impl<B> Caller<B> for OneAccount {
    fn account(&self, _: &Request<B>) -> Arc<str> {
        Arc::clone(&self.0)
    }
}
