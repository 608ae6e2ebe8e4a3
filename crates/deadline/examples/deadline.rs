//! A hyper-util client with the three timeouts around it, against a server that answers at once,
//! hangs before the head, or stops in the middle of the body.
//!
//! `cargo run -p leeward-deadline --example deadline`

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use leeward_deadline::{
    BoxError, Deadline, IdleBodyLayer, MovingBody, ResponseTimeoutLayer, TotalTimeoutLayer,
};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let address = serve().await?;

    let client: Client<_, MovingBody<Empty<Bytes>>> =
        Client::builder(TokioExecutor::new()).build_http();
    let client = client.map_err(BoxError::from);
    let client = IdleBodyLayer::new(Duration::from_millis(300)).layer(client);
    let client = ResponseTimeoutLayer::new(Duration::from_millis(500)).layer(client);
    let client = TotalTimeoutLayer::new().layer(client);

    for (path, allowed) in [
        ("/", 1000),
        ("/hang", 1000),
        ("/hang", 200),
        ("/stop", 1000),
    ] {
        let mut request = Request::get(format!("http://{address}{path}")).body(Empty::new())?;
        let deadline = Deadline::after(Instant::now(), Duration::from_millis(allowed));
        request.extensions_mut().insert(deadline);
        print!("GET {path:<6} within {allowed:>4} ms: ");
        match client.clone().oneshot(request).await {
            Err(error) => println!("{error}"),
            Ok(response) => match response.into_body().collect().await {
                Ok(body) => println!("{:?}", body.to_bytes()),
                Err(error) => println!("a head, then: {error}"),
            },
        }
    }
    Ok(())
}

async fn serve() -> Result<SocketAddr, BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = hyper::service::service_fn(|request| service_fn(answer).oneshot(request));
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    Ok(address)
}

async fn answer(
    request: Request<Incoming>,
) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
    let body = match request.uri().path() {
        "/hang" => std::future::pending().await,
        "/stop" => Stops(Some(Bytes::from_static(b"so far"))).boxed(),
        _ => Full::from("here you are").boxed(),
    };
    Ok(Response::new(body))
}

/// One frame, then silence.
struct Stops(Option<Bytes>);

impl Body for Stops {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.0.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None => Poll::Pending,
        }
    }
}
