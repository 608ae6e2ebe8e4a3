//! The obligations of every layer. That no permit is lost when a future is dropped, and that a
//! clone doubles no limit, have nothing to apply to here: the layer holds no permit. What comes
//! nearest, that a dropped request costs no flight, is in `layer`.

use std::error::Error;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use leeward_auth_refresh::{CredentialError, Status};
use leeward_probe::{Answer, Probe, ProbeError};
use tower::{BoxError, Service, ServiceExt};

use crate::layer::{Bearer, layered, request};
use crate::support::*;

#[tokio::test(start_paused = true)]
async fn contract_polled_clone_is_called() {
    let world = World::with_token(seconds(50));
    let process = world.process_without_schedule();
    let probe = Probe::answering(200);
    let bearer = Bearer {
        copies: true,
        ..Bearer::default()
    };
    let (mut service, _) = layered(&process, &probe, bearer);
    // Cold, warm, rejected and repeated, over and waited for: every way a request can go.
    for answer in [200, 200, 401, 200, 200] {
        if answer == 401 {
            probe.then(Answer::status(401));
        }
        service
            .ready()
            .await
            .unwrap()
            .call(request())
            .await
            .unwrap();
        pass(seconds(if answer == 401 { 3600 } else { 1 })).await;
    }
    assert_eq!(probe.counts().calls, 6);
    assert_eq!(probe.counts().calls_without_readiness, 0);
}

#[tokio::test(start_paused = true)]
async fn contract_nothing_waits_in_poll_ready() {
    let world = World::with_token(seconds(0));
    world.vendor.then(Reply::Slow(seconds(20)));
    let process = world.process_without_schedule();
    let probe = Probe::answering(200);
    let (mut service, _) = layered(&process, &probe, Bearer::default());
    let waiting = tokio::spawn(service.clone().oneshot(request()));
    pass(seconds(1)).await;
    // A token call is under way, and the inner service is not ready, either.
    probe.never_ready();
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(service.poll_ready(&mut cx), Poll::Ready(Ok(()))));
    let mut sent = pin!(service.call(request()));
    assert!(futures_util::poll!(&mut sent).is_pending());
    pass(seconds(30)).await;
    assert!(futures_util::poll!(&mut sent).is_pending());
    probe.ready_again();
    sent.await.unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(probe.counts().calls_without_readiness, 0);
}

#[tokio::test(start_paused = true)]
async fn contract_refusal_needs_no_ready_inner() {
    let world = World::with_token(seconds(0));
    world.vendor.always(Some(refused()));
    let process = world.process_without_schedule();
    let probe = Probe::answering(200);
    probe.never_ready();
    let (service, _) = layered(&process, &probe, Bearer::default());
    let refusal = service.clone().oneshot(request()).await.unwrap_err();
    let refusal = refusal.downcast::<CredentialError>().unwrap();
    assert!(matches!(*refusal, CredentialError::NeedsReauth { .. }));

    let disabled = leeward_auth_refresh::Record {
        status: Status::Disabled,
        ..world.record()
    };
    process.keeper.put(world.store.records.put(disabled));
    let refusal = service.oneshot(request()).await.unwrap_err();
    let refusal = refusal.downcast::<CredentialError>().unwrap();
    assert!(matches!(*refusal, CredentialError::Disabled(_)));
    assert_eq!(probe.counts().calls, 0);
}

fn deepest(error: &(dyn Error + 'static)) -> String {
    match error.source() {
        Some(source) => deepest(source),
        None => error.to_string(),
    }
}

#[tokio::test(start_paused = true)]
async fn contract_errors_keep_their_source() {
    let world = World::with_token(seconds(0));
    let process = world.process_without_schedule();
    let probe = Probe::answering(200);
    let (service, _) = layered(&process, &probe, Bearer::default());

    // The inner service's own error.
    probe.then(Answer::Error);
    let inner: BoxError = service.clone().oneshot(request()).await.unwrap_err();
    assert!(inner.is::<ProbeError>());

    // The store's.
    world.store.away(true);
    process.keeper.forget(&acme());
    let store = service.clone().oneshot(request()).await.unwrap_err();
    assert_eq!(deepest(&*store), "the store is away");
    world.store.away(false);

    // The connection's, under the token call's.
    world.put("acme", seconds(0));
    let connection = std::io::Error::other("connection refused by 192.0.2.1");
    world
        .vendor
        .always(Some(leeward_auth_refresh::Failure::NotSent {
            reason: "no connection".into(),
            source: Some(std::sync::Arc::new(connection)),
        }));
    let away = process.keeper.refresh(&acme()).await.unwrap_err();
    assert_eq!(deepest(&away), "connection refused by 192.0.2.1");
}
