use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;

use bytes::Bytes;
use h2::Reason;
use h2::server::SendResponse;
use http::{HeaderValue, Request, Response, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use leeward_upstream::{Kind, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::support::{
    Body, Ca, SHORT, client, client_with, drain, failure, hasty, post, send, server, text,
};

/// A server for `example.test` that agrees upon HTTP/2 and does `serve` with each connection.
async fn h2_server<F, R>(ca: &Ca, serve: F) -> String
where
    F: Fn(TlsStream<TcpStream>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let acceptor = ca.acceptor("example.test", &["h2", "http/1.1"], None);
    let address: SocketAddr = server(move |socket, _| {
        let (acceptor, serve) = (acceptor.clone(), serve.clone());
        async move {
            if let Ok(tls) = acceptor.accept(socket).await {
                serve(tls).await;
            }
        }
    })
    .await;
    format!("https://example.test:{}/a", address.port())
}

/// One that does `answer` with each request.
async fn answering_with<F>(ca: &Ca, answer: F) -> String
where
    F: Fn(SendResponse<Bytes>) + Clone + Send + Sync + 'static,
{
    h2_server(ca, move |tls| {
        let answer = answer.clone();
        async move {
            let mut connection = h2::server::Builder::new()
                .max_concurrent_streams(100)
                .handshake(tls)
                .await
                .unwrap();
            while let Some(Ok((_, respond))) = connection.accept().await {
                answer(respond);
            }
        }
    })
    .await
}

#[tokio::test]
async fn http2_is_spoken_where_it_is_agreed_upon() {
    let ca = Ca::new();
    let url = h2_server(&ca, |tls| async move {
        let service = service_fn(|request: Request<Incoming>| async move {
            let head = format!("{:?} {}", request.version(), request.uri());
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let told = format!("{head} {}", String::from_utf8_lossy(&body));
            Ok::<_, Infallible>(Response::new(Body::from(told)))
        });
        let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let _ = builder.serve_connection(TokioIo::new(tls), service).await;
    })
    .await;
    let client = client(&ca.trusted());
    for _ in 0..3 {
        let response = send(&client, post(&url, "body")).await.unwrap();
        assert_eq!(response.version(), Version::HTTP_2);
        assert_eq!(text(response).await, format!("HTTP/2.0 {url} body"));
    }
}

#[tokio::test]
async fn a_refused_stream_was_never_sent() {
    let ca = Ca::new();
    let url = answering_with(&ca, |mut respond| {
        respond.send_reset(Reason::REFUSED_STREAM)
    })
    .await;
    let error = failure(&client(&ca.trusted()), post(url, "x"), Kind::Closed).await;
    assert!(error.never_sent());
}

#[tokio::test]
async fn another_reset_may_have_been_sent() {
    let ca = Ca::new();
    for reason in [
        Reason::INTERNAL_ERROR,
        Reason::CANCEL,
        Reason::PROTOCOL_ERROR,
    ] {
        let url = answering_with(&ca, move |mut respond| respond.send_reset(reason)).await;
        let error = failure(&client(&ca.trusted()), post(url, "x"), Kind::Reset).await;
        assert!(!error.never_sent());
    }
}

/// Reads the client's preface and frames up to the first request's, and answers with raw frames.
async fn raw_frames(mut tls: TlsStream<TcpStream>, frames: &[u8]) -> TlsStream<TcpStream> {
    let mut preface = [0; 24];
    tls.read_exact(&mut preface).await.unwrap();
    tls.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap(); // SETTINGS
    loop {
        let mut head = [0; 9];
        tls.read_exact(&mut head).await.unwrap();
        let [a, b, c, kind, ..] = head;
        let mut payload = vec![0; usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c)];
        tls.read_exact(&mut payload).await.unwrap();
        if kind == 1 {
            break; // HEADERS
        }
    }
    tls.write_all(frames).await.unwrap();
    let _ = tls.flush().await;
    tls
}

#[tokio::test]
async fn a_request_above_the_last_stream_of_a_goaway_was_never_sent() {
    let ca = Ca::new();
    let url = h2_server(&ca, |tls| async move {
        // GOAWAY, last stream 0, NO_ERROR.
        let goaway = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        raw_frames(tls, &goaway).await;
    })
    .await;
    let error = failure(&client(&ca.trusted()), post(url, "x"), Kind::Closed).await;
    assert!(error.never_sent());
}

#[tokio::test]
async fn a_request_below_the_last_stream_of_a_goaway_may_have_been_sent() {
    let ca = Ca::new();
    let url = h2_server(&ca, |tls| async move {
        // GOAWAY, last stream 1, INTERNAL_ERROR; then the end.
        let goaway = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
        raw_frames(tls, &goaway).await;
    })
    .await;
    let error = failure(&client(&ca.trusted()), post(url, "x"), Kind::Reset).await;
    assert!(!error.never_sent());
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_is_a_reset() {
    let ca = Ca::new();
    let url = h2_server(&ca, |tls| async move { drop(raw_frames(tls, &[]).await) }).await;
    let error = failure(&client(&ca.trusted()), post(url, "x"), Kind::Reset).await;
    assert!(!error.never_sent());
}

#[tokio::test]
async fn what_breaks_http2_is_invalid() {
    let ca = Ca::new();
    let url = h2_server(&ca, |tls| async move {
        // DATA on stream 1 before its HEADERS.
        raw_frames(tls, &[0, 0, 1, 0, 0, 0, 0, 0, 1, b'x']).await;
    })
    .await;
    let error = failure(&client(&ca.trusted()), post(url, "x"), Kind::Invalid).await;
    assert!(!error.never_sent());
}

#[tokio::test]
async fn a_head_over_the_limit_is_invalid() {
    let ca = Ca::new();
    let url = answering_with(&ca, |mut respond| {
        let mut response = Response::new(());
        for _ in 0..1024 {
            let value = HeaderValue::from_bytes(&[b'x'; 1000]).unwrap();
            response.headers_mut().append("x-filler", value);
        }
        let _ = respond.send_response(response, true);
    })
    .await;
    let error = failure(&client(&ca.trusted()), post(url, "x"), Kind::Invalid).await;
    assert!(!error.never_sent());
}

#[tokio::test]
async fn a_server_that_never_begins_http2_ends_with_the_limit_to_connect() {
    let ca = Ca::new();
    let url = h2_server(&ca, |mut tls| async move { drain(&mut tls).await }).await;
    // Ample room for the handshake, which is not what is looked at here.
    let mut settings = hasty();
    settings.connect *= 5; // 1.5 s
    let client = client_with(&ca.trusted(), settings);
    let error = failure(&client, post(&url, "x"), Kind::ConnectTimeout).await;
    // The request is written with the client's preface, so nobody knows.
    assert!(!error.never_sent());
    assert!(error.to_string().contains("agreed upon HTTP/2"), "{error}");
}

#[tokio::test]
async fn a_connection_that_answers_no_pings_is_given_up() {
    let ca = Ca::new();
    let url = h2_server(&ca, |tls| async move {
        let mut tls = raw_frames(tls, &[]).await;
        drain(&mut tls).await;
    })
    .await;
    let settings = Settings {
        ping: SHORT,
        ..Settings::default()
    };
    let client = client_with(&ca.trusted(), settings);
    let error = failure(&client, post(url, "x"), Kind::Reset).await;
    assert!(!error.never_sent());
    assert!(error.to_string().contains("no pings"), "{error}");
}
