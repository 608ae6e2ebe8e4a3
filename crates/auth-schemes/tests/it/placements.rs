//! Where credentials go.

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName};
use http::request::Parts;
use leeward_auth_schemes::{
    Basic, Bearer, Map, Placement, Prepared, ProviderAuth, Scheme, Secrets, SetupFault, TokenSet,
    Where,
};
use leeward_expression::Template;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{endpoint, given, map, template};

fn auth(scheme: Scheme, apply: Vec<Placement>) -> ProviderAuth {
    ProviderAuth::new(scheme, apply, Default::default()).unwrap()
}

fn header(name: &'static str, value: &str) -> Placement {
    Placement {
        at: Where::Header(HeaderName::from_static(name)),
        value: template(value),
    }
}

fn query(name: &str, value: &str) -> Placement {
    Placement {
        at: Where::Query(name.into()),
        value: template(value),
    }
}

fn body(name: &str, value: &str) -> Placement {
    Placement {
        at: Where::Body(name.into()),
        value: template(value),
    }
}

fn prepare(auth: &ProviderAuth, secrets: &Secrets) -> Result<Prepared, String> {
    auth.prepare("acme", secrets, None, 0)
        .map_err(|incomplete| incomplete.missing)
}

fn head(prepared: &Prepared, uri: &str) -> Parts {
    let (mut head, ()) = http::Request::get(uri)
        .header("authorization", "Bearer the-callers")
        .body(())
        .unwrap()
        .into_parts();
    prepared.apply_head(&mut head);
    head
}

fn with_token(token: &str) -> Secrets {
    let mut secrets = given(json!({}));
    secrets.token = Some(TokenSet {
        access_token: token.into(),
        refresh_token: None,
    });
    secrets
}

#[test]
fn a_token_goes_into_authorization_by_itself() {
    for scheme in [
        Scheme::OAuth2(Box::new(endpoint())),
        Scheme::ClientCredentials(Box::new(endpoint())),
    ] {
        let auth = auth(scheme, Vec::new());
        let head = head(&prepare(&auth, &with_token("t")).unwrap(), "/x");
        assert_eq!(head.headers[AUTHORIZATION], "Bearer t");
        assert_eq!(head.headers.get_all(AUTHORIZATION).iter().count(), 1);
        assert!(head.headers[AUTHORIZATION].is_sensitive());
        assert_eq!(prepare(&auth, &given(json!({}))).unwrap_err(), "token");
        assert!(!auth.placements().per_request());
    }
}

#[test]
fn bearer_tokens_are_given_or_computed() {
    let plain = auth(Scheme::Bearer(Bearer::default()), Vec::new());
    let prepared = prepare(&plain, &given(json!({"token": "t"}))).unwrap();
    assert_eq!(head(&prepared, "/x").headers[AUTHORIZATION], "Bearer t");
    assert_eq!(
        prepare(&plain, &given(json!({}))).unwrap_err(),
        "credentials.token"
    );
    assert_eq!(
        prepare(&plain, &given(json!({"token": ""}))).unwrap_err(),
        "credentials.token"
    );
    let computed = Bearer {
        token: template("{{$hash('md5', credentials.key & request.path)}}"),
        ..Bearer::default()
    };
    let computed = auth(
        Scheme::Bearer(computed),
        vec![header("x-token", "{{token}}")],
    );
    assert!(computed.placements().per_request() && !computed.placements().reads_body());
    let prepared = computed
        .prepare(
            "acme",
            &given(json!({"key": "a"})),
            Some(json!({"path": "bc"})),
            0,
        )
        .unwrap();
    assert_eq!(
        head(&prepared, "/x").headers["x-token"],
        "900150983cd24fb0d6963f7d28e17f72"
    );
}

#[test]
fn basic_is_utf8_and_names_what_is_missing() {
    let auth = auth(Scheme::Basic(Basic::default()), Vec::new());
    // RFC 7617, section 2.1: `test` and `123£`.
    let prepared = prepare(
        &auth,
        &given(json!({"username": "test", "password": "123£"})),
    )
    .unwrap();
    assert_eq!(
        head(&prepared, "/x").headers[AUTHORIZATION],
        "Basic dGVzdDoxMjPCow=="
    );
    assert!(head(&prepared, "/x").headers[AUTHORIZATION].is_sensitive());
    for (credentials, missing) in [
        (json!({"username": "u"}), "credentials.password"),
        (json!({"password": "p"}), "credentials.username"),
        (
            json!({"username": "", "password": ""}),
            "credentials.username",
        ),
        (
            json!({"username": "a:b", "password": "p"}),
            "credentials.username",
        ),
        (
            json!({"username": "u", "password": "p\n"}),
            "credentials.password",
        ),
    ] {
        assert_eq!(prepare(&auth, &given(credentials)).unwrap_err(), missing);
    }
    // A key alone on one side.
    let prepared = prepare(&auth, &given(json!({"username": "key", "password": ""}))).unwrap();
    assert_eq!(
        head(&prepared, "/x").headers[AUTHORIZATION],
        "Basic a2V5Og=="
    );
}

