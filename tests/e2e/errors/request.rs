//! What a request itself gets wrong.

use http::Method;
use leeward_vendors::{Call, Entry};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::{open, well};
use crate::harness::{Files, Socket, connections, head, json, vendor};

#[tokio::test]
async fn what_the_request_gets_wrong() {
    let vendor = vendor(well).await;
    let key = "auth: {type: api_key, apply: {header: X-Key, value: '{{credentials.api_key}}'}}";
    let leeward = Files::new()
        .provider("open", &open(&vendor.url()))
        .provider("keyed", &format!("base_url: {}\n{key}", vendor.url()))
        .provider("empty", &format!("base_url: {}\n{key}", vendor.url()))
        .account("a", "provider: keyed\ncredentials: {api_key: one}")
        .account("b", "provider: keyed\ncredentials: {api_key: two}")
        .start()
        .await;
    for path in ["/proxy/nobody/x", "/proxy/open:nobase/x"] {
        leeward.get(path).await.problem(404, "unknown_provider");
    }
    for path in ["/", "/nothing", "/proxy", "/Proxy/open/x", "/metrics"] {
        leeward.get(path).await.problem(404, "unknown_resource");
    }
    for path in [
        "/proxy/",
        "/proxy//x",
        "/proxy/:b/x",
        "/proxy/o%70en/x",
        "/proxy/open/../x",
    ] {
        leeward.get(path).await.problem(400, "invalid_request");
    }
    for timeout in [
        "soon",
        "2",
        "-1s",
        "0s",
        "",
        "1s 2s",
        "99999999999999999999h",
        "\u{1f600}",
    ] {
        let answer = leeward
            .call(
                Method::GET,
                "/proxy/open/x",
                &[("leeward-timeout", timeout)],
                "",
            )
            .await;
        answer.problem(400, "invalid_request");
    }
    leeward
        .get("/proxy/keyed/x")
        .await
        .problem(400, "ambiguous_account");
    leeward
        .get_as("nobody", "/proxy/keyed/x")
        .await
        .problem(404, "unknown_account");
    leeward
        .get_as("a", "/proxy/empty/x")
        .await
        .problem(404, "unknown_account");
    leeward
        .get("/proxy/empty/x")
        .await
        .problem(404, "unknown_account");
    // An operation that the admin listener does not have, with what it has.
    let answer = leeward.admin(Method::DELETE, "/providers", None).await;
    answer.problem(405, "unsupported_operation");
    assert_eq!(answer.header("allow"), Some("GET"));
    assert_eq!(vendor.books().read(Entry::Requests), 0);
    leeward.get_as("a", "/proxy/keyed/x").await.live();
}

#[tokio::test]
async fn without_the_token_nobody_comes_in() {
    let vendor = vendor(well).await;
    let leeward = Files::new()
        .process("egress_token: let-me-in")
        .provider("open", &open(&vendor.url()))
        .start()
        .await;
    leeward
        .get("/proxy/open/x")
        .await
        .problem(401, "unauthorized");
    for token in ["", "let-me-out", "let-me-in2"] {
        for path in ["/proxy/open/x", "/nothing", "/unified/a/b"] {
            let answer = leeward
                .call(Method::GET, path, &[("leeward-token", token)], "")
                .await;
            answer.problem(401, "unauthorized");
        }
    }
    assert_eq!(vendor.books().read(Entry::Requests), 0);
    leeward
        .call(
            Method::GET,
            "/proxy/open/x",
            &[("leeward-token", "let-me-in")],
            "",
        )
        .await
        .live();
}

#[tokio::test]
async fn a_body_that_must_be_held_and_is_too_large() {
    let vendor =
        vendor(|call: &Call| json(200, json!({"body": String::from_utf8_lossy(&call.body)}))).await;
    let leeward = Files::new()
        .provider(
            "held",
            &format!(
                "base_url: {}\nmax_buffer: 1KiB\nauth: {{type: api_key, apply: {{body: {{key: '{{{{credentials.api_key}}}}'}}}}}}",
                vendor.url()
            ),
        )
        .account("a", "provider: held\ncredentials: {api_key: one}")
        .start()
        .await;
    let json_type = [("content-type", "application/json")];
    let answer = leeward
        .call(Method::POST, "/proxy/held/x", &json_type, r#"{"x":1}"#)
        .await;
    let body: Value = serde_json::from_str(answer.live().json()["body"].as_str().unwrap()).unwrap();
    assert_eq!(body, json!({"x": 1, "key": "one"}));
    let large = format!(r#"{{"x":"{}"}}"#, "y".repeat(2000));
    let answer = leeward
        .call(Method::POST, "/proxy/held/x", &json_type, &large)
        .await;
    answer.problem(413, "payload_too_large");
    assert_eq!(vendor.books().read(Entry::Requests), 1);
}

#[tokio::test]
async fn a_request_body_that_breaks_off_is_the_clients_fault() {
    let vendor = connections(|mut stream| async move {
        head(&mut stream).await;
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .await;
    })
    .await;
    let leeward = Files::new()
        .provider(
            "open",
            &format!(
                "{}\nbreaker: {{consecutive_failures: 1}}",
                open(&format!("http://{vendor}"))
            ),
        )
        .start()
        .await;
    for _ in 0..3 {
        let mut socket = Socket::connect(&leeward.egress).await;
        socket
            .write("POST /proxy/open/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n")
            .await;
        let rest = String::from_utf8(socket.rest().await).unwrap();
        assert!(rest.starts_with("HTTP/1.1 400 "), "{rest}");
    }
    // It said nothing of the vendor.
    let states = leeward.listed("breakers").await;
    assert!(
        states.iter().all(|circuit| circuit["state"] == "closed"),
        "{states:?}"
    );
}
