//! The error codes of the product: the one table from code to status and title.

use http::StatusCode;

/// Why Leeward answered by itself. The name on the wire ([`as_str`](Self::as_str)) is a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The vendor said "slow down", or its closed gate is known.
    RateLimited,
    /// The breaker is open and nothing else serves.
    CircuitOpen,
    /// The account's grant is gone and its access token is over.
    NeedsReauth,
    /// The account was switched off.
    AccountDisabled,
    /// A URL, a header or a body needs something that the account lacks.
    AccountIncomplete,
    /// The token is over and no new one can be bought now.
    CredentialsUnavailable,
    /// No name, no connection, no trusted certificate, or no byte of an answer.
    UpstreamUnreachable,
    /// What came is not a whole HTTP answer.
    UpstreamInvalid,
    /// The vendor refused a unified call.
    UpstreamError,
    /// A deadline passed.
    UpstreamTimeout,
    /// The provider's bulkhead is full.
    Overloaded,
    /// No such provider, or no such base of it.
    UnknownProvider,
    /// No such account at this provider.
    UnknownAccount,
    /// The path is no way in, or the resource is not mapped.
    UnknownResource,
    /// The resource does not have this operation.
    UnsupportedOperation,
    /// Several accounts and none named.
    AmbiguousAccount,
    /// Several providers and none named.
    AmbiguousProvider,
    /// A position or page came again, or leads where it must not.
    PaginationFailed,
    /// The request is malformed.
    InvalidRequest,
    /// The expression failed on the way out.
    MappingFailedRequest,
    /// The expression failed on the way back.
    MappingFailedResponse,
    /// The request's body is over `max_buffer` where it must be held.
    PayloadTooLargeRequest,
    /// The answer's body is over `max_buffer` where it must be held.
    PayloadTooLargeResponse,
    /// The host is outside the provider's `hosts`, or private.
    HostDenied,
    /// No or a wrong token for the listener.
    Unauthorized,
    /// A fault of Leeward's own.
    Internal,
}

impl Code {
    /// The name in `code`, in `Leeward-Error` and in the metrics' `outcome`.
    pub fn as_str(self) -> &'static str {
        self.row().0
    }

    /// The status that goes with it. `upstream_error` takes the vendor's own where it is known.
    pub fn status(self) -> StatusCode {
        self.row().1
    }

    /// The problem's `title`.
    pub fn title(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::RateLimited => ("rate_limited", S::TOO_MANY_REQUESTS, "Rate limited"),
            Self::CircuitOpen => ("circuit_open", S::SERVICE_UNAVAILABLE, "Circuit open"),
            Self::NeedsReauth => (
                "needs_reauth",
                S::UNAUTHORIZED,
                "Account needs to be authorized again",
            ),
            Self::AccountDisabled => ("account_disabled", S::FORBIDDEN, "Account disabled"),
            Self::AccountIncomplete => (
                "account_incomplete",
                S::UNPROCESSABLE_ENTITY,
                "Account incomplete",
            ),
            Self::CredentialsUnavailable => (
                "credentials_unavailable",
                S::SERVICE_UNAVAILABLE,
                "Credentials unavailable",
            ),
            Self::UpstreamUnreachable => (
                "upstream_unreachable",
                S::BAD_GATEWAY,
                "Upstream unreachable",
            ),
            Self::UpstreamInvalid => (
                "upstream_invalid",
                S::BAD_GATEWAY,
                "Upstream answer invalid",
            ),
            Self::UpstreamError => ("upstream_error", S::BAD_GATEWAY, "Upstream refused"),
            Self::UpstreamTimeout => ("upstream_timeout", S::GATEWAY_TIMEOUT, "Upstream timed out"),
            Self::Overloaded => ("overloaded", S::SERVICE_UNAVAILABLE, "Overloaded"),
            Self::UnknownProvider => ("unknown_provider", S::NOT_FOUND, "Unknown provider"),
            Self::UnknownAccount => ("unknown_account", S::NOT_FOUND, "Unknown account"),
            Self::UnknownResource => ("unknown_resource", S::NOT_FOUND, "Unknown resource"),
            Self::UnsupportedOperation => (
                "unsupported_operation",
                S::METHOD_NOT_ALLOWED,
                "Unsupported operation",
            ),
            Self::AmbiguousAccount => ("ambiguous_account", S::BAD_REQUEST, "Ambiguous account"),
            Self::AmbiguousProvider => ("ambiguous_provider", S::BAD_REQUEST, "Ambiguous provider"),
            Self::PaginationFailed => ("pagination_failed", S::BAD_GATEWAY, "Pagination failed"),
            Self::InvalidRequest => ("invalid_request", S::BAD_REQUEST, "Invalid request"),
            Self::MappingFailedRequest => ("mapping_failed", S::BAD_REQUEST, "Mapping failed"),
            Self::MappingFailedResponse => ("mapping_failed", S::BAD_GATEWAY, "Mapping failed"),
            Self::PayloadTooLargeRequest => (
                "payload_too_large",
                S::PAYLOAD_TOO_LARGE,
                "Payload too large",
            ),
            Self::PayloadTooLargeResponse => {
                ("payload_too_large", S::BAD_GATEWAY, "Payload too large")
            }
            Self::HostDenied => ("host_denied", S::FORBIDDEN, "Host denied"),
            Self::Unauthorized => ("unauthorized", S::UNAUTHORIZED, "Unauthorized"),
            Self::Internal => ("internal", S::INTERNAL_SERVER_ERROR, "Internal error"),
        }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
