//! Header fields that end at this hop.

use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, header::Entry};

/// Fields that end at a hop in both directions (RFC 9110, sections 7.6.1, 7.6.2 and 11.7).
///
/// `Trailer` is not among them: it announces what comes behind the body, which is passed on.
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Those that the `http` crate has no constant for.
const HOP_BY_HOP_NAMES: [&str; 4] = [
    "http2-settings",
    "keep-alive",
    "proxy-authentication-info",
    "proxy-connection",
];

/// Headers of our own, which end here in both directions.
const OWN_PREFIX: &str = "leeward-";

/// What the removed fields of a request had asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stripped {
    /// `TE: trailers`: the client takes trailers (RFC 9110, section 10.1.4).
    pub wants_trailers: bool,
    /// It asked to switch protocols (RFC 9110, section 7.8).
    pub wants_upgrade: bool,
}

/// Removes from a request what must not reach the next server.
///
/// - The hop-by-hop fields of RFC 9110 section 7.6.1 and those that `Connection` names,
///   `Proxy-*` for this hop, and `Leeward-*`.
/// - `Host`: it names the proxy. The client writes it (or `:authority`) from the URL.
/// - `Content-Length`: the client writes one from the body's exact size, or chunks it. So exactly
///   one length goes out, whatever came in.
/// - `Expect: 100-continue`: it is answered at this hop.
pub fn strip_request_headers(headers: &mut HeaderMap) -> Stripped {
    let stripped = Stripped {
        wants_trailers: has_token(headers, &header::TE, b"trailers"),
        wants_upgrade: headers.contains_key(header::UPGRADE),
    };
    strip(headers);
    headers.remove(header::HOST);
    headers.remove(header::CONTENT_LENGTH);
    if let Entry::Occupied(expect) = headers.entry(header::EXPECT)
        && expect
            .get()
            .as_bytes()
            .eq_ignore_ascii_case(b"100-continue")
    {
        expect.remove();
    }
    stripped
}

/// Removes from an answer what must not reach the application.
///
/// - The hop-by-hop fields of RFC 9110 section 7.6.1 and those that `Connection` names,
///   `Proxy-*` for this hop, and `Leeward-*`.
/// - `Content-Length` beside a `Transfer-Encoding` (RFC 9112, section 6.3), and all but one of it;
///   else it stays, since an answer to HEAD and a 304 tell by it a length that they do not have.
pub fn strip_response_headers(headers: &mut HeaderMap) {
    let encoded = headers.contains_key(header::TRANSFER_ENCODING);
    strip(headers);
    if encoded {
        headers.remove(header::CONTENT_LENGTH);
        return;
    }
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    if let (Some(first), Some(_)) = (lengths.next(), lengths.next()) {
        let first = first.clone();
        headers.insert(header::CONTENT_LENGTH, first);
    }
}

fn strip(headers: &mut HeaderMap) {
    for name in named_by_connection(headers) {
        headers.remove(name);
    }
    // Most heads have few fields and none of these: one pass over what is there costs less than a
    // look-up for each that might be.
    let doomed: Vec<HeaderName> = headers
        .keys()
        .filter(|name| ends_here(name))
        .cloned()
        .collect();
    for name in doomed {
        headers.remove(name);
    }
}

fn ends_here(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(name)
        || HOP_BY_HOP_NAMES.contains(&name.as_str())
        || name.as_str().starts_with(OWN_PREFIX)
}

/// The fields that `Connection` names, without those that go anyway.
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(tokens)
        .filter(|token| {
            !token.eq_ignore_ascii_case(b"close") && !token.eq_ignore_ascii_case(b"keep-alive")
        })
        .filter_map(|token| HeaderName::from_bytes(token).ok())
        .filter(|name| headers.contains_key(name))
        .collect()
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &[u8]) -> bool {
    headers
        .get_all(name)
        .iter()
        .flat_map(tokens)
        .map(|entry| entry.split(|b| *b == b';').next().unwrap_or_default())
        .any(|entry| entry.trim_ascii().eq_ignore_ascii_case(token))
}

/// The members of a comma-separated list, trimmed (RFC 9110, section 5.6.1).
fn tokens(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value
        .as_bytes()
        .split(|b| *b == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|token| !token.is_empty())
}
