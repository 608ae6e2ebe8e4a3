//! The layer around a service.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use http::{HeaderValue, Request, Response};
use leeward_auth_refresh::{
    AccountId, AuthLayer, AuthService, Authenticate, CredentialError, Current, Incomplete, Status,
};
use leeward_probe::{Answer, Probe, ProbeBody, ProbeService};
use std::sync::{Arc, Mutex};
use tower::{BoxError, Layer, Service, ServiceExt};

use crate::support::*;

/// A bearer token in a header; the account stands in another.
#[derive(Clone, Default)]
pub(crate) struct Bearer {
    pub(crate) copies: bool,
    pub(crate) missing: bool,
}

impl Authenticate<ProbeBody> for Bearer {
    type Credential = Token;

    fn account(&self, request: &Request<ProbeBody>) -> Option<AccountId> {
        let account = request.headers().get("account")?.to_str().ok()?;
        Some(AccountId::from(account))
    }

    fn apply(
        &self,
        current: &Current<Token>,
        request: &mut Request<ProbeBody>,
    ) -> Result<(), Incomplete> {
        if self.missing {
            return Err(Incomplete {
                missing: "account.vars.region".into(),
            });
        }
        let value = HeaderValue::from(current.credential.0);
        request.headers_mut().insert("authorization", value);
        Ok(())
    }

    fn copy(&self, request: &Request<ProbeBody>) -> Option<Request<ProbeBody>> {
        self.copies.then(|| {
            let mut copy = Request::new(ProbeBody::empty());
            *copy.headers_mut() = request.headers().clone();
            copy
        })
    }
}

/// A probe that writes down which token each call carried.
#[derive(Clone)]
pub(crate) struct Recorder {
    inner: ProbeService,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Service<Request<ProbeBody>> for Recorder {
    type Response = Response<ProbeBody>;
    type Error = BoxError;
    type Future = leeward_probe::ProbeFuture;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), BoxError>> {
        Service::<Request<ProbeBody>>::poll_ready(&mut self.inner, cx)
    }

    fn call(&mut self, request: Request<ProbeBody>) -> Self::Future {
        let token = request
            .headers()
            .get("authorization")
            .map_or("none", |value| value.to_str().unwrap());
        self.seen.lock().unwrap().push(token.to_owned());
        self.inner.call(request)
    }
}

pub(crate) type Layered = AuthService<Recorder, Bearer, Token>;

pub(crate) fn request() -> Request<ProbeBody> {
    Request::builder()
        .header("account", "acme")
        .body(ProbeBody::empty())
        .unwrap()
}

pub(crate) fn layered(
    process: &Process,
    probe: &Probe,
    bearer: Bearer,
) -> (Layered, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::default();
    let recorder = Recorder {
        inner: probe.service(),
        seen: Arc::clone(&seen),
    };
    let layer = AuthLayer::new(process.keeper.clone(), bearer);
    (layer.layer(recorder), seen)
}

fn copying() -> Bearer {
    Bearer {
        copies: true,
        ..Bearer::default()
    }
}

async fn send(service: &Layered) -> Result<u16, BoxError> {
    let response = service.clone().oneshot(request()).await?;
    Ok(response.status().as_u16())
}

