use leeward_wire::{BaseUrl, BaseUrlError, MAX_TARGET, TargetError};
use proptest::prelude::*;

fn base(text: &str) -> BaseUrl {
    BaseUrl::parse(text).unwrap()
}

#[test]
fn a_base_url_is_read() {
    let url = base("HTTPS://API.example.com:8443/v2/");
    assert_eq!(url.scheme(), "https");
    assert_eq!(url.host(), "API.example.com");
    assert_eq!(url.port(), 8443);
    assert_eq!(url.authority(), "API.example.com:8443");
    assert_eq!(url.path(), "/v2/");
    assert!(url.is_https());
    assert_eq!(base("http://a").path(), "/");
    assert_eq!(base("http://a").port(), 80);
    assert_eq!(base("https://[::1]:1/x").host(), "[::1]");
    assert_eq!(base("http://a_b.c-d.").to_string(), "http://a_b.c-d./");
}

#[test]
fn what_is_no_base_url_is_said() {
    for (text, error) in [
        ("", BaseUrlError::Scheme),
        ("example.com", BaseUrlError::Scheme),
        ("//example.com", BaseUrlError::Scheme),
        ("ftp://example.com", BaseUrlError::Scheme),
        ("https:/example.com", BaseUrlError::Scheme),
        (" https://example.com", BaseUrlError::Scheme),
        ("https://user@example.com", BaseUrlError::Userinfo),
        ("https://user:pass@example.com/x", BaseUrlError::Userinfo),
        ("https://example.com/x?y", BaseUrlError::Query),
        ("https://example.com?", BaseUrlError::Query),
        ("https://example.com/x#y", BaseUrlError::Fragment),
        ("https://", BaseUrlError::Host),
        ("https:///x", BaseUrlError::Host),
        ("https://:443/x", BaseUrlError::Host),
        ("https://exa mple.com", BaseUrlError::Host),
        ("https://exa%6dple.com", BaseUrlError::Host),
        ("https://a..b", BaseUrlError::Host),
        ("https://bücher.de", BaseUrlError::Host),
        ("https://[::1", BaseUrlError::Host),
        ("https://[1.2.3.4]", BaseUrlError::Host),
        ("https://[::1]x", BaseUrlError::Host),
        ("https://example.com\r\n", BaseUrlError::Host),
        ("https://a:", BaseUrlError::Port),
        ("https://a:0", BaseUrlError::Port),
        ("https://a:65536", BaseUrlError::Port),
        ("https://a:+1", BaseUrlError::Port),
        ("https://a:b", BaseUrlError::Port),
        (
            "https://a/../b",
            BaseUrlError::Path(TargetError::DotSegment),
        ),
        (
            "https://a/%2e%2e",
            BaseUrlError::Path(TargetError::DotSegment),
        ),
        ("https://a\\b", BaseUrlError::Path(TargetError::Backslash)),
        ("https://a/b c", BaseUrlError::Path(TargetError::Control)),
    ] {
        assert_eq!(BaseUrl::parse(text), Err(error), "{text}");
    }
}

#[test]
fn the_last_slash_of_the_base_makes_no_difference() {
    for text in ["https://a/v2", "https://a/v2/"] {
        let url = base(text);
        assert_eq!(url.join("/x/y?z").unwrap(), "https://a/v2/x/y?z");
        assert_eq!(url.join("/").unwrap(), "https://a/v2/");
    }
    for text in ["https://a", "https://a/"] {
        let url = base(text);
        assert_eq!(url.join("/x").unwrap(), "https://a/x");
        assert_eq!(url.join("").unwrap(), "https://a/");
        assert_eq!(url.join("?x").unwrap(), "https://a/?x");
    }
    assert_eq!(base("https://a/v2").join("").unwrap().path(), "/v2");
    assert_eq!(base("https://a/v2/").join("").unwrap().path(), "/v2/");
    assert_eq!(
        base("https://a/v2").join("?x=1").unwrap(),
        "https://a/v2?x=1"
    );
}

