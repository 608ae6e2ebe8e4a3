//! Where a credential goes into the body: takes the body whole before the credential is asked for.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Request;
use leeward_retry::{HoldError, ReplayBody};
use tower_layer::Layer;
use tower_service::Service;

use crate::code::Code;
use crate::error::{BoxError, Error};

/// Holds bodies, if the provider needs it.
#[derive(Debug, Clone, Copy)]
pub struct HoldLayer {
    on: bool,
    most: usize,
}

impl HoldLayer {
    /// Holds up to `most` bytes where it is `on`; else it is not there.
    pub fn new(on: bool, most: usize) -> Self {
        Self { on, most }
    }
}

impl<S> Layer<S> for HoldLayer {
    type Service = Hold<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Hold {
            inner,
            settings: *self,
        }
    }
}

/// See [`HoldLayer`].
#[derive(Debug, Clone)]
pub struct Hold<S> {
    inner: S,
    settings: HoldLayer,
}

impl<S, B> Service<Request<ReplayBody<B>>> for Hold<S>
where
    S: Service<Request<ReplayBody<B>>, Error = Error> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Response: Send,
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = Error;
    type Future = Held<S::Future, S::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReplayBody<B>>) -> Self::Future {
        if !self.settings.on || request.body().held_bytes().is_some() {
            return Held::Direct {
                future: self.inner.call(request),
            };
        }
        let clone = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, clone);
        let most = self.settings.most;
        Held::Holding {
            future: Box::pin(async move {
                request.body_mut().hold(most).await.map_err(refuse)?;
                ready.call(request).await
            }),
        }
    }
}

fn refuse(error: HoldError) -> Error {
    match error {
        HoldError::TooLarge { .. } => Error::refused(
            Code::PayloadTooLargeRequest,
            "the body is over max_buffer, and this provider's credential goes into it",
        ),
        other => Error::refused(
            Code::InvalidRequest,
            format!("the request's body could not be read: {other}"),
        ),
    }
}

pin_project_lite::pin_project! {
    /// The future of [`Hold`].
    #[project = HeldProj]
    pub enum Held<F, R> {
        /// Nothing was held.
        Direct {
            #[pin]
            future: F,
        },
        /// The body is being taken first.
        Holding {
            future: Pin<Box<dyn Future<Output = Result<R, Error>> + Send>>,
        },
    }
}

impl<F, R> Future for Held<F, R>
where
    F: Future<Output = Result<R, Error>>,
{
    type Output = Result<R, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            HeldProj::Direct { future } => future.poll(cx),
            HeldProj::Holding { future } => future.as_mut().poll(cx),
        }
    }
}
