//! The outer face: refuses while the circuit is open.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Request;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::{Breakers, Circuit, CircuitOpen};

/// Refuses a request whose circuit is open; takes nothing and records nothing.
///
/// While every circuit of the set is closed, it costs one atomic load.
#[derive(Debug, Clone)]
pub struct RefuseLayer<K> {
    breakers: Breakers,
    key: K,
}

impl<K> RefuseLayer<K> {
    /// Over this set, with this key.
    pub fn new(breakers: Breakers, key: K) -> Self {
        Self { breakers, key }
    }
}

impl<S, K: Clone> Layer<S> for RefuseLayer<K> {
    type Service = Refuse<S, K>;

    fn layer(&self, inner: S) -> Refuse<S, K> {
        Refuse {
            inner,
            ready: false,
            breakers: self.breakers.clone(),
            key: self.key.clone(),
        }
    }
}

/// The service of [`RefuseLayer`].
#[derive(Debug)]
pub struct Refuse<S, K> {
    inner: S,
    /// Whether `inner` was polled ready and not called since.
    ready: bool,
    breakers: Breakers,
    key: K,
}

impl<S: Clone, K: Clone> Clone for Refuse<S, K> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            ready: false,
            breakers: self.breakers.clone(),
            key: self.key.clone(),
        }
    }
}

impl<S, K, B> Service<Request<B>> for Refuse<S, K>
where
    S: Service<Request<B>> + Clone,
    S::Error: From<CircuitOpen>,
    K: Circuit<B>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = RefuseFuture<S, B>;

    /// Ready at once: a refusal must not wait for an inner service that is stuck. One that is not
    /// ready yet is waited for in the future.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        if !self.ready
            && let Poll::Ready(ready) = self.inner.poll_ready(cx)
        {
            ready?;
            self.ready = true;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if self.breakers.any_trouble()
            && let Err(open) = self.breakers.check(&self.key.key(&request))
        {
            return RefuseFuture::new(Step::Refused {
                error: Some(open.into()),
            });
        }
        if std::mem::take(&mut self.ready) {
            let future = self.inner.call(request);
            return RefuseFuture::new(Step::Calling { future });
        }
        // The instance that was polled goes with the call, for it may have a place in a queue.
        let fresh = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, fresh);
        let held = Some(Box::new((inner, request)));
        RefuseFuture::new(Step::Readying { held })
    }
}

pin_project! {
    /// The future of [`Refuse`].
    pub struct RefuseFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        step: Step<S, B, S::Future, S::Error>,
    }
}

pin_project! {
    #[project = StepProj]
    enum Step<S, B, F, E> {
        Refused { error: Option<E> },
        Readying { held: Option<Box<(S, Request<B>)>> },
        Calling { #[pin] future: F },
    }
}

impl<S: Service<Request<B>>, B> RefuseFuture<S, B> {
    fn new(step: Step<S, B, S::Future, S::Error>) -> Self {
        Self { step }
    }
}

impl<S: Service<Request<B>>, B> std::fmt::Debug for RefuseFuture<S, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefuseFuture").finish_non_exhaustive()
    }
}

impl<S: Service<Request<B>>, B> Future for RefuseFuture<S, B> {
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut step = self.project().step;
        loop {
            match step.as_mut().project() {
                StepProj::Refused { error } => {
                    return error
                        .take()
                        .map_or(Poll::Pending, |error| Poll::Ready(Err(error)));
                }
                StepProj::Readying { held } => {
                    let Some((inner, _)) = held.as_deref_mut() else {
                        return Poll::Pending;
                    };
                    ready!(inner.poll_ready(cx))?;
                    if let Some(held) = held.take() {
                        let (mut inner, request) = *held;
                        let future = inner.call(request);
                        step.set(Step::Calling { future });
                    }
                }
                StepProj::Calling { future } => return future.poll(cx),
            }
        }
    }
}
