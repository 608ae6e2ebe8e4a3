use http::Uri;
use leeward_wire::{
    TargetError, add_query_unless_set, append_query, append_query_all, join_cookies, query_has,
};
use proptest::prelude::*;

fn append(uri: &str, name: &str, value: &str) -> String {
    append_query(&uri.parse().unwrap(), name, value)
        .unwrap()
        .to_string()
}

#[test]
fn a_parameter_comes_last_and_is_encoded() {
    assert_eq!(append("https://a/b", "x", "1"), "https://a/b?x=1");
    assert_eq!(append("https://a/b?", "x", "1"), "https://a/b?x=1");
    assert_eq!(
        append("https://a/b?c=%2f+&", "x", "1"),
        "https://a/b?c=%2f+&x=1"
    );
    assert_eq!(append("https://a/b?c", "x", ""), "https://a/b?c&x=");
    assert_eq!(append("https://a", "x", "1"), "https://a/?x=1");
    assert_eq!(append("/b", "x", "1"), "/b?x=1");
    assert_eq!(
        append("https://a/b", "k&=#[]", "a b+c/ü\r\n\"~"),
        "https://a/b?k%26%3D%23%5B%5D=a%20b%2Bc%2F%C3%BC%0D%0A%22~"
    );
}

#[test]
fn nothing_to_add_changes_nothing() {
    let uri: Uri = "https://a/b?".parse().unwrap();
    assert_eq!(append_query_all(&uri, []).unwrap(), uri);
}

#[test]
fn what_the_caller_set_stays() {
    let uri: Uri = "https://a/b?limit=5&a%5Bb%5D&c+d=1".parse().unwrap();
    let pairs = [("limit", "9"), ("a[b]", "9"), ("c d", "9"), ("e", "9")];
    let added = add_query_unless_set(&uri, pairs).unwrap();
    assert_eq!(added, "https://a/b?limit=5&a%5Bb%5D&c+d=1&e=9");
}

#[test]
fn names_are_compared_decoded() {
    assert!(query_has(Some("a=1&b"), "b"));
    assert!(query_has(Some("%61=1"), "a"));
    assert!(query_has(Some("a+b=1"), "a b"));
    assert!(query_has(Some("a%2Bb=1"), "a+b"));
    assert!(query_has(Some("=1"), ""));
    assert!(!query_has(Some("a=b"), "b"));
    assert!(!query_has(Some("A=1"), "a"));
    assert!(!query_has(Some(""), ""));
    assert!(!query_has(None, "a"));
}

#[test]
fn a_url_cannot_grow_without_bound() {
    let uri: Uri = "https://a/b".parse().unwrap();
    assert_eq!(
        append_query(&uri, "x", &"y".repeat(70_000)),
        Err(TargetError::TooLong)
    );
}

#[test]
fn split_cookies_are_joined_in_order() {
    let mut headers = http::HeaderMap::new();
    for crumb in ["a=1", "b=2; c=3", "d=4"] {
        headers.append("cookie", crumb.parse().unwrap());
    }
    join_cookies(&mut headers);
    let values: Vec<_> = headers.get_all("cookie").iter().collect();
    assert_eq!(values, ["a=1; b=2; c=3; d=4"]);
    join_cookies(&mut headers);
    assert_eq!(headers.len(), 1);
}

proptest! {
    #[test]
    fn what_is_added_is_found_and_read_back(name in any::<String>(), value in any::<String>()) {
        let uri: Uri = "https://a/b?x=1".parse().unwrap();
        let added = append_query(&uri, &name, &value).unwrap();
        prop_assert!(query_has(added.query(), &name));
        let last = added.query().unwrap().strip_prefix("x=1&").unwrap();
        let (raw_name, raw_value) = last.split_once('=').unwrap();
        let decode = |raw| percent_encoding::percent_decode_str(raw).decode_utf8().unwrap().into_owned();
        prop_assert_eq!(decode(raw_name), name);
        prop_assert_eq!(decode(raw_value), value);
    }
}
