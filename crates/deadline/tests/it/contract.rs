//! The obligations of every layer. These hold no permits and refuse nothing early, so nothing of
//! theirs can be doubled by a clone or need a ready inner service.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http_body_util::BodyExt;
use leeward_deadline::{IdleBodyLayer, ResponseTimeoutLayer, TotalTimeoutLayer};
use leeward_probe::{Answer, Probe, ProbeBody, ProbeError, ProbeService, TornBody};
use tower::Service;
use tower_layer::Layer;

use crate::support::{SECOND, request};

fn stack(
    probe: &Probe,
) -> impl Service<
    http::Request<ProbeBody>,
    Response = http::Response<leeward_deadline::IdleBody<ProbeBody>>,
    Error = leeward_deadline::BoxError,
> + Clone
+ use<> {
    let inner: ProbeService = probe.service();
    let inner = IdleBodyLayer::new(SECOND).layer(inner);
    let inner = ResponseTimeoutLayer::new(SECOND).layer(inner);
    TotalTimeoutLayer::new().layer(inner)
}

#[tokio::test(start_paused = true)]
async fn contract_polled_clone_is_called() {
    let probe = Probe::answering(200);
    let service = stack(&probe);
    for _ in 0..3 {
        let mut clone = service.clone();
        std::future::poll_fn(|cx| clone.poll_ready(cx))
            .await
            .unwrap();
        let answer = clone.call(request(Some(SECOND), ProbeBody::full("up")));
        assert_eq!(answer.await.unwrap().status(), 200);
    }
    assert_eq!(probe.counts().calls, 3);
    assert_eq!(probe.counts().calls_without_readiness, 0);
}

#[tokio::test(start_paused = true)]
async fn contract_nothing_waits_in_poll_ready() {
    let probe = Probe::answering(200);
    let mut service = stack(&probe);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut cx).is_ready());

    // Readiness is the inner service's alone: no timer of ours cuts its wait short.
    probe.never_ready();
    assert!(service.poll_ready(&mut cx).is_pending());
    tokio::time::advance(SECOND * 100).await;
    assert!(service.poll_ready(&mut cx).is_pending());
    probe.ready_again();
    assert!(service.poll_ready(&mut cx).is_ready());
}

#[tokio::test(start_paused = true)]
async fn contract_drop_gives_back() {
    let probe = Probe::answering(200);
    probe.then(Answer::Hang).then(Answer::Hang);
    let mut service = stack(&probe);
    let mut cx = Context::from_waker(Waker::noop());

    assert!(service.poll_ready(&mut cx).is_ready());
    service
        .call(request(Some(SECOND), ProbeBody::empty()))
        .await
        .err()
        .unwrap();
    assert_eq!(
        probe.counts().in_flight,
        0,
        "a call past its limit is dropped"
    );

    assert!(service.poll_ready(&mut cx).is_ready());
    let call = service.call(request(None, ProbeBody::empty()));
    {
        let mut call = pin!(call);
        assert!(matches!(call.as_mut().poll(&mut cx), Poll::Pending));
        assert_eq!(probe.counts().in_flight, 1);
    }
    assert_eq!(probe.counts().in_flight, 0);

    assert!(service.poll_ready(&mut cx).is_ready());
    let answer = service.call(request(None, ProbeBody::empty())).await;
    drop(answer.unwrap());
    assert_eq!(probe.counts().bodies_dropped, 1);
}

#[tokio::test(start_paused = true)]
async fn contract_errors_keep_their_source() {
    let probe = Probe::answering(200);
    probe
        .then(Answer::Error)
        .then(Answer::with_body(200, ProbeBody::full("half").torn()));
    let mut service = stack(&probe);
    let mut cx = Context::from_waker(Waker::noop());

    assert!(service.poll_ready(&mut cx).is_ready());
    let error = service
        .call(request(Some(SECOND), ProbeBody::empty()))
        .await;
    assert!(error.err().unwrap().is::<ProbeError>());

    assert!(service.poll_ready(&mut cx).is_ready());
    let answer = service
        .call(request(Some(SECOND), ProbeBody::empty()))
        .await;
    let error = answer.unwrap().into_body().collect().await.err().unwrap();
    assert!(error.is::<TornBody>());
}
