//! What a vendor refuses, openly or inside a 200.

use http::Method;
use leeward_vendors::Entry;
use serde_json::json as value;

use super::{OFFSET, at, two_vendors};
use crate::harness::{Files, json, turns, vendor};

#[tokio::test]
async fn what_is_not_there_is_a_404_with_the_vendors_words() {
    let (_cursor, _offset, files) = two_vendors().await;
    let leeward = files.start().await;
    let told = leeward.get_as("c", "/unified/crm/contacts/99").await;
    let problem = told.problem(404, "upstream_error");
    assert_eq!(
        (&problem["reason"], &problem["detail"]),
        (&value!("not_found"), &value!("no such contact"))
    );
    assert_eq!(
        (&problem["upstream_status"], &problem["provider"]),
        (&value!(404), &value!("cursor"))
    );
    assert_eq!(problem["upstream_body"]["category"], "OBJECT_NOT_FOUND");
    // A failure inside a 200.
    let told = leeward.get_as("o", "/unified/crm/contacts/99").await;
    let problem = told.problem(404, "upstream_error");
    assert_eq!(
        (&problem["reason"], &problem["detail"]),
        (&value!("not_found"), &value!("nobody"))
    );
    assert_eq!(
        (&problem["upstream_status"], &problem["account"]),
        (&value!(200), &value!("o"))
    );
    assert_eq!(problem["upstream_body"]["ok"], false);
    // What nobody maps, and what is no path.
    for (path, status, code) in [
        ("/unified/crm/deals", 404, "unknown_resource"),
        ("/unified/crm/contacts/1/2/3", 400, "invalid_request"),
        ("/unified/crm/contacts/..", 400, "invalid_request"),
        ("/unified/crm/contacts/%2e%2e", 400, "invalid_request"),
        ("/unified/crm", 400, "invalid_request"),
    ] {
        leeward.get_as("c", path).await.problem(status, code);
    }
    for method in [Method::DELETE, Method::PATCH, Method::PUT] {
        let headers = [("leeward-account", "c")];
        let refused = leeward
            .call(method, "/unified/crm/contacts/1", &headers, "{}")
            .await;
        refused.problem(405, "unsupported_operation");
        assert_eq!(refused.header("allow"), Some("GET, HEAD"));
    }
}

#[tokio::test]
async fn a_failure_in_disguise_is_seen_by_retry_and_breaker() {
    let vendor = vendor(turns(|turn, _| match turn {
        0 => json(200, value!({ "ok": false, "error": { "kind": "busy" } })),
        1 => json(
            200,
            value!({ "ok": true, "person": { "person_id": 1, "given": "Ada", "mail": [] } }),
        ),
        _ => json(
            200,
            value!({ "ok": false, "error": { "kind": "broken", "text": "at a loss" } }),
        ),
    }))
    .await;
    let lines = OFFSET
        .replace(
            r#"error.kind = "missing" ? 404"#,
            r#"error.kind = "busy" ? 503 : 500"#,
        )
        .replace(r#""email": mail[0]"#, r#""email": null"#);
    let lines = format!(
        "{}\ncache: null\nbreaker: {{consecutive_failures: 2, open_for: 10m, max_open_for: 10m}}",
        at(&vendor, &lines)
    );
    let leeward = Files::new().provider("p", &lines).start().await;
    let served = leeward.get("/unified/crm/contacts/1").await;
    assert_eq!(served.live().header("leeward-attempts"), Some("2"));
    assert!(
        (leeward
            .metric(r#"leeward_retries_total{provider="p",reason="503"}"#)
            .await
            - 1.0)
            .abs()
            < f64::EPSILON
    );
    for _ in 0..2 {
        let problem = leeward
            .get("/unified/crm/contacts/1")
            .await
            .problem(500, "upstream_error");
        assert_eq!(problem["detail"], "at a loss");
    }
    leeward
        .get("/unified/crm/contacts/1")
        .await
        .problem(503, "circuit_open");
    assert_eq!(vendor.books().read(Entry::Requests), 4);
}
