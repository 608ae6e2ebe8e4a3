//! What goes through untouched, and what of a head goes on.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::HeaderName;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use leeward_mapping::{BoxError, MappedBody, MappingLayer, Operation, Resources};
use serde_json::json;
use tower::ServiceExt;

use crate::support::{
    ByExtension, at, expr, json_answer, request, resources, text_answer, through, unified,
};

#[derive(Clone, Debug, PartialEq)]
struct Mark(u8);

fn all() -> Resources {
    resources(vec![
        ("get", at("/c/{{id}}")),
        (
            "create",
            Operation {
                body: expr("body"),
                ..at("/c")
            },
        ),
        ("delete", at("/c/{{id}}")),
        ("update", at("/c/{{id}}")),
        ("merge", at("/c/{{id}}/merge")),
    ])
}

#[tokio::test]
async fn what_is_no_unified_call_goes_through_as_it_is() {
    let vendor = tower::service_fn(|request: Request<MappedBody<Full<Bytes>>>| async move {
        assert_eq!(request.uri(), "http://example.com/x?y=%7E");
        assert_eq!(request.headers()["authorization"], "mine");
        assert!(request.body().held_bytes().is_none());
        assert_eq!(request.body().size_hint().exact(), Some(5));
        let (_, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let mut response = text_answer(418, body);
        response
            .headers_mut()
            .insert("set-cookie", "a=b".parse().unwrap());
        Ok::<_, BoxError>(response)
    });
    let service = tower::ServiceBuilder::new()
        .layer(MappingLayer::new(Arc::new(all()), ByExtension))
        .service(vendor);
    let request = Request::put("http://example.com/x?y=%7E")
        .header("authorization", "mine")
        .body(Full::new(Bytes::from_static(b"hello")))
        .unwrap();
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
    assert_eq!(response.headers()["set-cookie"], "a=b");
    assert!(response.body().held_bytes().is_none());
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "hello"
    );
}

#[tokio::test]
async fn the_vendors_request_is_made_anew() {
    let seen = Arc::new(Mutex::new(None));
    let vendor = {
        let seen = Arc::clone(&seen);
        move |request: &Request<MappedBody<Full<Bytes>>>| {
            let mark = request.extensions().get::<Mark>().cloned();
            let body = request.body().held_bytes().cloned();
            *seen.lock().unwrap() = Some((
                request.method().clone(),
                request.uri().clone(),
                request.headers().clone(),
                mark,
                body,
            ));
            json_answer(&json!({"id": 1}))
        }
    };
    let mut sent = request(Method::POST, "m/r", r#"{"a": 1}"#);
    sent.extensions_mut().insert(Mark(7));
    for (name, value) in [
        ("authorization", "mine"),
        ("cookie", "a=b"),
        ("host", "leeward"),
        ("accept", "text/html"),
        ("content-type", "application/x"),
        ("content-length", "8"),
        ("x-own", "1"),
        ("x-other", "2"),
        ("idempotency-key", "k1"),
        ("traceparent", "00-1"),
        ("accept-encoding", "gzip"),
    ] {
        sent.headers_mut().insert(name, value.parse().unwrap());
    }
    let resources = all().forward(HeaderName::from_static("x-own"));
    let response = through(resources, vendor, sent).await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);

    let (method, uri, headers, mark, body) = seen.lock().unwrap().take().unwrap();
    assert_eq!((method, uri.to_string().as_str()), (Method::POST, "/c"));
    assert_eq!(mark, Some(Mark(7)));
    assert_eq!(body.unwrap(), r#"{"a":1}"#);
    let expected: HeaderMap = [
        ("accept", "application/json"),
        ("content-type", "application/json"),
        ("idempotency-key", "k1"),
        ("traceparent", "00-1"),
        ("x-own", "1"),
    ]
    .into_iter()
    .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
    .collect();
    assert_eq!(headers, expected);
}

#[tokio::test]
async fn the_applications_answer_is_made_anew() {
    let vendor = |_: &_| {
        let mut response = json_answer(&json!({"id": 1}));
        for (name, value) in [
            ("set-cookie", "a=b"),
            ("etag", "\"1\""),
            ("cache-control", "no-store"),
            ("age", "5"),
            ("ratelimit", "\"q\";r=5"),
            ("content-type", "text/plain"),
            ("content-encoding", "identity"),
        ] {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        response.extensions_mut().insert(Mark(3));
        response
    };
    let response = through(all(), vendor, unified("m/r/1")).await.unwrap();
    assert_eq!(response.extensions().get(), Some(&Mark(3)));
    let names: Vec<_> = response.headers().keys().map(HeaderName::as_str).collect();
    assert_eq!(
        names,
        [
            "cache-control",
            "age",
            "ratelimit",
            "content-type",
            "content-length"
        ]
    );
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(
        response.headers()["content-length"],
        response.body().len().to_string()
    );
}

#[tokio::test]
async fn each_operation_has_its_method_and_status() {
    for (method, rest, vendor_target, status) in [
        (Method::GET, "m/r/1", "GET /c/1", 200),
        (Method::POST, "m/r", "POST /c", 201),
        (Method::PATCH, "m/r/1", "PATCH /c/1", 200),
        (Method::DELETE, "m/r/1", "DELETE /c/1", 204),
        (Method::POST, "m/r/1/merge", "POST /c/1/merge", 200),
    ] {
        let vendor = move |request: &Request<MappedBody<Full<Bytes>>>| {
            assert_eq!(
                format!("{} {}", request.method(), request.uri()),
                vendor_target
            );
            json_answer(&json!({"id": 1}))
        };
        let response: Response<Bytes> = through(all(), vendor, request(method, rest, ""))
            .await
            .unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.body().is_empty(), status == 204);
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_is_the_applications_fault() {
    let vendor = |_: &_| -> Response<Full<Bytes>> { panic!("the vendor was called") };
    for body in ["{", "a=1", "\u{0}"] {
        let error = through(all(), vendor, request(Method::POST, "m/r", body))
            .await
            .unwrap_err();
        let error = crate::support::mapping_error(error);
        assert!(
            matches!(error, leeward_mapping::MappingError::InvalidRequest(_)),
            "{error:?}"
        );
    }
}
