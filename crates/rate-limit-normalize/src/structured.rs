//! The `RateLimit` structured field (draft-ietf-httpapi-ratelimit-headers).
//!
//! Versions 8 and later: a list of items, `"daily";r=0;t=5400`. Version 7: a dictionary,
//! `limit=100, remaining=0, reset=17`. Parsed as RFC 9651 says: a field that is malformed anywhere
//! is ignored as a whole.

use http::{HeaderMap, HeaderName};
use sfv::{BareItem, Dictionary, KeyRef, List, ListEntry, Parser};

/// The most bytes of the field, all its lines together.
const MAX_FIELD: usize = 4096;

fn whole(item: Option<&BareItem>) -> Option<u64> {
    match item? {
        BareItem::Integer(number) => u64::try_from(i64::from(*number)).ok(),
        _ => None,
    }
}

fn bare<'a>(dictionary: &'a Dictionary, name: &str) -> Option<&'a BareItem> {
    match dictionary.get(KeyRef::from_str(name).ok()?)? {
        ListEntry::Item(item) => Some(&item.bare_item),
        ListEntry::InnerList(_) => None,
    }
}

/// The seconds until reset of every exhausted item.
pub(crate) fn exhausted(headers: &HeaderMap, name: &HeaderName) -> Vec<u64> {
    // RFC 9651 section 4.2: field lines are joined before they are parsed.
    let mut field = Vec::new();
    for line in headers.get_all(name) {
        if !field.is_empty() {
            field.extend_from_slice(b", ");
        }
        field.extend_from_slice(line.as_bytes());
        if field.len() > MAX_FIELD {
            return Vec::new();
        }
    }
    if field.is_empty() {
        return Vec::new();
    }
    if let Ok(list) = Parser::new(&field).parse::<List>() {
        let key = |name| KeyRef::from_str(name).ok();
        return list
            .iter()
            .filter_map(|entry| match entry {
                ListEntry::Item(item) => Some(&item.params),
                ListEntry::InnerList(_) => None,
            })
            .filter(|params| whole(key("r").and_then(|r| params.get(r))) == Some(0))
            .filter_map(|params| whole(key("t").and_then(|t| params.get(t))))
            .collect();
    }
    let Ok(dictionary) = Parser::new(&field).parse::<Dictionary>() else {
        return Vec::new();
    };
    match whole(bare(&dictionary, "remaining")) {
        Some(0) => whole(bare(&dictionary, "reset")).into_iter().collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::exhausted;

    fn of(lines: &[&str]) -> Vec<u64> {
        let name = HeaderName::from_static("ratelimit");
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(&name, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        exhausted(&headers, &name)
    }

    #[test]
    fn only_exhausted_items_count() {
        assert_eq!(of(&["\"burst\";r=10;t=1, \"daily\";r=0;t=5400"]), [5400]);
        assert_eq!(
            of(&["\"burst\";r=0;t=1", "\"daily\";r=0;t=5400"]),
            [1, 5400]
        );
        assert_eq!(of(&["default;r=0;t=60;pk=:QXBwLTk5OQ==:"]), [60]);
        assert_eq!(of(&["\"a\";r=0"]), [] as [u64; 0]);
        assert_eq!(of(&["\"a\";r=0;t=-4"]), [] as [u64; 0]);
        assert_eq!(of(&["\"a\";r=0;t=\"9\""]), [] as [u64; 0]);
        assert_eq!(of(&["limit=100, remaining=0, reset=17"]), [17]);
        assert_eq!(of(&["limit=100, remaining=3, reset=17"]), [] as [u64; 0]);
        assert_eq!(of(&["\"a\";r=0;t=60, nonsense;;"]), [] as [u64; 0]);
        assert_eq!(of(&[]), [] as [u64; 0]);
    }

    #[test]
    fn a_field_beyond_the_limit_is_ignored() {
        assert_eq!(of(&vec!["\"daily\";r=0;t=5400"; 400]), [] as [u64; 0]);
    }

    proptest! {
        #[test]
        fn no_field_panics(line in "[ -~\t]{0,200}", likely in "[\"a-z;=,0-9 rt().:?-]{0,60}") {
            let _ = of(&[&line]);
            let _ = of(&[&likely]);
        }
    }
}
