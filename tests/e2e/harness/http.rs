//! A plain HTTP client.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::Answer;

/// A client with a pool.
pub type Client = hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>;

/// A new client.
pub fn client() -> Client {
    hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http()
}

/// Sends, and takes the answer whole.
pub async fn send(client: &Client, request: Request<Full<Bytes>>) -> Answer {
    let (head, body) = client
        .request(request)
        .await
        .expect("Leeward answers")
        .into_parts();
    Answer {
        status: head.status,
        headers: head.headers,
        body: body.collect().await.expect("a whole answer").to_bytes(),
    }
}
