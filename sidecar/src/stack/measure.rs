//! What the vendor did, measured at the wire: outside the attempt's timeout, so that a hang counts.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response, StatusCode};
use leeward_deadline::Deadline;
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use leeward_rate_limit_normalize::Limited;

use crate::call::Call;
use crate::error::Error;
use crate::metrics::ProviderMetrics;

/// Counts attempts, and times each from its begin to its head or failure.
#[derive(Debug, Clone)]
pub struct MeasureWireLayer {
    metrics: Arc<ProviderMetrics>,
}

impl MeasureWireLayer {
    /// Reports to these handles.
    pub fn new(metrics: Arc<ProviderMetrics>) -> Self {
        Self { metrics }
    }
}

impl<S> Layer<S> for MeasureWireLayer {
    type Service = MeasureWire<S>;

    fn layer(&self, inner: S) -> Self::Service {
        MeasureWire {
            inner,
            metrics: Arc::clone(&self.metrics),
        }
    }
}

/// See [`MeasureWireLayer`].
#[derive(Debug, Clone)]
pub struct MeasureWire<S> {
    inner: S,
    metrics: Arc<ProviderMetrics>,
}

impl<S, B, RB> Service<Request<B>> for MeasureWire<S>
where
    S: Service<Request<B>, Response = Response<RB>, Error = Error>,
{
    type Response = Response<RB>;
    type Error = Error;
    type Future = Measured<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let call = Call::of(&request).cloned();
        if let Some(call) = &call {
            call.begin_attempt();
        }
        let deadline = Deadline::of(&request).map(|deadline| deadline.at());
        Measured {
            inner: self.inner.call(request),
            measure: Measure {
                call,
                metrics: Arc::clone(&self.metrics),
                began: Instant::now(),
                deadline,
                done: false,
            },
        }
    }
}

pin_project! {
    /// The future of [`MeasureWire`].
    pub struct Measured<F> {
        #[pin]
        inner: F,
        measure: Measure,
    }
}

/// One attempt's time.
#[derive(Debug)]
struct Measure {
    call: Option<Arc<Call>>,
    metrics: Arc<ProviderMetrics>,
    began: Instant,
    deadline: Option<Instant>,
    done: bool,
}

impl Measure {
    fn end(&mut self, status: Option<StatusCode>) {
        self.done = true;
        let took = self.began.elapsed();
        self.metrics.upstream(status, took);
        if let Some(call) = &self.call {
            call.add_wire_time(took);
        }
    }
}

impl Drop for Measure {
    /// An attempt that the deadline cut off is measured up to there. One whose caller hung up before
    /// tells nothing.
    fn drop(&mut self) {
        if !self.done
            && self
                .deadline
                .is_some_and(|deadline| deadline <= Instant::now())
        {
            self.end(None);
        }
    }
}

impl<F, RB> Future for Measured<F>
where
    F: Future<Output = Result<Response<RB>, Error>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(cx));
        let status = match &result {
            Ok(response) => Some(response.status()),
            // A limit is an answer, too.
            Err(error) => error.limited().and_then(|limit| limit.upstream_status),
        };
        this.measure.end(status);
        Poll::Ready(result)
    }
}
