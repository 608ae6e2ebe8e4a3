//! What it means that no token came.

use std::time::Duration;

/// Why a token answer holds no token. Reasons are shown to people and hold no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The grant is gone: `invalid_grant` (RFC 6749, section 5.2), whatever the status. Nothing else means that.
    #[error("the grant was refused: {reason}")]
    Grant {
        /// What the server said.
        reason: String,
    },
    /// The client is refused: `invalid_client` or `unauthorized_client`. It says nothing about the grant.
    #[error("the client was refused: {reason}")]
    Client {
        /// What the server said.
        reason: String,
    },
    /// Everything else: 5xx, 429, a bare 401, an answer without a token.
    #[error("no token for the moment: {reason}")]
    Transient {
        /// What the server said.
        reason: String,
        /// Not to be tried again before this.
        retry_after: Option<Duration>,
    },
}
