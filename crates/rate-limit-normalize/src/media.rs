//! Which bodies may be looked at.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Method, StatusCode};

/// May a body with this content type be looked at? Texts, JSON, XML and forms; an absent type may
/// be any of them. Never a stream of events or lines, which may go on for hours.
pub(crate) fn readable(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return true;
    };
    let value = value.as_bytes();
    let end = value.iter().position(|b| *b == b';').unwrap_or(value.len());
    let essence = value.get(..end).unwrap_or(value).trim_ascii();
    let Some(slash) = essence.iter().position(|b| *b == b'/') else {
        return false;
    };
    let (kind, rest) = essence.split_at(slash);
    let subtype = rest.get(1..).unwrap_or_default();
    let is = |name: &str| subtype.eq_ignore_ascii_case(name.as_bytes());
    let has = |part: &str| {
        subtype
            .windows(part.len())
            .any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
    };
    if is("event-stream") || has("ndjson") || has("jsonl") || has("json-seq") || has("stream+json")
    {
        return false;
    }
    kind.eq_ignore_ascii_case(b"text")
        || kind.eq_ignore_ascii_case(b"application")
            && (has("json") || has("xml") || is("x-www-form-urlencoded"))
}

/// Can this answer have a body at all (RFC 9110 section 6.4.1)?
pub(crate) fn has_body(method: &Method, status: StatusCode) -> bool {
    *method != Method::HEAD
        && !status.is_informational()
        && status != StatusCode::NO_CONTENT
        && status != StatusCode::NOT_MODIFIED
}

/// A coding of RFC 9110 section 8.4 that can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// The codings in the order in which they were applied; `None` if one is unknown or there are more
/// than two.
pub(crate) fn codings(headers: &HeaderMap) -> Option<Vec<Coding>> {
    let mut codings = Vec::new();
    for value in headers.get_all(CONTENT_ENCODING) {
        for name in value.to_str().ok()?.split(',') {
            let name = name.trim();
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            codings.push(match () {
                () if is("gzip") || is("x-gzip") => Coding::Gzip,
                () if is("deflate") => Coding::Deflate,
                () if is("br") => Coding::Brotli,
                () if is("zstd") => Coding::Zstd,
                () if name.is_empty() || is("identity") => continue,
                () => return None,
            });
        }
    }
    (codings.len() <= 2).then_some(codings)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

    use super::{Coding, codings, readable};

    #[test]
    fn only_text_json_xml_and_forms_are_read() {
        for (content_type, expected) in [
            ("application/json", true),
            ("Application/Problem+JSON; charset=utf-8", true),
            ("application/x-amz-json-1.1", true),
            ("text/plain", true),
            ("text/html", true),
            ("application/xml", true),
            ("application/atom+xml", true),
            ("application/x-www-form-urlencoded", true),
            ("text/event-stream", false),
            ("text/event-stream; charset=utf-8", false),
            ("application/x-ndjson", false),
            ("application/json-seq", false),
            ("application/octet-stream", false),
            ("image/svg+xml", false),
            ("multipart/form-data; boundary=json", false),
            ("json", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, content_type.parse().unwrap());
            assert_eq!(readable(&headers), expected, "{content_type}");
        }
        assert!(readable(&HeaderMap::new()));
    }

    #[test]
    fn codings_are_listed_as_applied() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_ENCODING, value.parse().unwrap());
            codings(&headers)
        };
        assert_eq!(codings(&HeaderMap::new()), Some(vec![]));
        assert_eq!(of("identity"), Some(vec![]));
        assert_eq!(of("br, X-GZIP"), Some(vec![Coding::Brotli, Coding::Gzip]));
        assert_eq!(of("compress"), None);
        assert_eq!(of("gzip, gzip, gzip"), None);
    }
}
