//! One listener's life: accept, serve each connection, refuse what is too much, end.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::header::CONNECTION;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::bind::Bound;
use super::busy::{Busy, BusyGuard};
use super::patience::Patient;
use crate::body::Body;
use crate::drain::Drain;
use crate::metrics::Metrics;

/// What a listener bears.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once.
    pub max_connections: usize,
    /// From the first byte that is awaited to the end of a head.
    pub header_timeout: Duration,
    /// Between requests.
    pub idle_timeout: Duration,
    /// Bytes of a head.
    pub header_size: usize,
}

/// A listener and what it needs to serve.
#[derive(Debug)]
pub struct Listener {
    /// The label in the metrics: `egress`, `admin`, `telemetry`.
    pub name: &'static str,
    /// The socket.
    pub bound: Bound,
    /// Its limits.
    pub limits: Limits,
    /// The end of the process.
    pub drain: Drain,
    /// Where refusals are counted.
    pub metrics: Metrics,
}

/// Serves until the task is aborted. `handle` answers each request.
pub async fn serve<H, F>(listener: Listener, handle: H)
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let room = Arc::new(Semaphore::new(listener.limits.max_connections));
    let listener = Arc::new(listener);
    loop {
        let stream = match listener.bound.accept().await {
            Ok(stream) => stream,
            Err(error) => {
                // Out of file descriptors, most likely: what is open goes on, what is new waits.
                listener.metrics.listener_refused(listener.name, "accept");
                tracing::warn!(listener = listener.name, %error, "accept failed");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
            listener
                .metrics
                .listener_refused(listener.name, "max_connections");
            continue;
        };
        tokio::spawn(connection(
            stream.io(),
            Arc::clone(&listener),
            handle.clone(),
            permit,
        ));
    }
}

async fn connection<H, F>(
    io: super::patience::Io,
    listener: Arc<Listener>,
    handle: H,
    _permit: OwnedSemaphorePermit,
) where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let limits = listener.limits;
    let drain = listener.drain.clone();
    let busy = Busy::new(drain.clone());
    let io = Patient::new(io, busy.clone(), limits.header_timeout, limits.idle_timeout);
    let service = service_fn(move |request| {
        let guard = Some(busy.begin());
        Answering {
            answer: handle(request),
            drain: drain.clone(),
            guard,
        }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(limits.header_size.max(8 * 1024))
        .serve_connection(TokioIo::new(io), service)
        .await;
    if let Err(error) = served {
        let reason = if error.is_parse() {
            "malformed"
        } else if error.is_timeout() || timed_out(&error) {
            "timeout"
        } else {
            return;
        };
        listener.metrics.listener_refused(listener.name, reason);
        tracing::debug!(listener = listener.name, %error, "connection ended");
    }
}

pin_project_lite::pin_project! {
    /// An answer in the making. Its guard goes with its body.
    struct Answering<F> {
        #[pin]
        answer: F,
        drain: Drain,
        guard: Option<BusyGuard>,
    }
}

impl<F: Future<Output = Response<Body>>> Future for Answering<F> {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.answer.poll(cx));
        if this.drain.draining() {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        let guard = this.guard.take();
        Poll::Ready(Ok(response.map(|body| body.guarded(guard))))
    }
}

fn timed_out(error: &hyper::Error) -> bool {
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<std::io::Error>())
        .is_some_and(|source| source.kind() == std::io::ErrorKind::TimedOut)
}
