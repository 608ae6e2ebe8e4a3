//! What the mapping asks: which unified call a request is, and of whom; and what its refusals mean.

use std::sync::Arc;

use http::Request;
use leeward_mapping::{Caller, MappingError, Unified};
use serde_json::Value;

use super::outcome::wait_of;
use crate::call::{Call, Way};
use crate::code::Code;
use crate::error::{Error, Refused};
use crate::provider::Provider;

/// One provider's unified callers.
#[derive(Debug, Clone)]
pub struct UnifiedCaller {
    provider: Arc<Provider>,
}

impl UnifiedCaller {
    /// Of this provider.
    pub fn new(provider: Arc<Provider>) -> Self {
        Self { provider }
    }
}

impl<B> Caller<B> for UnifiedCaller {
    fn unified<'a>(&self, request: &'a Request<B>) -> Option<&'a Unified> {
        match &Call::of(request)?.way {
            Way::Unified(unified) => Some(unified.call()),
            Way::Proxy { .. } => None,
        }
    }

    fn provider(&self) -> &str {
        self.provider.name()
    }

    fn account(&self, request: &Request<B>) -> Value {
        let account = Call::of(request).and_then(|call| call.account());
        self.provider.account_value(account)
    }
}

impl From<MappingError> for Error {
    fn from(error: MappingError) -> Self {
        use MappingError as M;
        let detail = error.to_string();
        let refused = |code: Code| Refused::new(code, detail.clone());
        match error {
            M::UnknownResource(_) => refused(Code::UnknownResource),
            M::UnsupportedOperation { allow, .. } => Refused {
                allow: Some(allow.join(", ")),
                ..refused(Code::UnsupportedOperation)
            },
            M::InvalidRequest(_) => refused(Code::InvalidRequest),
            M::RequestTooLarge { .. } => refused(Code::PayloadTooLargeRequest),
            M::ResponseTooLarge { vendor_status, .. } => Refused {
                upstream_status: Some(vendor_status),
                ..refused(Code::PayloadTooLargeResponse)
            },
            M::RequestBody { source } => Refused {
                source: Some(source),
                ..refused(Code::InvalidRequest)
            },
            M::ResponseBody {
                vendor_status,
                source,
            } => Refused {
                upstream_status: Some(vendor_status),
                source: Some(source),
                ..refused(Code::UpstreamInvalid)
            },
            M::RequestFailed { .. } => refused(Code::MappingFailedRequest),
            M::ResponseFailed { vendor_status, .. } => Refused {
                upstream_status: Some(vendor_status),
                ..refused(Code::MappingFailedResponse)
            },
            M::Upstream {
                status,
                reason,
                message,
                body,
                vendor_status,
                retry_after,
            } => {
                let detail = message.unwrap_or(detail);
                Refused {
                    status: Some(status),
                    upstream_status: Some(vendor_status),
                    upstream_body: Some(body),
                    reason,
                    retry_after: retry_after.as_deref().and_then(wait_of),
                    ..Refused::new(Code::UpstreamError, detail)
                }
            }
            M::Pagination(_) => refused(Code::PaginationFailed),
            M::AccountIncomplete { .. } => refused(Code::AccountIncomplete),
            _ => refused(Code::Internal),
        }
        .into()
    }
}
