use http::{HeaderMap, HeaderName, HeaderValue};
use leeward_wire::{Stripped, strip_request_headers, strip_response_headers};
use proptest::prelude::*;

fn map(fields: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn rfc9110_7_6_1_hop_by_hop_fields_end_here() {
    let mut headers = map(&[
        ("connection", "close, X-Hop ,keep-alive"),
        ("connection", "X-Other,,"),
        ("x-hop", "1"),
        ("x-hop", "2"),
        ("x-other", "3"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("proxy-authenticate", "Basic"),
        ("proxy-authorization", "Basic x"),
        ("proxy-authentication-info", "x"),
        ("te", "trailers"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("http2-settings", "AAMAAABk"),
        ("accept", "a"),
        ("accept", "b"),
        ("trailer", "x-sum"),
    ]);
    let stripped = strip_request_headers(&mut headers);
    assert_eq!(names(&headers), ["accept", "trailer"]);
    assert_eq!(headers.get_all("accept").iter().count(), 2);
    assert_eq!(
        stripped,
        Stripped {
            wants_trailers: true,
            wants_upgrade: true
        }
    );
}

#[test]
fn own_headers_end_here_in_both_directions() {
    let fields = [
        ("leeward-account", "acme"),
        ("LEEWARD-Anything", "x"),
        ("leewardx", "y"),
    ];
    let mut headers = map(&fields);
    strip_request_headers(&mut headers);
    assert_eq!(names(&headers), ["leewardx"]);
    let mut headers = map(&fields);
    strip_response_headers(&mut headers);
    assert_eq!(names(&headers), ["leewardx"]);
}

#[test]
fn a_request_loses_host_lengths_and_what_is_answered_here() {
    let mut headers = map(&[
        ("host", "127.0.0.1:4100"),
        ("content-length", "5"),
        ("content-length", "5"),
        ("expect", "100-Continue"),
        ("authorization", "Bearer x"),
        ("content-type", "text/plain"),
    ]);
    assert_eq!(strip_request_headers(&mut headers), Stripped::default());
    assert_eq!(names(&headers), ["authorization", "content-type"]);
    let mut headers = map(&[("expect", "200-ok")]);
    strip_request_headers(&mut headers);
    assert_eq!(names(&headers), ["expect"]);
}

#[test]
fn te_is_read_as_a_list() {
    for (value, wants) in [
        ("trailers", true),
        ("gzip;q=0.5, Trailers ", true),
        ("trailers;q=1", true),
        ("gzip", false),
        ("xtrailers", false),
        ("", false),
    ] {
        let stripped = strip_request_headers(&mut map(&[("te", value)]));
        assert_eq!(stripped.wants_trailers, wants, "{value}");
    }
}

#[test]
fn an_answer_keeps_one_length_unless_it_was_chunked() {
    let mut headers = map(&[
        ("content-length", "5"),
        ("set-cookie", "a"),
        ("set-cookie", "b"),
    ]);
    strip_response_headers(&mut headers);
    assert_eq!(headers["content-length"], "5");
    assert_eq!(headers.get_all("set-cookie").iter().count(), 2);

    let mut headers = map(&[("content-length", "5"), ("content-length", "5")]);
    strip_response_headers(&mut headers);
    assert_eq!(
        headers.get_all("content-length").iter().collect::<Vec<_>>(),
        ["5"]
    );

    let mut headers = map(&[("content-length", "5"), ("transfer-encoding", "chunked")]);
    strip_response_headers(&mut headers);
    assert!(headers.is_empty());
}

#[test]
fn odd_connection_values_do_no_harm() {
    let mut headers = map(&[
        ("connection", "\u{fc}, a b, @, ,\t,x-y"),
        ("x-y", "1"),
        ("b", "2"),
    ]);
    strip_response_headers(&mut headers);
    assert_eq!(names(&headers), ["b"]);
}

proptest! {
    #[test]
    fn what_connection_names_is_gone_and_the_rest_stays(
        listed in prop::collection::vec("x-[a-c]{1,2}", 0..6),
        present in prop::collection::vec("x-[a-c]{1,2}", 0..6),
        padding in "[ \t]{0,2}",
    ) {
        let mut headers = HeaderMap::new();
        let list = listed.iter().map(|name| format!("{padding}{}{padding}", name.to_uppercase()));
        headers.insert("connection", list.collect::<Vec<_>>().join(",").parse().unwrap());
        for name in &present {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_static("1"));
        }
        strip_response_headers(&mut headers);
        for name in &present {
            prop_assert_eq!(headers.contains_key(name), !listed.contains(name));
        }
        prop_assert!(!headers.contains_key("connection"));
    }
}
