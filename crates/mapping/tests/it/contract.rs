//! The obligations of every layer. "A clone doubles no limit": the one limit, on evaluations at once, lies in the
//! [`Resources`](leeward_mapping::Resources) that clones share.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use http::Request;
use leeward_mapping::{Mapping, MappingError, MappingLayer, Operation, Resources};
use leeward_probe::{Answer, Probe, ProbeBody, ProbeError, ProbeService};
use tower::{Service, ServiceExt};

use crate::support::{ByExtension, at, expr, get, mapping_error, resources, whole};

fn shared() -> Arc<Resources> {
    Arc::new(resources(vec![
        ("get", at("/c/{{id}}")),
        (
            "list",
            Operation {
                query: expr("query"),
                ..at("/c")
            },
        ),
    ]))
}

fn service(probe: &Probe) -> Mapping<ProbeService, ByExtension> {
    tower::Layer::layer(&MappingLayer::new(shared(), ByExtension), probe.service())
}

fn plain() -> Request<ProbeBody> {
    Request::new(ProbeBody::empty())
}

fn call(rest: &str) -> Request<ProbeBody> {
    Request::builder()
        .extension(get(rest))
        .body(ProbeBody::empty())
        .unwrap()
}

fn answer() -> Answer {
    Answer::with_body(200, ProbeBody::full("{}"))
}

#[tokio::test]
async fn contract_polled_clone_is_called() {
    let probe = Probe::answering(200);
    let mut service = service(&probe);
    for request in [plain(), call("m/r/1"), call("m/r"), plain()] {
        probe.then(answer());
        let ready = ServiceExt::<Request<ProbeBody>>::ready(&mut service).await;
        let _ = ready.unwrap().call(request).await;
    }
    let counts = probe.counts();
    assert_eq!((counts.calls, counts.calls_without_readiness), (4, 0));
    // A clone stays behind where the polled one goes on into a future; what only goes through needs none.
    assert_eq!(counts.clones, 2);
}

#[tokio::test]
async fn contract_nothing_waits_in_poll_ready() {
    let probe = Probe::answering(200);
    probe.never_ready();
    let mut service = service(&probe);
    let mut cx = Context::from_waker(Waker::noop());
    let ready = Service::<Request<ProbeBody>>::poll_ready(&mut service, &mut cx);
    assert!(matches!(ready, Poll::Ready(Ok(()))));

    // The wait for the service inside is the future's, and the instance that waits is the one that is called.
    probe.then(answer()).then(answer());
    let through = tokio::spawn(service.call(plain()));
    let mapped = tokio::spawn(service.clone().oneshot(call("m/r/1")));
    tokio::task::yield_now().await;
    assert_eq!(probe.counts().calls, 0);
    probe.ready_again();
    through.await.unwrap().unwrap();
    mapped.await.unwrap().unwrap();
    let counts = probe.counts();
    assert_eq!((counts.calls, counts.calls_without_readiness), (2, 0));
}

#[tokio::test]
async fn contract_drop_gives_back() {
    let probe = Probe::answering(200);
    let resources = shared();
    let layer = MappingLayer::new(Arc::clone(&resources), ByExtension);
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    // More than may be evaluated at once are dropped while the vendor is silent, and while its body is.
    for _ in 0..=at_once {
        probe.then(Answer::Hang);
        let mut hanging =
            Box::pin(tower::Layer::layer(&layer, probe.service()).oneshot(call("m/r/1")));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(hanging.as_mut().poll(&mut cx).is_pending());
        drop(hanging);

        probe.then(Answer::with_body(200, ProbeBody::full("{").hanging()));
        let mut silent =
            Box::pin(tower::Layer::layer(&layer, probe.service()).oneshot(call("m/r/1")));
        assert!(silent.as_mut().poll(&mut cx).is_pending());
        drop(silent);

        // Dropped at whatever point of its evaluation it has come to.
        let unseen = Probe::answering(200);
        let layered = tower::Layer::layer(&layer, unseen.service());
        let mut evaluating = Box::pin(layered.oneshot(call("m/r?a=1")));
        let _ = evaluating.as_mut().poll(&mut cx);
        drop(evaluating);
    }
    let counts = probe.counts();
    assert_eq!(
        (counts.in_flight, counts.cancelled, counts.bodies_dropped),
        (0, at_once + 1, at_once + 1)
    );

    probe.then(answer());
    let response = whole(tower::Layer::layer(&layer, probe.service()), call("m/r/1"))
        .await
        .unwrap();
    assert_eq!(response.body(), r#"{"data":{},"source":"live"}"#);
}

#[tokio::test]
async fn contract_clone_doubles_no_limit() {
    let probe = Probe::answering(200);
    let one = service(&probe);
    let other = one.clone();
    probe.then(answer()).then(answer());
    for service in [one, other] {
        assert_eq!(service.oneshot(call("m/r/1")).await.unwrap().status(), 200);
    }
    assert_eq!(probe.counts().calls, 2);
}

#[tokio::test]
async fn contract_refusal_needs_no_ready_inner() {
    let probe = Probe::answering(200);
    probe.never_ready();
    let refused = |rest: &'static str| {
        let service = service(&probe);
        async move { mapping_error(service.oneshot(call(rest)).await.unwrap_err()) }
    };
    assert!(matches!(
        refused("m/x").await,
        MappingError::UnknownResource(_)
    ));
    assert!(matches!(
        refused("m/r?limit=0").await,
        MappingError::InvalidRequest(_)
    ));
    assert!(matches!(
        refused("m/r?cursor=x").await,
        MappingError::InvalidRequest(_)
    ));
    assert_eq!(probe.counts().calls, 0);
}

#[tokio::test]
async fn contract_errors_keep_their_source() {
    let probe = Probe::answering(200);
    for request in [plain(), call("m/r/1")] {
        probe.then(Answer::Error);
        let error = service(&probe).oneshot(request).await.unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&ProbeError));
    }
    probe.then(Answer::with_body(200, ProbeBody::full("{").torn()));
    let error = service(&probe).oneshot(call("m/r/1")).await.unwrap_err();
    let source = std::error::Error::source(error.as_ref()).unwrap();
    assert_eq!(source.downcast_ref(), Some(&leeward_probe::TornBody));
}

#[tokio::test]
async fn contract_a_panic_inside_leaves_the_rest_in_use() {
    let probe = Probe::answering(200);
    let service = service(&probe);
    probe.then(Answer::Panic);
    assert!(
        tokio::spawn(service.clone().oneshot(call("m/r/1")))
            .await
            .is_err()
    );
    probe.then(answer());
    assert_eq!(service.oneshot(call("m/r/1")).await.unwrap().status(), 200);
}
