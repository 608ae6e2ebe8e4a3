//! The obligations of every layer. "Refusal needs no ready inner service" does not apply: this
//! layer refuses nothing; nor does "a clone doubles no limit" beyond its one store.

use std::task::{Context, Poll, Waker};

use http::Request;
use http_body_util::BodyExt as _;
use leeward_probe::{Answer, ProbeBody, ProbeError};
use tower::{Service, ServiceExt};

use crate::support::{House, get, ok};

#[tokio::test]
async fn contract_polled_clone_is_called() {
    let house = House::default();
    let mut service = house.service();
    for _ in 0..3 {
        let ready = ServiceExt::<Request<ProbeBody>>::ready(&mut service).await;
        ready.unwrap().call(get(&[])).await.unwrap();
    }
    let counts = house.probe.counts();
    assert_eq!((counts.calls, counts.calls_without_readiness), (3, 0));
    assert_eq!(counts.clones, 0);
}

#[test]
fn contract_nothing_waits_in_poll_ready() {
    let house = House::default();
    let mut service = house.service();
    let mut cx = Context::from_waker(Waker::noop());
    let mut poll = || Service::<Request<ProbeBody>>::poll_ready(&mut service, &mut cx);
    assert!(matches!(poll(), Poll::Ready(Ok(()))));
    // The inner service's readiness is passed on as it is.
    house.probe.never_ready();
    assert!(poll().is_pending());
}

#[tokio::test]
async fn contract_drop_gives_back() {
    let house = House::default();
    house.probe.then(Answer::Hang);
    let mut hanging = Box::pin(house.call(get(&[])));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(hanging.as_mut().poll(&mut cx).is_pending());
    drop(hanging);
    assert_eq!(
        (
            house.probe.counts().cancelled,
            house.probe.counts().in_flight
        ),
        (1, 0)
    );

    // A failed answer's body goes as soon as another takes its place.
    house.answer(get(&[]), ok("kept", &[])).await;
    let before = house.probe.counts().bodies_dropped;
    let served = house.call(get(&[])).await.unwrap();
    assert_eq!(house.probe.counts().bodies_dropped, before + 1);
    drop(served);
}

#[tokio::test]
async fn contract_clone_doubles_no_limit() {
    let house = House::default();
    let (one, other) = (house.service(), house.service());
    house.probe.then(ok("kept", &[]));
    let live = one.clone().oneshot(get(&[])).await.unwrap();
    live.into_body().collect().await.unwrap();
    for service in [one.clone(), one, other] {
        let served = service.oneshot(get(&[])).await.unwrap();
        assert_eq!(
            served.into_body().collect().await.unwrap().to_bytes(),
            "kept"
        );
    }
    assert_eq!(house.answers.len(), 1);
}

#[tokio::test]
async fn contract_errors_keep_their_source() {
    let house = House::default();
    house.probe.then(Answer::Error);
    let error = house.call(get(&[])).await.unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&ProbeError));

    house
        .probe
        .then(Answer::with_body(200, ProbeBody::full("half").torn()));
    let response = house.call(get(&[])).await.unwrap();
    let error = response.into_body().collect().await.unwrap_err();
    assert_eq!(error, leeward_probe::TornBody);
}

#[tokio::test]
async fn contract_a_panic_inside_leaves_the_store_in_use() {
    let house = House::default();
    house.probe.then(Answer::Panic);
    let service = house.service();
    assert!(tokio::spawn(service.oneshot(get(&[]))).await.is_err());
    house.answer(get(&[]), ok("kept", &[])).await;
    assert_eq!(house.away(get(&[])).await.as_deref(), Some("kept"));
}
