//! A value never breaks out of its place.

use leeward_expression::{Place, Rendered, Scope, Template};
use proptest::prelude::*;
use serde_json::{Value, json};

fn render(source: &str, value: &str, place: Place) -> Option<String> {
    let value = json!(value);
    let scope = Scope::new().with("v", &value);
    match Template::parse(source).unwrap().render(&scope, place) {
        Ok(Rendered::Text(text)) => Some(text),
        Ok(Rendered::Nothing { .. }) => panic!("the value is there"),
        Err(_) => None,
    }
}

#[test]
fn each_place_has_its_escaping() {
    let at = |source, value, place| render(source, value, place).unwrap();
    assert_eq!(
        at("/a/{{v}}/b", "x/y ?#%é~", Place::PathSegment),
        "/a/x%2Fy%20%3F%23%25%C3%A9~/b"
    );
    assert_eq!(
        at("/a/{{+v}}/b", "x/y z", Place::PathSegment),
        "/a/x/y%20z/b"
    );
    assert_eq!(
        at("{{v}}", "a&b=c+d e", Place::QueryValue),
        "a%26b%3Dc%2Bd%20e"
    );
    assert_eq!(
        at("{{v}}", "a&b=c+d e*", Place::FormValue),
        "a%26b%3Dc%2Bd+e*"
    );
    assert_eq!(
        at("\"{{v}}\"", "a\"b\\c\n", Place::JsonString),
        r#""a\"b\\c\n""#
    );
    assert_eq!(
        at("<a b='{{v}}'>", "<&>\"'\n", Place::XmlText),
        "<a b='&lt;&amp;&gt;&quot;&#39;&#10;'>"
    );
    assert_eq!(
        at("{{v}}.example.com", "shop-1", Place::Host),
        "shop-1.example.com"
    );
    assert_eq!(at("Token {{v}}", "a:b é", Place::Header), "Token a:b é");
}

#[test]
fn each_place_refuses_what_cannot_stand_there() {
    for (source, value, place) in [
        ("/a/{{v}}/b", "..", Place::PathSegment),
        ("/a/{{v}}/b", ".", Place::PathSegment),
        ("/a/.{{v}}/b", ".", Place::PathSegment),
        ("/a/{{v}}", "..;x", Place::PathSegment),
        ("/a/{{v}}", "x/../y", Place::PathSegment),
        ("/a/{{v}}", "x\\..\\y", Place::PathSegment),
        ("/a/{{+v}}", "x/../y", Place::PathSegment),
        ("{{v}}", "a/b", Place::Host),
        ("{{v}}", "a:80", Place::Host),
        ("{{v}}", "a@b", Place::Host),
        ("{{v}}", "", Place::Host),
        ("{{v}}", "bücher", Place::Host),
        ("{{v}}", "a\r\nX: y", Place::Header),
        ("{{v}}", "a\u{7f}", Place::Header),
        ("<a>{{v}}</a>", "\u{1}", Place::XmlText),
        ("https://{{v}}/x", "evil.com/", Place::Url),
        ("https://{{v}}/x", "evil.com#", Place::Url),
        ("https://{{v}}/x", "", Place::Url),
        ("https://h/{{v}}/x", "..", Place::Url),
        ("https://h/{{+v}}/x", "a/../b", Place::Url),
        ("{{v}}/x", "ftp://h", Place::Url),
        ("{{v}}/x", "javascript:alert(1)", Place::Url),
        ("{{v}}/x", "//h", Place::Url),
        ("{{v}}/x", "https://", Place::Url),
        ("{{v}}/x", "https:///x", Place::Url),
        ("{{v}}/x", "https://good@evil.com", Place::Url),
        ("{{v}}/x", "https://good\\@evil.com", Place::Url),
        ("{{v}}/x", "https://h\n.com", Place::Url),
        ("{{v}}/x", "https://h/a/../b", Place::Url),
        ("{{v}}/x", "https://h/%2e%2e/b", Place::Url),
        ("h{{v}}", "ttps://x", Place::Url),
        ("{{v}}", "x", Place::Url),
    ] {
        assert_eq!(
            render(source, value, place),
            None,
            "{source} with {value:?}"
        );
    }
}

#[test]
fn a_url_is_escaped_by_position() {
    let at = |source, value| render(source, value, Place::Url).unwrap();
    assert_eq!(
        at("https://{{v}}.example.com/{{v}}?q={{v}}#{{v}}", "a-b"),
        "https://a-b.example.com/a-b?q=a-b#a-b"
    );
    assert_eq!(
        at("https://h/{{v}}?q={{v}}", "a/b&c"),
        "https://h/a%2Fb%26c?q=a%2Fb%26c"
    );
    assert_eq!(at("https://h?q={{v}}", "..&/"), "https://h?q=..%26%2F");
    assert_eq!(
        at("{{v}}/token", "https://eu.example.com:8443/v2"),
        "https://eu.example.com:8443/v2/token"
    );
    assert_eq!(
        at("{{v}}", "http://[::1]:80/a b\nc"),
        "http://[::1]:80/a%20b%0Ac"
    );
    assert_eq!(at("/a/{{v}}?b={{v}}", "x y"), "/a/x%20y?b=x%20y");
    assert_eq!(at("https://h/{{+v}}", "a/b?c"), "https://h/a/b%3Fc");
    assert_eq!(at("https://h:{{v}}/", "8080"), "https://h:8080/");
}

