//! One good answer: whether it may be kept, and whether it may be served.

use std::time::Duration;

use bytes::Bytes;
use http::header::{
    AGE, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_RANGE, DATE, ETAG,
    EXPIRES, HeaderName, HeaderValue, LAST_MODIFIED, PROXY_AUTHENTICATE, SET_COOKIE, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, VARY,
};
use http::{HeaderMap, Response, StatusCode};
use tokio::time::Instant;

use crate::conditional::not_modified;
use crate::directives::{Directives, age, freshness};
use crate::key::digest;
use crate::{Served, Settings};

/// What a cache never keeps (RFC 9111 3.1), beside what `Connection` names; `Age` is made anew.
const NOT_KEPT: [HeaderName; 8] = [
    CONNECTION,
    PROXY_AUTHENTICATE,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    AGE,
    HeaderName::from_static("keep-alive"),
];

/// What a 304 carries (RFC 9110 15.4.5), and `Last-Modified` for callers that go by it.
const NOT_MODIFIED: [HeaderName; 7] = [
    CACHE_CONTROL,
    CONTENT_LOCATION,
    DATE,
    ETAG,
    EXPIRES,
    LAST_MODIFIED,
    VARY,
];

/// What an entry takes beside its bytes; a rough figure for the maps and boxes around them.
const OVERHEAD: usize = 512;

/// An answer's head while its body still flows, and with the body an entry.
#[derive(Debug)]
pub(crate) struct Entry {
    status: StatusCode,
    headers: HeaderMap,
    pub(crate) body: Bytes,
    received: Instant,
    /// How old it was when it came.
    age: Duration,
    /// The vendor's own limit to its age.
    limit: Option<Duration>,
    /// The names that the answer's `Vary` gives, and the digest of the request's values.
    selecting: Option<(Box<[HeaderName]>, [u8; 32])>,
}

impl Entry {
    /// The entry of an answer that may be kept; its body is still to come.
    pub(crate) fn of<RB>(
        response: &Response<RB>,
        asked: &HeaderMap,
        settings: &Settings,
        now: Instant,
    ) -> Option<Self> {
        let (status, headers) = (response.status(), response.headers());
        if !status.is_success()
            || status == StatusCode::PARTIAL_CONTENT
            || headers.contains_key(CONTENT_RANGE)
            || headers.contains_key(SET_COOKIE)
        {
            return None;
        }
        let directives = Directives::of(headers);
        if directives.no_store {
            return None;
        }
        let limit = limit(&directives, headers, settings);
        let age = age(headers);
        if limit.is_some_and(|limit| limit < age || limit.is_zero()) {
            return None;
        }
        Some(Self {
            status,
            selecting: selecting(headers, asked)?,
            headers: detached(headers),
            body: Bytes::new(),
            received: now,
            age,
            limit,
        })
    }

    /// When its head came.
    pub(crate) fn received(&self) -> Instant {
        self.received
    }

    /// What it weighs, without its key.
    pub(crate) fn weight(&self) -> usize {
        let fields = self.headers.iter();
        let fields = fields.map(|(name, value)| name.as_str().len() + value.len() + 64);
        OVERHEAD + self.body.len() + fields.sum::<usize>()
    }

    /// Gives it its whole body. `head_only`: there was none to come, whatever its length says.
    pub(crate) fn complete(&mut self, body: Bytes, head_only: bool) {
        self.body = body;
        if !head_only {
            // A layer may have changed the body's length; what sends it on knows the true one.
            let length = self.headers.get(CONTENT_LENGTH);
            let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
            if length != Some(self.body.len()) {
                self.headers.remove(CONTENT_LENGTH);
            }
        }
    }

