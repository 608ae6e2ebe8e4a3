//! How a request goes through.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use crate::future::{AuthFuture, Sent};
use crate::repeat::{Repeat, send_slowly};
use crate::{Authenticate, CredentialError, Current, Keeper};

/// What every clone and every request shares.
pub(crate) struct Parts<A, C> {
    pub(crate) keeper: Keeper<C>,
    pub(crate) authenticate: A,
}

/// The service made by [`AuthLayer`](crate::AuthLayer).
///
/// Always ready: it may have to refuse while the inner service is not. The inner service's
/// readiness is asked for in `poll_ready`; where it was not ready at once, the request's future
/// waits for it.
pub struct AuthService<S, A, C> {
    inner: S,
    /// `inner` was polled ready since its last call.
    ready: bool,
    parts: Arc<Parts<A, C>>,
}

impl<S, A, C> AuthService<S, A, C> {
    pub(crate) fn new(inner: S, parts: Arc<Parts<A, C>>) -> Self {
        Self {
            inner,
            ready: false,
            parts,
        }
    }
}

impl<S: Clone, A, C> Clone for AuthService<S, A, C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            // Readiness belongs to the instance that was polled.
            ready: false,
            parts: Arc::clone(&self.parts),
        }
    }
}

impl<S: fmt::Debug, A, C> fmt::Debug for AuthService<S, A, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<S, A, C, B, RB> Service<Request<B>> for AuthService<S, A, C>
where
    S: Service<Request<B>, Response = Response<RB>> + Clone + Send + 'static,
    S::Error: From<CredentialError>,
    S::Future: Send,
    A: Authenticate<B, Credential = C>,
    C: Clone + Send + Sync + 'static,
    B: Send + 'static,
    RB: 'static,
{
    type Response = Response<RB>;
    type Error = S::Error;
    type Future = AuthFuture<S, A, C, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        if !self.ready {
            match self.inner.poll_ready(cx) {
                Poll::Ready(Ok(())) => self.ready = true,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                // A refusal needs no ready inner service.
                Poll::Pending => {}
            }
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> AuthFuture<S, A, C, B> {
        let authenticate = &self.parts.authenticate;
        let Some(account) = authenticate.account(&request) else {
            return match mem::take(&mut self.ready) {
                true => AuthFuture::sent(self.inner.call(request), None),
                false => AuthFuture::slow(send_slowly(self.take_inner(), request)),
            };
        };
        let current = match self.parts.keeper.ready(&account) {
            Err(error) => return AuthFuture::refused(error.into()),
            Ok(current) => current.filter(|_| mem::take(&mut self.ready)),
        };
        let Some(current) = current else {
            let (inner, parts) = (self.take_inner(), Arc::clone(&self.parts));
            return AuthFuture::slow(crate::repeat::wait_and_send(inner, parts, account, request));
        };
        let repeat = self.repeat(&current, &request);
        if let Err(incomplete) = authenticate.apply(&current, &mut request) {
            // The inner service stays ready.
            self.ready = true;
            let refusal = CredentialError::Incomplete {
                account,
                missing: incomplete.missing,
            };
            return AuthFuture::refused(refusal.into());
        }
        let sent = Sent {
            parts: Arc::clone(&self.parts),
            current,
            repeat,
        };
        AuthFuture::sent(self.inner.call(request), Some(sent))
    }
}

impl<S: Clone, A, C> AuthService<S, A, C> {
    /// The instance that was polled, leaving a clone that was not.
    fn take_inner(&mut self) -> S {
        let clone = self.inner.clone();
        self.ready = false;
        mem::replace(&mut self.inner, clone)
    }

    fn repeat<B>(&self, current: &Current<C>, request: &Request<B>) -> Option<Box<Repeat<S, B>>>
    where
        A: Authenticate<B, Credential = C>,
    {
        let authenticate = &self.parts.authenticate;
        if !current.renewable || !authenticate.repeatable(current) {
            return None;
        }
        let copy = authenticate.copy(request)?;
        Some(Box::new(Repeat {
            deadline: authenticate.deadline(request),
            request: copy,
            service: self.inner.clone(),
        }))
    }
}
