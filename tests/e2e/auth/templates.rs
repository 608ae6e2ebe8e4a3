//! Templates of names and of JSONata, each value escaped for its place.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Files, Leeward, Script, json};

async fn echo() -> Script {
    Script::start(|_| json(200, json!({}))).await
}

async fn with_vars(leeward: &Leeward, vars: Value) {
    let account = json!({ "provider": "p", "credentials": { "token": "t" }, "vars": vars });
    let put = leeward
        .admin(Method::PUT, "/accounts/acme", Some(account))
        .await;
    assert!(put.status.is_success(), "{}", put.text());
}

#[track_caller]
fn lacks(answer: &Answer, name: &str) {
    let problem = answer.problem(422, "account_incomplete");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(name), "{detail}");
    assert_eq!(answer.header("leeward-attempts"), Some("0"));
}

#[tokio::test]
async fn a_variable_in_a_path_is_one_segment() {
    let vendor = echo().await;
    let file = format!(
        "base_url: '{url}/t/{{{{account.vars.tenant}}}}'\nbases: {{deep: '{url}/d/{{{{+ account.vars.tenant}}}}'}}\nauth: {{type: bearer}}",
        url = vendor.url()
    );
    let leeward = Files::new().provider("p", &file).start().await;
    for (tenant, seen) in [
        (json!("a b"), "/t/a%20b/x"),
        (json!("a/b?c#d%"), "/t/a%2Fb%3Fc%23d%25/x"),
        (json!("é"), "/t/%C3%A9/x"),
        (json!("a\r\nb"), "/t/a%0D%0Ab/x"),
        (json!(17), "/t/17/x"),
    ] {
        with_vars(&leeward, json!({ "tenant": tenant })).await;
        leeward.get("/proxy/p/x").await.live();
        assert_eq!(vendor.last().target, seen);
    }
    with_vars(&leeward, json!({ "tenant": "a/b c" })).await;
    leeward.get("/proxy/p:deep/x").await.live();
    assert_eq!(vendor.last().target, "/d/a/b%20c/x");
    // What is missing, or would lead elsewhere, is named.
    for vars in [
        json!({}),
        json!({ "tenant": null }),
        json!({ "tenant": ".." }),
        json!({ "tenant": "." }),
    ] {
        with_vars(&leeward, vars).await;
        lacks(&leeward.get("/proxy/p/x").await, "account.vars.tenant");
    }
    with_vars(&leeward, json!({ "tenant": "a/../b" })).await;
    lacks(&leeward.get("/proxy/p:deep/x").await, "account.vars.tenant");
}

#[tokio::test]
async fn a_variable_in_a_host_stays_a_name() {
    let vendor = echo().await;
    let port = vendor.url().rsplit_once(':').unwrap().1.to_owned();
    let file = format!(
        "base_url: 'http://{{{{account.vars.host ?? \"127.0.0.\" & account.vars.last}}}}:{port}/base'\nhosts: ['127.0.0.1']\nauth: {{type: bearer}}"
    );
    let leeward = Files::new().provider("p", &file).start().await;
    for vars in [json!({ "host": "127.0.0.1" }), json!({ "last": 1 })] {
        with_vars(&leeward, vars).await;
        leeward.get("/proxy/p/x").await.live();
        assert_eq!(vendor.last().target, "/base/x");
    }
    let before = vendor.count("/base/x");
    for host in [
        "127.0.0.1/x",
        "127.0.0.1:80",
        "u@127.0.0.1",
        "127.0.0.1#",
        "127.0.0.1\\",
        "a b",
    ] {
        with_vars(&leeward, json!({ "host": host })).await;
        lacks(&leeward.get("/proxy/p/x").await, "account.vars.host");
    }
    // A name, but none of `hosts`.
    with_vars(&leeward, json!({ "host": "localhost" })).await;
    leeward.get("/proxy/p/x").await.problem(403, "host_denied");
    assert_eq!(vendor.count("/base/x"), before);
}

#[tokio::test]
async fn a_whole_url_may_be_a_variable_of_the_hosts_allowed() {
    let vendor = echo().await;
    let file =
        "base_url: '{{account.vars.instance}}/v1'\nhosts: ['127.0.0.1']\nauth: {type: bearer}";
    let leeward = Files::new().provider("p", file).start().await;
    with_vars(&leeward, json!({ "instance": vendor.url() })).await;
    leeward.get("/proxy/p/x").await.live();
    assert_eq!(vendor.last().target, "/v1/x");
    with_vars(
        &leeward,
        json!({ "instance": vendor.url().replace("127.0.0.1", "127.0.0.2") }),
    )
    .await;
    leeward.get("/proxy/p/x").await.problem(403, "host_denied");
    for instance in ["ftp://127.0.0.1", "127.0.0.1", "file:///etc/passwd", ""] {
        with_vars(&leeward, json!({ "instance": instance })).await;
        lacks(&leeward.get("/proxy/p/x").await, "account.vars.instance");
    }
}

#[tokio::test]
async fn headers_and_queries_take_values_and_no_line_breaks() {
    let vendor = echo().await;
    let file = format!(
        "base_url: {}\nauth: {{type: bearer, apply: [{{header: X-A, value: 'v={{{{account.vars.a}}}}; t={{{{token}}}}'}}, {{query: {{q: '{{{{account.vars.q}}}}'}}}}]}}",
        vendor.url()
    );
    let leeward = Files::new().provider("p", &file).start().await;
    with_vars(&leeward, json!({ "a": "b{{c}}", "q": "x&y=z #+é" })).await;
    leeward.get("/proxy/p/x").await.live();
    assert_eq!(vendor.last().header("x-a"), Some("v=b{{c}}; t=t"));
    assert_eq!(vendor.last().target, "/x?q=x%26y%3Dz%20%23%2B%C3%A9");
    for broken in ["a\r\nX-Evil: 1", "a\nb", "a\0b"] {
        with_vars(&leeward, json!({ "a": broken })).await;
        lacks(&leeward.get("/proxy/p/x").await, "account.vars.a");
    }
}

