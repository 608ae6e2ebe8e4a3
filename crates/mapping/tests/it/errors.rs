//! The vendor's refusals.

use http::{HeaderMap, StatusCode};
use leeward_mapping::{ErrorTest, Failure, MappingError, Operation, Resources};
use serde_json::{Value, json};

use crate::support::{
    answer_with, at, expr, get, json_answer, mapping_error, resources, text_answer, through,
    unified,
};

fn told() -> Resources {
    let error = ErrorTest {
        when: expr("ok = false"),
        status: expr(r#"error.kind = "missing" ? 404 : error.kind = "odd" ? 200 : nothing"#),
        reason: expr(r#"error.kind = "missing" ? "not_found" : error.kind"#),
        message: expr("error.text"),
    };
    resources(vec![
        (
            "get",
            Operation {
                error,
                ..at("/c/{{id}}")
            },
        ),
        ("list", at("/c")),
    ])
}

fn refused(
    result: Result<Value, MappingError>,
) -> (u16, u16, Option<String>, Option<String>, String) {
    match result {
        Err(MappingError::Upstream {
            status,
            vendor_status,
            reason,
            message,
            body,
            ..
        }) => (
            status.as_u16(),
            vendor_status.as_u16(),
            reason,
            message,
            String::from_utf8(body.to_vec()).unwrap(),
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_failure_inside_a_200() {
    let body = json!({"ok": false, "error": {"kind": "missing", "text": "nobody"}});
    let (status, vendor, reason, message, sent) =
        refused(answer_with(&told(), &get("m/r/1"), 200, body.clone()));
    assert_eq!((status, vendor), (404, 200));
    assert_eq!(
        (reason.as_deref(), message.as_deref()),
        (Some("not_found"), Some("nobody"))
    );
    assert_eq!(sent, body.to_string());

    // A status outside 400 to 599 is none.
    for kind in ["odd", "other"] {
        let body = json!({"ok": false, "error": {"kind": kind}});
        assert_eq!(
            refused(answer_with(&told(), &get("m/r/1"), 200, body)).0,
            502
        );
    }
    // Only true is.
    for ok in [json!(true), json!(null), json!("false")] {
        assert!(answer_with(&told(), &get("m/r/1"), 200, json!({"ok": ok})).is_ok());
    }
}

#[test]
fn a_refusal_by_status() {
    let body = json!({"error": {"kind": "conflict", "text": "again"}});
    let (status, vendor, reason, message, _) =
        refused(answer_with(&told(), &get("m/r/1"), 409, body.clone()));
    assert_eq!(
        (status, vendor, reason.as_deref(), message.as_deref()),
        (409, 409, Some("conflict"), Some("again"))
    );
    // Without an `error` there is the status alone.
    let (status, vendor, reason, message, _) =
        refused(answer_with(&told(), &get("m/r"), 409, body));
    assert_eq!((status, vendor, reason, message), (409, 409, None, None));
    // What is no status of a failure is a fault of the gateway.
    for vendor in [304, 302] {
        assert_eq!(
            refused(answer_with(&told(), &get("m/r"), vendor, json!({}))).0,
            502
        );
    }
}

#[test]
fn failures_are_told_where_the_answer_comes_in() {
    let resources = told();
    let failure = |call: &str, status: u16, body: Value| {
        let status = StatusCode::from_u16(status).unwrap();
        resources.failure(
            &get(call),
            status,
            &HeaderMap::new(),
            &body,
            None,
            &json!({"id": "a"}),
        )
    };
    assert!(resources.reads_errors(&get("m/r/1")) && !resources.reads_errors(&get("m/r")));
    let missing = failure(
        "m/r/1",
        200,
        json!({"ok": false, "error": {"kind": "missing"}}),
    )
    .unwrap();
    assert_eq!(
        (missing.status, missing.reason.as_deref()),
        (StatusCode::NOT_FOUND, Some("not_found"))
    );
    assert_eq!(failure("m/r/1", 200, json!({"ok": true})), None);
    assert_eq!(failure("m/r/1", 503, json!("away")).unwrap().status, 503);
    assert_eq!(failure("m/r/1", 304, json!(null)), None);
    assert_eq!(failure("m/r", 503, json!({})), None);
}

#[tokio::test]
async fn what_was_told_before_is_not_asked_again() {
    let vendor = |_: &_| {
        let mut response = json_answer(&json!({"ok": true}));
        response.extensions_mut().insert(Failure {
            status: StatusCode::CONFLICT,
            reason: Some("told".into()),
            message: None,
        });
        response
    };
    let error = mapping_error(through(told(), vendor, unified("m/r/1")).await.unwrap_err());
    let (status, vendor, reason, _, body) = refused(Err(error));
    assert_eq!(
        (status, vendor, reason.as_deref()),
        (409, 200, Some("told"))
    );
    assert_eq!(body, r#"{"ok":true}"#);
}

#[tokio::test]
async fn a_refusal_keeps_the_beginning_of_its_body() {
    let long = |_: &_| text_answer(500, "x".repeat(200 << 10));
    let error = mapping_error(through(told(), long, unified("m/r/1")).await.unwrap_err());
    let (status, _, _, message, body) = refused(Err(error));
    assert_eq!((status, message, body.len()), (500, None, 64 << 10));

    let json = |_: &_| {
        text_answer(
            422,
            r#"{"error": {"kind": "validation", "text": "no mail"}}"#,
        )
    };
    let error = mapping_error(through(told(), json, unified("m/r/1")).await.unwrap_err());
    assert_eq!(
        error.to_string(),
        "the vendor refused with 422 Unprocessable Entity: no mail"
    );
}

#[tokio::test]
async fn a_test_that_fails_says_so() {
    let error = ErrorTest {
        when: expr("$error('broken')"),
        ..ErrorTest::default()
    };
    let resources = resources(vec![("get", Operation { error, ..at("/c") })]);
    let none = resources.failure(
        &get("m/r/1"),
        StatusCode::OK,
        &HeaderMap::new(),
        &json!({}),
        None,
        &json!({}),
    );
    assert_eq!(none, None);
    let error = through(resources, |_: &_| json_answer(&json!({})), unified("m/r/1"))
        .await
        .unwrap_err();
    match mapping_error(error) {
        MappingError::ResponseFailed { code, message, .. } => {
            assert_eq!(code, "D3137");
            assert!(message.starts_with("`error.when`"), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_answer_that_is_no_json() {
    for body in ["<html>", "{", "[1,2", "\u{FEFF}"] {
        let body = body.to_owned();
        let vendor = move |_: &_| text_answer(200, body.clone());
        let result = through(told(), vendor, unified("m/r/1")).await;
        match mapping_error(result.unwrap_err()) {
            MappingError::ResponseFailed { code, .. } => assert_eq!(code, "not_json"),
            // A byte order mark alone is nothing at all.
            MappingError::Upstream { status, .. } => assert_eq!(status, 404),
            other => panic!("{other:?}"),
        }
    }
    let marked = |_: &_| text_answer(200, "\u{FEFF}{\"ok\": true}\n");
    assert!(through(told(), marked, unified("m/r/1")).await.is_ok());
    let deep = |_: &_| text_answer(200, "[".repeat(100_000));
    assert!(through(told(), deep, unified("m/r/1")).await.is_err());
}
