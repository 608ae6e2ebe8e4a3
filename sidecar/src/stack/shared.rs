//! A part of the stack behind one pointer.
//!
//! The stack is cloned for each request, and layers that may send twice clone what is inside them
//! once more. Behind this a clone counts one reference; the layers inside are cloned when they are
//! called, and so once for each time that something is sent.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::future::Either;
use tower_layer::Layer;
use tower_service::Service;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct SharedLayer;

impl<S> Layer<S> for SharedLayer {
    type Service = Shared<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Shared(Arc::new(inner))
    }
}

/// See the module.
#[derive(Debug)]
pub struct Shared<S>(Arc<S>);

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S, R> Service<R> for Shared<S>
where
    S: Service<R> + Clone + Send + 'static,
    S::Response: Send,
    S::Error: Send,
    S::Future: Send + 'static,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<S::Future, Waiting<S::Response, S::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        // The clone that will be called is made, and polled, in `call`.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let mut service = (*self.0).clone();
        match service.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => Either::Left(service.call(request)),
            Poll::Ready(Err(error)) => Either::Right(Box::pin(async move { Err(error) })),
            // None of our layers waits in `poll_ready`; if one did, it is waited for here.
            Poll::Pending => Either::Right(Box::pin(async move {
                std::future::poll_fn(|cx| service.poll_ready(cx)).await?;
                service.call(request).await
            })),
        }
    }
}

/// What waits for a service that is not ready.
type Waiting<R, E> = Pin<Box<dyn Future<Output = Result<R, E>> + Send>>;

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;
    use leeward_probe::{Probe, ProbeBody};

    fn shared(probe: &Probe) -> Shared<leeward_probe::ProbeService> {
        SharedLayer.layer(probe.service())
    }

    #[tokio::test]
    async fn contract_polled_clone_is_called() {
        let probe = Probe::answering(200);
        let mut service = shared(&probe);
        for _ in 0..3 {
            let request = Request::new(ProbeBody::empty());
            let answer = service
                .clone()
                .call(request)
                .await
                .expect("the probe answers");
            assert_eq!(answer.status(), 200);
            let mut cx = Context::from_waker(Waker::noop());
            let _ = Service::<Request<ProbeBody>>::poll_ready(&mut service, &mut cx);
        }
        assert_eq!(probe.counts().calls, 3);
        assert_eq!(probe.counts().calls_without_readiness, 0);
    }

    #[tokio::test]
    async fn a_service_that_is_not_ready_is_waited_for() {
        let probe = Probe::answering(200);
        probe.never_ready();
        let mut service = shared(&probe);
        let mut call = std::pin::pin!(service.call(Request::new(ProbeBody::empty())));
        assert!(
            call.as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
        probe.ready_again();
        assert_eq!(call.await.expect("the probe answers").status(), 200);
        assert_eq!(probe.counts().calls_without_readiness, 0);
    }
}
