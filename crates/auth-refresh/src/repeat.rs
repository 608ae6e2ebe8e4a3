//! The rare ways of a request: it waits for a token, or goes out a second time.

use std::future::poll_fn;
use std::sync::Arc;

use http::{Request, Response};
use tokio::time::Instant;
use tower_service::Service;

use crate::service::Parts;
use crate::{AccountId, Authenticate, CredentialError, Current};

/// What a repeat is made of.
pub(crate) struct Repeat<S, B> {
    pub(crate) request: Request<B>,
    pub(crate) service: S,
    pub(crate) deadline: Option<Instant>,
}

/// Sends a request as soon as the service is ready.
pub(crate) async fn send_slowly<S, B>(
    mut service: S,
    request: Request<B>,
) -> Result<S::Response, S::Error>
where
    S: Service<Request<B>>,
{
    poll_fn(|cx| service.poll_ready(cx)).await?;
    service.call(request).await
}

/// Reads what an answer says about the credential. `Some`: it is to be repeated with a new one.
pub(crate) fn judge<A, C, B, RB, S>(
    parts: &Parts<A, C>,
    current: &Current<C>,
    response: &Response<RB>,
    copy: Option<Box<Repeat<S, B>>>,
) -> Option<Box<Repeat<S, B>>>
where
    A: Authenticate<B, Credential = C>,
    C: Clone + Send + Sync + 'static,
{
    let (keeper, authenticate) = (&parts.keeper, &parts.authenticate);
    let (account, version) = (&current.account, current.version);
    if !authenticate.rejected(response) {
        // Nothing to tell of a bought credential in good standing: the common case.
        let news = !current.renewable || current.status != crate::Status::Active;
        if news && authenticate.accepted(response) {
            keeper.note_accepted(account, version);
        }
        return None;
    }
    if !current.renewable {
        keeper.note_rejected(account, version);
        return None;
    }
    if !keeper.worth_renewing(account, version) {
        return None;
    }
    if copy.is_none() {
        keeper.renew_for_others(account, version);
    }
    copy
}

/// Gets a credential other than the one that was rejected, and sends the copy with it.
pub(crate) async fn repeat<S, A, C, B, RB>(
    parts: Arc<Parts<A, C>>,
    rejected: Arc<Current<C>>,
    copy: Box<Repeat<S, B>>,
) -> Result<Response<RB>, S::Error>
where
    S: Service<Request<B>, Response = Response<RB>>,
    S::Error: From<CredentialError>,
    A: Authenticate<B, Credential = C>,
    C: Clone + Send + Sync + 'static,
{
    let Repeat {
        mut request,
        service,
        deadline,
    } = *copy;
    let account = &rejected.account;
    let renewing = parts
        .keeper
        .renew_rejected(account, rejected.version, deadline);
    let newer = renewing.await?;
    put_on(&parts.authenticate, &newer, &mut request)?;
    let response = send_slowly(service, request).await?;
    let fruitful = !parts.authenticate.rejected(&response);
    parts.keeper.note_repeat(account, fruitful);
    Ok(response)
}

/// Waits for a credential, or for the service, and sends.
pub(crate) async fn wait_and_send<S, A, C, B, RB>(
    service: S,
    parts: Arc<Parts<A, C>>,
    account: AccountId,
    mut request: Request<B>,
) -> Result<Response<RB>, S::Error>
where
    S: Service<Request<B>, Response = Response<RB>> + Clone,
    S::Error: From<CredentialError>,
    A: Authenticate<B, Credential = C>,
    C: Clone + Send + Sync + 'static,
{
    let authenticate = &parts.authenticate;
    let deadline = authenticate.deadline(&request);
    let current = parts.keeper.credential(&account, deadline).await?;
    let copy = if current.renewable && authenticate.repeatable(&current) {
        authenticate.copy(&request).map(|request| {
            Box::new(Repeat {
                request,
                service: service.clone(),
                deadline,
            })
        })
    } else {
        None
    };
    put_on(authenticate, &current, &mut request)?;
    let copy = {
        let response = send_slowly(service, request).await?;
        match judge(&parts, &current, &response, copy) {
            None => return Ok(response),
            // The answer, and what is held for it, goes before anything is waited for.
            Some(copy) => copy,
        }
    };
    repeat(parts, current, copy).await
}

fn put_on<A, C, B>(
    authenticate: &A,
    current: &Current<C>,
    request: &mut Request<B>,
) -> Result<(), CredentialError>
where
    A: Authenticate<B, Credential = C>,
{
    authenticate
        .apply(current, request)
        .map_err(|incomplete| CredentialError::Incomplete {
            account: current.account.clone(),
            missing: incomplete.missing,
        })
}
