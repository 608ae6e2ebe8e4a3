//! Every code that only `/unified` has, produced at a real socket.

use http::Method;
use leeward_vendors::{Call, Reply};
use serde_json::{Value, json};

use crate::harness::{Files, json, vendor};

/// A vendor whose answers are asked for by the path.
fn answers(call: &Call) -> Reply {
    match call.head.uri.path() {
        "/stuck" => json(200, json!({"items": [{"id": 1}], "next": "here"})),
        "/abroad" => json(
            200,
            json!({"items": [], "next": "https://elsewhere.example/page"}),
        ),
        "/renamed" => json(200, json!({"things": []})),
        "/wrong" => json(200, json!({"items": "none"})),
        "/odd/7" => json(200, json!({"id": {"deep": true}})),
        "/refuses/7" => json(
            409,
            json!({"message": "it was changed meanwhile", "kind": "stale"}),
        ),
        "/disguises/7" => json(200, json!({"ok": false, "message": "gone for good"})),
        "/plain/7" => json(403, json!(["no"])),
        "/empty/7" => Reply::Answer(http::Response::new(bytes::Bytes::new())),
        "/huge" => json(200, json!({"items": ["y".repeat(4000)]})),
        "/text/7" => {
            let mut reply = json(200, json!(null));
            if let Reply::Answer(response) = &mut reply {
                *response.body_mut() = "<html>no JSON</html>".into();
            }
            reply
        }
        _ => json(
            200,
            json!({"id": 1, "body": String::from_utf8_lossy(&call.body)}),
        ),
    }
}

fn provider(url: &str) -> String {
    format!(
        r#"base_url: {url}
auth: {{type: none}}
max_buffer: 2KiB
cache: null
breaker: {{consecutive_failures: 1000}}
retry: {{max_attempts: 1}}
pagination: {{type: cursor, items: items, next: next, param: after}}
error: {{when: 'ok = false', status: 'ok = false ? 410', reason: 'kind = "stale" ? "conflict"', message: message}}
resources:
  test/stuck: {{list: {{path: /stuck}}}}
  test/abroad: {{list: {{path: /abroad, pagination: {{type: next_url, items: items, next: next}}}}}}
  test/renamed: {{list: {{path: /renamed}}}}
  test/wrong: {{list: {{path: /wrong}}}}
  test/huge: {{list: {{path: /huge}}}}
  test/odd: {{item: '{{"id": $number(id)}}', get: {{path: "/odd/{{{{id}}}}"}}}}
  test/refuses: {{get: {{path: "/refuses/{{{{id}}}}"}}}}
  test/disguises: {{get: {{path: "/disguises/{{{{id}}}}"}}}}
  test/plain: {{get: {{path: "/plain/{{{{id}}}}"}}}}
  test/empty: {{get: {{path: "/empty/{{{{id}}}}"}}}}
  test/text: {{get: {{path: "/text/{{{{id}}}}"}}}}
  test/well:
    list: {{path: /well, query: '{{"x": $number(query.x)}}', items: '[$]'}}
    get: {{path: "/well/{{{{id}}}}"}}
    create: {{path: /well, body: '{{"sum": body.a + body.b}}'}}
  test/endless: {{list: {{path: /well, query: '($f := function($x) {{ $f($x + 1) }}; $f(0))', items: '[$]'}}}}
"#
    )
}

