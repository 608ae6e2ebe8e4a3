use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Method, Request, Version};
use http_body_util::BodyExt;
use leeward_upstream::{Kind, Settings, TlsIdentity};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tower::ServiceExt;

use crate::support::{
    Body, SHORT, anonymous, answering, client_with, drain, failure, get, read_request, send,
    server, text,
};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";

#[tokio::test]
async fn a_request_is_answered() {
    let address = answering(OK).await;
    let response = send(&anonymous(), get(format!("http://{address}/x")))
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(text(response).await, "hi");
}

#[tokio::test]
async fn the_target_goes_out_byte_for_byte_with_host_and_length() {
    let (tell, told) = oneshot::channel();
    let tell = std::sync::Mutex::new(Some(tell));
    let address = server(move |mut socket, _| {
        let tell = tell.lock().unwrap().take();
        async move {
            let head = read_request(&mut socket).await;
            tell.unwrap().send(head).unwrap();
            socket.write_all(OK).await.unwrap();
            drain(&mut socket).await;
        }
    })
    .await;
    let mut request = Request::put(format!("http://{address}//a%2fB%2F;c=|^?x=%20+&&"))
        .body(Body::from("12345"))
        .unwrap();
    // The version is the one in which the request came in, and is agreed upon anew.
    *request.version_mut() = Version::HTTP_2;
    send(&anonymous(), request).await.unwrap();
    let head = told.await.unwrap();
    assert!(
        head.starts_with("PUT //a%2fB%2F;c=|^?x=%20+&& HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(head.contains(&format!("host: {address}\r\n")), "{head}");
    assert!(head.contains("content-length: 5\r\n"), "{head}");
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let address = server(move |mut socket, _| {
        counted.fetch_add(1, Ordering::Relaxed);
        async move {
            while !read_request(&mut socket).await.is_empty() {
                socket.write_all(OK).await.unwrap();
            }
        }
    })
    .await;
    let client = anonymous();
    for _ in 0..5 {
        let response = send(&client, get(format!("http://{address}/")))
            .await
            .unwrap();
        assert_eq!(text(response).await, "hi");
        // The connection is idle once its task has seen the end of the answer.
        tokio::task::yield_now().await;
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_idle_connection_is_given_up() {
    let (ended, has_ended) = oneshot::channel();
    let ended = std::sync::Mutex::new(Some(ended));
    let address = server(move |mut socket, _| {
        let ended = ended.lock().unwrap().take();
        async move {
            read_request(&mut socket).await;
            socket.write_all(OK).await.unwrap();
            drain(&mut socket).await;
            ended.unwrap().send(()).unwrap();
        }
    })
    .await;
    let settings = Settings {
        pool_idle: SHORT,
        ..Settings::default()
    };
    let client = client_with(&TlsIdentity::default(), settings);
    let response = send(&client, get(format!("http://{address}/")))
        .await
        .unwrap();
    assert_eq!(text(response).await, "hi");
    has_ended.await.unwrap();
}

#[tokio::test]
async fn a_dropped_request_ends_at_the_server() {
    let (begun, has_begun) = oneshot::channel();
    let (ended, has_ended) = oneshot::channel();
    let ends = std::sync::Mutex::new(Some((begun, ended)));
    let address = server(move |mut socket, _| {
        let (begun, ended) = ends.lock().unwrap().take().unwrap();
        async move {
            read_request(&mut socket).await;
            begun.send(()).unwrap();
            drain(&mut socket).await;
            ended.send(()).unwrap();
        }
    })
    .await;
    let request = anonymous().oneshot(get(format!("http://{address}/")));
    let task = tokio::spawn(request);
    has_begun.await.unwrap();
    task.abort();
    has_ended.await.unwrap();
}

#[tokio::test]
async fn a_dropped_answer_ends_at_the_server() {
    let (ended, has_ended) = oneshot::channel();
    let ended = std::sync::Mutex::new(Some(ended));
    let address = server(move |mut socket, _| {
        let ended = ended.lock().unwrap().take();
        async move {
            read_request(&mut socket).await;
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nbegin";
            socket.write_all(head).await.unwrap();
            let mut rest = Vec::new();
            let _ = socket.read_to_end(&mut rest).await;
            ended.unwrap().send(()).unwrap();
        }
    })
    .await;
    let mut response = send(&anonymous(), get(format!("http://{address}/")))
        .await
        .unwrap();
    assert!(response.body_mut().frame().await.unwrap().is_ok());
    drop(response);
    has_ended.await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_at_once() {
    let client = anonymous();
    for url in ["/relative", "ftp://example.test/", "example.test:80"] {
        let error = failure(&client, get(url), Kind::Request).await;
        assert!(error.never_sent());
    }
    let mut connect = get("http://example.test/");
    *connect.method_mut() = Method::CONNECT;
    assert!(failure(&client, connect, Kind::Request).await.never_sent());
}
