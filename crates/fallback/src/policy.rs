//! What is kept, and when it is served.

use http::{Request, Response, StatusCode};

use crate::Key;

/// Decides for a [`FallbackLayer`](crate::FallbackLayer).
///
/// `B` is the body of the requests, `RB` that of the answers, `E` the error of the service inside.
pub trait Policy<B, RB, E>: Clone {
    /// The key of a read; `None` for a request whose answer is neither kept nor replaced.
    fn key(&self, request: &Request<B>) -> Option<Key>;

    /// For a write, the key of the read that it makes obsolete (RFC 9111 4.4): once it succeeds,
    /// no earlier answer of that account and path is served, whatever its query. Only asked where
    /// [`key`](Self::key) gave none. By default writes are not looked at.
    fn changes(&self, request: &Request<B>) -> Option<Key> {
        let _ = request;
        None
    }

    /// Whether a good answer may be kept. What must never be kept (other than whole 2xx answers,
    /// `no-store`, `Set-Cookie`, `Vary: *`) is left out whatever this says.
    fn keep(&self, response: &Response<RB>) -> bool {
        let _ = response;
        true
    }

    /// Whether the live call failed, so that a kept answer should take its place.
    fn failed(&self, result: Result<&Response<RB>, &E>) -> bool;

    /// Whether a live result says that what was kept holds no longer, so that it must not be
    /// served later: by default an answer of 404, 410, 401 or 403.
    fn gone(&self, result: Result<&Response<RB>, &E>) -> bool {
        result.is_ok_and(|response| {
            matches!(
                response.status(),
                StatusCode::NOT_FOUND
                    | StatusCode::GONE
                    | StatusCode::UNAUTHORIZED
                    | StatusCode::FORBIDDEN
            )
        })
    }
}