#[test]
fn bytes_are_kept_as_they_came() {
    let url = base("https://api.example.com/v2");
    for tail in [
        "/a%2Fb%2fc",
        "//x//",
        "/a;b=1;c",
        "/a+b%20c",
        "/a?",
        "/a??",
        "/a?&&=",
        "/a|b^c[d]",
        "/ü?ü=ß",
        "/@evil.example/",
        "//evil.example/x",
        "/a:b@c:80/",
        "/%",
        "/%zz",
        "/%00%0a",
        "/a{b}\"c",
        "/a?{b}|c^[d]`",
        "/a?x=\\y",
        "/~!$&'()*,=_-.",
        "/a?'\\|",
    ] {
        let uri = url
            .join(tail)
            .unwrap_or_else(|error| panic!("{tail}: {error}"));
        let sent = uri.path_and_query().unwrap().as_str();
        assert_eq!(sent, format!("/v2{tail}"));
        assert_eq!(uri.host(), Some("api.example.com"));
    }
}

#[test]
fn what_is_no_target_is_refused() {
    let url = base("https://api.example.com/v2");
    for (tail, error) in [
        ("x", TargetError::Malformed),
        ("@evil.example", TargetError::Malformed),
        (".evil.example", TargetError::Malformed),
        (":80/x", TargetError::Malformed),
        ("*", TargetError::Malformed),
        ("/..", TargetError::DotSegment),
        ("/%2e%2e/v1", TargetError::DotSegment),
        ("\\x", TargetError::Backslash),
        ("/a#b", TargetError::Fragment),
        ("/a\nb", TargetError::Control),
        ("/a<b", TargetError::Malformed),
        ("/a`b", TargetError::Malformed),
        ("/a?b\"c", TargetError::Malformed),
    ] {
        assert_eq!(url.join(tail), Err(error), "{tail}");
    }
}

#[test]
fn sixty_four_kib_pass_and_more_is_refused() {
    let url = base("https://a");
    let longest = format!("/{}", "x".repeat(MAX_TARGET - 1));
    assert_eq!(url.join(&longest).unwrap().path(), longest);
    assert_eq!(url.join(&format!("{longest}x")), Err(TargetError::TooLong));
    assert_eq!(
        base("https://a/v2").join(&longest),
        Err(TargetError::TooLong)
    );
    let query = format!("/a?{}", "%2F+".repeat(16_000));
    assert_eq!(url.join(&query).unwrap().path_and_query().unwrap(), &*query);
}

proptest! {
    #[test]
    fn no_tail_leaves_the_base(
        path in "(/[a-z]{1,4}){0,3}/?",
        tail in "[/?@:.%2eEfF5cC;a\\\\#\\[\\]]{0,16}",
    ) {
        let url = base(&format!("https://api.example.com:8443{path}"));
        if let Ok(uri) = url.join(&tail) {
            prop_assert_eq!(uri.scheme_str(), Some("https"));
            prop_assert_eq!(uri.authority().unwrap().as_str(), "api.example.com:8443");
            let trimmed = url.path().trim_end_matches('/');
            let target = uri.path_and_query().unwrap().as_str();
            prop_assert!(target.starts_with(trimmed));
            prop_assert!(target.ends_with(&tail));
            // The same bytes reach the wire, in whatever form they are written.
            let written: http::Uri = uri.to_string().parse().unwrap();
            prop_assert_eq!(written.path_and_query(), uri.path_and_query());
        }
    }

    #[test]
    fn nothing_panics(text in any::<String>(), tail in any::<String>()) {
        let _ = BaseUrl::parse(&text);
        let _ = BaseUrl::parse(&format!("https://{text}"));
        let _ = base("https://a/v2").join(&tail);
    }

    #[test]
    fn a_base_url_reads_back(text in "https?://[a-z.:0-9\\[\\]]{1,12}(/[a-z%2;]{0,4}){0,2}") {
        if let Ok(url) = BaseUrl::parse(&text) {
            prop_assert_eq!(BaseUrl::parse(&url.to_string()), Ok(url));
        }
    }
}
