//! Create, update, delete, and operations of one's own.

use http::Method;
use leeward_vendors::{Call, Entry, Reply, Server};
use serde_json::{Value, json as value};

use crate::harness::{Files, Leeward, json, turns, vendor};

const LINES: &str = r#"
auth: {type: none}
resources:
  crm/contacts:
    item: '{"id": $string(id), "first_name": properties.firstname}'
    body: '{"properties": {"firstname": body.first_name}}'
    get: {path: "/contacts/{{id}}"}
    create: {path: /contacts}
    update: {method: PUT, path: "/contacts/{{id}}"}
    delete: {path: "/contacts/{{id}}"}
    merge: {path: "/contacts/{{id}}/merge", body: '{"with": body.with}'}
"#;

async fn start(vendor: &Server) -> Leeward {
    let lines = format!("base_url: {}{LINES}", vendor.url());
    Files::new().provider("p", &lines).start().await
}

/// What it was asked, as a record.
fn asked(call: &Call) -> Reply {
    let sent: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let asked = format!("{} {}", call.head.method, call.head.uri);
    json(
        200,
        value!({ "id": asked, "properties": sent["properties"], "with": sent["with"] }),
    )
}

#[tokio::test]
async fn each_goes_out_as_its_operation_says() {
    let vendor = vendor(asked).await;
    let leeward = start(&vendor).await;
    let path = "/unified/crm/contacts";
    let ada = r#"{"first_name": "Ada"}"#;
    let created = leeward.call(Method::POST, path, &[], ada).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let data = value!({ "id": "POST /contacts", "first_name": "Ada" });
    assert_eq!(created.json(), value!({ "data": data, "source": "live" }));
    let updated = leeward
        .call(Method::PATCH, &format!("{path}/5"), &[], ada)
        .await;
    let data = value!({ "id": "PUT /contacts/5", "first_name": "Ada" });
    assert_eq!(
        updated.live().json(),
        value!({ "data": data, "source": "live" })
    );
    let deleted = leeward
        .call(Method::DELETE, &format!("{path}/5"), &[], "")
        .await;
    assert_eq!((deleted.status.as_u16(), deleted.body.len()), (204, 0));
    let merged = leeward
        .call(
            Method::POST,
            &format!("{path}/5/merge"),
            &[],
            r#"{"with": 6}"#,
        )
        .await;
    assert_eq!(merged.live().json()["data"]["id"], "POST /contacts/5/merge");
    let counted = r#"leeward_requests_total{operation="crm/contacts.merge",outcome="ok",provider="p",source="live"}"#;
    assert!((leeward.metric(counted).await - 1.0).abs() < f64::EPSILON);
    // What cannot be read goes nowhere.
    let before = vendor.books().read(Entry::Requests);
    let broken = leeward.call(Method::POST, path, &[], "{broken").await;
    broken.problem(400, "invalid_request");
    assert_eq!(vendor.books().read(Entry::Requests), before);
}

#[tokio::test]
async fn a_create_is_sent_once_unless_it_carries_a_key() {
    let vendor = vendor(turns(|turn, call| match turn {
        0 | 1 | 3 => json(503, value!({})),
        _ => asked(call),
    }))
    .await;
    let leeward = start(&vendor).await;
    let path = "/unified/crm/contacts";
    let once = leeward.call(Method::POST, path, &[], "{}").await;
    once.problem(503, "upstream_error");
    assert_eq!(
        (
            once.header("leeward-attempts"),
            vendor.books().read(Entry::Requests)
        ),
        (Some("1"), 1)
    );
    let key = [("idempotency-key", "k")];
    let keyed = leeward
        .call(Method::POST, path, &key, r#"{"first_name": "Ada"}"#)
        .await;
    assert_eq!(
        (keyed.status.as_u16(), keyed.header("leeward-attempts")),
        (201, Some("2"))
    );
    assert_eq!(keyed.json()["data"]["first_name"], "Ada");
    // An update by PUT is idempotent.
    let updated = leeward
        .call(Method::PATCH, &format!("{path}/5"), &[], "{}")
        .await;
    assert_eq!(updated.live().header("leeward-attempts"), Some("2"));
}
