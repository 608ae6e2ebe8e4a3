//! What comes after the head.

use std::num::NonZeroU32;

use http_body::Body;
use http_body_util::BodyExt;
use leeward_circuit_breaker::{Breakers, Settings, State};
use leeward_probe::{Answer, Probe, ProbeBody};

use crate::support::{OPEN, SECOND, both, breakers, call, open, refused, state};

#[tokio::test(start_paused = true)]
async fn a_probe_whose_body_streams_on_has_closed_the_circuit_with_its_head() {
    let probe = Probe::answering(200);
    let breakers = breakers();
    let client = both(&probe, &breakers);
    open(&probe, &client).await;
    tokio::time::advance(OPEN).await;
    probe.then(Answer::with_body(200, ProbeBody::full("on").hanging()));
    let streaming = call(&client).await.unwrap();
    assert_eq!(state(&breakers), State::Closed);
    tokio::time::advance(3600 * SECOND).await;
    assert_eq!(call(&client).await.unwrap().status(), 200);
    drop(streaming);
    assert_eq!(state(&breakers), State::Closed);
    assert_eq!(
        breakers.snapshot()[0].failures,
        0,
        "a reader that leaves is no failure"
    );
}

#[tokio::test(start_paused = true)]
async fn its_body_dying_later_counts_against_the_closed_circuit() {
    let probe = Probe::answering(200);
    let breakers = Breakers::new(Settings {
        consecutive_failures: NonZeroU32::new(5),
        failure_ratio: None,
        ..Settings::default()
    });
    let client = both(&probe, &breakers);
    open(&probe, &client).await;
    tokio::time::advance(OPEN).await;
    probe.then(Answer::with_body(200, ProbeBody::full("half").torn()));
    let body = call(&client).await.unwrap().into_body();
    assert_eq!(state(&breakers), State::Closed);
    body.collect().await.unwrap_err();
    assert_eq!(breakers.snapshot()[0].failures, 1);
    for _ in 0..4 {
        probe.then(Answer::status(500));
        call(&client).await.unwrap();
    }
    assert_eq!(state(&breakers), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_always_dies_in_mid_answer_opens_its_circuit() {
    let probe = Probe::answering(200);
    let client = both(&probe, &breakers());
    for _ in 0..5 {
        probe.then(Answer::with_body(200, ProbeBody::full("half").torn()));
        let body = call(&client).await.unwrap().into_body();
        body.collect().await.unwrap_err();
    }
    assert!(refused(&call(&client).await).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_failed_head_counts_once_whatever_its_body_does() {
    let probe = Probe::answering(200);
    let breakers = breakers();
    let client = both(&probe, &breakers);
    for _ in 0..4 {
        probe.then(Answer::with_body(500, ProbeBody::full("half").torn()));
        let body = call(&client).await.unwrap().into_body();
        body.collect().await.unwrap_err();
    }
    assert_eq!(breakers.snapshot()[0].failures, 4);
    assert_eq!(state(&breakers), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn length_and_end_are_passed_on() {
    let probe = Probe::answering(200);
    probe.then(Answer::with_body(200, ProbeBody::full("four")));
    let client = both(&probe, &breakers());
    let body = call(&client).await.unwrap().into_body();
    assert_eq!(body.size_hint().exact(), Some(4));
    assert!(!body.is_end_stream());
    assert_eq!(body.collect().await.unwrap().to_bytes(), "four");
    assert!(call(&client).await.unwrap().into_body().is_end_stream());
}
