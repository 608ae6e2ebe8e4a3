//! The obligations of every layer. "Refusal needs no ready inner service" does not apply: this
//! layer refuses nothing.

use std::task::{Context, Poll, Waker};

use http::Method;
use leeward_probe::{Answer, Probe, ProbeBody, ProbeError};
use leeward_retry::{RetryBudget, RetryLayer};
use tower::{Service, ServiceExt};
use tower_layer::Layer;

use crate::support::{Plain, around, at_once, get, ready, request};

#[tokio::test(start_paused = true)]
async fn contract_polled_clone_is_called() {
    let probe = Probe::answering(200);
    probe.then(Answer::status(503)).then(Answer::status(200));
    let mut service = around(&probe, at_once());
    for _ in 0..3 {
        let response = ready(&mut service).await.call(get()).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    let counts = probe.counts();
    assert_eq!((counts.calls, counts.calls_without_readiness), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn contract_nothing_waits_in_poll_ready() {
    let probe = Probe::answering(503);
    let mut service = around(&probe, leeward_retry::Settings::default());
    let mut cx = Context::from_waker(Waker::noop());
    let is_ready = |poll: Poll<Result<(), _>>| poll.is_ready();
    // While one request waits for its repeat, and with the budget spent, the next is taken.
    let budget = RetryBudget::default();
    let now = tokio::time::Instant::now();
    while budget.withdraw(now) {}
    let mut spent = RetryLayer::new(at_once(), Plain::default(), budget).layer(probe.service());
    let mut waiting = Box::pin(ready(&mut service).await.call(get()));
    assert!(waiting.as_mut().poll(&mut cx).is_pending());
    assert!(is_ready(Service::<http::Request<ProbeBody>>::poll_ready(
        &mut service,
        &mut cx
    )));
    assert!(is_ready(Service::<http::Request<ProbeBody>>::poll_ready(
        &mut spent, &mut cx
    )));
    // The inner service's readiness is passed on as it is.
    probe.never_ready();
    assert!(!is_ready(Service::<http::Request<ProbeBody>>::poll_ready(
        &mut service,
        &mut cx
    )));
}

#[tokio::test(start_paused = true)]
async fn contract_drop_gives_back() {
    let probe = Probe::answering(200);
    probe.then(Answer::Hang);
    let mut service = around(&probe, at_once());
    let mut cx = Context::from_waker(Waker::noop());
    let mut hanging = Box::pin(ready(&mut service).await.call(get()));
    assert!(hanging.as_mut().poll(&mut cx).is_pending());
    drop(hanging);
    assert_eq!((probe.counts().cancelled, probe.counts().in_flight), (1, 0));

    // A result that is repeated is let go before the wait, a held body when its future goes.
    let short = || ProbeBody::full("ab").hanging().claiming(4);
    probe
        .then(Answer::with_body(503, ProbeBody::full("slow down")))
        .then(Answer::with_body(200, short()));
    let mut waiting = Box::pin(ready(&mut service).await.call(get()));
    assert!(waiting.as_mut().poll(&mut cx).is_pending());
    assert_eq!(probe.counts().bodies_dropped, 1);
    drop(waiting);
    assert_eq!(probe.counts().bodies_dropped, 2);
    assert_eq!(probe.counts().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn contract_clone_doubles_no_limit() {
    let probe = Probe::answering(503);
    let service = around(&probe, at_once());
    for _ in 0..40 {
        let _ = service.clone().oneshot(get()).await;
    }
    // Ten in hand, and every fifth of 40 requests earns one.
    assert_eq!(probe.counts().calls, 40 + 10 + 8);
}

#[tokio::test(start_paused = true)]
async fn contract_errors_keep_their_source() {
    let probe = Probe::answering(200);
    probe.then(Answer::Error).then(Answer::Error);
    let error = around(&probe, at_once()).oneshot(get()).await.unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&ProbeError));

    let torn = || Answer::with_body(200, ProbeBody::full("ab").torn().claiming(4));
    probe.then(torn()).then(torn());
    let put = request(Method::PUT, ProbeBody::full("{}"));
    let error = around(&probe, at_once()).oneshot(put).await.unwrap_err();
    assert_eq!(error.to_string(), "the answer was torn");
    let source = error.source().unwrap();
    assert!(source.is::<leeward_probe::TornBody>(), "{source:?}");
}

#[tokio::test]
async fn contract_a_panic_inside_leaves_the_service_in_use() {
    let probe = Probe::answering(200);
    probe.then(Answer::Panic);
    let service = around(&probe, at_once());
    let panicked = tokio::spawn(service.clone().oneshot(get())).await;
    assert!(panicked.unwrap_err().is_panic());
    assert_eq!(service.oneshot(get()).await.unwrap().status(), 200);
    assert_eq!(probe.counts().in_flight, 0);
}
