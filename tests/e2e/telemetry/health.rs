//! Health and status.

use serde_json::json;

use super::{ok, started};
use crate::harness::Script;

#[tokio::test]
async fn health_and_status_are_read_only_and_ask_no_vendor() {
    let vendor = Script::start(|_| ok()).await;
    let leeward = started(&vendor, "").await;
    for path in ["/livez", "/readyz"] {
        let answer = leeward.telemetry(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text().as_str()),
            (200, "ok\n")
        );
    }
    let status = leeward.telemetry("/status.json").await;
    assert_eq!(status.header("content-type"), Some("application/json"));
    let status = status.json();
    assert_eq!(
        (&status["ready"], &status["draining"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(status["providers"][0]["provider"], "p");
    let html = leeward.telemetry("/status").await;
    assert_eq!(
        html.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(
        html.text().starts_with("<!doctype html>") && html.text().contains("<td>p<"),
        "{}",
        html.text()
    );
    assert_eq!(leeward.telemetry("/nothing").await.status, 404);
    for path in ["/metrics", "/livez", "/status"] {
        let request = http::Request::post(format!("http://{}{path}", leeward.telemetry))
            .body(Default::default())
            .unwrap();
        assert_eq!(
            crate::harness::send(&leeward.client, request).await.status,
            405
        );
    }
    // A provider that is away leaves it ready: its readiness is the whole pod's.
    drop(vendor);
    assert_ne!(leeward.get("/proxy/p/x").await.status, 200);
    assert_eq!(leeward.telemetry("/readyz").await.status, 200);
    assert_eq!(leeward.telemetry("/livez").await.status, 200);
}
