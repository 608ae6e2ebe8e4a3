//! What one call may take: memory, time, threads.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use leeward_expression::Limits;
use leeward_mapping::{MappingError, MappingLayer, OnItemError, Operation, Resources, Settings};
use leeward_probe::{Answer, Probe, ProbeBody, TornBody};
use serde_json::json;
use tower::ServiceExt;

use crate::support::{
    ByExtension, at, cursor_pages, expr, get, json_answer, mapping_error, request, settings,
    text_answer, through, unified,
};

const ENDLESS: &str = "($f := function($n){$f($n + 1)}; $f(1))";

fn resources(settings: Settings, operations: Vec<(&str, Operation)>) -> Resources {
    let operations = operations
        .into_iter()
        .map(|(name, operation)| (name.to_owned(), operation))
        .collect();
    Resources::new([("m/r".to_owned(), operations)], settings)
}

#[tokio::test]
async fn bodies_have_a_largest_size() {
    let resources = || {
        let settings = Settings {
            max_buffer: 64,
            ..settings()
        };
        resources(settings, vec![("create", at("/c")), ("get", at("/c"))])
    };
    let untouched = |_: &_| -> Response<Full<Bytes>> { panic!("the vendor was called") };
    let sent = request(Method::POST, "m/r", "x".repeat(65));
    let error = mapping_error(through(resources(), untouched, sent).await.unwrap_err());
    assert!(
        matches!(error, MappingError::RequestTooLarge { limit: 64 }),
        "{error:?}"
    );

    let large = |_: &_| text_answer(200, "x".repeat(65));
    let error = mapping_error(
        through(resources(), large, unified("m/r/1"))
            .await
            .unwrap_err(),
    );
    match error {
        MappingError::ResponseTooLarge {
            limit,
            vendor_status,
        } => assert_eq!((limit, vendor_status), (64, StatusCode::OK)),
        other => panic!("{other:?}"),
    }
    let fits = |_: &_| text_answer(200, format!("\"{}\"", "x".repeat(62)));
    assert!(through(resources(), fits, unified("m/r/1")).await.is_ok());
}

#[tokio::test]
async fn a_body_of_unknown_length_is_read_no_further_than_its_limit() {
    let settings = Settings {
        max_buffer: 64,
        ..settings()
    };
    let resources = Arc::new(resources(settings, vec![("get", at("/c"))]));
    let probe = Probe::answering(200);
    // It would go on for ever.
    probe.then(Answer::with_body(
        200,
        ProbeBody::full("x".repeat(40))
            .frame("y".repeat(40))
            .hanging(),
    ));
    let service = tower::ServiceBuilder::new()
        .layer(MappingLayer::new(resources, ByExtension))
        .service(probe.service());
    let error = service.oneshot(unified("m/r/1")).await.unwrap_err();
    assert!(matches!(
        mapping_error(error),
        MappingError::ResponseTooLarge { .. }
    ));
    assert_eq!(probe.counts().bodies_dropped, 1);
}

#[tokio::test]
async fn a_torn_body_is_told_by_its_side() {
    let resources = Arc::new(resources(
        settings(),
        vec![("get", at("/c")), ("create", at("/c"))],
    ));
    let probe = Probe::answering(200);
    probe.then(Answer::with_body(200, ProbeBody::full("{").torn()));
    let layer = MappingLayer::new(resources, ByExtension);
    let service = tower::ServiceBuilder::new()
        .layer(layer)
        .service(probe.service());
    let error = mapping_error(service.clone().oneshot(unified("m/r/1")).await.unwrap_err());
    match error {
        MappingError::ResponseBody { source, .. } => {
            assert_eq!(source.downcast_ref(), Some(&TornBody))
        }
        other => panic!("{other:?}"),
    }

    let torn = request(Method::POST, "m/r", "").map(|_| ProbeBody::full("{").torn());
    let error = mapping_error(service.oneshot(torn).await.unwrap_err());
    match error {
        MappingError::RequestBody { source } => assert_eq!(source.downcast_ref(), Some(&TornBody)),
        other => panic!("{other:?}"),
    }
    assert_eq!(probe.counts().calls, 1);
}

#[tokio::test]
async fn an_endless_expression_fails_alone() {
    let resources = || {
        resources(
            settings(),
            vec![
                (
                    "list",
                    Operation {
                        query: expr(ENDLESS),
                        ..at("/c")
                    },
                ),
                (
                    "get",
                    Operation {
                        item: expr(ENDLESS),
                        ..at("/c")
                    },
                ),
            ],
        )
    };
    let vendor = |_: &_| json_answer(&json!({}));
    let error = mapping_error(
        through(resources(), vendor, unified("m/r"))
            .await
            .unwrap_err(),
    );
    assert!(
        matches!(error, MappingError::RequestFailed { .. }),
        "{error:?}"
    );
    let error = mapping_error(
        through(resources(), vendor, unified("m/r/1"))
            .await
            .unwrap_err(),
    );
    assert!(
        matches!(error, MappingError::ResponseFailed { .. }),
        "{error:?}"
    );
}

#[test]
fn a_page_has_a_time_of_its_own() {
    // Each record alone is within its time; the page is not, not even where bad records are skipped.
    let settings = Settings {
        page_time: Duration::ZERO,
        ..settings()
    };
    let operation = Operation {
        item: expr(r#"{"id": id}"#),
        on_item_error: OnItemError::Skip,
        paging: Some(cursor_pages()),
        ..at("/c")
    };
    let resources = resources(settings, vec![("list", operation)]);
    match crate::support::answer(&resources, &get("m/r"), json!({"results": [{"id": 1}]})) {
        Err(MappingError::ResponseFailed { code, .. }) => assert_eq!(code, "page_time"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_record_that_passes_a_limit_is_one_bad_record() {
    let settings = Settings {
        limits: Limits {
            steps: 1_000,
            ..Limits::default()
        },
        ..settings()
    };
    let operation = Operation {
        item: expr(r#"{"sum": $sum([1..n])}"#),
        on_item_error: OnItemError::Skip,
        ..at("/c")
    };
    let endless = Operation {
        item: expr(&format!("bad ? {ENDLESS} : $")),
        on_item_error: OnItemError::Skip,
        ..at("/c")
    };
    let list = resources(settings.clone(), vec![("list", operation)]);
    let page = crate::support::answer(&list, &get("m/r"), json!([{"n": 3}])).unwrap();
    assert_eq!(page["data"], json!([{"sum": 6}]));

    let list = resources(settings, vec![("list", endless)]);
    let page = crate::support::answer(
        &list,
        &get("m/r"),
        json!([{"n": 1}, {"bad": true}, {"n": 2}]),
    )
    .unwrap();
    assert_eq!(page["data"], json!([{"n": 1}, {"n": 2}]));
    assert_eq!(page["errors"].as_array().map(Vec::len), Some(1));
}

/// The one thread for evaluations is taken, and the one that serves goes on: evaluations are not its work.
#[test]
fn evaluations_hold_up_no_other_request() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    runtime.block_on(async {
        let (free, taken) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || taken.recv());
        let operation = Operation {
            query: expr("query"),
            ..at("/c")
        };
        let resources = resources(
            settings(),
            vec![("list", operation), ("get", at("/c/{{id}}"))],
        );
        let vendor = |_: &_| json_answer(&json!([]));
        let call = through(resources, vendor, unified("m/r?a=1"));
        let evaluating = tokio::spawn(call);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(!evaluating.is_finished());
        free.send(()).unwrap();
        assert_eq!(evaluating.await.unwrap().unwrap().status(), 200);
    });
}
