//! The obligations of every layer.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use futures_catch::catch;
use http_body_util::BodyExt;
use leeward_circuit_breaker::State;
use leeward_probe::{Answer, Probe, ProbeBody, ProbeError, TornBody};
use tower::{Service, ServiceExt};

use crate::support::{OPEN, SECOND, admit, both, breakers, call, open, refused, request, state};

/// A future's panic, caught where it is polled and nowhere else.
mod futures_catch {
    use std::future::{Future, poll_fn};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::pin::Pin;
    use std::task::Poll;

    pub(super) async fn catch<F: Future>(future: Pin<&mut F>) -> Option<F::Output> {
        let mut future = AssertUnwindSafe(future);
        poll_fn(
            move |cx| match catch_unwind(AssertUnwindSafe(|| future.0.as_mut().poll(cx))) {
                Ok(poll) => poll.map(Some),
                Err(_) => Poll::Ready(None),
            },
        )
        .await
    }
}

#[tokio::test(start_paused = true)]
async fn contract_polled_clone_is_called() {
    let probe = Probe::answering(200);
    let client = both(&probe, &breakers());
    for _ in 0..3 {
        let mut clone = client.clone();
        std::future::poll_fn(|cx| clone.poll_ready(cx))
            .await
            .unwrap();
        let before = probe.counts().clones;
        clone.call(request()).await.unwrap();
        assert_eq!(
            probe.counts().clones,
            before,
            "a ready service is not cloned"
        );
    }
    assert_eq!(probe.counts().calls, 3);
    assert_eq!(probe.counts().calls_without_readiness, 0);
}

#[tokio::test(start_paused = true)]
async fn contract_polled_clone_is_called_once_it_is_ready() {
    let probe = Probe::answering(200);
    probe.never_ready();
    let client = both(&probe, &breakers());
    let calls = tokio::spawn(client.oneshot(request()));
    tokio::task::yield_now().await;
    assert_eq!(probe.counts().calls, 0);
    probe.ready_again();
    calls.await.unwrap().unwrap();
    assert_eq!(probe.counts().calls_without_readiness, 0);
}

#[tokio::test(start_paused = true)]
async fn contract_nothing_waits_in_poll_ready() {
    let probe = Probe::answering(200);
    let breakers = breakers();
    let client = both(&probe, &breakers);
    open(&probe, &client).await;
    let mut cx = Context::from_waker(Waker::noop());
    // Open, and then half-open with its only slot taken: ready all the same.
    assert!(client.clone().poll_ready(&mut cx).is_ready());
    tokio::time::advance(OPEN).await;
    probe.then(Answer::Hang);
    let mut hanging = client.clone();
    assert!(hanging.poll_ready(&mut cx).is_ready());
    let mut hanging = pin!(hanging.call(request()));
    assert!(hanging.as_mut().poll(&mut cx).is_pending());
    assert!(client.clone().poll_ready(&mut cx).is_ready());
}

#[tokio::test(start_paused = true)]
async fn contract_drop_gives_back() {
    let probe = Probe::answering(200);
    let breakers = breakers();
    let client = both(&probe, &breakers);
    open(&probe, &client).await;
    tokio::time::advance(OPEN).await;
    let mut cx = Context::from_waker(Waker::noop());

    // A caller that hangs up.
    {
        probe.then(Answer::Hang);
        let mut probing = pin!(client.clone().oneshot(request()));
        assert!(probing.as_mut().poll(&mut cx).is_pending());
        assert_eq!(state(&breakers), State::HalfOpen);
        assert!(refused(&call(&client).await).is_some());
    }
    assert_eq!(state(&breakers), State::HalfOpen, "nothing is decided");

    // A panic gives it back at once, even while the future that panicked is kept.
    probe.then(Answer::Panic);
    let mut probing = pin!(client.clone().oneshot(request()));
    assert!(catch(probing.as_mut()).await.is_none());
    assert_eq!(state(&breakers), State::HalfOpen);

    // A future that was never polled.
    let mut unpolled = client.clone();
    assert!(unpolled.poll_ready(&mut cx).is_ready());
    let never = unpolled.call(request());
    assert!(refused(&call(&client).await).is_some());
    drop(never);

    assert_eq!(call(&client).await.unwrap().status(), 200);
    assert_eq!(state(&breakers), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn contract_clone_doubles_no_limit() {
    let probe = Probe::answering(200);
    let breakers = breakers();
    let client = both(&probe, &breakers);
    open(&probe, &client).await;
    tokio::time::advance(OPEN).await;
    let mut cx = Context::from_waker(Waker::noop());
    probe.then(Answer::Hang);
    let mut probing = pin!(client.clone().oneshot(request()));
    assert!(probing.as_mut().poll(&mut cx).is_pending());
    let calls = probe.counts().calls;
    for _ in 0..10 {
        assert!(refused(&call(&client.clone()).await).is_some());
        assert!(refused(&call(&admit(&probe, &breakers)).await).is_some());
    }
    assert_eq!(probe.counts().calls, calls);
}

#[tokio::test(start_paused = true)]
async fn contract_refusal_needs_no_ready_inner() {
    let probe = Probe::answering(200);
    let breakers = breakers();
    open(&probe, &both(&probe, &breakers)).await;
    probe.never_ready();
    let mut cx = Context::from_waker(Waker::noop());
    let mut faces = (both(&probe, &breakers), admit(&probe, &breakers));
    assert!(faces.0.poll_ready(&mut cx).is_ready());
    let Poll::Ready(answer) = pin!(faces.0.call(request())).poll(&mut cx) else {
        panic!("the outer face waits");
    };
    assert!(refused(&answer).unwrap().retry_after > 29 * SECOND);
    assert!(faces.1.poll_ready(&mut cx).is_ready());
    let Poll::Ready(answer) = pin!(faces.1.call(request())).poll(&mut cx) else {
        panic!("the inner face waits");
    };
    assert!(refused(&answer).is_some());
}

#[tokio::test(start_paused = true)]
async fn contract_errors_keep_their_source() {
    let probe = Probe::answering(200);
    probe
        .then(Answer::Error)
        .then(Answer::with_body(200, ProbeBody::full("half").torn()));
    let client = both(&probe, &breakers());
    assert!(call(&client).await.unwrap_err().is::<ProbeError>());
    let body = call(&client).await.unwrap().into_body();
    assert_eq!(body.collect().await.unwrap_err(), TornBody);
}
