//! Every type's credential in its place.

use http::Method;
use serde_json::json;

use crate::harness::{Files, Leeward, Script, json};

const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn echo() -> Script {
    Script::start(|_| json(200, json!({}))).await
}

/// A provider's file with this `auth`.
fn file(vendor: &Script, auth: &str) -> String {
    format!("base_url: {}\nauth: {auth}", vendor.url())
}

async fn post(leeward: &Leeward, path: &str, kind: (&str, &str), body: &str) {
    leeward.call(Method::POST, path, &[kind], body).await.live();
}

#[tokio::test]
async fn a_key_goes_into_a_header_a_query_or_a_body() {
    let vendor = echo().await;
    let leeward = Files::new()
        .provider("header", &file(&vendor, "{type: api_key, apply: {header: X-Key, value: 'Key {{credentials.api_key}}'}}"))
        .provider("query", &file(&vendor, "{type: api_key, apply: {query: {key: '{{credentials.api_key}}'}}}"))
        .provider("body", &file(&vendor, "{type: api_key, apply: {body: {key: '{{credentials.api_key}}', n: '{{credentials.n}}'}}}"))
        .account("h", "provider: header\ncredentials: {api_key: 'a&b'}")
        .account("q", "provider: query\ncredentials: {api_key: 'a&b'}")
        .account("b", "provider: body\ncredentials: {api_key: 'a&b', n: 7}")
        .start()
        .await;

    let forged = [("x-key", "forged")];
    leeward
        .call(Method::GET, "/proxy/header/x", &forged, "")
        .await
        .live();
    assert_eq!(vendor.last().header("x-key"), Some("Key a&b"));

    leeward
        .get("/proxy/query/x?a=1&key=forged&b=%20")
        .await
        .live();
    assert_eq!(vendor.last().target, "/x?a=1&b=%20&key=a%26b");
    leeward.get("/proxy/query/x").await.live();
    assert_eq!(vendor.last().target, "/x?key=a%26b");

    // What else is in a body keeps its bytes, and its length is told anew.
    post(
        &leeward,
        "/proxy/body/x",
        JSON,
        r#"{"price": 1.50, "key": "forged", "list": [1,  2]}"#,
    )
    .await;
    let seen = vendor.last();
    assert_eq!(
        seen.body,
        r#"{"price":1.50,"key":"a&b","list":[1,  2],"n":7}"#
    );
    assert_eq!(
        seen.header("content-length"),
        Some(&*seen.body.len().to_string())
    );
    post(
        &leeward,
        "/proxy/body/x",
        ("content-type", "application/vnd.api+json; charset=utf-8"),
        "{}",
    )
    .await;
    assert_eq!(vendor.last().body, r#"{"key":"a&b","n":7}"#);
    post(&leeward, "/proxy/body/x", FORM, "a=%20&key=forged").await;
    assert_eq!(vendor.last().body, "a=%20&key=a%26b&n=7");
    // Others pass as they are.
    for (kind, body) in [
        ("text/plain", "a=1"),
        ("application/json", "[1]"),
        ("application/json", "no json"),
    ] {
        post(&leeward, "/proxy/body/x", ("content-type", kind), body).await;
        assert_eq!(vendor.last().body, body);
    }
}

#[tokio::test]
async fn passwords_and_bearers_go_into_authorization() {
    let vendor = echo().await;
    let leeward = Files::new()
        .provider("basic", &file(&vendor, "{type: basic}"))
        .provider("half", &file(&vendor, "{type: basic, password: x}"))
        .provider("bearer", &file(&vendor, "{type: bearer}"))
        .provider(
            "own",
            &file(&vendor, "{type: bearer, token: '${env:TEST_TOKEN}'}"),
        )
        .provider(
            "ours",
            &file(
                &vendor,
                "{type: basic, username: us, password: '${env:TEST_TOKEN}'}",
            ),
        )
        .provider("none", &file(&vendor, "{type: none}"))
        .env("TEST_TOKEN", "from{{outside}}")
        .account(
            "b",
            "provider: basic\ncredentials: {username: Aladdin, password: 'open sésame'}",
        )
        .account("h", "provider: half\ncredentials: {username: key}")
        .account("t", "provider: bearer\ncredentials: {token: abc}")
        .start()
        .await;
    let forged = [("authorization", "Bearer forged")];
    for (provider, expected) in [
        ("basic", "Basic QWxhZGRpbjpvcGVuIHPDqXNhbWU="),
        ("half", "Basic a2V5Ong="),
        ("bearer", "Bearer abc"),
        // Neither needs an account; what comes from outside is data, no template.
        ("own", "Bearer from{{outside}}"),
        ("ours", "Basic dXM6ZnJvbXt7b3V0c2lkZX19"),
        // Nothing of Leeward's: the caller's own passes.
        ("none", "Bearer forged"),
    ] {
        leeward
            .call(Method::GET, &format!("/proxy/{provider}/x"), &forged, "")
            .await
            .live();
        assert_eq!(
            vendor.last().header("authorization"),
            Some(expected),
            "{provider}"
        );
    }
}

#[tokio::test]
async fn apply_may_be_a_list_and_takes_the_place_of_the_types_own() {
    let vendor = echo().await;
    let apply = "[{header: X-Token, value: '{{token}}'}, {header: X-Shop, value: '{{account.vars.shop}}'}, \
                 {header: X-None, value: '{{account.vars.none}}'}, {query: {v: '2', t: '{{token}}'}}, {body: {id: '{{account.id}}'}}]";
    let leeward = Files::new()
        .provider(
            "list",
            &file(&vendor, &format!("{{type: bearer, apply: {apply}}}")),
        )
        .account(
            "acme",
            "provider: list\ncredentials: {token: abc}\nvars: {shop: s-1}",
        )
        .start()
        .await;
    post(&leeward, "/proxy/list/x", JSON, r#"{"a":1}"#).await;
    let seen = vendor.last();
    assert_eq!(seen.header("x-token"), Some("abc"));
    assert_eq!(seen.header("x-shop"), Some("s-1"));
    // Without a value the whole header falls away.
    assert_eq!(seen.header("x-none"), None);
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(seen.target, "/x?v=2&t=abc");
    assert_eq!(seen.body, r#"{"a":1,"id":"acme"}"#);
}

#[tokio::test]
async fn the_providers_headers_and_query_yield_to_the_caller_and_auth_wins() {
    let vendor = echo().await;
    let file = file(&vendor, "{type: bearer}")
        + "\nheaders: {User-Agent: ours, X-Version: '2', Authorization: Bearer theirs, X-Shop: '{{account.vars.shop}}', X-None: '{{account.vars.none}}', X-Path: '{{request.method}} {{request.path}}'}\
           \nquery: {v: '1', shop: '{{account.vars.shop}}', q: '{{request.query.a}}'}";
    let leeward = Files::new()
        .provider("p", &file)
        .account(
            "acme",
            "provider: p\ncredentials: {token: abc}\nvars: {shop: 's 1'}",
        )
        .start()
        .await;
    leeward.get("/proxy/p/a/b").await.live();
    let seen = vendor.last();
    assert_eq!(seen.target, "/a/b?v=1&shop=s%201");
    for (name, value) in [
        ("user-agent", Some("ours")),
        ("x-version", Some("2")),
        ("x-shop", Some("s 1")),
        ("x-none", None),
        ("x-path", Some("GET /a/b")),
        ("authorization", Some("Bearer abc")),
    ] {
        assert_eq!(seen.header(name), value, "{name}");
    }
    let own = [("user-agent", "mine"), ("x-version", "3")];
    leeward
        .call(Method::GET, "/proxy/p/a?v=9&a=b%26c", &own, "")
        .await
        .live();
    let seen = vendor.last();
    assert_eq!(seen.header("user-agent"), Some("mine"));
    assert_eq!(seen.header("x-version"), Some("3"));
    assert_eq!(seen.target, "/a?v=9&a=b%26c&shop=s%201&q=b%26c");
}

#[tokio::test]
async fn client_credentials_need_no_account() {
    let vendor = Script::start(|call| match call.head.uri.path() {
        "/token" => json(200, json!({ "access_token": "cc-1", "expires_in": "3600" })),
        _ => json(200, json!({})),
    })
    .await;
    let url = vendor.url();
    let leeward = Files::new()
        .provider("cc", &format!(
            "base_url: {url}\nauth: {{type: client_credentials, token_url: '{url}/token', client_id: app, client_secret: hush, params: {{scope: 'a b', audience: x}}}}"
        ))
        .start()
        .await;
    let many = futures_util::future::join_all((0..20).map(|_| leeward.get("/proxy/cc/x"))).await;
    for answer in many {
        answer.live();
        assert_eq!(answer.header("leeward-account"), None);
    }
    assert_eq!(vendor.last().header("authorization"), Some("Bearer cc-1"));
    let bought = vendor.calls("/token");
    assert_eq!(bought.len(), 1, "one call for all");
    assert_eq!(bought[0].method, "POST");
    assert_eq!(
        bought[0].body,
        "grant_type=client_credentials&client_id=app&client_secret=hush&scope=a+b&audience=x"
    );
    // It is no account, and is kept over a crash.
    let leeward = leeward.killed_and_started_again().await;
    leeward.get("/proxy/cc/x").await.live();
    assert_eq!(vendor.count("/token"), 1);
    let listed = leeward.admin(Method::GET, "/accounts", None).await.json();
    assert_eq!(listed, json!({ "accounts": [], "next_cursor": null }));
    let providers = leeward.admin(Method::GET, "/providers", None).await.json();
    assert_eq!(providers["providers"][0]["accounts"], json!({}));
}

#[tokio::test]
async fn a_token_call_is_written_as_the_file_says() {
    let vendor = Script::start(|call| match call.head.uri.path() {
        "/token" => json(
            200,
            json!({ "data": { "t": "new" }, "expires": 3600, "shard": "eu-1" }),
        ),
        _ => json(200, json!({})),
    })
    .await;
    let url = vendor.url();
    let file = |more: &str| {
        format!(
            "base_url: {url}/{{{{account.vars.shard}}}}\nauth: {{type: oauth2, token_url: '{url}/token', client_id: 'a:pp', client_secret: 'hu sh', \
             token_response: {{access_token: data.t, expires_in: expires, vars: {{shard: shard}}}}, {more}}}"
        )
    };
    let leeward = Files::new()
        .provider("basic", &file("client_auth: basic, headers: {X-Api: '{{account.id}}'}"))
        .provider("json", &file("body: json, params: {grant_type: null, n: 5, deep: {a: ['{{refresh_token}}']}}"))
        .provider("query", &file("method: GET, body: query, client_auth: none, params: {scope: all}, refresh_params: {scope: some}"))
        .start()
        .await;
    let mut seen = Vec::new();
    for provider in ["basic", "json", "query"] {
        let given = json!({ "refresh_token": format!("rt&{provider}") });
        assert_eq!(leeward.put(provider, provider, given).await.status, 201);
        leeward.get(&format!("/proxy/{provider}/x")).await.live();
        let last = vendor.last();
        assert_eq!(last.header("authorization"), Some("Bearer new"));
        // A variable of the token answer is in the URL, and shown.
        assert_eq!(last.target, "/eu-1/x");
        assert_eq!(
            leeward.account(provider).await["vars"],
            json!({ "shard": "eu-1" })
        );
        seen.push(vendor.calls("/token").last().unwrap().clone());
    }
    assert_eq!(seen.len(), vendor.count("/token"));
    assert_eq!(
        seen[0].header("authorization"),
        Some("Basic YSUzQXBwOmh1K3No")
    );
    assert_eq!(seen[0].header("x-api"), Some("basic"));
    assert_eq!(
        seen[0].body,
        "grant_type=refresh_token&refresh_token=rt%26basic"
    );
    let body: serde_json::Value = serde_json::from_str(&seen[1].body).unwrap();
    assert_eq!(
        body,
        json!({ "refresh_token": "rt&json", "client_id": "a:pp", "client_secret": "hu sh", "n": 5, "deep": { "a": ["rt&json"] } })
    );
    assert_eq!(seen[2].method, "GET");
    assert_eq!(
        seen[2].target,
        "/token?grant_type=refresh_token&refresh_token=rt%26query&client_id=a%3App&scope=some"
    );
}
