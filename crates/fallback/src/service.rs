//! How a request goes through.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::conditional::live_only;
use crate::directives::Directives;
use crate::future::{ResponseFuture, Watch, What};
use crate::layer::Shared;
use crate::{FallbackBody, Policy};

/// The service of a [`FallbackLayer`](crate::FallbackLayer).
#[derive(Debug, Clone)]
pub struct Fallback<S, P> {
    inner: S,
    shared: Arc<Shared>,
    policy: P,
}

impl<S, P> Fallback<S, P> {
    pub(crate) fn new(inner: S, shared: Arc<Shared>, policy: P) -> Self {
        Self {
            inner,
            shared,
            policy,
        }
    }

    fn watch<B, RB, E>(&self, request: &Request<B>) -> Option<Watch<P>>
    where
        P: Policy<B, RB, E>,
    {
        if self.shared.answers.settings().fallback_for.is_zero() {
            return None;
        }
        let what = match self.policy.key(request) {
            Some(key) => {
                let asked = request.headers();
                if live_only(asked) || Directives::of_request(asked).no_store {
                    return None;
                }
                What::Read {
                    key,
                    // Needed once the answer is known: for its `Vary`, or for what it may be
                    // served to.
                    asked: asked.clone(),
                    epoch: self.shared.answers.epoch(),
                }
            }
            None => What::Write {
                key: self.policy.changes(request)?,
            },
        };
        Some(Watch {
            what,
            shared: Arc::clone(&self.shared),
            policy: self.policy.clone(),
        })
    }
}

impl<S, P, B, RB> Service<Request<B>> for Fallback<S, P>
where
    S: Service<Request<B>, Response = Response<RB>>,
    P: Policy<B, RB, S::Error>,
    RB: Body<Data = Bytes>,
{
    type Response = Response<FallbackBody<RB>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, P, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let watch = self.watch(&request);
        ResponseFuture::new(self.inner.call(request), watch)
    }
}
