//! What the layer asks of a request.

use http::Request;
use serde_json::Value;

use crate::Unified;

/// What the layer must know of a request.
pub trait Caller<B>: Clone + Send + Sync + 'static {
    /// The unified call; `None` lets the request through as it is.
    fn unified<'a>(&self, request: &'a Request<B>) -> Option<&'a Unified>;

    /// The provider's name, to which cursors are bound.
    fn provider(&self) -> &str;

    /// The account as expressions see it: `{id, vars}`, without a secret. Cursors are bound to its `id`.
    fn account(&self, request: &Request<B>) -> Value;
}
