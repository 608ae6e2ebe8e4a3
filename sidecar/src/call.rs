//! What is known of one call while it goes through a provider's stack: its request extension.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Request, Uri};
use leeward_auth_refresh::AccountId;
use tokio::time::Instant;

use crate::provider::Provider;
use crate::unified::UnifiedCall;

/// How a request came in.
#[derive(Debug)]
pub enum Way {
    /// `/proxy/{provider}[:{base}]/…`.
    Proxy {
        /// The mount: what stands before the vendor's path.
        mount: Mount,
        /// Which of the provider's bases.
        base: Option<String>,
    },
    /// `/unified/{model}/{resource}…`.
    Unified(UnifiedCall),
}

/// `/proxy/name` or `/proxy/name:base` of a request's path: kept as a part of it, for it is read
/// only where a vendor redirects.
#[derive(Debug)]
pub struct Mount {
    uri: Uri,
    length: usize,
}

impl Mount {
    /// The first bytes of this request's path.
    pub fn new(uri: &Uri, length: usize) -> Self {
        Self {
            uri: uri.clone(),
            length,
        }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        self.uri.path().get(..self.length).unwrap_or_default()
    }

    /// What follows it: the vendor's path.
    pub fn rest(&self) -> &str {
        match self.uri.path().get(self.length..) {
            None | Some("") => "/",
            Some(rest) => rest,
        }
    }
}

/// One call. Retries and repeats share it.
#[derive(Debug)]
pub struct Call {
    /// Told in the answer, the problem and the log.
    pub request_id: RequestId,
    /// How it came in.
    pub way: Way,
    /// When its head was read.
    pub began: Instant,
    /// `Leeward-Debug: true`.
    pub debug: bool,
    /// The request carries the provider's idempotency key, so a write may be repeated.
    pub keyed: bool,
    resolved: OnceLock<Resolved>,
    attempts: AtomicU32,
    wire_nanos: AtomicU64,
}

/// What the resolve step found.
#[derive(Debug)]
pub struct Resolved {
    /// The account, where the provider needs one.
    pub account: Option<AccountId>,
    /// Which circuit of the provider's breaker this call belongs to.
    pub circuit: Arc<str>,
}

impl Call {
    /// A call that begins now.
    pub fn new(way: Way, began: Instant) -> Self {
        Self {
            request_id: RequestId::random(),
            way,
            began,
            debug: false,
            keyed: false,
            resolved: OnceLock::new(),
            attempts: AtomicU32::new(0),
            wire_nanos: AtomicU64::new(0),
        }
    }

    /// Reads what concerns the call itself: `Leeward-Debug`, and the provider's idempotency key.
    pub fn read_headers(&mut self, headers: &HeaderMap, provider: &Provider) {
        self.debug = headers
            .get(crate::headers::DEBUG)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
        let key = provider.config().retry.idempotency_header.as_deref();
        self.keyed = key.is_some_and(|key| headers.contains_key(key));
    }

    /// The call of a request inside the stack.
    pub fn of<B>(request: &Request<B>) -> Option<&Arc<Self>> {
        request.extensions().get()
    }

    /// Keeps what was resolved; a second time changes nothing.
    pub fn resolve(&self, resolved: Resolved) {
        let _ = self.resolved.set(resolved);
    }

    /// The account, once resolved.
    pub fn account(&self) -> Option<&AccountId> {
        self.resolved.get()?.account.as_ref()
    }

    /// The account's id, or nothing.
    pub fn account_str(&self) -> &str {
        self.account().map_or("", AccountId::as_str)
    }

    /// The circuit, once resolved.
    pub fn circuit(&self) -> Option<&Arc<str>> {
        Some(&self.resolved.get()?.circuit)
    }

    /// The base that the request named.
    pub fn base(&self) -> Option<&str> {
        match &self.way {
            Way::Proxy { base, .. } => base.as_deref(),
            Way::Unified(call) => call.base(),
        }
    }

    /// Counts an attempt that is begun towards the vendor.
    pub fn begin_attempt(&self) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
    }

    /// How often the call was begun towards the vendor.
    pub fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::Relaxed)
    }

    /// Adds time that the vendor took.
    pub fn add_wire_time(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.wire_nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// The time that the vendor took, over all attempts.
    pub fn wire_time(&self) -> Duration {
        Duration::from_nanos(self.wire_nanos.load(Ordering::Relaxed))
    }
}

/// 128 random bits in lower-case hexadecimal.
#[derive(Debug, Clone)]
pub struct RequestId([u8; 32]);

impl RequestId {
    /// A new one.
    pub fn random() -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0_u8; 32];
        let mut bits = fastrand::u128(..);
        for place in &mut text {
            *place = HEX[(bits & 0xf) as usize];
            bits >>= 4;
        }
        Self(text)
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// As a header's value.
    pub fn header(&self) -> HeaderValue {
        HeaderValue::from_bytes(&self.0).unwrap_or(HeaderValue::from_static("0"))
    }
}
