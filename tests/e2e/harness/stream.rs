//! Vendors and clients whose bodies flow.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::mpsc;

use super::connections;

/// A body that flows.
pub type Flow = BoxBody<Bytes, Infallible>;

/// A body that gives what is sent into the channel, and ends when the sender is dropped.
pub fn channel() -> (mpsc::Sender<Bytes>, Flow) {
    let (sender, mut receiver) = mpsc::channel::<Bytes>(1);
    let frames = futures_util::stream::poll_fn(move |cx| {
        receiver
            .poll_recv(cx)
            .map(|next| next.map(|bytes| Ok(Frame::data(bytes))))
    });
    // The receiver is polled by one task alone, but a boxed body must be `Sync`.
    (sender, BodyExt::boxed(StreamBody::new(frames)))
}

/// A body of so many pieces of 64 KiB, made while they are asked for.
pub fn pieces(count: usize) -> Flow {
    let piece = Bytes::from(vec![b'x'; 64 * 1024]);
    let frames =
        futures_util::stream::iter((0..count).map(move |_| Ok(Frame::data(piece.clone()))));
    BodyExt::boxed(StreamBody::new(frames))
}

/// A vendor over HTTP/1.1 whose bodies flow both ways.
pub async fn flowing<F, R>(answer: F) -> SocketAddr
where
    F: Fn(Request<Incoming>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response<Flow>> + Send + 'static,
{
    connections(move |stream| {
        let answer = answer.clone();
        async move {
            let service = service_fn(move |request| {
                let answered = answer(request);
                async move { Ok::<_, Infallible>(answered.await) }
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        }
    })
    .await
}

/// Reads a body to its end without keeping it; how long it was.
pub async fn swallow(mut body: Incoming) -> usize {
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        length += frame.expect("it flows on").data_ref().map_or(0, Bytes::len);
    }
    length
}

/// A client whose requests' bodies flow.
pub fn flowing_client() -> hyper_util::client::legacy::Client<HttpConnector, Flow> {
    hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http()
}
