//! What carries token requests.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use leeward_auth_refresh::{AccountId, BoxFuture};

/// The longest body of a token answer that a transport reads, in bytes, decoded: 1 MiB.
pub const MAX_ANSWER: usize = 1 << 20;

/// For whom a token request is sent.
#[derive(Debug, Clone, Copy)]
pub struct TokenCall<'a> {
    /// The provider.
    pub provider: &'a str,
    /// The account.
    pub account: &'a AccountId,
}

/// Carries token requests.
pub trait Transport: Send + Sync + 'static {
    /// Sends a request and reads the answer whole, its content coding undone, up to [`MAX_ANSWER`]. Redirects are not
    /// followed: they would carry secrets elsewhere. The host policy of the provider holds here, too.
    ///
    /// Limits only what comes before the first byte goes out (name, connection, TLS): what was sent is read to its end, for
    /// the answer may hold the only living refresh token.
    fn send<'a>(
        &'a self,
        call: TokenCall<'a>,
        request: Request<Bytes>,
    ) -> BoxFuture<'a, Result<Response<Bytes>, TransportError>>;
}

/// Why no answer came. Reasons are shown to people and hold no secret.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TransportError {
    /// Nothing was sent: no name, no connection, no trusted certificate, a host that is not allowed.
    #[error("{reason}")]
    NotSent {
        /// What went wrong.
        reason: String,
        /// The error behind it.
        source: Option<Arc<dyn Error + Send + Sync>>,
    },
    /// It was sent, perhaps in part, and no whole answer came.
    #[error("{reason}")]
    Unanswered {
        /// What went wrong.
        reason: String,
        /// The error behind it.
        source: Option<Arc<dyn Error + Send + Sync>>,
    },
}
