//! What happens when the answer comes.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::response::Parts;
use http::{Method, Response};
use http_body::Body;
use pin_project_lite::pin_project;

use super::NotLimited;
use super::layer::NormalizeLayer;
use super::look::{End, Looking};
use crate::answer::{AccountFacts, Answer};
use crate::body::LookedBody;
use crate::error::{By, RateLimited};
use crate::gate::{Closing, Ticket};
use crate::inspect::Inspect;
use crate::judgement::{DEFAULT_SCOPE, Judgement};
use crate::look::Look;
use crate::rules::lookable;

/// What is kept of a request until its answer comes.
pub(super) struct Pending<F> {
    pub(super) account: Arc<str>,
    pub(super) method: Method,
    /// Only if a rule asks for it.
    pub(super) path: Option<Box<str>>,
    /// Only if a rule asks for them.
    pub(super) facts: Option<Arc<dyn AccountFacts>>,
    pub(super) inspected: F,
    pub(super) ticket: Ticket,
}

pin_project! {
    /// The future of a [`NormalizeService`](super::NormalizeService).
    pub struct NormalizeFuture<F, B, C, I, RB>
    where
        I: Inspect<B>,
        RB: Body,
    {
        #[pin]
        state: State<F, RB>,
        layer: Arc<NormalizeLayer<C, I>>,
        pending: Pending<I::Facts>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, RB: Body> {
        Called { #[pin] future: F },
        // Boxed: few answers are looked at, and all futures would have to hold room for it.
        Looking { looking: Option<Box<Looking<RB>>>, limited: Option<RateLimited> },
    }
}

/// An answer that was judged.
enum Judged<RB: Body> {
    Passes(Parts, LookedBody<RB>),
    Limited(RateLimited),
    /// Its body is to be read first: to judge it, or to show it with the refusal.
    Look(Box<Looking<RB>>, Option<RateLimited>),
}

impl<F, B, C, I, RB> NormalizeFuture<F, B, C, I, RB>
where
    I: Inspect<B>,
    RB: Body,
{
    pub(super) fn new(
        future: F,
        layer: Arc<NormalizeLayer<C, I>>,
        pending: Pending<I::Facts>,
    ) -> Self {
        Self {
            state: State::Called { future },
            layer,
            pending,
        }
    }
}

impl<F, B, C, I, RB, E> Future for NormalizeFuture<F, B, C, I, RB>
where
    F: Future<Output = Result<Response<RB>, E>>,
    E: From<RateLimited>,
    I: Inspect<B>,
    RB: Body<Data = Bytes> + Unpin,
{
    type Output = Result<Response<LookedBody<RB>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let (layer, pending) = (&**this.layer, &*this.pending);
        loop {
            let judged = match this.state.as_mut().project() {
                StateProj::Called { future } => {
                    let (parts, body) = ready!(future.poll(cx))?.into_parts();
                    at_head(layer, pending, parts, body)
                }
                StateProj::Looking { looking, limited } => {
                    let Some(reading) = looking else {
                        return Poll::Pending;
                    };
                    let end = ready!(reading.poll(cx));
                    match (looking.take(), limited.take()) {
                        (Some(read), Some(limited)) => Judged::Limited(keep(limited, &read, end)),
                        (Some(read), None) => at_body(layer, pending, *read, end),
                        (None, _) => return Poll::Pending,
                    }
                }
            };
            match judged {
                Judged::Passes(parts, body) => {
                    return Poll::Ready(Ok(Response::from_parts(parts, body)));
                }
                Judged::Limited(limited) => return Poll::Ready(Err(limited.into())),
                Judged::Look(looking, limited) => this.state.set(State::Looking {
                    looking: Some(looking),
                    limited,
                }),
            }
        }
    }
}

fn answer<'a, F>(pending: &'a Pending<F>, parts: &'a Parts, body: Option<&'a Look>) -> Answer<'a> {
    Answer {
        status: parts.status,
        headers: &parts.headers,
        body,
        method: &pending.method,
        path: pending.path.as_deref().unwrap_or_default(),
    }
}