    /// How old it is, if it may be served in answer to a request with these fields.
    pub(crate) fn usable(
        &self,
        asked: &HeaderMap,
        fallback_for: Duration,
        now: Instant,
    ) -> Option<Duration> {
        let since = now.saturating_duration_since(self.received);
        let age = self.age.saturating_add(since);
        let wish = Directives::of_request(asked);
        let mut limit = self.limit.unwrap_or(Duration::MAX).min(fallback_for);
        let fresh = || freshness(&Directives::of(&self.headers), &self.headers);
        if let Some(stale) = wish.stale_if_error {
            limit = limit.min(fresh().saturating_add(stale));
        }
        // RFC 9111 5.2.1: what the caller will have, and how stale it may be beyond that.
        if let Some(max_age) = wish.max_age {
            limit = limit.min(max_age.saturating_add(wish.max_stale.unwrap_or_default()));
        }
        if wish.no_cache || age > limit {
            return None;
        }
        if let Some((names, values)) = &self.selecting
            && digest(asked, names.iter()) != *values
        {
            return None;
        }
        Some(age)
    }

    /// The answer, or a 304 where the caller has it already.
    pub(crate) fn answer(&self, asked: &HeaderMap, age: Duration) -> Response<Bytes> {
        let mut response = if not_modified(asked, &self.headers) {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            for name in NOT_MODIFIED {
                for value in self.headers.get_all(&name) {
                    response.headers_mut().append(&name, value.clone());
                }
            }
            response
        } else {
            let mut response = Response::new(self.body.clone());
            *response.status_mut() = self.status;
            *response.headers_mut() = self.headers.clone();
            response
        };
        response
            .headers_mut()
            .insert(AGE, HeaderValue::from(age.as_secs()));
        response.extensions_mut().insert(Served { age });
        response
    }
}

/// The vendor's own limit to the age at which its answer may take a failure's place: its
/// `stale-if-error` beyond the freshness (RFC 5861 4), and none beyond it under `must-revalidate`
/// (RFC 9111 4.2.4).
fn limit(directives: &Directives, headers: &HeaderMap, settings: &Settings) -> Option<Duration> {
    let fresh = || freshness(directives, headers);
    let stale = directives
        .stale_if_error
        .map(|stale| fresh().saturating_add(stale));
    if settings.stale_despite_revalidate {
        return stale;
    }
    if directives.no_cache {
        return Some(Duration::ZERO);
    }
    let revalidate = directives.must_revalidate.then(fresh);
    match (stale, revalidate) {
        (Some(stale), Some(fresh)) => Some(stale.min(fresh)),
        (stale, fresh) => stale.or(fresh),
    }
}

/// The fields of the request that the answer says it was selected by; `None` for `Vary: *`, and
/// for names that are none.
#[expect(
    clippy::type_complexity,
    reason = "the outer option is whether to keep the answer, the inner whether it varies at all"
)]
fn selecting(
    headers: &HeaderMap,
    asked: &HeaderMap,
) -> Option<Option<(Box<[HeaderName]>, [u8; 32])>> {
    let mut names = Vec::new();
    for value in headers.get_all(VARY) {
        for name in value.as_bytes().split(|&byte| byte == b',') {
            let name = name.trim_ascii();
            if !name.is_empty() {
                // `*` is a token, too, so it would make a name.
                names.push(
                    HeaderName::from_bytes(name)
                        .ok()
                        .filter(|name| name != "*")?,
                );
            }
        }
    }
    if names.is_empty() {
        return Some(None);
    }
    let values = digest(asked, names.iter());
    Some(Some((names.into_boxed_slice(), values)))
}

/// The fields to keep, copied into one piece of memory: as they came they would each hold on to
/// the connection's whole read buffer.
fn detached(headers: &HeaderMap) -> HeaderMap {
    let named = headers.get_all(CONNECTION).iter();
    let named: Vec<_> = named
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .map(|name| name.trim_ascii())
        .collect();
    let kept = |name: &HeaderName| {
        !NOT_KEPT.contains(name)
            && !named
                .iter()
                .any(|named| named.eq_ignore_ascii_case(name.as_str().as_bytes()))
    };
    let mut all = Vec::with_capacity(headers.values().map(HeaderValue::len).sum());
    for value in headers.values() {
        all.extend_from_slice(value.as_bytes());
    }
    let mut all = Bytes::from(all);
    let mut detached = HeaderMap::with_capacity(headers.keys_len());
    for (name, value) in headers {
        let bytes = all.split_to(value.len());
        if kept(name)
            && let Ok(mut copy) = HeaderValue::from_maybe_shared(bytes)
        {
            copy.set_sensitive(value.is_sensitive());
            detached.append(name, copy);
        }
    }
    detached
}
