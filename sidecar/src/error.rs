//! One error for the whole stack: each layer's refusal, and what it means to an application.

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;
use leeward_auth_refresh::CredentialError;
use leeward_bulkhead::Overloaded;
use leeward_circuit_breaker::CircuitOpen;
use leeward_deadline::Elapsed;
use leeward_rate_limit_normalize::{Limited, RateLimited};

use crate::code::Code;

/// Any error with a `Send + Sync` source, as bodies have it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a call gave no answer of the vendor's.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Kind>);

/// The refusals of the layers, and what the sidecar itself finds wrong.
#[derive(Debug, thiserror::Error)]
pub enum Kind {
    /// From the rate-limit layers.
    #[error(transparent)]
    RateLimited(RateLimited),
    /// From the breaker.
    #[error(transparent)]
    CircuitOpen(CircuitOpen),
    /// From the bulkhead.
    #[error(transparent)]
    Overloaded(Overloaded),
    /// From auth-refresh.
    #[error(transparent)]
    Credential(CredentialError),
    /// From the timeouts.
    #[error(transparent)]
    Elapsed(Elapsed),
    /// From the client.
    #[error(transparent)]
    Upstream(leeward_upstream::Error),
    /// An answer that was taken whole broke off, and may not be asked for again.
    #[error("the answer broke off inside its body: {0}")]
    Torn(#[source] BoxError),
    /// Decided by the sidecar.
    #[error(transparent)]
    Refused(Refused),
}

/// A refusal that needs no more than a code and a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct Refused {
    /// Which.
    pub code: Code,
    /// One sentence for the person who reads it.
    pub detail: Cow<'static, str>,
    /// A status in place of the code's own (`upstream_error`).
    pub status: Option<StatusCode>,
    /// What the vendor answered, if it did.
    pub upstream_status: Option<StatusCode>,
    /// The start of the vendor's answer.
    pub upstream_body: Option<Bytes>,
    /// The mapped reason of a vendor's refusal.
    pub reason: Option<String>,
    /// When the vendor may be asked again, if it said so.
    pub retry_after: Option<std::time::Duration>,
    /// Methods or operations that would have been right.
    pub allow: Option<String>,
    /// What lies beneath.
    #[source]
    pub source: Option<BoxError>,
}

impl Refused {
    /// A refusal with a code and a sentence.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            status: None,
            upstream_status: None,
            upstream_body: None,
            reason: None,
            retry_after: None,
            allow: None,
            source: None,
        }
    }
}

impl Error {
    /// A refusal of the sidecar's own.
    pub fn refused(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Refused::new(code, detail).into()
    }

    /// What it is.
    pub fn kind(&self) -> &Kind {
        &self.0
    }

    /// The code of SPEC's table that an application sees.
    pub fn code(&self) -> Code {
        use leeward_upstream::Kind as Up;
        match self.kind() {
            Kind::RateLimited(_) => Code::RateLimited,
            Kind::CircuitOpen(_) => Code::CircuitOpen,
            Kind::Overloaded(_) => Code::Overloaded,
            Kind::Elapsed(_) => Code::UpstreamTimeout,
            Kind::Torn(_) => Code::UpstreamInvalid,
            Kind::Refused(refused) => refused.code,
            Kind::Credential(error) => match error {
                CredentialError::UnknownAccount(_) => Code::UnknownAccount,
                CredentialError::NeedsReauth { .. } => Code::NeedsReauth,
                CredentialError::Disabled(_) => Code::AccountDisabled,
                CredentialError::Incomplete { .. } => Code::AccountIncomplete,
                CredentialError::Unavailable { .. }
                | CredentialError::NotRenewable(_)
                | CredentialError::Timeout { .. }
                | CredentialError::Store(_) => Code::CredentialsUnavailable,
            },
            Kind::Upstream(error) => match error.kind() {
                Up::HostDenied => Code::HostDenied,
                Up::ConnectTimeout => Code::UpstreamTimeout,
                Up::Invalid => Code::UpstreamInvalid,
                // The application's own doing: its body broke off, or is no body.
                Up::Body | Up::Request => Code::InvalidRequest,
                _ => Code::UpstreamUnreachable,
            },
        }
    }

    /// Whole seconds an application should wait, where that is known. 429 and 503 always carry one.
    pub fn retry_after(&self) -> Option<u64> {
        use leeward_rate_limit_normalize::retry_after as whole;
        let known = match self.kind() {
            Kind::RateLimited(limit) => Some(whole(limit.retry_after)),
            Kind::CircuitOpen(open) => Some(whole(open.retry_after)),
            Kind::Overloaded(full) => Some(whole(full.retry_after)),
            Kind::Credential(CredentialError::Unavailable { retry_after, .. }) => {
                retry_after.map(whole)
            }
            Kind::Refused(refused) => refused.retry_after.map(whole),
            _ => None,
        };
        let status = self.status();
        let wanted =
            status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE;
        known.or(wanted.then_some(1))
    }

    /// The status of the problem.
    pub fn status(&self) -> StatusCode {
        match self.kind() {
            Kind::Refused(refused) => refused.status.unwrap_or_else(|| refused.code.status()),
            _ => self.code().status(),
        }
    }

    /// Whether the vendor is surely untouched by this call.
    pub fn never_sent(&self) -> bool {
        matches!(self.kind(), Kind::Upstream(error) if error.never_sent())
    }
}

impl Limited for Error {
    fn limited(&self) -> Option<&RateLimited> {
        match self.kind() {
            Kind::RateLimited(limit) => Some(limit),
            _ => None,
        }
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self(Box::new(kind))
    }
}

macro_rules! from {
    ($($source:ty => $kind:ident,)*) => {
        $(impl From<$source> for Error {
            fn from(refusal: $source) -> Self {
                Kind::$kind(refusal).into()
            }
        })*
    };
}

from! {
    RateLimited => RateLimited,
    CircuitOpen => CircuitOpen,
    Overloaded => Overloaded,
    CredentialError => Credential,
    Elapsed => Elapsed,
    leeward_upstream::Error => Upstream,
    Refused => Refused,
}
