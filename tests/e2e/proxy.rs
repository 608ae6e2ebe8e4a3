//! `/proxy`: what passes, and what stops here.

use http::Method;
use serde_json::json;

use crate::harness::{Files, json, vendor};

/// A vendor that tells what it was asked.
fn echo(call: &leeward_vendors::Call) -> leeward_vendors::Reply {
    let headers: Vec<(String, String)> = call
        .head
        .headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.to_string(), value)
        })
        .collect();
    json(
        200,
        json!({
            "method": call.head.method.as_str(),
            "target": call.head.uri.to_string(),
            "headers": headers,
            "body": String::from_utf8_lossy(&call.body),
        }),
    )
    .header("leeward-source", http::HeaderValue::from_static("forged"))
    .header("x-vendor", http::HeaderValue::from_static("yes"))
}

#[tokio::test]
async fn method_path_query_headers_and_body_pass_as_they_are() {
    let vendor = vendor(echo).await;
    let leeward = Files::new()
        .provider("echo", &format!("base_url: {}/base\nauth: {{type: none}}", vendor.url()))
        .start()
        .await;
    let answer = leeward
        .call(
            Method::PATCH,
            "/proxy/echo/a%2fb//c;d=1/%C3%A9?x=1+2&y=%20&z=",
            &[("x-one", "1"), ("x-one", "2"), ("leeward-debug", "true"), ("te", "gzip")],
            "hello",
        )
        .await;
    answer.live();
    assert_eq!(answer.header("x-vendor"), Some("yes"));
    assert_eq!(answer.header("leeward-provider"), Some("echo"));
    assert_eq!(answer.header("leeward-attempts"), Some("1"));
    let seen = answer.json();
    assert_eq!(seen["method"], "PATCH");
    assert_eq!(seen["target"], "/base/a%2fb//c;d=1/%C3%A9?x=1+2&y=%20&z=");
    assert_eq!(seen["body"], "hello");
    let headers = seen["headers"].as_array().unwrap();
    let named = |name: &str| -> Vec<&str> {
        let of = |pair: &&serde_json::Value| pair[0] == name;
        headers.iter().filter(of).filter_map(|pair| pair[1].as_str()).collect()
    };
    assert_eq!(named("x-one"), ["1", "2"]);
    assert_eq!(named("host"), [vendor.address().to_string()]);
    assert!(named("te").is_empty());
    let ours = |pair: &&serde_json::Value| pair[0].as_str().unwrap().starts_with("leeward-");
    assert_eq!(headers.iter().find(ours), None);
}

#[tokio::test]
async fn nothing_leaves_the_base_path() {
    let vendor = vendor(echo).await;
    let leeward = Files::new()
        .provider("echo", &format!("base_url: {}/base\nauth: {{type: none}}", vendor.url()))
        .start()
        .await;
    for path in ["/../x", "/%2e%2e/x", "/a/%2E./x", "/..%2fx", "/..%5cx", "/..;a/x", "/."] {
        let answer = leeward.get(&format!("/proxy/echo{path}")).await;
        answer.problem(400, "invalid_request");
    }
    assert_eq!(vendor.books().read(leeward_vendors::Entry::Requests), 0);
    leeward.get("/proxy/echo/still/here").await.live();
}