fn error(result: Result<u16, BoxError>) -> CredentialError {
    *result.unwrap_err().downcast().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_fresh_credential_is_put_on_each_request() {
    let world = World::with_token(seconds(100));
    let process = world.process_without_schedule();
    let probe = Probe::answering(200);
    let (service, seen) = layered(&process, &probe, copying());
    for _ in 0..3 {
        assert_eq!(send(&service).await.unwrap(), 200);
    }
    pass(seconds(101)).await;
    assert_eq!(send(&service).await.unwrap(), 200);
    assert_eq!(*seen.lock().unwrap(), ["1", "1", "1", "2"]);
    assert_eq!(probe.counts().calls_without_readiness, 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_without_an_account_goes_as_it_is() {
    let world = World::new();
    let process = world.process_without_schedule();
    let probe = Probe::answering(401);
    let (service, seen) = layered(&process, &probe, copying());
    let plain = Request::new(ProbeBody::empty());
    let response = service.oneshot(plain).await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(*seen.lock().unwrap(), ["none"]);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_token_is_renewed_once_and_the_request_repeated_once() {
    let world = World::with_token(LIFE);
    let process = world.process_without_schedule();
    let probe = Probe::answering(200);
    probe.then(Answer::status(401));
    let (service, seen) = layered(&process, &probe, copying());
    assert_eq!(send(&service).await.unwrap(), 200);
    assert_eq!(*seen.lock().unwrap(), ["1", "2"]);
    assert_eq!(world.vendor.calls(), 1);
    assert_eq!(probe.counts().bodies_dropped, 2);
}

#[tokio::test(start_paused = true)]
async fn many_rejected_requests_make_one_token_call() {
    let world = World::with_token(LIFE);
    let process = world.process_without_schedule();
    process.keeper.credential(&acme(), None).await.unwrap();
    let probe = Probe::answering(200);
    for _ in 0..50 {
        probe.then(Answer::status(401));
    }
    let (service, _) = layered(&process, &probe, copying());
    let requests: Vec<_> = (0..50)
        .map(|_| {
            let service = service.clone();
            tokio::spawn(async move { send(&service).await })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap(), 200);
    }
    assert_eq!(world.vendor.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_second_rejection_passes_and_is_not_forced_again_for_a_while() {
    let world = World::with_token(LIFE);
    let process = world.process_without_schedule();
    let probe = Probe::answering(401);
    let (service, seen) = layered(&process, &probe, copying());
    assert_eq!(send(&service).await.unwrap(), 401);
    assert_eq!(*seen.lock().unwrap(), ["1", "2"]);
    assert_eq!(world.vendor.calls(), 1);
    // It means something else, then.
    assert_eq!(send(&service).await.unwrap(), 401);
    assert_eq!(world.vendor.calls(), 1);
    pass(seconds(11)).await;
    probe.then(Answer::status(401)).then(Answer::status(200));
    assert_eq!(send(&service).await.unwrap(), 200);
    assert_eq!(world.vendor.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_copied_passes_and_the_next_request_is_served() {
    let world = World::with_token(LIFE);
    let process = world.process_without_schedule();
    let probe = Probe::answering(200);
    probe.then(Answer::status(401));
    let (service, seen) = layered(&process, &probe, Bearer::default());
    assert_eq!(send(&service).await.unwrap(), 401);
    pass(seconds(1)).await;
    assert_eq!(world.vendor.calls(), 1);
    assert_eq!(send(&service).await.unwrap(), 200);
    assert_eq!(*seen.lock().unwrap(), ["1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn a_token_replaced_meanwhile_is_used_without_another_call() {
    let world = World::with_token(LIFE);
    let process = world.process_without_schedule();
    process.keeper.credential(&acme(), None).await.unwrap();
    let probe = Probe::answering(200);
    let late = probe.then_when();
    let (service, seen) = layered(&process, &probe, copying());
    let waiting = tokio::spawn({
        let service = service.clone();
        async move { send(&service).await }
    });
    pass(seconds(1)).await;
    process.keeper.refresh(&acme()).await.unwrap();
    late.send(Answer::status(401)).unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), 200);
    assert_eq!(*seen.lock().unwrap(), ["1", "2"]);
    assert_eq!(world.vendor.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dead_grant_found_by_a_rejection_is_told() {
    let world = World::with_token(LIFE);
    world.vendor.always(Some(refused()));
    let process = world.process_without_schedule();
    let probe = Probe::answering(401);
    let (service, _) = layered(&process, &probe, copying());
    let refusal = error(send(&service).await);
    assert!(matches!(refusal, CredentialError::NeedsReauth { .. }));
    assert_eq!(world.record().status, Status::NeedsReauth);
}

#[tokio::test(start_paused = true)]
async fn three_rejections_in_a_row_show_a_given_key_as_refused_and_its_calls_go_on() {
    let world = World::new();
    world.put_key();
    let process = world.process();
    let probe = Probe::answering(401);
    let (service, seen) = layered(&process, &probe, copying());
    // A success ends the row.
    probe
        .then(Answer::status(401))
        .then(Answer::status(401))
        .then(Answer::status(200));
    for _ in 0..5 {
        send(&service).await.unwrap();
        pass(seconds(1)).await;
        assert_eq!(world.record().status, Status::Active);
    }
    assert_eq!(send(&service).await.unwrap(), 401);
    pass(seconds(1)).await;
    assert_eq!(world.record().status, Status::NeedsReauth);
    assert!(world.record().reason.unwrap().contains("three times"));
    // The vendor's answer reaches the application, and no call was repeated.
    assert_eq!(send(&service).await.unwrap(), 401);
    assert_eq!(seen.lock().unwrap().len(), 7);
    // The vendor takes the key again.
    probe.then(Answer::status(200));
    assert_eq!(send(&service).await.unwrap(), 200);
    pass(seconds(1)).await;
    assert_eq!(world.record().status, Status::Active);
    let changes = [
        (Status::Active, Status::NeedsReauth),
        (Status::NeedsReauth, Status::Active),
    ];
    assert_eq!(process.notes.statuses(), changes);
    assert_eq!(world.vendor.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_the_request_lacks_is_named_and_nothing_is_sent() {
    let world = World::with_token(LIFE);
    let process = world.process_without_schedule();
    let probe = Probe::answering(200);
    let lacking = Bearer {
        missing: true,
        ..copying()
    };
    let (service, _) = layered(&process, &probe, lacking);
    // The first finds no record in hand, the second does.
    for _ in 0..2 {
        let refusal = error(send(&service).await);
        assert!(matches!(refusal, CredentialError::Incomplete { .. }));
    }
    assert_eq!(probe.counts().calls, 0);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_request_leaves_the_flight_and_the_service() {
    let world = World::with_token(seconds(0));
    world.vendor.then(Reply::Slow(seconds(5)));
    let process = world.process_without_schedule();
    let probe = Probe::answering(200);
    let (service, _) = layered(&process, &probe, copying());
    let hangs_up = tokio::time::timeout(seconds(1), send(&service)).await;
    assert!(hangs_up.is_err());
    assert_eq!(send(&service).await.unwrap(), 200);
    assert_eq!(world.vendor.calls(), 1);
}
