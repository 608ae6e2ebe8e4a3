//! How a request meets the gate.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Request;
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower_service::Service;

use super::closing::Shut;
use super::entry;
use super::layer::{GateLayer, OnLimit};
use crate::caller::Caller;
use crate::error::{By, Limited, RateLimited};

/// The least that a request that met a limit is held before it is repeated.
const LEAST_HOLD: Duration = Duration::from_millis(10);

/// The service of a [`GateLayer`].
#[derive(Debug)]
pub struct GateService<S, C, B> {
    pub(super) inner: S,
    /// Has `inner` been polled ready since its last call?
    pub(super) ready: bool,
    pub(super) layer: GateLayer<C, B>,
}

impl<S: Clone, C: Clone, B> Clone for GateService<S, C, B> {
    fn clone(&self) -> Self {
        // Readiness belongs to the instance that was polled: a clone starts without it.
        Self {
            inner: self.inner.clone(),
            ready: false,
            layer: self.layer.clone(),
        }
    }
}

pin_project! {
    /// The future of a [`GateService`].
    pub struct GateFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B, S::Future>,
    }
}

type Boxed<S, B> = Pin<
    Box<
        dyn Future<
                Output = Result<
                    <S as Service<Request<B>>>::Response,
                    <S as Service<Request<B>>>::Error,
                >,
            > + Send,
    >,
>;

pin_project! {
    #[project = StateProj]
    enum State<S, B, F>
    where
        S: Service<Request<B>>,
    {
        Refused { refusal: Option<RateLimited> },
        Ready { inner: S, request: Option<Request<B>> },
        Called { #[pin] future: F },
        Held { future: Boxed<S, B> },
    }
}

impl<S, C, B> Service<Request<B>> for GateService<S, C, B>
where
    S: Service<Request<B>> + Clone + Send + 'static,
    S::Error: From<RateLimited> + Limited + Send,
    S::Future: Send,
    C: Caller<B>,
    B: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = GateFuture<S, B>;

    /// Ready even where the inner service is not, for a closed gate refuses whatever that one is
    /// doing. If it was not ready, a clone of it is made ready in the future.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        if !self.ready {
            self.ready = self.inner.poll_ready(cx)?.is_ready();
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> GateFuture<S, B> {
        let (gate, caller) = (self.layer.gate(), self.layer.caller());
        let state = match self.layer.on_limit() {
            OnLimit::Reject => {
                let shut = if gate.is_empty() {
                    None
                } else {
                    gate.check(&caller.account(&request), &caller.path(&request))
                };
                if let Some(shut) = shut {
                    State::Refused {
                        refusal: Some(refuse(&self.layer, &shut)),
                    }
                } else if std::mem::take(&mut self.ready) {
                    State::Called {
                        future: self.inner.call(request),
                    }
                } else {
                    State::Ready {
                        inner: self.inner.clone(),
                        request: Some(request),
                    }
                }
            }
            OnLimit::Wait(most) => {
                self.ready = false;
                let clone = self.inner.clone();
                let inner = std::mem::replace(&mut self.inner, clone);
                State::Held {
                    future: Box::pin(hold(inner, self.layer.clone(), request, most)),
                }
            }
        };
        GateFuture { state }
    }
}

impl<S, B> Future for GateFuture<S, B>
where
    S: Service<Request<B>>,
    S::Error: From<RateLimited>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Refused { refusal } => match refusal.take() {
                    Some(refusal) => return Poll::Ready(Err(refusal.into())),
                    None => return Poll::Pending,
                },
                StateProj::Ready { inner, request } => {
                    ready!(inner.poll_ready(cx))?;
                    match request.take() {
                        Some(request) => State::Called {
                            future: inner.call(request),
                        },
                        None => return Poll::Pending,
                    }
                }
                StateProj::Called { future } => return future.poll(cx),
                StateProj::Held { future } => return future.as_mut().poll(cx),
            };
            this.state.set(next);
        }
    }
}

fn refuse<C, B>(layer: &GateLayer<C, B>, shut: &Shut) -> RateLimited {
    let observer = layer.gate().observer();
    observer.limited(&shut.scope, By::Gate, shut.left);
    RateLimited {
        scope: shut.scope.clone(),
        retry_after: shut.left,
        by: By::Gate,
        upstream_status: None,
        upstream_body: None,
        retryable: true,
        rule: None,
    }
}

/// Holds a request while the gate is closed, and repeats it if it meets the limit itself.
async fn hold<S, C, B>(
    mut inner: S,
    layer: GateLayer<C, B>,
    mut request: Request<B>,
    most: Duration,
) -> Result<S::Response, S::Error>
where
    S: Service<Request<B>>,
    S::Error: From<RateLimited> + Limited,
    C: Caller<B>,
{
    let (gate, caller) = (layer.gate(), layer.caller());
    let began = gate.now();
    let limit = entry::after(began, most);
    let limit = match caller.deadline(&request) {
        Some(deadline) => limit.min(deadline),
        None => limit,
    };
    let mut held = false;
    let mut met: Option<S::Error> = None;
    let waited = |held: bool| {
        if held {
            let waited = gate.now().saturating_duration_since(began);
            gate.observer().waited(waited);
        }
    };
    loop {
        while let Some((shut, account)) = closed(&layer, &request) {
            if shut.until > limit {
                waited(held);
                return Err(met.unwrap_or_else(|| refuse(&layer, &shut).into()));
            }
            held = true;
            let release = gate.release(&account, &shut).min(limit.max(shut.until));
            sleep_until(&layer, release).await;
        }
        waited(std::mem::take(&mut held));
        let copy = layer.copy(&request);
        poll_fn(|cx| inner.poll_ready(cx)).await?;
        let error = match inner.call(request).await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        let again = error
            .limited()
            .filter(|l| l.by == By::Vendor && l.retryable);
        let (Some(limited), Some(copy)) = (again, copy) else {
            return Err(error);
        };
        // The layer inside has closed the gate, unless it has another one or the time is over.
        if closed(&layer, &copy).is_none() {
            let pause = limited.retry_after.max(LEAST_HOLD);
            let release = entry::after(gate.now(), pause.mul_f64(1.0 + fastrand::f64() / 10.0));
            if entry::after(gate.now(), pause) > limit {
                return Err(error);
            }
            held = true;
            sleep_until(&layer, release.min(limit)).await;
        }
        request = copy;
        met = Some(error);
    }
}

/// The scope that keeps this request out.
fn closed<C: Caller<B>, B>(
    layer: &GateLayer<C, B>,
    request: &Request<B>,
) -> Option<(Shut, std::sync::Arc<str>)> {
    let (gate, caller) = (layer.gate(), layer.caller());
    if gate.is_empty() {
        return None;
    }
    let account = caller.account(request);
    let shut = gate.check(&account, &caller.path(request))?;
    Some((shut, account))
}

async fn sleep_until<C, B>(layer: &GateLayer<C, B>, time: Instant) {
    let left = time.saturating_duration_since(layer.gate().now());
    tokio::time::sleep(left).await;
}
