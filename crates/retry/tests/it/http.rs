//! Torn answers and repeated bodies over real sockets.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use leeward_retry::{Attempt, BoxError, HeldBody, ReplayBody, Retry, RetryBudget, RetryLayer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tower::{Service, ServiceExt};
use tower_layer::Layer;

use crate::support::{Plain, at_once};

type Body = ReplayBody<Full<Bytes>>;
type Answered = Result<http::Response<HeldBody<hyper::body::Incoming>>, BoxError>;

/// A vendor that takes one request per connection: it reads as many bytes as its script says,
/// gives the bytes of the script, and closes.
struct Vendor {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Vendor {
    async fn start(script: Vec<(Read, &'static str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            for (read, answer) in script {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut got = Vec::new();
                while !read.enough(&got) {
                    assert_ne!(socket.read_buf(&mut got).await.unwrap(), 0);
                }
                seen.lock().unwrap().push(String::from_utf8(got).unwrap());
                socket.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { address, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    fn uri(&self) -> Uri {
        format!("http://{}/contacts", self.address).parse().unwrap()
    }
}

#[derive(Clone, Copy)]
enum Read {
    Head,
    /// The head, and a body that ends so.
    Until(&'static str),
}

impl Read {
    fn enough(self, got: &[u8]) -> bool {
        let text = String::from_utf8_lossy(got);
        match self {
            Self::Head => text.contains("\r\n\r\n"),
            Self::Until(end) => text.ends_with(end),
        }
    }
}

fn client() -> Client<HttpConnector, Body> {
    Client::builder(TokioExecutor::new()).build_http()
}

fn retrying<S>(inner: S, policy: Plain) -> Retry<S, Plain> {
    RetryLayer::new(at_once(), policy, RetryBudget::default()).layer(inner)
}

async fn send(vendor: &Vendor, method: Method, body: &'static str) -> Answered {
    let request = Request::builder()
        .method(method)
        .uri(vendor.uri())
        .body(Full::new(Bytes::from_static(body.as_bytes())))
        .unwrap();
    retrying(client().map_err(BoxError::from), Plain::default())
        .oneshot(request)
        .await
}

async fn text(answered: Answered) -> String {
    let bytes = answered
        .unwrap()
        .into_body()
        .collect()
        .await
        .unwrap()
        .to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

const TORN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
const WHOLE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nwhole body";

#[tokio::test]
async fn a_torn_answer_is_repeated() {
    let vendor = Vendor::start(vec![(Read::Head, TORN), (Read::Head, WHOLE)]).await;
    assert_eq!(
        text(send(&vendor, Method::GET, "").await).await,
        "whole body"
    );
    assert_eq!(vendor.requests().len(), 2);
}

#[tokio::test]
async fn a_torn_answer_that_cannot_be_repeated_is_an_error_and_no_half_answer() {
    let vendor = Vendor::start(vec![(Read::Head, TORN), (Read::Head, TORN)]).await;
    let error = send(&vendor, Method::GET, "").await.unwrap_err();
    assert_eq!(error.to_string(), "the answer was torn");
    assert!(error.source().unwrap().is::<hyper::Error>());
}

#[tokio::test]
async fn a_torn_answer_to_a_post_flows_as_it_came() {
    let vendor = Vendor::start(vec![(Read::Until("{}"), TORN)]).await;
    let response = send(&vendor, Method::POST, "{}").await.unwrap();
    assert!(response.into_body().collect().await.is_err());
}

#[tokio::test]
async fn an_answer_of_unknown_length_flows() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n";
    let vendor = Vendor::start(vec![(Read::Head, chunked)]).await;
    let response = send(&vendor, Method::GET, "").await.unwrap();
    assert!(response.into_body().collect().await.is_err());
}

#[tokio::test]
async fn the_length_of_an_answer_to_head_is_not_waited_for() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
    let vendor = Vendor::start(vec![(Read::Head, head)]).await;
    let response = send(&vendor, Method::HEAD, "").await.unwrap();
    assert_eq!(response.headers()["content-length"], "10");
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "");
}

#[tokio::test]
async fn a_connection_that_dies_before_the_answer_gets_the_same_body_again() {
    let body = r#"{"name":"Ada"}"#;
    let vendor = Vendor::start(vec![(Read::Until("}"), ""), (Read::Until("}"), WHOLE)]).await;
    assert_eq!(
        text(send(&vendor, Method::PUT, body).await).await,
        "whole body"
    );
    let requests = vendor.requests();
    assert!(
        requests.iter().all(|request| request.ends_with(body)),
        "{requests:?}"
    );
    assert_eq!(requests[0], requests[1]);
}

#[tokio::test]
async fn an_answer_that_comes_before_the_upload_ended_is_repeated_whole() {
    // Larger than what a socket takes unread, so that the first upload is cut off midway.
    let body = Box::leak(("x".repeat(4 << 20) + "end").into_boxed_str());
    let busy = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
    let vendor = Vendor::start(vec![(Read::Head, busy), (Read::Until("end"), WHOLE)]).await;
    let settings = leeward_retry::Settings {
        replay_cap: 8 << 20,
        ..at_once()
    };
    let request = Request::put(vendor.uri())
        .body(Full::new(Bytes::from_static(body.as_bytes())))
        .unwrap();
    let service = RetryLayer::new(settings, Plain::default(), RetryBudget::default())
        .layer(client().map_err(BoxError::from));
    assert_eq!(text(service.oneshot(request).await).await, "whole body");
    assert!(vendor.requests()[1].len() > body.len());
}

#[tokio::test]
async fn a_refused_connection_repeats_a_post_with_its_untouched_body() {
    let vendor = Vendor::start(vec![(Read::Until("{}"), WHOLE)]).await;
    // A port that nobody listens on any more.
    let dead = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let mut inner = client();
    let moved = tower::service_fn(move |mut request: Request<Body>| {
        if Attempt::of(&request) == Attempt(1) {
            *request.uri_mut() = format!("http://{dead}/").parse().unwrap();
        }
        let response = inner.call(request);
        async move { response.await.map_err(BoxError::from) }
    });
    let policy = Plain {
        never_sent: true,
        ..Plain::default()
    };
    let request = Request::post(vendor.uri())
        .body(Full::new(Bytes::from_static(b"{}")))
        .unwrap();
    let answered = retrying(moved, policy).oneshot(request).await;
    assert_eq!(text(answered).await, "whole body");
    assert_eq!(vendor.requests().len(), 1);
}
