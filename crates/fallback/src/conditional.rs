//! What a request asks of an answer before it takes it (RFC 9110 13).

use http::HeaderMap;
use http::header::{
    ETAG, HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
    LAST_MODIFIED, RANGE,
};

use crate::directives::date;

/// Fields with which a request is neither answered from what is kept, nor its answer kept: it asks
/// for a part, or for a state that only the vendor can vouch for.
const LIVE_ONLY: [HeaderName; 4] = [RANGE, IF_RANGE, IF_MATCH, IF_UNMODIFIED_SINCE];

pub(crate) fn live_only(request: &HeaderMap) -> bool {
    LIVE_ONLY.iter().any(|name| request.contains_key(name))
}

/// Whether the caller has this answer already, and needs only to be told (RFC 9110 13.2.2).
pub(crate) fn not_modified(request: &HeaderMap, kept: &HeaderMap) -> bool {
    if request.contains_key(IF_NONE_MATCH) {
        let tag = kept.get(ETAG).and_then(|tag| opaque(tag.as_bytes()));
        return request.get_all(IF_NONE_MATCH).iter().any(|list| {
            let list = list.as_bytes().trim_ascii();
            list == b"*" || tag.is_some_and(|(tag, _)| lists(list, tag))
        });
    }
    match (
        date(request, &IF_MODIFIED_SINCE),
        date(kept, &LAST_MODIFIED),
    ) {
        (Some(since), Some(modified)) => modified <= since,
        _ => false,
    }
}

/// The opaque tag at the beginning, and what follows; `W/` does not matter where the comparison is
/// weak (RFC 9110 8.8.3.2).
fn opaque(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b"W/").unwrap_or(text);
    let inner = text.strip_prefix(b"\"")?;
    let end = inner.iter().position(|&byte| byte == b'"')?;
    Some((&inner[..end], &inner[end + 1..]))
}

fn lists(mut list: &[u8], wanted: &[u8]) -> bool {
    loop {
        let start = list
            .iter()
            .position(|&byte| !matches!(byte, b',' | b' ' | b'\t'));
        let Some((tag, rest)) = start.and_then(|start| opaque(&list[start..])) else {
            return false;
        };
        if tag == wanted {
            return true;
        }
        list = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn headers(fields: &[(HeaderName, &str)]) -> HeaderMap {
        let fields = fields.iter();
        fields
            .map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn rfc9110_13_1_2_if_none_match_compares_weakly() {
        let kept = headers(&[(ETAG, r#""a,b""#)]);
        for (list, same) in [
            (r#""a,b""#, true),
            (r#"W/"a,b""#, true),
            (r#""x", , W/"y","a,b""#, true),
            ("*", true),
            (r#""a", "b""#, false),
            ("a,b", false),
            (r#""a,b"#, false),
            ("", false),
        ] {
            let request = headers(&[(IF_NONE_MATCH, list)]);
            assert_eq!(not_modified(&request, &kept), same, "{list}");
        }
        let star = headers(&[(IF_NONE_MATCH, "*")]);
        assert!(not_modified(&star, &HeaderMap::new()));
    }

    #[test]
    fn rfc9110_13_1_3_if_modified_since_counts_only_without_a_tag() {
        let kept = headers(&[
            (ETAG, r#""a""#),
            (LAST_MODIFIED, "Sun, 06 Nov 1994 08:49:37 GMT"),
        ]);
        let since = |text| (IF_MODIFIED_SINCE, text);
        let same = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert!(not_modified(&headers(&[since(same)]), &kept));
        let earlier = "Sun, 06 Nov 1994 08:49:36 GMT";
        assert!(!not_modified(&headers(&[since(earlier)]), &kept));
        assert!(!not_modified(&headers(&[since("yesterday")]), &kept));
        let both = headers(&[since(same), (IF_NONE_MATCH, r#""b""#)]);
        assert!(!not_modified(&both, &kept));
        assert!(!not_modified(&HeaderMap::new(), &kept));
    }

    proptest! {
        #[test]
        fn any_list_ends(list in proptest::collection::vec(any::<u8>(), 0..60), tag in "[a-z,]{0,5}") {
            lists(&list, tag.as_bytes());
            let mut with = list.clone();
            with.retain(|&byte| byte == b',' || byte == b' ');
            with.extend_from_slice(format!("W/\"{tag}\"").as_bytes());
            prop_assert!(lists(&with, tag.as_bytes()));
        }
    }
}
