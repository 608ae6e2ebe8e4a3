//! What becomes of one request's result.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body::Body;
use pin_project_lite::pin_project;

use crate::body::Copy;
use crate::entry::Entry;
use crate::layer::Shared;
use crate::{FallbackBody, Key, Policy};

pin_project! {
    /// The future of a [`Fallback`](crate::Fallback).
    pub struct ResponseFuture<F, P, B> {
        #[pin]
        future: F,
        // `None` for a request that the layer has nothing to do with.
        watch: Option<Watch<P>>,
        body: PhantomData<fn(B)>,
    }
}

/// What is remembered of a request while it is under way.
pub(crate) struct Watch<P> {
    pub(crate) what: What,
    pub(crate) shared: Arc<Shared>,
    pub(crate) policy: P,
}

pub(crate) enum What {
    Read {
        key: Key,
        asked: HeaderMap,
        epoch: u64,
    },
    Write {
        key: Key,
    },
}

impl<F, P, B> ResponseFuture<F, P, B> {
    pub(crate) fn new(future: F, watch: Option<Watch<P>>) -> Self {
        Self {
            future,
            watch,
            body: PhantomData,
        }
    }
}

impl<F, P, B, RB, E> Future for ResponseFuture<F, P, B>
where
    F: Future<Output = Result<Response<RB>, E>>,
    P: Policy<B, RB, E>,
    RB: Body<Data = Bytes>,
{
    type Output = Result<Response<FallbackBody<RB>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.future.poll(cx));
        Poll::Ready(match this.watch.take() {
            Some(watch) => watch.settle(result),
            None => result.map(|response| response.map(FallbackBody::live)),
        })
    }
}

impl<P> Watch<P> {
    fn settle<B, RB, E>(
        self,
        result: Result<Response<RB>, E>,
    ) -> Result<Response<FallbackBody<RB>>, E>
    where
        P: Policy<B, RB, E>,
        RB: Body<Data = Bytes>,
    {
        let answers = &self.shared.answers;
        let (key, asked, epoch) = match self.what {
            What::Read { key, asked, epoch } => (key, asked, epoch),
            What::Write { key } => {
                // RFC 9111 4.4: a write that did not fail makes obsolete what was read before.
                let changed = |response: &Response<RB>| {
                    response.status().is_success() || response.status().is_redirection()
                };
                if result.as_ref().is_ok_and(changed) {
                    answers.changed(&key);
                }
                return result.map(|response| response.map(FallbackBody::live));
            }
        };
        if self.policy.failed(result.as_ref()) {
            let settings = answers.settings();
            let served = answers.get(&key).and_then(|entry| {
                let age = entry.usable(&asked, settings.fallback_for, answers.now())?;
                if let Some(observe) = &self.shared.observe {
                    observe.served(age);
                }
                Some(entry.answer(&asked, age))
            });
            return match served {
                Some(served) => Ok(served.map(FallbackBody::kept)),
                None => result.map(|response| response.map(FallbackBody::live)),
            };
        }
        if self.policy.gone(result.as_ref()) {
            answers.remove(&key);
        }
        let response = result?;
        let entry = self
            .policy
            .keep(&response)
            .then(|| Entry::of(&response, &asked, &answers.settings(), answers.now()))
            .flatten();
        Ok(match entry {
            Some(entry) => {
                let copy = Copy::new(answers.clone(), key, entry, epoch);
                response.map(|body| FallbackBody::copied(body, copy))
            }
            None => response.map(FallbackBody::live),
        })
    }
}