#[tokio::test]
async fn an_expression_computes_what_goes_out_from_the_request_itself() {
    let vendor = echo().await;
    let file = format!(
        r#"base_url: {}
auth:
  type: api_key
  apply:
    - {{header: X-Sign, value: '{{{{$hmac("sha256", credentials.secret, request.method & request.path & request.body, "hex")}}}}'}}
    - {{header: X-Time, value: '{{{{now}}}}'}}
    - {{header: X-Id, value: '{{{{request.id}}}}'}}
    - {{header: X-Seen, value: '{{{{request.query.a}}}} {{{{request.headers.`x-own`}}}} {{{{request.form.f}}}} {{{{request.host}}}}'}}
headers: {{X-Hash: '{{{{$hash("sha256", request.body, "hex")}}}}', X-Now: '{{{{now}}}}'}}"#,
        vendor.url()
    );
    let leeward = Files::new()
        .provider("p", &file)
        .account("acme", "provider: p\ncredentials: {secret: key}")
        .start()
        .await;
    let headers = [
        ("x-own", "own"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let answer = leeward
        .call(Method::POST, "/proxy/p/a/b?a=1%202", &headers, "f=%26&g=2")
        .await;
    answer.live();
    let seen = vendor.last();
    assert_eq!(seen.body, "f=%26&g=2");
    // printf 'POST/a/bf=%26&g=2' | openssl dgst -sha256 -hmac key
    assert_eq!(
        seen.header("x-sign"),
        Some("a36220646e9586e0962b61fddbb7cabc2311ee26bb2ed1dd056076d3b846ac4c")
    );
    // printf 'f=%26&g=2' | sha256sum
    assert_eq!(
        seen.header("x-hash"),
        Some("cb2696c28b518ec0aae1dfcb92d2a1ea55d39a58cf66a7c797921849110c02f8")
    );
    assert_eq!(seen.header("x-seen"), Some("1 2 own & 127.0.0.1"));
    assert_eq!(seen.header("x-id"), answer.header("leeward-request-id"));
    // One time for all templates of a request, in milliseconds.
    assert_eq!(seen.header("x-time"), seen.header("x-now"));
    assert_eq!(seen.header("x-time").unwrap().len(), 13);
    // And another for the next.
    leeward
        .until("time goes on", || async {
            leeward.get("/proxy/p/a").await.live();
            vendor.last().header("x-time") != seen.header("x-time")
        })
        .await;
}

#[tokio::test]
async fn a_bearer_that_reads_the_request_is_made_for_each() {
    let vendor = echo().await;
    let file = format!(
        "base_url: {}\nauth: {{type: bearer, token: '{{{{credentials.key & request.path}}}}'}}",
        vendor.url()
    );
    let leeward = Files::new()
        .provider("p", &file)
        .account("acme", "provider: p\ncredentials: {key: k, token: unused}")
        .start()
        .await;
    for path in ["/a", "/b"] {
        leeward.get(&format!("/proxy/p{path}")).await.live();
        let seen = vendor.last();
        let expected = format!("Bearer k{path}");
        assert_eq!(seen.header("authorization"), Some(&*expected));
    }
    leeward.put("other", "p", json!({})).await;
    leeward.get_as("other", "/proxy/p/c").await.live();
    // `&` joins nothing to the path, as JSONata has it: a key that is needed is asked for by `$exists`.
    assert_eq!(vendor.last().header("authorization"), Some("Bearer /c"));
}

#[tokio::test]
async fn what_a_type_needs_is_named_when_the_account_lacks_it() {
    let vendor = echo().await;
    let file = |auth: &str| format!("base_url: {}\nauth: {auth}", vendor.url());
    let leeward = Files::new()
        .provider("key", &file("{type: api_key, apply: {header: X-Key, value: 'Key {{credentials.api_key}}'}}"))
        .provider("query", &file("{type: api_key, apply: {query: {key: '{{credentials.api_key}}'}}}"))
        .provider("basic", &file("{type: basic}"))
        .provider("bearer", &file("{type: bearer}"))
        .provider("oauth2", &super::oauth2(&vendor.url(), "").split_once('\n').map_or_else(String::new, |(base, _)| {
            format!("{base}\nauth: {{type: oauth2, token_url: '{}/token', client_id: '{{{{credentials.client_id}}}}', client_auth: none}}", vendor.url())
        }))
        .start()
        .await;
    for (provider, credentials, lacking) in [
        ("key", json!({}), "credentials.api_key"),
        ("key", json!({ "api_key": "" }), "credentials.api_key"),
        ("key", json!({ "api_key": "a\nb" }), "credentials.api_key"),
        ("query", json!({ "key": "x" }), "credentials.api_key"),
        ("basic", json!({ "username": "u" }), "credentials.password"),
        ("bearer", json!({}), "credentials.token"),
        (
            "oauth2",
            json!({ "refresh_token": "x" }),
            "credentials.client_id",
        ),
    ] {
        let id = provider;
        assert!(
            leeward
                .put(id, provider, credentials)
                .await
                .status
                .is_success()
        );
        lacks(&leeward.get(&format!("/proxy/{provider}/x")).await, lacking);
    }
    assert_eq!(vendor.count("/x"), 0, "never a call without credentials");
    assert_eq!(vendor.count("/token"), 0);
}
