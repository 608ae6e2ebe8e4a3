//! Around a real client, in front of a real server that goes away.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use leeward_fallback::{Answers, Fallback, FallbackLayer, Served, Settings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tower::ServiceExt;
use tower_layer::Layer;

use crate::support::{BoxError, Reads};

type Plain = tower::util::MapErr<
    Client<HttpConnector, Empty<Bytes>>,
    fn(hyper_util::client::legacy::Error) -> BoxError,
>;

fn client() -> Fallback<Plain, Reads> {
    let client = Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build_http();
    let boxed: fn(hyper_util::client::legacy::Error) -> BoxError = Into::into;
    FallbackLayer::new(Answers::new(Settings::default()), Reads).layer(client.map_err(boxed))
}

fn ask(method: Method, uri: &Uri) -> Request<Empty<Bytes>> {
    let request = Request::builder().method(method).uri(uri.clone());
    request.body(Empty::new()).unwrap()
}

/// Takes this many connections, one request each, and is gone.
async fn vendor(connections: usize) -> (Uri, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/contacts", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        for _ in 0..connections {
            let (socket, _) = listener.accept().await.unwrap();
            let answer = |_: Request<Incoming>| async {
                let mut response = Response::new(Full::new(Bytes::from("x".repeat(100_000))));
                response
                    .headers_mut()
                    .insert("etag", "\"1\"".parse().unwrap());
                Ok::<_, Infallible>(response)
            };
            let service = hyper::service::service_fn(answer);
            let _ = hyper::server::conn::http1::Builder::new()
                .keep_alive(false)
                .serve_connection(TokioIo::new(socket), service)
                .await;
        }
    });
    (uri.parse().unwrap(), task)
}

#[tokio::test]
async fn a_vendor_that_goes_away_is_answered_for() {
    let (uri, vendor) = vendor(2).await;
    let service = client();
    for method in [Method::GET, Method::HEAD] {
        let live = service.clone().oneshot(ask(method, &uri)).await.unwrap();
        assert!(live.extensions().get::<Served>().is_none());
        live.into_body().collect().await.unwrap();
    }
    vendor.await.unwrap();

    let served = service
        .clone()
        .oneshot(ask(Method::GET, &uri))
        .await
        .unwrap();
    assert_eq!(served.status(), StatusCode::OK);
    assert!(served.extensions().get::<Served>().is_some());
    assert_eq!(served.headers()["etag"], "\"1\"");
    let bytes = served.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(bytes, "x".repeat(100_000));

    let served = service
        .clone()
        .oneshot(ask(Method::HEAD, &uri))
        .await
        .unwrap();
    assert_eq!(served.headers()["content-length"], "100000");

    let other = format!("{uri}/1").parse().unwrap();
    assert!(service.oneshot(ask(Method::GET, &other)).await.is_err());
}

#[tokio::test]
async fn a_torn_answer_is_not_kept() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri: Uri = format!("http://{}/", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let vendor = tokio::spawn(async move {
        for answer in [
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        ] {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                assert_ne!(socket.read_buf(&mut head).await.unwrap(), 0);
            }
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let service = client();
    for _ in 0..2 {
        let live = service.clone().oneshot(ask(Method::GET, &uri)).await;
        assert!(live.unwrap().into_body().collect().await.is_err());
    }
    vendor.await.unwrap();
    assert!(service.oneshot(ask(Method::GET, &uri)).await.is_err());
}