#[tokio::test]
async fn every_code_of_a_unified_call() {
    let vendor = vendor(answers).await;
    let leeward = Files::new()
        .provider("one", &provider(&vendor.url()))
        .provider("two", &format!("base_url: {}\nauth: {{type: none}}\nresources: {{test/well: {{get: {{path: '/x/{{{{id}}}}'}}}}}}", vendor.url()))
        .start()
        .await;
    let one = ("leeward-provider", "one");
    let ask = async |method: Method, path: &str, body: &str| {
        leeward
            .call(
                method,
                &format!("/unified/{path}"),
                &[one, ("content-type", "application/json")],
                body,
            )
            .await
    };
    let get = async |path: &str| ask(Method::GET, path, "").await;
    // A call that goes well, so that what follows is not all for one reason.
    let answer = get("test/well/7").await;
    answer.live();
    assert_eq!(answer.json()["data"]["id"], 1);

    for path in [
        "test/nothing",
        "nothing/at/all/of/it",
        "test",
        "test/stuck/",
        "two/well",
    ] {
        let answer = get(path).await;
        assert!(
            [400, 404].contains(&answer.status.as_u16()),
            "{path}: {}",
            answer.text()
        );
        answer.problem(
            answer.status.as_u16(),
            if answer.status == 404 {
                "unknown_resource"
            } else {
                "invalid_request"
            },
        );
    }
    get("test/nothing").await.problem(404, "unknown_resource");
    leeward
        .call(
            Method::GET,
            "/unified/test/well/7",
            &[("leeward-provider", "nobody")],
            "",
        )
        .await
        .problem(404, "unknown_provider");
    leeward
        .call(
            Method::GET,
            "/unified/test/well/7",
            &[("leeward-account", "nobody")],
            "",
        )
        .await
        .problem(404, "unknown_account");
    leeward
        .get("/unified/test/well/7")
        .await
        .problem(400, "ambiguous_provider");

    let answer = ask(Method::DELETE, "test/well/7", "").await;
    answer.problem(405, "unsupported_operation");
    let allow: Vec<&str> = answer.header("allow").unwrap().split(", ").collect();
    assert!(
        allow.contains(&"GET") && allow.contains(&"POST") || allow.contains(&"get"),
        "{allow:?}"
    );

    get("test/stuck?limit=0")
        .await
        .problem(400, "invalid_request");
    get("test/stuck?cursor=forged")
        .await
        .problem(400, "invalid_request");
    ask(Method::POST, "test/well", "{not json")
        .await
        .problem(400, "invalid_request");
    let problem = get("test/well?x=seven")
        .await
        .problem(400, "mapping_failed");
    assert_eq!(problem.get("upstream_status"), None);
    ask(Method::POST, "test/well", r#"{"a": 1, "b": "two"}"#)
        .await
        .problem(400, "mapping_failed");
    // An expression without an end costs its own call.
    get("test/endless").await.problem(400, "mapping_failed");
    ask(
        Method::POST,
        "test/well",
        &json!({"a": "y".repeat(4000)}).to_string(),
    )
    .await
    .problem(413, "payload_too_large");

    for path in ["test/renamed", "test/wrong", "test/odd/7"] {
        let problem = get(path).await.problem(502, "mapping_failed");
        assert_eq!(problem["upstream_status"], 200, "{path}");
    }
    let problem = get("test/huge").await.problem(502, "payload_too_large");
    assert_eq!(problem["upstream_status"], 200);
    get("test/text/7").await.problem(502, "mapping_failed");

    let first = get("test/stuck").await.live().json();
    let cursor = first["next_cursor"].as_str().unwrap();
    get(&format!("test/stuck?cursor={cursor}"))
        .await
        .problem(502, "pagination_failed");
    // Pages that this version cannot ask for: no list, rather than one that looks whole.
    get("test/abroad")
        .await
        .problem(405, "unsupported_operation");

    let problem = get("test/refuses/7").await.problem(409, "upstream_error");
    assert_eq!(problem["upstream_status"], 409);
    assert_eq!(problem["detail"], "it was changed meanwhile");
    assert_eq!(problem["reason"], "conflict");
    assert_eq!(problem["upstream_body"]["kind"], "stale");
    let problem = get("test/disguises/7").await.problem(410, "upstream_error");
    assert_eq!(problem["upstream_status"], 200);
    let problem = get("test/plain/7").await.problem(403, "upstream_error");
    assert_eq!(problem["upstream_body"], json!(["no"]));
    get("test/empty/7").await.problem(404, "upstream_error");
    get("test/well/7").await.live();
}

#[tokio::test]
async fn no_path_of_a_unified_call_leaves_its_place() {
    let vendor =
        vendor(|call: &Call| json(200, json!({"target": call.head.uri.to_string()}))).await;
    let leeward = Files::new()
        .provider(
            "one",
            &format!("base_url: {}/v1\nauth: {{type: none}}\nresources: {{test/well: {{get: {{path: '/well/{{{{id}}}}'}}}}}}", vendor.url()),
        )
        .start()
        .await;
    for (id, escaped) in [
        ("7", "7"),
        ("a%2Fb", "a%2Fb"),
        ("a%3Fb%23c", "a%3Fb%23c"),
        ("%252e%252e", "%252e%252e"),
        ("a%0D%0Ab", "a%0D%0Ab"),
    ] {
        let answer = leeward.get(&format!("/unified/test/well/{id}")).await;
        if answer.status == 200 {
            assert_eq!(
                answer.json()["data"]["target"],
                format!("/v1/well/{escaped}"),
                "{id}"
            );
        } else {
            answer.problem(400, "invalid_request");
        }
    }
    for id in [
        "..",
        "%2e%2e",
        ".",
        "%2E",
        "..%2F..",
        "%2e%2e%2fx",
        "x%2F..%2F..%2Fy",
    ] {
        let answer = leeward.get(&format!("/unified/test/well/{id}")).await;
        answer.problem(400, "invalid_request");
    }
    let calls: Value = leeward.get("/unified/test/well/7").await.json();
    assert_eq!(calls["data"]["target"], "/v1/well/7");
}
