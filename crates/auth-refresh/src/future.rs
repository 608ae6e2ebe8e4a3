//! The future of a request: the common path in place, the rare ones boxed.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::repeat::{Repeat, judge, repeat};
use crate::service::Parts;
use crate::{Authenticate, BoxFuture, CredentialError, Current};

pin_project! {
    /// The future of an [`AuthService`](crate::AuthService).
    pub struct AuthFuture<S, A, C, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        stage: Stage<S, A, C, B>,
    }
}

pin_project! {
    #[project = StageOf]
    enum Stage<S, A, C, B>
    where
        S: Service<Request<B>>,
    {
        /// Sent, with the token that was in hand.
        Sent { #[pin] inner: S::Future, sent: Option<Sent<S, A, C, B>> },
        /// Waits for a token, or is repeated.
        Slow { rest: BoxFuture<'static, Result<S::Response, S::Error>> },
        Refused { error: Option<S::Error> },
    }
}

/// What is needed once the answer is there.
pub(crate) struct Sent<S, A, C, B> {
    pub(crate) parts: Arc<Parts<A, C>>,
    pub(crate) current: Arc<Current<C>>,
    pub(crate) repeat: Option<Box<Repeat<S, B>>>,
}

impl<S, A, C, B> AuthFuture<S, A, C, B>
where
    S: Service<Request<B>>,
{
    pub(crate) fn sent(inner: S::Future, sent: Option<Sent<S, A, C, B>>) -> Self {
        Self {
            stage: Stage::Sent { inner, sent },
        }
    }

    pub(crate) fn slow(
        rest: impl Future<Output = Result<S::Response, S::Error>> + Send + 'static,
    ) -> Self {
        Self {
            stage: Stage::Slow {
                rest: Box::pin(rest),
            },
        }
    }

    pub(crate) fn refused(error: S::Error) -> Self {
        Self {
            stage: Stage::Refused { error: Some(error) },
        }
    }
}

impl<S, A, C, B, RB> Future for AuthFuture<S, A, C, B>
where
    S: Service<Request<B>, Response = Response<RB>> + Clone + Send + 'static,
    S::Error: From<CredentialError>,
    S::Future: Send,
    A: Authenticate<B, Credential = C>,
    C: Clone + Send + Sync + 'static,
    B: Send + 'static,
    RB: 'static,
{
    type Output = Result<Response<RB>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.project().stage;
        loop {
            let rest: BoxFuture<'static, Self::Output> = match stage.as_mut().project() {
                StageOf::Slow { rest } => return rest.as_mut().poll(cx),
                StageOf::Refused { error } => {
                    return match error.take() {
                        Some(error) => Poll::Ready(Err(error)),
                        // Polled after its end.
                        None => Poll::Pending,
                    };
                }
                StageOf::Sent { inner, sent } => {
                    let response = ready!(inner.poll(cx))?;
                    let Some(sent) = sent.take() else {
                        return Poll::Ready(Ok(response));
                    };
                    let Sent {
                        parts,
                        current,
                        repeat: copy,
                    } = sent;
                    match judge(&parts, &current, &response, copy) {
                        None => return Poll::Ready(Ok(response)),
                        Some(copy) => {
                            // What is held for the answer (a connection, a permit) goes before
                            // anything is waited for.
                            drop(response);
                            Box::pin(repeat(parts, current, copy))
                        }
                    }
                }
            };
            stage.set(Stage::Slow { rest });
        }
    }
}
