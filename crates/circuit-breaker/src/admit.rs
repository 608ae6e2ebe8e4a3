//! The inner face: lets calls in at the wire, and records what came of them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::breaker::Ticket;
use crate::{AdmitBody, Breakers, Circuit, CircuitOpen, Classify};

/// Admits a call, as a probe if the circuit is half-open, or refuses it; records the verdict of
/// its head and the death of its body.
///
/// Put it right around what goes over the wire, outside of that attempt's timeout, so that a hang
/// is seen as a failure and no queue of the caller's own counts as the peer's slowness.
#[derive(Debug, Clone)]
pub struct AdmitLayer<K, C> {
    breakers: Breakers,
    key: K,
    classify: C,
}

impl<K, C> AdmitLayer<K, C> {
    /// Over this set, with this key and this opinion.
    pub fn new(breakers: Breakers, key: K, classify: C) -> Self {
        Self {
            breakers,
            key,
            classify,
        }
    }
}

impl<S, K: Clone, C: Clone> Layer<S> for AdmitLayer<K, C> {
    type Service = Admit<S, K, C>;

    fn layer(&self, inner: S) -> Admit<S, K, C> {
        Admit {
            inner,
            ready: false,
            layer: self.clone(),
        }
    }
}

/// The service of [`AdmitLayer`].
#[derive(Debug)]
pub struct Admit<S, K, C> {
    inner: S,
    /// Whether `inner` was polled ready and not called since.
    ready: bool,
    layer: AdmitLayer<K, C>,
}

impl<S: Clone, K: Clone, C: Clone> Clone for Admit<S, K, C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            ready: false,
            layer: self.layer.clone(),
        }
    }
}

impl<S, K, C, B, RB> Service<Request<B>> for Admit<S, K, C>
where
    S: Service<Request<B>, Response = Response<RB>> + Clone,
    S::Error: From<CircuitOpen>,
    K: Circuit<B>,
    C: Classify<RB, S::Error>,
    RB: Body,
{
    type Response = Response<AdmitBody<RB>>;
    type Error = S::Error;
    type Future = AdmitFuture<S, B, C>;

    /// Ready at once: a refusal must not wait for an inner service that is stuck. One that is not
    /// ready yet is waited for in the future, and the lease is taken after that.
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
        let AdmitLayer {
            breakers,
            key,
            classify,
        } = &self.layer;
        let key = key.key(&request);
        let step = if self.ready {
            match breakers.admit(key) {
                Err(open) => Step::refused(open),
                Ok(ticket) => {
                    self.ready = false;
                    Step::Calling {
                        future: self.inner.call(request),
                        ticket: Some(ticket),
                    }
                }
            }
        } else if let Err(open) = breakers.check(&key) {
            Step::refused(open)
        } else {
            // The instance that was polled goes with the call, for it may have a place in a queue.
            let fresh = self.inner.clone();
            let inner = std::mem::replace(&mut self.inner, fresh);
            let breakers = breakers.clone();
            Step::Readying {
                held: Some(Box::new(Held {
                    inner,
                    request,
                    breakers,
                    key,
                })),
            }
        };
        AdmitFuture {
            step,
            classify: classify.clone(),
        }
    }
}

struct Held<S, B> {
    inner: S,
    request: Request<B>,
    breakers: Breakers,
    key: Arc<str>,
}

pin_project! {
    /// The future of [`Admit`].
    pub struct AdmitFuture<S, B, C>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        step: Step<S, B, S::Future, S::Error>,
        classify: C,
    }
}

pin_project! {
    #[project = StepProj]
    enum Step<S, B, F, E> {
        Refused { error: Option<E> },
        Readying { held: Option<Box<Held<S, B>>> },
        Calling { #[pin] future: F, ticket: Option<Ticket> },
    }
}

impl<S, B, F, E: From<CircuitOpen>> Step<S, B, F, E> {
    fn refused(open: CircuitOpen) -> Self {
        let error = Some(open.into());
        Self::Refused { error }
    }
}

impl<S: Service<Request<B>>, B, C> std::fmt::Debug for AdmitFuture<S, B, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdmitFuture").finish_non_exhaustive()
    }
}

impl<S, B, C, RB> Future for AdmitFuture<S, B, C>
where
    S: Service<Request<B>, Response = Response<RB>>,
    S::Error: From<CircuitOpen>,
    C: Classify<RB, S::Error>,
    RB: Body,
{
    type Output = Result<Response<AdmitBody<RB>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut step = this.step;
        loop {
            match step.as_mut().project() {
                StepProj::Refused { error } => {
                    return error
                        .take()
                        .map_or(Poll::Pending, |error| Poll::Ready(Err(error)));
                }
                StepProj::Readying { held } => {
                    let Some(waiting) = held.as_deref_mut() else {
                        return Poll::Pending;
                    };
                    ready!(waiting.inner.poll_ready(cx))?;
                    let Some(held) = held.take() else {
                        return Poll::Pending;
                    };
                    let Held {
                        mut inner,
                        request,
                        breakers,
                        key,
                    } = *held;
                    let next = match breakers.admit(key) {
                        Err(open) => Step::refused(open),
                        Ok(ticket) => Step::Calling {
                            future: inner.call(request),
                            ticket: Some(ticket),
                        },
                    };
                    step.set(next);
                }
                StepProj::Calling { future, ticket } => {
                    // Held here while the inner future runs, so that its panic gives it back.
                    let held = ticket.take();
                    let Poll::Ready(answer) = future.poll(cx) else {
                        *ticket = held;
                        return Poll::Pending;
                    };
                    let verdict = this.classify.classify(answer.as_ref());
                    let watch = held.and_then(|ticket| ticket.settle(verdict));
                    return Poll::Ready(
                        answer.map(|response| response.map(|body| AdmitBody::new(body, watch))),
                    );
                }
            }
        }
    }
}