proptest! {
    #[test]
    fn no_template_panics(source in ".{0,60}", value in ".{0,20}") {
        check_all_places(&source, &value);
    }

    #[test]
    fn no_near_template_panics(source in r#"(\{\{|\}\}|[a-z{}"+./:?#&= ]|https?://|v){0,30}"#, value in ".{0,20}") {
        check_all_places(&source, &value);
    }

    #[test]
    fn a_segment_stays_one_segment(value in ".{0,30}") {
        if let Some(text) = render("/a/{{v}}/b", &value, Place::PathSegment) {
            prop_assert_eq!(text.split('/').count(), 4);
            prop_assert!(!text.contains(['?', '#', '\\', ';', ' ']));
            prop_assert!(text.bytes().all(|b| b.is_ascii_graphic()));
            let inner = text.strip_prefix("/a/").unwrap().strip_suffix("/b").unwrap();
            prop_assert!(inner != "." && inner != "..");
            prop_assert_eq!(percent_decode(inner), value);
        }
    }

    #[test]
    fn a_path_with_slashes_stays_a_path(value in "[a-z./\\\\?#;%& é]{0,12}") {
        if let Some(text) = render("/a/{{+v}}/b", &value, Place::PathSegment) {
            prop_assert!(!text.contains(['?', '#', '\\', ';']));
            prop_assert!(text.split('/').all(|segment| segment != "." && segment != ".."));
        }
    }

    #[test]
    fn a_parameter_stays_one_parameter(value in ".{0,30}") {
        for place in [Place::QueryValue, Place::FormValue] {
            let text = render("a={{v}}&b=1", &value, place).unwrap();
            prop_assert_eq!(text.matches('&').count(), 1);
            prop_assert_eq!(text.matches('=').count(), 2);
            prop_assert!(!text.contains(['#', ' ', '?']));
        }
    }

    #[test]
    fn a_json_string_stays_one_string(value in ".{0,30}") {
        let text = render("{\"a\": \"{{v}}\", \"b\": 1}", &value, Place::JsonString).unwrap();
        let parsed: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(parsed, json!({"a": value, "b": 1}));
    }

    #[test]
    fn xml_gets_no_markup_of_a_value(value in any::<String>()) {
        if let Some(text) = render("<a b=\"{{v}}\">{{v}}</a>", &value, Place::XmlText) {
            prop_assert_eq!(text.matches('<').count(), 2);
            prop_assert_eq!(text.matches('>').count(), 2);
            prop_assert_eq!(text.matches('"').count(), 2);
            prop_assert!(!text.chars().any(|c| c < ' '));
        }
    }

    #[test]
    fn a_header_stays_one_line(value in any::<String>()) {
        match render("X {{v}}", &value, Place::Header) {
            Some(text) => prop_assert!(!text.chars().any(char::is_control)),
            None => prop_assert!(value.chars().any(char::is_control)),
        }
    }

    #[test]
    fn a_host_stays_a_host(value in "[a-z./:@?#\\\\\\[\\] é\n-]{0,12}") {
        let host = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
        let text = render("https://{{v}}.example.com/x", &value, Place::Url);
        prop_assert_eq!(text.is_some(), host(&value) && !value.is_empty());
        if let Some(text) = text {
            prop_assert_eq!(text, format!("https://{value}.example.com/x"));
        }
    }

    #[test]
    fn what_begins_a_url_has_a_host_and_no_user(value in r"(https?://|HTTP://|//|ftp:)?[a-z.:@/?#\\\[\] \n%2e]{0,14}") {
        if let Some(text) = render("{{v}}/end", &value, Place::Url) {
            let rest = text.split_once("://").map(|(scheme, rest)| {
                assert!(scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"));
                rest
            });
            let authority = rest.unwrap().split(['/', '?', '#']).next().unwrap();
            prop_assert!(!authority.is_empty() && !authority.contains(['@', '\\', ' ', '%']));
            prop_assert!(text.bytes().all(|b| b.is_ascii_graphic()));
        }
    }

    #[test]
    fn a_lookup_finds_what_the_engine_finds(
        value in json_value(),
        path in proptest::sample::select(vec!["a", "a.b", "a.b.c", "b.a", "c"]),
    ) {
        let scope = Scope::of(&value);
        let looked_up = Template::parse(&format!("{{{{{path}}}}}")).unwrap().value(&scope).unwrap();
        // The same path in parentheses goes through the engine.
        let evaluated = Template::parse(&format!("{{{{({path})}}}}")).unwrap().value(&scope).unwrap();
        prop_assert_eq!(looked_up, evaluated);
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!(true)),
        (0..5_u8).prop_map(|n| json!(n)),
        "[a-c]{0,2}".prop_map(|s| json!(s)),
    ];
    let inner = leaf.prop_recursive(4, 30, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::vec(("[a-c]", inner), 0..3)
                .prop_map(|members| members.into_iter().collect()),
        ]
    });
    proptest::collection::vec(("[a-c]", inner), 0..4)
        .prop_map(|members| members.into_iter().collect())
}

fn check_all_places(source: &str, value: &str) {
    let value = json!(value);
    let scope = Scope::new().with("v", &value);
    let Ok(template) = Template::parse(source) else {
        return;
    };
    let _ = template.value(&scope);
    for place in [
        Place::Raw,
        Place::PathSegment,
        Place::QueryValue,
        Place::FormValue,
        Place::JsonString,
        Place::XmlText,
        Place::Host,
        Place::Url,
        Place::Header,
    ] {
        let _ = template.render(&scope, place);
    }
}

fn percent_decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8()
        .unwrap()
        .into_owned()
}
