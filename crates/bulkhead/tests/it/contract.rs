//! The obligations of every layer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Waker};

use http_body_util::BodyExt;
use leeward_bulkhead::Bulkhead;
use leeward_probe::{Answer, Probe, ProbeBody, ProbeError, TornBody};
use tower::Service;

use crate::support::{SECOND, begin, client, limits, poll, refused, request};

#[tokio::test(start_paused = true)]
async fn contract_polled_clone_is_called() {
    let probe = Probe::answering(200);
    let bulkhead = Bulkhead::new(limits(1, 1, 1));
    let mut client = client(&probe, &bulkhead);
    for _ in 0..3 {
        std::future::poll_fn(|cx| client.poll_ready(cx))
            .await
            .unwrap();
        let clones = probe.counts().clones;
        client.call(request("a")).await.unwrap();
        assert_eq!(
            probe.counts().clones,
            clones,
            "a ready service is not cloned"
        );
    }

    // One that waits, and one whose inner service is not ready yet.
    probe.then(Answer::Hang);
    let running = begin(&client, request("a"));
    let waiting = begin(&client, request("a"));
    drop(running);
    waiting.await.unwrap();
    probe.never_ready();
    let unready = begin(&client, request("a"));
    probe.ready_again();
    unready.await.unwrap();
    assert_eq!(probe.counts().calls, 6);
    assert_eq!(probe.counts().calls_without_readiness, 0);
}

#[tokio::test(start_paused = true)]
async fn contract_nothing_waits_in_poll_ready() {
    let probe = Probe::answering(200);
    probe.then(Answer::Hang);
    let bulkhead = Bulkhead::new(limits(1, 1, 1));
    let client = client(&probe, &bulkhead);
    let mut cx = Context::from_waker(Waker::noop());
    let _running = begin(&client, request("a"));
    assert!(client.clone().poll_ready(&mut cx).is_ready());
    let _waiting = begin(&client, request("a"));
    assert!(client.clone().poll_ready(&mut cx).is_ready());
    probe.never_ready();
    assert!(client.clone().poll_ready(&mut cx).is_ready());
}

#[tokio::test(start_paused = true)]
async fn contract_drop_gives_back() {
    let probe = Probe::answering(200);
    let bulkhead = Bulkhead::new(limits(1, 1, 4));
    let client = client(&probe, &bulkhead);

    probe.then(Answer::Hang);
    drop(begin(&client, request("a")));
    assert_eq!(bulkhead.in_flight(), 0, "a future that was dropped");

    probe.then(Answer::Error);
    begin(&client, request("a")).await.unwrap_err();
    assert_eq!(bulkhead.in_flight(), 0, "a call that failed");

    probe.then(Answer::with_body(200, ProbeBody::full("x").hanging()));
    let answer = begin(&client, request("a")).await.unwrap();
    assert_eq!(bulkhead.in_flight(), 1, "the head is not the end");
    drop(answer);
    assert_eq!(bulkhead.in_flight(), 0, "a body that was dropped");

    probe.then(Answer::with_body(200, ProbeBody::full("whole")));
    let mut body = begin(&client, request("a")).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    assert_eq!(bulkhead.in_flight(), 0, "a body that was read");

    probe.then(Answer::with_body(200, ProbeBody::full("half").torn()));
    let mut body = begin(&client, request("a")).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    assert_eq!(bulkhead.in_flight(), 1);
    body.frame().await.unwrap().unwrap_err();
    assert_eq!(bulkhead.in_flight(), 0, "a body that failed");

    let answer = begin(&client, request("a")).await.unwrap();
    assert_eq!(bulkhead.in_flight(), 0, "an answer without a body");
    drop(answer);

    // A panic gives it back at once, even while the future that panicked is kept.
    let panics = probe.then_when();
    let mut call = begin(&client, request("a"));
    panics.send(Answer::Panic).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut call))).is_err());
    assert_eq!(bulkhead.in_flight(), 0, "a panic");

    // A call that left the room, and one that was let out and never came.
    probe.then(Answer::Hang);
    let running = begin(&client, request("a"));
    let (first, second) = (begin(&client, request("a")), begin(&client, request("a")));
    assert_eq!(bulkhead.waiting(), 2);
    drop(first);
    assert_eq!(bulkhead.waiting(), 1);
    let third = begin(&client, request("a"));
    drop(running);
    assert_eq!((bulkhead.in_flight(), bulkhead.waiting()), (1, 1));
    drop(second);
    assert_eq!((bulkhead.in_flight(), bulkhead.waiting()), (1, 0));
    third.await.unwrap();
    assert_eq!((bulkhead.in_flight(), bulkhead.waiting()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn contract_clone_doubles_no_limit() {
    let probe = Probe::answering(200);
    (0..20).for_each(|_| {
        probe.then(Answer::Hang);
    });
    let bulkhead = Bulkhead::new(limits(3, 2, 0));
    let (first, second) = (client(&probe, &bulkhead), client(&probe, &bulkhead));
    let running: Vec<_> = (0..5)
        .flat_map(|_| {
            [
                begin(&first, request("a")),
                begin(&second.clone(), request("b")),
            ]
        })
        .collect();
    assert_eq!(bulkhead.in_flight(), 3);
    assert_eq!(probe.counts().most_in_flight, 3);
    drop(running);
    assert_eq!(bulkhead.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn contract_refusal_needs_no_ready_inner() {
    let probe = Probe::answering(200);
    probe.then(Answer::Hang);
    let bulkhead = Bulkhead::new(limits(1, 1, 1));
    let client = client(&probe, &bulkhead);
    let _running = begin(&client, request("a"));
    probe.never_ready();
    let waiting = begin(&client, request("b"));
    assert!(refused(&begin(&client, request("c")).await).is_some());
    let late = waiting.await;
    assert!(refused(&late).is_some());
    assert_eq!(refused(&late).unwrap().retry_after, SECOND);
}

#[tokio::test(start_paused = true)]
async fn contract_errors_keep_their_source() {
    let probe = Probe::answering(200);
    probe
        .then(Answer::Error)
        .then(Answer::with_body(200, ProbeBody::full("half").torn()));
    let client = client(&probe, &Bulkhead::new(limits(1, 1, 1)));
    let error = begin(&client, request("a")).await.unwrap_err();
    assert!(error.is::<ProbeError>());
    let body = begin(&client, request("a")).await.unwrap().into_body();
    assert_eq!(body.collect().await.unwrap_err(), TornBody);
}
