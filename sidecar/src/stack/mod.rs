//! The whole stack of one provider.

mod address;
mod caught;
mod envelope;
mod hold;
mod measure;
mod resolve;
mod respond;
mod shared;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use http::{Request, Response};
use leeward_auth_refresh::AuthLayer;
use leeward_bulkhead::BulkheadLayer;
use leeward_circuit_breaker::{AdmitLayer, RefuseLayer};
use leeward_deadline::{IdleBodyLayer, ResponseTimeoutLayer, TotalTimeoutLayer};
use leeward_fallback::FallbackLayer;
use leeward_mapping::MappingLayer;
use leeward_rate_limit_normalize::{GateLayer, NormalizeLayer};
use leeward_retry::RetryLayer;
use tower::ServiceBuilder;
use tower_service::Service;

use crate::adapters::{account_key, circuit_key, verdict};
use crate::body::{AppBody, Body};
use crate::error::Error;
use crate::provider::{Provider, copy_request};
use address::AddressLayer;
use caught::CatchLayer;
use hold::HoldLayer;
use measure::MeasureWireLayer;
use resolve::ResolveLayer;
use respond::RespondLayer;
use shared::SharedLayer;

/// A provider's stack, whatever it is made of.
pub trait Stack: Send + Sync {
    /// Answers one request, in any case.
    fn serve(&self, request: Request<AppBody>) -> Served;

    /// Bytes of the future of one request: what each request under way costs at least.
    fn future_size(&self) -> usize;
}

/// The future of a [`Stack`].
pub type Served = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// The stack, outermost layer first: a request goes down this list, its answer comes up.
pub fn stack(provider: &Arc<Provider>) -> Arc<dyn Stack> {
    let p = provider;
    let state = p.state();
    let timeout = p.config().timeout;
    let service = ServiceBuilder::new()
        // Refusals become problems, and what the application saw is measured: outside all else.
        .layer(RespondLayer::new(Arc::clone(p)))
        // A panic beneath is one more refusal: outside whatever may hold a permit, a lease or a probe.
        .layer(CatchLayer::new(p.panics()))
        // Account and deadline: everything below is keyed by them.
        .layer(ResolveLayer::new(Arc::clone(p)))
        // Outside mapping, so that it keeps what the application would get.
        .layer(FallbackLayer::new(state.answers.clone(), p.fallback_policy()).observe(p.observer()))
        // From here on every wait counts against one deadline.
        .layer(TotalTimeoutLayer::new().idle(timeout.idle_body.0))
        // The border: outside it speaks our language, inside the vendor's.
        .layer(MappingLayer::new(p.resources(), p.mapping_caller()))
        // Outside gate and breaker, so that each attempt is counted and a refusal is not repeated.
        .layer(
            RetryLayer::new(p.retry_settings(), p.retry_policy(), state.budget.clone())
                .observe(p.observer()),
        )
        // One pointer to all beneath: what may be sent again clones this, not twelve layers.
        .layer(SharedLayer)
        // An open circuit answers at once; it takes no token and no slot.
        .layer(RefuseLayer::new(state.breakers.clone(), circuit_key))
        // Limits that are known: refused or held before anything is bought for the request.
        .layer(GateLayer::new(
            state.gate.clone(),
            p.limited_caller(),
            p.on_limit(),
            copy_request,
        ))
        // Where a credential goes into the body, the body must be here first.
        .layer(HoldLayer::new(p.holds_body(), p.max_buffer()))
        // A fresh credential on; a rejected one is renewed and the request repeated, once.
        .layer(AuthLayer::new(p.keeper(), p.credential()))
        // The same once more, for the repeat after a rejected credential.
        .layer(SharedLayer)
        // Of a provider without accounts the URL is made here, and a Location is turned back.
        .layer(AddressLayer::new(Arc::clone(p)))
        // Inside auth, so that waiting for a token holds no slot.
        .layer(BulkheadLayer::new(state.bulkhead.clone(), account_key))
        // No await from here to the wire: a half-open circuit lends its probe to what really goes out.
        .layer(AdmitLayer::new(
            state.breakers.clone(),
            circuit_key,
            verdict,
        ))
        // What the vendor did: outside the attempt's timeout, so that a hang is measured.
        .layer(MeasureWireLayer::new(Arc::clone(p.metrics())))
        // One attempt, to its head; and each pause of its body.
        .layer(ResponseTimeoutLayer::new(p.attempt_timeout()).idle(timeout.idle_body.0))
        .layer(IdleBodyLayer::new(timeout.idle_body.0))
        // Reads the vendor's answer once: a limit, a dead token, a failure inside a 200.
        .layer(NormalizeLayer::new(
            p.rules(),
            state.gate.clone(),
            p.limited_caller(),
            p.answer_tests(),
        ))
        // Name, connection, TLS, HTTP.
        .map_err(Error::from)
        .service(p.client());
    Arc::new(Erased(service))
}

struct Erased<S>(S);

impl<S> Stack for Erased<S>
where
    S: Service<Request<AppBody>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    fn serve(&self, request: Request<AppBody>) -> Served {
        let mut service = self.0.clone();
        let ready = service.poll_ready(&mut Context::from_waker(Waker::noop()));
        if ready.is_ready() {
            // The clone ends here: its futures have taken what they need.
            return Box::pin(Answering {
                inner: service.call(request),
            });
        }
        // None of our layers waits in `poll_ready`; a client that is not ready is waited for here.
        Box::pin(async move {
            let Ok(()) = std::future::poll_fn(|cx| service.poll_ready(cx)).await;
            let Ok(response) = service.call(request).await;
            response
        })
    }

    fn future_size(&self) -> usize {
        size_of::<S::Future>()
    }
}

pin_project_lite::pin_project! {
    /// A stack's future, which cannot fail.
    struct Answering<F> {
        #[pin]
        inner: F,
    }
}

impl<F, R> Future for Answering<F>
where
    F: Future<Output = Result<R, Infallible>>,
{
    type Output = R;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        self.project().inner.poll(cx).map(|answered| {
            let Ok(answer) = answered;
            answer
        })
    }
}
