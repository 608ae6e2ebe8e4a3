//! A call on its way through the waiting room.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};
use tower_service::Service;

use crate::bulkhead::{Entered, Permit, Place, overloaded};
use crate::{Bulkhead, Overloaded, PermitBody, Reason};

pin_project! {
    /// The future of [`BulkheadService`](crate::BulkheadService).
    pub struct BulkheadFuture<S, B>
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
        // The rare ones are boxed, so that they do not make each call's future larger.
        Waiting { held: Option<Box<(Held<S, B>, Wait)>> },
        Readying { held: Option<Box<(Held<S, B>, Permit)>> },
        Calling { #[pin] future: F, permit: Option<Permit> },
    }
}

/// What is called once it may be.
struct Held<S, B> {
    inner: S,
    ready: bool,
    request: Request<B>,
}

struct Wait {
    bulkhead: Bulkhead,
    place: Place,
    began: Instant,
    over: Pin<Box<Sleep>>,
    max_wait: Duration,
}

impl<S: Service<Request<B>>, B> BulkheadFuture<S, B> {
    pub(crate) fn refused(refusal: Overloaded) -> Self
    where
        S::Error: From<Overloaded>,
    {
        let error = Some(refusal.into());
        let step = Step::Refused { error };
        Self { step }
    }

    pub(crate) fn calling(future: S::Future, permit: Permit) -> Self {
        let permit = Some(permit);
        let step = Step::Calling { future, permit };
        Self { step }
    }

    pub(crate) fn later(
        inner: S,
        ready: bool,
        request: Request<B>,
        bulkhead: Bulkhead,
        entered: Entered,
    ) -> Self {
        let held = Held {
            inner,
            ready,
            request,
        };
        let step = match entered {
            Entered::Running(permit) => Step::Readying {
                held: Some(Box::new((held, permit))),
            },
            Entered::Waiting {
                place,
                allowed,
                max_wait,
            } => {
                let wait = Wait {
                    bulkhead,
                    place,
                    began: Instant::now(),
                    over: Box::pin(sleep(allowed)),
                    max_wait,
                };
                Step::Waiting {
                    held: Some(Box::new((held, wait))),
                }
            }
        };
        Self { step }
    }
}

impl<S: Service<Request<B>>, B> std::fmt::Debug for BulkheadFuture<S, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BulkheadFuture").finish_non_exhaustive()
    }
}

impl Wait {
    /// The slot, or why there is none.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Permit, Overloaded>> {
        let ended = match Pin::new(&mut self.place.receiver).poll(cx) {
            Poll::Ready(Ok(permit)) => Ok(permit),
            Poll::Ready(Err(_)) => Err(Reason::Displaced),
            Poll::Pending => {
                ready!(self.over.as_mut().poll(cx));
                Err(Reason::Waited(self.began.elapsed()))
            }
        };
        if let Some(observer) = self.bulkhead.observer() {
            observer.waited(self.began.elapsed());
            if ended.is_err() {
                observer.refused();
            }
        }
        Poll::Ready(ended.map_err(|reason| overloaded(reason, self.max_wait)))
    }
}

impl<S, B, RB> Future for BulkheadFuture<S, B>
where
    S: Service<Request<B>, Response = Response<RB>>,
    S::Error: From<Overloaded>,
    RB: Body,
{
    type Output = Result<Response<PermitBody<RB>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut step = self.project().step;
        loop {
            let next = match step.as_mut().project() {
                StepProj::Refused { error } => {
                    return error
                        .take()
                        .map_or(Poll::Pending, |error| Poll::Ready(Err(error)));
                }
                StepProj::Waiting { held } => {
                    let Some((_, wait)) = held.as_deref_mut() else {
                        return Poll::Pending;
                    };
                    let ended = ready!(wait.poll(cx));
                    // Whatever came of it, the place is left.
                    let waited = held.take().map(|held| held.0);
                    match (ended, waited) {
                        (Ok(permit), Some(call)) => Step::Readying {
                            held: Some(Box::new((call, permit))),
                        },
                        (Err(refusal), _) => return Poll::Ready(Err(refusal.into())),
                        (Ok(_), None) => return Poll::Pending,
                    }
                }
                StepProj::Readying { held } => {
                    let Some((call, _)) = held.as_deref_mut() else {
                        return Poll::Pending;
                    };
                    if !call.ready {
                        ready!(call.inner.poll_ready(cx))?;
                    }
                    let Some(held) = held.take() else {
                        return Poll::Pending;
                    };
                    let (mut call, permit) = *held;
                    let future = call.inner.call(call.request);
                    let permit = Some(permit);
                    Step::Calling { future, permit }
                }
                StepProj::Calling { future, permit } => {
                    // Held here while the inner future runs, so that its panic gives it back.
                    let held = permit.take();
                    let Poll::Ready(answer) = future.poll(cx) else {
                        *permit = held;
                        return Poll::Pending;
                    };
                    return Poll::Ready(
                        answer.map(|response| response.map(|body| PermitBody::new(body, held))),
                    );
                }
            };
            step.set(next);
        }
    }
}
