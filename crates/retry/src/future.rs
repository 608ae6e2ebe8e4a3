//! The attempts of one request.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::response::Parts;
use http::{Request, Response};
use http_body::Body;
use leeward_deadline::Deadline;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower_service::Service;

use crate::held::Collect;
use crate::layer::Shared;
use crate::replay::Keep;
use crate::service::copy_head;
use crate::{Advice, Attempt, BoxError, HeldBody, Policy, ReplayBody};

/// The repeat of an answer that broke off while it was held.
const TORN: &str = "torn";

pin_project! {
    /// The future of a [`Retry`](crate::Retry).
    pub struct ResponseFuture<S, P, B, RB>
    where
        S: Service<Request<ReplayBody<B>>>,
    {
        #[pin]
        state: State<S::Future, B, RB>,
        // `None` where nothing is ever repeated.
        again: Option<Again<S, P, B>>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, B, RB> {
        Attempt { #[pin] future: F },
        Holding { taken: Option<(Parts, Collect<RB>)>, release: Option<Pin<Box<Sleep>>> },
        Waiting { next: Option<Box<Next<B>>> },
        Deciding,
    }
}

/// A repeat that waits for its time, and then for the service.
struct Next<B> {
    request: Request<ReplayBody<B>>,
    wait: Option<Pin<Box<Sleep>>>,
}

/// What a repeat is made of.
pub(crate) struct Again<S, P, B> {
    pub(crate) inner: S,
    pub(crate) shared: Arc<Shared>,
    pub(crate) policy: P,
    pub(crate) head: Request<()>,
    pub(crate) keep: Keep<B>,
    pub(crate) repeatable: bool,
    pub(crate) attempt: u32,
}

impl<S, P, B> Again<S, P, B> {
    /// The next attempt, if there may be one: attempts, deadline, body and budget are asked in
    /// this order, so that nothing is taken from the budget in vain.
    fn next(
        &mut self,
        reason: &'static str,
        not_before: Option<Duration>,
        never_sent: bool,
    ) -> Option<Box<Next<B>>> {
        let settings = &self.shared.settings;
        if self.attempt >= settings.max_attempts || !(self.repeatable || never_sent) {
            return None;
        }
        let now = self.shared.now();
        let backoff = settings.backoff.wait(self.attempt, fastrand::f64());
        let wait = backoff.checked_add(not_before.unwrap_or_default())?;
        let until = now.checked_add(wait)?;
        match Deadline::of(&self.head) {
            Some(deadline) if until >= deadline.at() => return None,
            // Without a deadline nobody has said how long a vendor may make the caller wait.
            None if not_before > Some(settings.backoff.max) => return None,
            _ => {}
        }
        if !self.keep.can(never_sent) || !self.shared.budget.withdraw(now) {
            return None;
        }
        // Only now: a body that still flows to a vendor who answered early is cut off by this.
        let body = self.keep.again(never_sent)?;
        self.attempt += 1;
        if let Some(observe) = &self.shared.observe {
            observe.retry(reason);
        }
        let (mut parts, ()) = copy_head(&self.head).into_parts();
        parts.extensions.insert(Attempt(self.attempt));
        Some(Box::new(Next {
            request: Request::from_parts(parts, body),
            wait: (!wait.is_zero()).then(|| Box::pin(sleep(wait))),
        }))
    }

    /// Until when an answer is held: half of the time that was left. One that comes so slowly
    /// leaves no time for a repeat, and should rather flow than run into the deadline.
    fn release(&self) -> Option<Pin<Box<Sleep>>> {
        let left = Deadline::of(&self.head)?
            .at()
            .saturating_duration_since(self.shared.now());
        Some(Box::pin(sleep(left / 2)))
    }
}

impl<S, P, B, RB> ResponseFuture<S, P, B, RB>
where
    S: Service<Request<ReplayBody<B>>>,
{
    pub(crate) fn new(future: S::Future, again: Option<Again<S, P, B>>) -> Self {
        Self {
            state: State::Attempt { future },
            again,
        }
    }
}

impl<S, P, B, RB> Future for ResponseFuture<S, P, B, RB>
where
    S: Service<Request<ReplayBody<B>>, Response = Response<RB>>,
    P: Policy<RB, S::Error>,
    RB: Body<Data = Bytes> + Unpin,
    RB::Error: Into<BoxError>,
{
    type Output = Result<Response<HeldBody<RB>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let state = match this.state.as_mut().project() {
                StateProj::Attempt { future } => {
                    let result = ready!(future.poll(cx));
                    // The attempt is over: what it held of the request comes back before the
                    // body is asked for again.
                    this.state.set(State::Deciding);
                    match decide(this.again.as_mut(), result) {
                        Ok(state) => state,
                        Err(result) => return Poll::Ready(result),
                    }
                }
                StateProj::Holding { taken, release } => {
                    let (Some((_, collect)), Some(again)) = (taken.as_mut(), this.again.as_mut())
                    else {
                        return Poll::Pending;
                    };
                    let torn = match collect.poll(cx) {
                        Poll::Ready(whole) => whole.err(),
                        Poll::Pending => {
                            if release.is_none() {
                                *release = again.release();
                            }
                            match release {
                                Some(release) => ready!(release.as_mut().poll(cx)),
                                None => return Poll::Pending,
                            }
                            None
                        }
                    };
                    let taken = taken.take();
                    this.state.set(State::Deciding);
                    match (torn, taken) {
                        (Some(torn), taken) => {
                            drop(taken);
                            match again.next(TORN, None, false) {
                                Some(next) => State::Waiting { next: Some(next) },
                                None => return Poll::Ready(Err(again.policy.torn(torn))),
                            }
                        }
                        (None, Some((parts, collect))) => {
                            let response = Response::from_parts(parts, collect.into_body());
                            return Poll::Ready(Ok(response));
                        }
                        (None, None) => return Poll::Pending,
                    }
                }
                StateProj::Waiting { next } => {
                    let (Some(waiting), Some(again)) = (next.as_mut(), this.again.as_mut()) else {
                        return Poll::Pending;
                    };
                    if let Some(wait) = &mut waiting.wait {
                        ready!(wait.as_mut().poll(cx));
                        waiting.wait = None;
                    }
                    if let Err(error) = ready!(again.inner.poll_ready(cx)) {
                        this.state.set(State::Deciding);
                        return Poll::Ready(Err(error));
                    }
                    let Some(next) = next.take() else {
                        return Poll::Pending;
                    };
                    State::Attempt {
                        future: again.inner.call(next.request),
                    }
                }
                // Over: a future is not polled again after it was ready.
                StateProj::Deciding => return Poll::Pending,
            };
            this.state.set(state);
        }
    }
}

