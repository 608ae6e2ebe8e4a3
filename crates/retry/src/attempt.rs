//! Which attempt a request is.

use http::Request;

/// In the extensions of a repeated request: how often it has been begun, this time included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attempt(pub u32);

impl Attempt {
    /// The attempt that this request is; 1 where nothing says otherwise.
    pub fn of<B>(request: &Request<B>) -> Self {
        request.extensions().get().copied().unwrap_or(Self(1))
    }
}
