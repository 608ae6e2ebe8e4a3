//! How a request goes through.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::future::{Call, ready};
use crate::{BoxError, Caller, MappedBody, MappedResponseBody, MappingError, Resources};

/// The service of a [`MappingLayer`](crate::MappingLayer).
#[derive(Debug)]
pub struct Mapping<S, C> {
    inner: S,
    /// Whether `inner` was polled ready since it was called last.
    inner_ready: bool,
    resources: Arc<Resources>,
    caller: C,
}

impl<S: Clone, C: Clone> Clone for Mapping<S, C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            inner_ready: false,
            resources: Arc::clone(&self.resources),
            caller: self.caller.clone(),
        }
    }
}

impl<S, C> Mapping<S, C> {
    pub(crate) fn new(inner: S, resources: Arc<Resources>, caller: C) -> Self {
        Self {
            inner,
            inner_ready: false,
            resources,
            caller,
        }
    }
}

/// The boxed part of a [`ResponseFuture`].
type Boxed<RB, E> =
    Pin<Box<dyn Future<Output = Result<Response<MappedResponseBody<RB>>, E>> + Send>>;

pin_project! {
    /// The future of a [`Mapping`]. Only a unified call, and a call for which the service inside was not ready, is boxed.
    pub struct ResponseFuture<F, RB, E> {
        #[pin]
        kind: Kind<F, RB, E>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<F, RB, E> {
        Through { #[pin] future: F },
        Boxed { future: Boxed<RB, E> },
    }
}

impl<F, RB, E> std::fmt::Debug for ResponseFuture<F, RB, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<F, RB, E> Future for ResponseFuture<F, RB, E>
where
    F: Future<Output = Result<Response<RB>, E>>,
{
    type Output = Result<Response<MappedResponseBody<RB>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProj::Through { future } => future.poll(cx).map_ok(through),
            KindProj::Boxed { future } => future.as_mut().poll(cx),
        }
    }
}

fn through<RB>(response: Response<RB>) -> Response<MappedResponseBody<RB>> {
    response.map(MappedResponseBody::vendor)
}

impl<S, C, B, RB> Service<Request<B>> for Mapping<S, C>
where
    S: Service<Request<MappedBody<B>>, Response = Response<RB>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: From<MappingError> + Send,
    C: Caller<B>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    RB: Body<Data = Bytes> + Send + 'static,
    RB::Error: Into<BoxError>,
{
    type Response = Response<MappedResponseBody<RB>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, RB, S::Error>;

    /// Ready even where the service inside is not: what is refused needs it not, and what goes on waits in its future.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner_ready = match self.inner.poll_ready(cx) {
            Poll::Ready(Ok(())) => true,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => false,
        };
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let inner_ready = std::mem::take(&mut self.inner_ready);
        let unified = self.caller.unified(&request).cloned();
        let kind = match unified {
            None if inner_ready => Kind::Through {
                future: self.inner.call(request.map(MappedBody::app)),
            },
            None => {
                let mut inner = self.take_inner();
                Kind::Boxed {
                    future: Box::pin(async move {
                        ready(&mut inner, inner_ready).await?;
                        inner.call(request.map(MappedBody::app)).await.map(through)
                    }),
                }
            }
            Some(unified) => {
                let account = self.caller.account(&request);
                let call = Call {
                    provider: self.caller.provider().to_owned(),
                    resources: Arc::clone(&self.resources),
                    unified,
                    account,
                };
                let inner = self.take_inner();
                Kind::Boxed {
                    future: Box::pin(call.run(inner, inner_ready, request)),
                }
            }
        };
        ResponseFuture { kind }
    }
}

impl<S: Clone, C> Mapping<S, C> {
    /// The very instance that was polled; a clone stays behind.
    fn take_inner(&mut self) -> S {
        let clone = self.inner.clone();
        std::mem::replace(&mut self.inner, clone)
    }
}
