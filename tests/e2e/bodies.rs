//! Bodies flow through `/proxy`: as they come, and never held whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use tokio::sync::Mutex;

use crate::harness::{Files, Leeward, channel, flowing, flowing_client, pieces, swallow};

/// 64 MiB.
const MANY: usize = 1024;
/// What a process may grow by while they pass, in MiB.
const FLAT: usize = 32;

async fn in_front_of(vendor: std::net::SocketAddr, more: &str) -> Leeward {
    Files::new()
        .provider(
            "big",
            &format!("base_url: http://{vendor}\nauth: {{type: none}}\n{more}"),
        )
        .start()
        .await
}

#[tokio::test]
async fn a_large_upload_flows_at_flat_memory() {
    let vendor = flowing(|request: Request<hyper::body::Incoming>| async move {
        let length = swallow(request.into_body()).await;
        let (sender, body) = channel();
        tokio::spawn(async move { sender.send(Bytes::from(length.to_string())).await });
        Response::new(body)
    })
    .await;
    let leeward = in_front_of(vendor, "").await;
    leeward.get("/proxy/big/warm").await.live();
    let before = leeward.peak_memory();
    // PUT may be repeated, POST may not: neither keeps what flows.
    for method in [Method::PUT, Method::POST] {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}/proxy/big/up", leeward.egress))
            .body(pieces(MANY))
            .unwrap();
        let answer = flowing_client().request(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        let told = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(told, (MANY * 64 * 1024).to_string());
    }
    let grown = leeward.peak_memory() - before;
    assert!(grown < FLAT, "it grew by {grown} MiB");
}

#[tokio::test]
async fn a_large_download_flows_at_flat_memory() {
    let vendor = flowing(|_| async { Response::new(pieces(MANY)) }).await;
    let rules = "rate_limit: {rules: [{id: look, when: {status: 200, text: never}}]}";
    let leeward = in_front_of(vendor, rules).await;
    let before = leeward.peak_memory();
    let answer = leeward.open(Method::GET, "/proxy/big/down", &[]).await;
    assert_eq!(swallow(answer.into_body()).await, MANY * 64 * 1024);
    let grown = leeward.peak_memory() - before;
    assert!(grown < FLAT, "it grew by {grown} MiB");
}

#[tokio::test]
async fn a_reader_that_stops_stops_the_vendor() {
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let vendor = flowing(move |_| {
        let count = Arc::clone(&count);
        async move {
            let (sender, body) = channel();
            tokio::spawn(async move {
                let piece = Bytes::from(vec![b'x'; 64 * 1024]);
                while sender.send(piece.clone()).await.is_ok() {
                    count.fetch_add(1, Ordering::SeqCst);
                }
                count.store(usize::MAX, Ordering::SeqCst);
            });
            Response::new(body)
        }
    })
    .await;
    let leeward = in_front_of(vendor, "").await;
    let before = leeward.peak_memory();
    let answer = leeward.open(Method::GET, "/proxy/big/endless", &[]).await;
    // The sockets' buffers fill up, and then nothing moves any more.
    let seen = Mutex::new((0, 0));
    let stands_still = || async {
        let mut seen = seen.lock().await;
        let now = sent.load(Ordering::SeqCst);
        *seen = if now == seen.0 {
            (now, seen.1 + 1)
        } else {
            (now, 0)
        };
        now > 0 && seen.1 > 20
    };
    leeward
        .until("the vendor's sending stands still", stands_still)
        .await;
    let grown = leeward.peak_memory() - before;
    assert!(grown < FLAT, "it grew by {grown} MiB");
    drop(answer);
    let gone = || async { sent.load(Ordering::SeqCst) == usize::MAX };
    leeward
        .until("the vendor's call ends with the client's", gone)
        .await;
}

#[tokio::test]
async fn what_trickles_arrives_as_it_comes() {
    let (sender, body) = channel();
    let body = Arc::new(Mutex::new(Some(body)));
    let vendor = flowing(move |_| {
        let body = Arc::clone(&body);
        async move {
            let body = body.lock().await.take().unwrap();
            Response::builder()
                .header("content-type", "text/event-stream")
                .body(body)
                .unwrap()
        }
    })
    .await;
    // A rule that would look at any other body does not hold an event stream.
    let rules = "rate_limit: {rules: [{id: look, when: {status: 200, text: never}}]}";
    let leeward = in_front_of(vendor, rules).await;
    let mut answer = leeward.open(Method::GET, "/proxy/big/events", &[]).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    for number in 0..20 {
        // Each is sent only when the one before has arrived.
        let event = format!("data: {number}\n\n");
        sender.send(event.clone().into()).await.unwrap();
        let frame = answer.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), event);
    }
    drop(sender);
    assert!(answer.frame().await.is_none());
}

#[tokio::test]
async fn expect_is_answered_here_once_the_body_is_wanted() {
    let vendor = flowing(|request: Request<hyper::body::Incoming>| async move {
        assert!(!request.headers().contains_key("expect"));
        swallow(request.into_body()).await;
        Response::new(pieces(0))
    })
    .await;
    let leeward = in_front_of(vendor, "").await;
    let mut socket = crate::harness::Socket::connect(&leeward.egress).await;
    socket
        .write("PUT /proxy/big/up HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        .await;
    assert!(socket.head().await.starts_with("HTTP/1.1 100 "));
    socket.write("hello").await;
    assert!(socket.head().await.starts_with("HTTP/1.1 200 "));
    // Where the body is not wanted, nobody has to send it.
    let mut socket = crate::harness::Socket::connect(&leeward.egress).await;
    socket
        .write("PUT /proxy/nobody/up HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        .await;
    assert!(socket.head().await.starts_with("HTTP/1.1 404 "));
}

#[tokio::test]
async fn an_upload_trickles_to_the_vendor_as_it_comes() {
    let (told, mut hears) = tokio::sync::mpsc::channel(1);
    let vendor = flowing(move |request: Request<hyper::body::Incoming>| {
        let told = told.clone();
        async move {
            let mut body = request.into_body();
            while let Some(Ok(frame)) = body.frame().await {
                told.send(frame.into_data().unwrap()).await.unwrap();
            }
            Response::new(pieces(0))
        }
    })
    .await;
    let leeward = in_front_of(vendor, "").await;
    let (sender, body) = channel();
    let request = Request::post(format!("http://{}/proxy/big/up", leeward.egress))
        .body(body)
        .unwrap();
    let answer = tokio::spawn(flowing_client().request(request));
    for number in 0..20 {
        let piece = Bytes::from(format!("piece {number}"));
        sender.send(piece.clone()).await.unwrap();
        assert_eq!(hears.recv().await.unwrap(), piece);
    }
    drop(sender);
    assert_eq!(answer.await.unwrap().unwrap().status(), 200);
}
