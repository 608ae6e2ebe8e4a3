//! Cookie fields that HTTP/2 split.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

/// Joins several `Cookie` fields into one, `; ` between them, in their order (RFC 9113, section
/// 8.2.3): HTTP/2 may split the field, HTTP/1.1 knows only one.
pub fn join_cookies(headers: &mut HeaderMap) {
    let mut crumbs = headers.get_all(COOKIE).iter();
    let (Some(first), Some(second)) = (crumbs.next(), crumbs.next()) else {
        return;
    };
    let mut joined = first.as_bytes().to_vec();
    for crumb in std::iter::once(second).chain(crumbs) {
        joined.extend_from_slice(b"; ");
        joined.extend_from_slice(crumb.as_bytes());
    }
    let sensitive = first.is_sensitive();
    // What was made of valid values is valid.
    if let Ok(mut value) = HeaderValue::from_bytes(&joined) {
        value.set_sensitive(sensitive);
        headers.insert(COOKIE, value);
    }
}
