//! Who may speak to the admin listener.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};

use super::key;
use crate::harness::{Answer, Files, Leeward, send};

/// A request with this `Authorization`, or none.
async fn ask(leeward: &Leeward, method: Method, path: &str, authorization: Option<&str>) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("http://{}{path}", leeward.admin));
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    let body = json!({ "provider": "k", "credentials": { "api_key": "x" } }).to_string();
    send(
        &leeward.client,
        request.body(Full::new(Bytes::from(body))).unwrap(),
    )
    .await
}

/// A request over a Unix socket.
async fn over_unix(
    path: &std::path::Path,
    method: &str,
    target: &str,
    body: &Value,
) -> (StatusCode, Value) {
    let stream = tokio::net::UnixStream::connect(path).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(target)
        .header("host", "admin");
    let request = request
        .body(Full::new(Bytes::from(body.to_string())))
        .unwrap();
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (
        head.status,
        serde_json::from_slice(&body).unwrap_or_default(),
    )
}

#[tokio::test]
async fn the_bearer_token_is_asked_for() {
    let leeward = Files::new()
        .provider("k", &key("http://127.0.0.1:9"))
        .start()
        .await;
    let wrong = [
        "Bearer wrong",
        "Bearer ",
        "Bearer test-admin-tokenx",
        "Basic test-admin-token",
        "test-admin-token",
    ];
    for authorization in wrong.map(Some).into_iter().chain([None]) {
        for (method, path) in [
            (Method::GET, "/accounts"),
            (Method::GET, "/config"),
            (Method::PUT, "/accounts/a"),
            (Method::DELETE, "/accounts/a"),
            (Method::POST, "/drain"),
            (Method::GET, "/nothing"),
        ] {
            let answer = ask(&leeward, method, path, authorization).await;
            answer.problem(401, "unauthorized");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
    for right in ["Bearer test-admin-token", "bearer test-admin-token"] {
        assert!(
            ask(&leeward, Method::PUT, "/accounts/a", Some(right))
                .await
                .status
                .is_success()
        );
    }
}

#[tokio::test]
async fn without_a_token_changes_are_taken_on_a_unix_socket_alone() {
    let sockets = tempfile::tempdir().unwrap();
    let socket = sockets.path().join("admin.sock");
    let listen = format!("admin: ['127.0.0.1:0', 'unix:{}']", socket.display());
    let leeward = Files::new()
        .replacing("admin: '127.0.0.1:0'", &listen)
        .replacing("admin_token: test-admin-token\n", "")
        .provider("k", &key("http://127.0.0.1:9"))
        .start()
        .await;
    for (method, path) in [
        (Method::PUT, "/accounts/a"),
        (Method::DELETE, "/accounts/a"),
        (Method::POST, "/reload"),
        (Method::POST, "/drain"),
    ] {
        let problem = ask(&leeward, method, path, Some("Bearer "))
            .await
            .problem(401, "unauthorized");
        assert!(
            problem["detail"].as_str().unwrap().contains("admin_token"),
            "says how to mend it"
        );
    }
    assert_eq!(
        ask(&leeward, Method::GET, "/accounts", None).await.status,
        200,
        "looking changes nothing"
    );
    let account = json!({ "provider": "k", "credentials": { "api_key": "x" } });
    let (status, shown) = over_unix(&socket, "PUT", "/accounts/a", &account).await;
    assert_eq!((status.as_u16(), &shown["id"]), (201, &json!("a")));
    let (status, _) = over_unix(&socket, "DELETE", "/accounts/a", &json!({})).await;
    assert_eq!(status, 204);
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o007, 0, "nobody else may open it");
}
