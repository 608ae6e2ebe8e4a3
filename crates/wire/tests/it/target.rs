use leeward_wire::{ProxyTarget, TargetError, check_path};
use proptest::prelude::*;

#[test]
fn a_target_is_taken_apart_raw() {
    let target = ProxyTarget::parse("/proxy/crm/a//b;c=1/%2f%2F?x=%20+&&y").unwrap();
    assert_eq!(target.provider, "crm");
    assert_eq!(target.base, None);
    assert_eq!(target.tail, "/a//b;c=1/%2f%2F?x=%20+&&y");
    assert_eq!(target.mount, "/proxy/crm");
}

#[test]
fn a_base_stands_behind_a_colon() {
    let target = ProxyTarget::parse("/proxy/crm:upload/a:b").unwrap();
    assert_eq!((target.provider, target.base), ("crm", Some("upload")));
    assert_eq!((target.tail, target.mount), ("/a:b", "/proxy/crm:upload"));
}

#[test]
fn a_tail_may_be_missing_or_a_query_alone() {
    assert_eq!(ProxyTarget::parse("/proxy/crm").unwrap().tail, "");
    assert_eq!(ProxyTarget::parse("/proxy/crm/").unwrap().tail, "/");
    assert_eq!(ProxyTarget::parse("/proxy/crm?").unwrap().tail, "?");
    assert_eq!(ProxyTarget::parse("/proxy/crm?a=/b").unwrap().tail, "?a=/b");
}

#[test]
fn what_is_no_proxy_target_is_said() {
    for (target, error) in [
        ("/", TargetError::NotProxy),
        ("/proxyx/crm", TargetError::NotProxy),
        ("proxy/crm", TargetError::NotProxy),
        ("/PROXY/crm", TargetError::NotProxy),
        ("//proxy/crm", TargetError::NotProxy),
        ("/proxy", TargetError::NoProvider),
        ("/proxy?x", TargetError::NoProvider),
        ("/proxy/", TargetError::NoProvider),
        ("/proxy//x", TargetError::NoProvider),
        ("/proxy/:up/x", TargetError::NoProvider),
        ("/proxy/crm:/x", TargetError::BadName),
        ("/proxy/crm:a:b/x", TargetError::BadName),
        ("/proxy/../x", TargetError::BadName),
        ("/proxy/a%62/x", TargetError::BadName),
        ("/proxy/a@b/x", TargetError::BadName),
        ("/proxy/crm:../x", TargetError::BadName),
    ] {
        assert_eq!(ProxyTarget::parse(target), Err(error), "{target}");
    }
}

#[test]
fn dot_segments_are_refused_in_every_spelling() {
    for path in [
        "/..",
        "/.",
        "/../",
        "/a/../b",
        "/a/./b",
        "/a/..",
        "..",
        ".",
        "/%2e%2e/x",
        "/%2E%2e/x",
        "/.%2e/x",
        "/%2E./x",
        "/%2e",
        "/%2e/x",
        "/a%2f..%2fb",
        "/a%2F%2e%2E",
        "/a/..%2f",
        "/a/..%2Fb",
        "/a/..%5cb",
        "/a%5C..%5cb",
        "/a%5c.",
        "/..;/x",
        "/..;a=b/x",
        "/%2e%2e;x",
        "/.;/x",
        "/a/..;x=1;y%2fz",
        "/a/..%3bx/b",
        "/a/..%3B",
        "//..//x",
        "/a/%2e%2e?q",
        "/../?x=1",
    ] {
        assert_eq!(check_path(path), Err(TargetError::DotSegment), "{path}");
    }
}

#[test]
fn what_only_looks_like_dots_passes() {
    for path in [
        "",
        "/",
        "//",
        "/...",
        "/.a",
        "/a.",
        "/..a",
        "/a..",
        "/a/.../b",
        "/.well-known/x",
        "/a;..",
        "/a;../b",
        "/%252e%252e/x",
        "/%2",
        "/%",
        "/%2g",
        "/a%2fb",
        "/a%2F%2fb",
        "/a%5cb",
        "/%2e%2e%2e",
        "/x?a=../..",
        "/x?a=%2e%2e/",
        "?../",
        "/x?a=\\b",
        "/a+b",
        "/[a]|^b",
        "/ü",
        "/%00%0d%0a",
    ] {
        assert_eq!(check_path(path), Ok(()), "{path}");
    }
}

#[test]
fn controls_fragments_and_backslashes_are_refused() {
    for (path, error) in [
        ("/a\r\nHost: evil", TargetError::Control),
        ("/a b", TargetError::Control),
        ("/a\tb", TargetError::Control),
        ("/a\0", TargetError::Control),
        ("/a\x7f", TargetError::Control),
        ("/a?b\n", TargetError::Control),
        ("/a#b", TargetError::Fragment),
        ("/a?b#c", TargetError::Fragment),
        ("/a\\b", TargetError::Backslash),
        ("/a/..\\", TargetError::Backslash),
    ] {
        assert_eq!(check_path(path), Err(error), "{path:?}");
    }
}

/// What a lenient server may make of a path: everything decoded, backslashes as slashes,
/// parameters cut off.
fn lenient_segments(path: &str) -> Vec<String> {
    let path = path.split('?').next().unwrap_or_default();
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(path).collect();
    let text = String::from_utf8_lossy(&bytes).replace('\\', "/");
    text.split('/')
        .map(|segment| segment.split(';').next().unwrap_or_default().to_owned())
        .collect()
}

/// Paths made of the pieces that matter.
fn tricky() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("."),
        Just(".."),
        Just("%2e"),
        Just("%2E"),
        Just("/"),
        Just("%2f"),
        Just("%2F"),
        Just("%5c"),
        Just("%5C"),
        Just(";"),
        Just("%3b"),
        Just("a"),
        Just("%"),
        Just("2"),
        Just("e"),
        Just("%25"),
        Just("?"),
        Just("="),
        Just("//"),
        Just("@"),
        Just(":"),
        Just("%41"),
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_accepted_path_has_a_dot_segment_for_a_lenient_server(path in tricky()) {
        if check_path(&path).is_ok() {
            for segment in lenient_segments(&path) {
                prop_assert!(segment != "." && segment != "..", "{path}");
            }
        }
    }

    #[test]
    fn nothing_panics(text in "\\PC*", bytes in any::<String>()) {
        let _ = (check_path(&text), ProxyTarget::parse(&text));
        let _ = (check_path(&bytes), ProxyTarget::parse(&bytes));
    }

    #[test]
    fn mount_and_tail_are_the_target(name in "[a-z0-9._~-]{1,9}(:[a-z]{1,5})?", tail in "([/?].{0,20})?") {
        let text = format!("/proxy/{name}{tail}");
        if let Ok(target) = ProxyTarget::parse(&text) {
            prop_assert_eq!(format!("{}{}", target.mount, target.tail), text);
        } else {
            prop_assert!(name.starts_with('.'));
        }
    }
}
