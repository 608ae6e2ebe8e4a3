//! What an account's variables can make of a URL or a header: never another host, never a way out
//! of the path, never a line of their own.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Files, Leeward, vendor};

fn echo(call: &leeward_vendors::Call) -> leeward_vendors::Reply {
    let header = |name: &str| {
        call.head
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    leeward_vendors::Reply::json(
        200,
        &json!({
            "target": call.head.uri.to_string(),
            "x-tenant": header("x-tenant"),
            "x-path": header("x-path"),
            "x-evil": header("x-evil"),
        }),
    )
}

async fn put(leeward: &Leeward, provider: &str, vars: Value) {
    let account = json!({ "provider": provider, "credentials": {}, "vars": vars });
    let answer = leeward
        .admin(Method::PUT, "/accounts/it", Some(account))
        .await;
    assert!(answer.status.is_success(), "{}", answer.text());
}

#[tokio::test]
async fn a_host_holds_only_what_a_host_may_hold() {
    let vendor = vendor(echo).await;
    let port = vendor.address().port();
    let leeward = Files::new()
        .provider(
            "host",
            &format!(
                "base_url: 'http://{{{{account.vars.host}}}}:{port}/base'\nhosts: [127.0.0.1, '*.example.com']\nauth: {{type: none}}"
            ),
        )
        .start()
        .await;
    put(&leeward, "host", json!({"host": "127.0.0.1"})).await;
    assert_eq!(
        leeward.get("/proxy/host/x").await.live().json()["target"],
        "/base/x"
    );
    let long = "a".repeat(300);
    for host in [
        "127.0.0.1/",
        "evil.example/x#",
        "evil.example?",
        "evil.example#",
        "a@127.0.0.1",
        "127.0.0.1@evil.example",
        "evil.example:80",
        "[::1]",
        "a b",
        "a\r\nHost: evil.example",
        "a%2eb",
        "",
        "\u{e9}.example.com",
        "a..b",
        &long,
    ] {
        put(&leeward, "host", json!({"host": host})).await;
        leeward
            .get("/proxy/host/x")
            .await
            .problem(422, "account_incomplete");
    }
    put(&leeward, "host", json!({})).await;
    let problem = leeward
        .get("/proxy/host/x")
        .await
        .problem(422, "account_incomplete");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("account.vars.host"),
        "{problem}"
    );
    // A name that is well-formed and not allowed; and one that a wildcard allows and that is private.
    for host in ["evil.example", "127.0.0.2", "0x7f000001"] {
        put(&leeward, "host", json!({"host": host})).await;
        leeward
            .get("/proxy/host/x")
            .await
            .problem(403, "host_denied");
    }
    put(&leeward, "host", json!({"host": "127.0.0.1"})).await;
    leeward.get("/proxy/host/x").await.live();
    assert_eq!(vendor.books().read(leeward_vendors::Entry::Requests), 2);
}

#[tokio::test]
async fn a_wildcard_allows_no_private_address() {
    let vendor = vendor(echo).await;
    let port = vendor.address().port();
    let lines = |private: &str| {
        format!(
            "base_url: 'http://{{{{account.vars.host}}}}:{port}'\nhosts: ['*']\nauth: {{type: none}}\nprivate_hosts: {private}"
        )
    };
    let leeward = Files::new()
        .provider("deny", &lines("deny"))
        .provider("allow", &lines("allow"))
        .start()
        .await;
    for host in ["127.0.0.1", "localhost", "169.254.169.254", "10.0.0.1"] {
        put(&leeward, "deny", json!({"host": host})).await;
        leeward
            .get("/proxy/deny/x")
            .await
            .problem(403, "host_denied");
    }
    put(&leeward, "allow", json!({"host": "127.0.0.1"})).await;
    leeward.get("/proxy/allow/x").await.live();
}