/// What follows from an attempt's result: a further state, or the result that goes out.
#[expect(
    clippy::type_complexity,
    clippy::result_large_err,
    reason = "both arms are the future's own types, moved once"
)]
fn decide<S, P, B, RB>(
    again: Option<&mut Again<S, P, B>>,
    result: Result<Response<RB>, S::Error>,
) -> Result<State<S::Future, B, RB>, Result<Response<HeldBody<RB>>, S::Error>>
where
    S: Service<Request<ReplayBody<B>>, Response = Response<RB>>,
    P: Policy<RB, S::Error>,
    RB: Body<Data = Bytes> + Unpin,
    RB::Error: Into<BoxError>,
{
    let Some(again) = again else {
        return Err(result.map(|response| response.map(HeldBody::flowing)));
    };
    if let Advice::Repeat {
        reason,
        not_before,
        never_sent,
    } = again.policy.advise(again.repeatable, result.as_ref())
        && let Some(next) = again.next(reason, not_before, never_sent)
    {
        return Ok(State::Waiting { next: Some(next) });
    }
    match result {
        Ok(response)
            if again.repeatable && Collect::wants(response.body(), again.shared.settings.hold) =>
        {
            let (parts, body) = response.into_parts();
            Ok(State::Holding {
                taken: Some((parts, Collect::new(body))),
                release: None,
            })
        }
        result => Err(result.map(|response| response.map(HeldBody::flowing))),
    }
}