#[test]
fn a_key_goes_where_apply_says() {
    assert_eq!(
        ProviderAuth::new(Scheme::ApiKey, Vec::new(), Default::default()).unwrap_err(),
        SetupFault::NeedsApply
    );
    let all = auth(
        Scheme::ApiKey,
        vec![
            header("x-key", "{{credentials.api_key}}"),
            header("x-org", "{{credentials.org}}"),
            query("api key", "{{credentials.api_key}}"),
            body("auth", "{{ {\"key\": credentials.api_key} }}"),
        ],
    );
    let prepared = prepare(&all, &given(json!({"api_key": "k&1"}))).unwrap();
    let head = head(
        &prepared,
        "https://h/x/%2F?a=1&api+key=old&api%20key=older&b=%zz",
    );
    assert_eq!(head.headers["x-key"], "k&1");
    assert!(!head.headers.contains_key("x-org"));
    assert_eq!(head.headers[AUTHORIZATION], "Bearer the-callers");
    assert_eq!(head.uri, "https://h/x/%2F?a=1&b=%zz&api%20key=k%261");
    let merged = prepared.merge_body(
        Some("application/json; charset=utf-8"),
        &Bytes::from_static(br#"{"a": 1.0}"#),
    );
    assert_eq!(merged.unwrap(), r#"{"a":1.0,"auth":{"key":"k&1"}}"#);
    assert_eq!(
        prepare(&all, &given(json!({"org": "o"}))).unwrap_err(),
        "credentials.api_key"
    );
    assert!(all.needs_account() && all.placements().writes_body());
}

#[test]
fn a_key_of_another_name_is_no_less_the_credential() {
    let two = auth(
        Scheme::ApiKey,
        vec![
            header("x-a", "{{credentials.app}}"),
            header("x-b", "{{account.vars.b}}"),
        ],
    );
    assert_eq!(
        prepare(&two, &given(json!({}))).unwrap_err(),
        "credentials.app"
    );
    assert!(prepare(&two, &given(json!({"app": "k"}))).is_ok());
    let empty = auth(
        Scheme::ApiKey,
        vec![header("authorization", "Bearer {{credentials.api_key}}")],
    );
    assert_eq!(
        prepare(&empty, &given(json!({"api_key": ""}))).unwrap_err(),
        "credentials.api_key"
    );
    let refused = auth(
        Scheme::ApiKey,
        vec![header("x-a", "{{credentials.api_key}}")],
    );
    assert_eq!(
        prepare(&refused, &given(json!({"api_key": "a\r\nb: c"}))).unwrap_err(),
        "credentials.api_key"
    );
    // Nothing at all would be a call without credentials.
    let vars = auth(Scheme::ApiKey, vec![header("x-a", "{{account.vars.key}}")]);
    assert_eq!(
        prepare(&vars, &given(json!({}))).unwrap_err(),
        "account.vars.key"
    );
}

#[test]
fn apply_takes_the_place_of_the_types_own() {
    let auth = auth(
        Scheme::OAuth2(Box::new(endpoint())),
        vec![
            header("x-token", "{{token}}"),
            header("x-client", "{{client.id}}"),
            header("x-var", "{{account.vars.none}}"),
        ],
    );
    let prepared = prepare(&auth, &with_token("t")).unwrap();
    let names: Vec<_> = prepared.header_names().map(HeaderName::as_str).collect();
    assert_eq!(names, ["x-token", "x-client"]);
    let none = ProviderAuth::new(Scheme::None, Vec::new(), Default::default()).unwrap();
    assert!(!none.needs_account() && prepare(&none, &given(json!({}))).unwrap().is_empty());
}

#[test]
fn what_needs_the_request_is_known_before() {
    let signed = |value: &str| auth(Scheme::ApiKey, vec![header("x-sig", value)]);
    let by_path = signed("{{$hmac('sha256', credentials.api_key, request.path)}}");
    assert!(by_path.placements().per_request() && !by_path.placements().reads_body());
    let by_body = signed("{{$hmac('sha256', credentials.api_key, request.body)}}");
    assert!(by_body.placements().per_request() && by_body.placements().reads_body());
    let by_time = signed("{{credentials.api_key}}-{{now}}");
    assert!(by_time.placements().per_request() && !by_time.placements().reads_body());
    let prepared = by_time
        .prepare("acme", &given(json!({"api_key": "k"})), None, 12)
        .unwrap();
    assert_eq!(head(&prepared, "/x").headers["x-sig"], "k-12");
    assert!(signed("{{$string($$)}}").placements().reads_body());
}

#[test]
fn bodies_keep_the_rest_of_their_bytes() {
    let auth = auth(
        Scheme::ApiKey,
        vec![
            body("key", "{{credentials.api_key}}"),
            body("n", "{{account.vars.n}}"),
        ],
    );
    let secrets = Secrets::given(map(json!({"api_key": "k 1"})), map(json!({"n": 5})));
    let prepared = prepare(&auth, &secrets).unwrap();
    let merge = |content_type, body: &'static str| {
        prepared
            .merge_body(content_type, &Bytes::from_static(body.as_bytes()))
            .map(|b| String::from_utf8(b.to_vec()).unwrap())
    };
    assert_eq!(
        merge(
            Some("application/vnd.api+json"),
            r#"{"big": 12345678901234567890123, "key": "old", "x": [ 1.10 ]}"#
        )
        .unwrap(),
        r#"{"big":12345678901234567890123,"key":"k 1","x":[ 1.10 ],"n":5}"#
    );
    assert_eq!(
        merge(
            Some("application/x-www-form-urlencoded"),
            "a=%7e+b&key=old&k%65y=older&&c"
        )
        .unwrap(),
        "a=%7e+b&c&key=k+1&n=5"
    );
    for (content_type, body) in [
        (Some("text/plain"), "{}"),
        (None, "{}"),
        (Some("application/json"), "[1]"),
        (Some("application/json"), "{"),
        (Some("application/json"), ""),
        (Some("multipart/form-data; boundary=x"), "--x--"),
    ] {
        assert_eq!(merge(content_type, body), None, "{content_type:?} {body}");
    }
    assert!(
        prepared.wants_body(Some("application/json")) && !prepared.wants_body(Some("text/plain"))
    );
}

#[test]
fn nothing_prepared_shows() {
    let auth = auth(
        Scheme::ApiKey,
        vec![
            header("x-key", "{{credentials.api_key}}"),
            query("q", "{{credentials.api_key}}"),
            body("b", "{{credentials.api_key}}"),
        ],
    );
    let prepared = prepare(&auth, &given(json!({"api_key": "hush"}))).unwrap();
    let head = head(&prepared, "/x");
    assert!(!format!("{prepared:?} {:?}", head.headers).contains("hush"));
}

proptest! {
    #[test]
    fn nothing_that_is_prepared_panics_or_breaks_out(value in any::<String>(), uri in "/[a-z%=&?+]{0,20}") {
        let auth = auth(Scheme::ApiKey, vec![
            header("x-key", "k{{credentials.api_key}}"),
            query("q", "{{credentials.api_key}}"),
            body("b", "{{credentials.api_key}}"),
        ]);
        let Ok(prepared) = prepare(&auth, &given(json!({"api_key": value}))) else {
            prop_assert!(value.is_empty() || value.chars().any(char::is_control));
            return Ok(());
        };
        let before: http::Uri = uri.parse().unwrap();
        let head = head(&prepared, &uri);
        prop_assert_eq!(head.uri.path(), before.path());
        let query = head.uri.query().unwrap();
        let last = query.rsplit('&').next().unwrap();
        prop_assert_eq!(percent_encoding::percent_decode_str(last).decode_utf8().unwrap(), format!("q={value}"));
        let merged = prepared.merge_body(Some("application/json"), &Bytes::from_static(b"{\"a\":1}")).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Value>(&merged).unwrap(), json!({"a": 1, "b": value}));
    }

    #[test]
    fn no_body_panics(content in proptest::collection::vec(any::<u8>(), 0..40)) {
        let auth = auth(Scheme::ApiKey, vec![body("b", "{{credentials.api_key}}")]);
        let prepared = prepare(&auth, &given(json!({"api_key": "k"}))).unwrap();
        for content_type in ["application/json", "application/x-www-form-urlencoded"] {
            let _ = prepared.merge_body(Some(content_type), &Bytes::from(content.clone()));
        }
    }
}

#[test]
fn defaults_are_templates() {
    // These are made without a word on failure.
    let basic = Basic::default();
    assert_eq!(basic.username.source(), "{{credentials.username}}");
    assert_eq!(basic.password.source(), "{{credentials.password}}");
    assert_eq!(Bearer::default().token.source(), "{{credentials.token}}");
    assert_ne!(basic.username, Template::literal(""));
    let _: Map = Map::new();
}