#[tokio::test]
async fn what_begins_a_url_is_one_of_an_allowed_host() {
    let vendor = vendor(echo).await;
    let leeward = Files::new()
        .provider(
            "url",
            "base_url: '{{account.vars.url}}/v2'\nhosts: [127.0.0.1]\nauth: {type: none}",
        )
        .start()
        .await;
    put(&leeward, "url", json!({"url": vendor.url()})).await;
    assert_eq!(
        leeward.get("/proxy/url/x").await.live().json()["target"],
        "/v2/x"
    );
    for url in [
        "ftp://127.0.0.1",
        "127.0.0.1",
        "http://a@127.0.0.1",
        "http://127.0.0.1/?x=",
        "http://127.0.0.1/#",
        "http://127.0.0.1/..",
        "javascript:x",
        "http://",
    ] {
        put(&leeward, "url", json!({"url": url})).await;
        leeward
            .get("/proxy/url/x")
            .await
            .problem(422, "account_incomplete");
    }
    put(&leeward, "url", json!({"url": "http://evil.example"})).await;
    leeward
        .get("/proxy/url/x")
        .await
        .problem(403, "host_denied");
}

#[tokio::test]
async fn a_value_stays_in_its_place() {
    let vendor = vendor(echo).await;
    let leeward = Files::new()
        .provider(
            "path",
            &format!(
                "base_url: '{}/t/{{{{account.vars.tenant}}}}/v1'\nhosts: [127.0.0.1]\nauth: {{type: none}}\n\
                 query: {{tenant: '{{{{account.vars.tenant}}}}'}}\n\
                 headers: {{X-Path: '{{{{request.path}}}}'}}",
                vendor.url()
            ),
        )
        .start()
        .await;
    let cases = [
        ("acme", "acme"),
        ("a/b", "a%2Fb"),
        ("../x", "..%2Fx"),
        ("a?b=c&d#e", "a%3Fb%3Dc%26d%23e"),
        ("%2e%2e", "%252e%252e"),
        ("a\r\nX-Evil: 1", "a%0D%0AX-Evil%3A%201"),
        ("\u{e9}\0", "%C3%A9%00"),
    ];
    for (tenant, escaped) in cases {
        put(&leeward, "path", json!({"tenant": tenant})).await;
        let answer = leeward.get("/proxy/path/x?y=1").await;
        if tenant == "../x" {
            // Once decoded, as many servers do, it would lead out.
            answer.problem(422, "account_incomplete");
            continue;
        }
        let seen = answer.live().json();
        assert_eq!(
            seen["target"],
            format!("/t/{escaped}/v1/x?y=1&tenant={escaped}")
        );
        assert_eq!(seen["x-path"], format!("/t/{escaped}/v1/x"));
        assert_eq!(seen["x-evil"], Value::Null);
    }
    for tenant in ["..", "."] {
        put(&leeward, "path", json!({"tenant": tenant})).await;
        leeward
            .get("/proxy/path/x")
            .await
            .problem(422, "account_incomplete");
    }
}

#[tokio::test]
async fn a_header_takes_no_line_break() {
    let vendor = vendor(echo).await;
    let leeward = Files::new()
        .provider(
            "header",
            &format!(
                "base_url: {}\nauth: {{type: none}}\nheaders: {{X-Tenant: 'of {{{{account.vars.tenant}}}}'}}",
                vendor.url()
            ),
        )
        .start()
        .await;
    put(&leeward, "header", json!({"tenant": "acme & co"})).await;
    let as_it = [("leeward-account", "it")];
    let get = || leeward.call(Method::GET, "/proxy/header/x", &as_it, "");
    assert_eq!(get().await.live().json()["x-tenant"], "of acme & co");
    for tenant in ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b", "a\u{7f}b"] {
        put(&leeward, "header", json!({"tenant": tenant})).await;
        get().await.problem(422, "account_incomplete");
    }
    // Nothing: the header falls away; the caller's own wins.
    put(&leeward, "header", json!({})).await;
    assert_eq!(get().await.live().json()["x-tenant"], Value::Null);
    put(&leeward, "header", json!({"tenant": "acme"})).await;
    let own = [("leeward-account", "it"), ("x-tenant", "mine")];
    let answer = leeward.call(Method::GET, "/proxy/header/x", &own, "").await;
    assert_eq!(answer.live().json()["x-tenant"], "mine");
}