fn at_head<B, C, I, RB>(
    layer: &NormalizeLayer<C, I>,
    pending: &Pending<I::Facts>,
    mut parts: Parts,
    body: RB,
) -> Judged<RB>
where
    I: Inspect<B>,
    RB: Body<Data = Bytes> + Unpin,
{
    let (rules, inspect) = (&layer.rules, &layer.inspect);
    let asked = answer(pending, &parts, None);
    let rules_ask = rules.concerns(parts.status) && rules.wants_body(&asked, layer.gate.wall());
    if rules_ask || inspect.wants_body(&pending.inspected, &parts) && lookable(&asked) {
        return Judged::Look(Box::new(Looking::new(parts, body, layer.look)), None);
    }
    match judge(layer, pending, &mut parts, None) {
        None => Judged::Passes(parts, LookedBody::untouched(body)),
        Some(limited) if lookable(&answer(pending, &parts, None)) => Judged::Look(
            Box::new(Looking::new(parts, body, layer.look)),
            Some(limited),
        ),
        Some(limited) => Judged::Limited(limited),
    }
}

fn at_body<B, C, I, RB>(
    layer: &NormalizeLayer<C, I>,
    pending: &Pending<I::Facts>,
    mut read: Looking<RB>,
    end: End,
) -> Judged<RB>
where
    I: Inspect<B>,
    RB: Body<Data = Bytes> + Unpin,
{
    // What broke off or came too late matches nothing.
    let look = (end != End::Broken).then(|| read.look(end)).flatten();
    match judge(layer, pending, &mut read.parts, look.as_ref()) {
        Some(mut limited) => {
            match look {
                Some(look) => limited.upstream_body = Some(look.raw().clone()),
                None => limited = keep(limited, &read, end),
            }
            Judged::Limited(limited)
        }
        None => {
            let (parts, body) = read.into_response();
            Judged::Passes(parts, body)
        }
    }
}

/// The refusal with what was read of the body.
fn keep<RB>(mut limited: RateLimited, read: &Looking<RB>, end: End) -> RateLimited
where
    RB: Body<Data = Bytes> + Unpin,
{
    limited.upstream_body = read.look(end).map(|look| look.raw().clone());
    limited
}

/// Judges the answer, closes the gate if it is limited, lets others inspect it if it is not.
fn judge<B, C, I: Inspect<B>>(
    layer: &NormalizeLayer<C, I>,
    pending: &Pending<I::Facts>,
    parts: &mut Parts,
    look: Option<&Look>,
) -> Option<RateLimited> {
    let (rules, gate) = (&layer.rules, &layer.gate);
    if rules.concerns(parts.status) {
        let facts: &dyn AccountFacts = match &pending.facts {
            Some(facts) => facts,
            None => &(),
        };
        let judgement = rules.judge(&answer(pending, parts, look), facts, gate.wall());
        if judgement.rate_limited {
            return Some(close(layer, pending, parts, judgement));
        }
        if judgement.rule.is_some() || judgement.retryable.is_some() {
            parts.extensions.insert(NotLimited {
                rule: judgement.rule,
                retryable: judgement.retryable,
            });
        }
    }
    if parts.status.is_success() || parts.status.is_redirection() {
        let path = pending.path.as_deref().unwrap_or_default();
        gate.succeeded(&pending.account, path, pending.ticket);
    }
    layer.inspect.inspect(&pending.inspected, parts, look);
    None
}

fn close<C, I, F>(
    layer: &NormalizeLayer<C, I>,
    pending: &Pending<F>,
    parts: &Parts,
    judgement: Judgement,
) -> RateLimited {
    let scope = judgement.scope.unwrap_or_else(|| DEFAULT_SCOPE.into());
    let closed = layer.gate.close(Closing {
        account: &pending.account,
        scope: &scope,
        path: judgement.path.as_ref(),
        delay: judgement.delay,
        ticket: pending.ticket,
    });
    // What this answer said, even if another keeps the gate closed for longer.
    let retry_after = judgement.delay.unwrap_or(closed);
    layer
        .gate
        .observer()
        .limited(&scope, By::Vendor, retry_after);
    RateLimited {
        scope,
        retry_after,
        by: By::Vendor,
        upstream_status: Some(parts.status),
        upstream_body: None,
        retryable: judgement.retryable.unwrap_or(true),
        rule: judgement.rule,
    }
}
