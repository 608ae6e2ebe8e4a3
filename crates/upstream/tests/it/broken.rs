use std::error::Error as _;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Request;
use http_body::{Body as HttpBody, Frame};
use leeward_upstream::{Client, HostPolicy, Kind, Settings, TlsIdentity};
use tokio::io::AsyncWriteExt;
use tokio::sync::oneshot;
use tower::ServiceExt;

use crate::support::{
    Names, Told, anonymous, answering, client_with, drain, failure, get, post, read_request,
    refused, send, server, text,
};

/// Whether an error of this type is in the chain.
fn is_caused_by<T: std::error::Error + 'static>(error: &leeward_upstream::Error) -> bool {
    let mut next = error.source();
    while let Some(source) = next {
        if source.is::<T>() {
            return true;
        }
        next = source.source();
    }
    false
}

#[tokio::test]
async fn a_refused_connection_was_never_sent() {
    let address = refused();
    let error = failure(
        &anonymous(),
        post(format!("http://{address}/"), "x"),
        Kind::Connect,
    )
    .await;
    assert!(error.never_sent());
    assert_eq!(
        error.to_string(),
        format!("connection refused by {address}")
    );
    assert!(is_caused_by::<io::Error>(&error));
}

#[tokio::test]
async fn a_name_without_an_address_was_never_sent() {
    let error = failure(&anonymous(), post("http://unknown.test/", "x"), Kind::Name).await;
    assert!(error.never_sent());
    assert_eq!(
        error.to_string(),
        "no address for unknown.test: no such name"
    );
    assert!(is_caused_by::<io::Error>(&error));

    let names = Names::new(&[("empty.test", &[])]);
    let told = Arc::new(Told::default());
    let (settings, identity) = (Settings::default(), TlsIdentity::default());
    let client = Client::with(settings, &identity, HostPolicy::unrestricted(), names, told);
    let error = failure(&client.unwrap(), get("http://empty.test/"), Kind::Name).await;
    assert_eq!(error.to_string(), "no address for empty.test");
}

