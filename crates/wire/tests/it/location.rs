use leeward_wire::{BaseUrl, ProxyTarget, rewrite_location};
use proptest::prelude::*;

const MOUNT: &str = "/proxy/crm:up";

fn rewritten(location: &str) -> Option<String> {
    let base = BaseUrl::parse("https://api.example.com/v2/").unwrap();
    let request = base.join("/files/7?x=1").unwrap();
    rewrite_location(location, &base, &request, MOUNT)
}

#[test]
fn what_lies_inside_the_base_leads_back_the_way_it_came() {
    for (location, path) in [
        ("https://api.example.com/v2/a/b?c=%2f&d#e", "/a/b?c=%2f&d#e"),
        ("HTTPS://API.example.COM:443/v2/a", "/a"),
        ("https://api.example.com:/v2/a", "/a"),
        ("//api.example.com/v2/a", "/a"),
        ("https://api.example.com/v2", ""),
        ("https://api.example.com/v2/", "/"),
        ("https://api.example.com/v2?a", "?a"),
        ("/v2/a%2Fb//c;d", "/a%2Fb//c;d"),
        ("8", "/files/8"),
        ("./8", "/files/8"),
        ("../other/8?q", "/other/8?q"),
        ("/v2/a/../b", "/b"),
        ("/v2/a/b/..", "/a/"),
        ("?page=2", "/files/7?page=2"),
        ("#top", "/files/7?x=1#top"),
        ("", "/files/7?x=1"),
    ] {
        let expected = format!("{MOUNT}{path}");
        assert_eq!(
            rewritten(location).as_deref(),
            Some(&*expected),
            "{location}"
        );
    }
}

#[test]
fn an_absolute_url_elsewhere_stays() {
    for location in [
        "https://other.example.com/v2/a",
        "https://api.example.com.evil/v2/a",
        "https://api.example.com:8443/v2/a",
        "http://api.example.com/v2/a",
        "https://api.example.com/v3/a",
        "https://api.example.com/v22/a",
        "https://api.example.com/v2/../v3",
        "https://api.example.com/v2/%2e%2e/v3",
        "https://user@api.example.com/v2/a",
        "https://api.example.com@evil/v2/a",
        "mailto:a@b",
        "javascript:alert(1)",
        "a:b/c",
        "https:/v2/a",
        "https:///v2/a",
        "///v2/a",
        "/v2/a b",
        "/v2/a\\b",
        "/v2/a\r\nb",
        "\\\\evil/x",
    ] {
        assert_eq!(rewritten(location), None, "{location}");
    }
}

#[test]
fn a_relative_one_elsewhere_becomes_absolute() {
    for (location, absolute) in [
        ("/login?next=/v2", "https://api.example.com/login?next=/v2"),
        ("/proxy/other/x", "https://api.example.com/proxy/other/x"),
        ("../../x", "https://api.example.com/x"),
        ("../../../../x", "https://api.example.com/x"),
        ("/", "https://api.example.com/"),
        ("/v2x", "https://api.example.com/v2x"),
        ("//evil.example/v2/a", "https://evil.example/v2/a"),
        ("//evil.example", "https://evil.example/"),
        ("/v2/%2e%2E/x", "https://api.example.com/v2/%2e%2E/x"),
    ] {
        assert_eq!(rewritten(location).as_deref(), Some(absolute), "{location}");
    }
}

#[test]
fn a_base_without_a_path_holds_the_whole_host() {
    let base = BaseUrl::parse("http://[::1]:8080").unwrap();
    let request = base.join("/a").unwrap();
    let rewrite = |location| rewrite_location(location, &base, &request, "/proxy/x");
    assert_eq!(rewrite("/b").as_deref(), Some("/proxy/x/b"));
    assert_eq!(
        rewrite("http://[::1]:8080/b").as_deref(),
        Some("/proxy/x/b")
    );
    assert_eq!(rewrite("http://[::1]:8080").as_deref(), Some("/proxy/x/"));
    assert_eq!(rewrite("http://[::1]/b"), None);
}

proptest! {
    /// What is rewritten can be asked for again, and reaches the place that it named.
    #[test]
    fn a_rewritten_location_leads_to_the_same_url(path in "(/[a-z%2Ff;.]{0,5}){0,4}", query in "(\\?[a-z=&%]{0,6})?") {
        let base = BaseUrl::parse("https://api.example.com/v2").unwrap();
        let request = base.join("/x").unwrap();
        let location = format!("https://api.example.com/v2{path}{query}");
        if let Some(rewritten) = rewrite_location(&location, &base, &request, MOUNT) {
            let target = ProxyTarget::parse(&rewritten).unwrap();
            prop_assert_eq!(target.mount, MOUNT);
            let again = base.join(target.tail).unwrap();
            if !location.contains("/.") {
                prop_assert_eq!(again.to_string(), location);
            }
        }
    }

    #[test]
    fn what_comes_out_is_beneath_the_mount_or_absolute(location in "[a-zA-Z/.:@?#%\\[\\]é]{0,20}") {
        if let Some(out) = rewritten(&location) {
            prop_assert!(out.starts_with(MOUNT) || out.starts_with("https://") || out.starts_with("http://"), "{out}");
        }
    }

    #[test]
    fn nothing_panics(location in any::<String>()) {
        let _ = rewritten(&location);
    }
}