#[tokio::test]
async fn the_next_address_is_tried() {
    let address = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    // Nothing listens on the second loopback address at that port.
    let names = Names::new(&[("two.test", &["127.0.0.2", "127.0.0.1"])]);
    let told = Arc::new(Told::default());
    let (settings, identity) = (Settings::default(), TlsIdentity::default());
    let client = Client::with(settings, &identity, HostPolicy::unrestricted(), names, told);
    let url = format!("http://two.test:{}/", address.port());
    assert_eq!(
        send(&client.unwrap(), get(url)).await.unwrap().status(),
        204
    );
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_is_a_reset() {
    let address = answering("").await;
    let error = failure(
        &anonymous(),
        post(format!("http://{address}/"), "x"),
        Kind::Reset,
    )
    .await;
    assert!(!error.never_sent());
    assert!(is_caused_by::<hyper::Error>(&error));
    let text = error.to_string();
    assert_eq!(
        text,
        format!("{address} closed the connection without an answer")
    );
}

#[tokio::test]
async fn a_kept_connection_closed_without_an_answer_is_a_reset() {
    let address = server(|mut socket, _| async move {
        read_request(&mut socket).await;
        let _ = socket
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
            .await;
        read_request(&mut socket).await;
        let _ = socket.shutdown().await;
    })
    .await;
    let client = anonymous();
    let first = send(&client, get(format!("http://{address}/")))
        .await
        .unwrap();
    assert_eq!(text(first).await, "hi");
    tokio::task::yield_now().await;
    let error = failure(&client, get(format!("http://{address}/")), Kind::Reset).await;
    assert!(!error.never_sent());
}

#[tokio::test]
async fn a_connection_reset_without_an_answer_is_a_reset() {
    let address = server(|mut socket, _| async move {
        read_request(&mut socket).await;
        // Closing with unread bytes sends RST; these are the body's.
        drop(socket);
    })
    .await;
    let error = failure(
        &anonymous(),
        post(format!("http://{address}/"), "unread"),
        Kind::Reset,
    )
    .await;
    assert!(!error.never_sent());
}

#[tokio::test]
async fn what_is_not_http_is_invalid() {
    let long_reason = format!("HTTP/1.1 200 {}", "x".repeat(100_000));
    for answer in [
        "SSH-2.0-OpenSSH_9.9\r\n",
        "<html>hello</html>\r\n\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n",
        "HTTP/3 200 OK\r\n\r\n",
        "\u{0}\u{1}\u{2}\u{3}",
        &long_reason,
    ] {
        let address = answering(answer).await;
        let error = failure(
            &anonymous(),
            get(format!("http://{address}/")),
            Kind::Invalid,
        )
        .await;
        assert!(!error.never_sent(), "{answer:.20}");
        assert!(is_caused_by::<hyper::Error>(&error));
    }
}

#[tokio::test]
async fn an_answer_that_ends_inside_its_head_is_invalid() {
    for answer in ["H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nx: y\r\n"] {
        let address = answering(answer).await;
        let error = failure(
            &anonymous(),
            get(format!("http://{address}/")),
            Kind::Invalid,
        )
        .await;
        assert!(!error.never_sent());
        assert!(
            error.to_string().ends_with("inside the head of its answer"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_head_of_64_kib_passes_and_a_mebibyte_is_invalid() {
    let head_of = |size: usize| {
        let line = format!("x-filler: {}\r\n", "x".repeat(1000));
        let lines = line.repeat(size / line.len());
        format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{lines}\r\n")
    };
    let address = answering(head_of(64 * 1024)).await;
    let response = send(&anonymous(), get(format!("http://{address}/")))
        .await
        .unwrap();
    assert_eq!(response.headers().get_all("x-filler").iter().count(), 64);

    let address = answering(head_of(1024 * 1024)).await;
    let error = failure(
        &anonymous(),
        get(format!("http://{address}/")),
        Kind::Invalid,
    )
    .await;
    assert!(error.to_string().contains("too large"), "{error}");
}

#[tokio::test]
async fn a_tiny_read_buffer_setting_is_no_panic() {
    let settings = Settings {
        read_buffer: 0,
        ..Settings::default()
    };
    let address = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let client = client_with(&TlsIdentity::default(), settings);
    assert!(
        send(&client, get(format!("http://{address}/")))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_costs_no_request() {
    let (closed, is_closed) = oneshot::channel();
    let closed = Mutex::new(Some(closed));
    let address = server(move |mut socket, number| {
        let closed = closed.lock().unwrap().take();
        async move {
            read_request(&mut socket).await;
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{number}");
            socket.write_all(answer.as_bytes()).await.unwrap();
            if let Some(closed) = closed {
                // Once the client has closed in turn, it knows.
                socket.shutdown().await.unwrap();
                drain(&mut socket).await;
                closed.send(()).unwrap();
            }
            drain(&mut socket).await;
        }
    })
    .await;
    let client = anonymous();
    let first = send(&client, get(format!("http://{address}/")))
        .await
        .unwrap();
    assert_eq!(text(first).await, "0");
    is_closed.await.unwrap();
    let second = send(&client, post(format!("http://{address}/"), ""))
        .await
        .unwrap();
    assert_eq!(text(second).await, "1");
}

#[tokio::test]
async fn a_server_that_speaks_first_is_invalid_and_was_not_asked() {
    let address = server(|mut socket, _| async move {
        let _ = socket.write_all(b"220 mail.example ESMTP\r\n").await;
        drain(&mut socket).await;
    })
    .await;
    // Whether the greeting or the request comes first is open; that it is no answer is not.
    failure(
        &anonymous(),
        get(format!("http://{address}/")),
        Kind::Invalid,
    )
    .await;
}

#[tokio::test]
async fn a_server_that_closes_at_once_gave_no_answer() {
    let address = server(|socket, _| async move { drop(socket) }).await;
    let error = send(&anonymous(), get(format!("http://{address}/")))
        .await
        .unwrap_err();
    assert!(
        matches!(error.kind(), Kind::Closed | Kind::Reset),
        "{error:?}"
    );
    assert_eq!(error.never_sent(), error.kind() == Kind::Closed);
}

/// A body that breaks off after its first bytes.
struct Torn(bool);

impl HttpBody for Torn {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let first = !std::mem::replace(&mut self.0, true);
        Poll::Ready(Some(if first {
            Ok(Frame::data(Bytes::from_static(b"begin")))
        } else {
            Err(io::Error::new(
                io::ErrorKind::ConnectionReset,
                "the caller is gone",
            ))
        }))
    }
}

#[tokio::test]
async fn a_request_whose_own_body_breaks_is_no_fault_of_the_server() {
    let address = server(|mut socket, _| async move { drain(&mut socket).await }).await;
    let (settings, identity) = (Settings::default(), TlsIdentity::default());
    let client = Client::new(settings, &identity, HostPolicy::unrestricted()).unwrap();
    let request = Request::post(format!("http://{address}/"))
        .body(Torn(false))
        .unwrap();
    let error = client.oneshot(request).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Body, "{error:?}");
    assert!(!error.never_sent());
    assert!(is_caused_by::<hyper::Error>(&error));
}

#[tokio::test]
async fn a_switch_that_nobody_asked_for_is_invalid() {
    let address = answering("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n").await;
    let client = anonymous();
    let error = failure(&client, get(format!("http://{address}/")), Kind::Invalid).await;
    assert!(!error.never_sent());
    let expected = format!("{address} switched to another protocol");
    assert!(error.to_string().starts_with(&expected), "{error}");
}
