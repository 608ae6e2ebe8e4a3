//! The two limits on the way to the head.

use std::time::Duration;

use http_body_util::BodyExt;
use leeward_deadline::{
    Deadline, Elapsed, IdleBodyLayer, Phase, ResponseTimeoutLayer, TotalTimeoutLayer,
};
use leeward_probe::{Answer, Probe, ProbeBody};
use tokio::time::Instant;
use tower::ServiceExt;
use tower_layer::Layer;

use crate::support::{SECOND, elapsed, request};

#[tokio::test(start_paused = true)]
async fn a_request_ends_at_its_deadline() {
    let probe = Probe::answering(200);
    probe.then(Answer::Hang);
    let service = TotalTimeoutLayer::new().layer(probe.service());
    let began = Instant::now();
    let error = service
        .oneshot(request(Some(2 * SECOND), ProbeBody::empty()))
        .await
        .err()
        .unwrap();
    let expected = Elapsed {
        phase: Phase::Total,
        after: 2 * SECOND,
    };
    assert_eq!(elapsed(&error), Some(expected));
    assert_eq!(began.elapsed(), 2 * SECOND);
    assert_eq!(error.to_string(), "no answer, retries included, within 2s");
}

#[tokio::test(start_paused = true)]
async fn what_is_cut_off_is_dropped_before_the_refusal_goes_out() {
    let probe = Probe::answering(200);
    probe.then(Answer::Hang);
    let service = TotalTimeoutLayer::new().layer(probe.service());
    let mut call = Box::pin(service.oneshot(request(Some(SECOND), ProbeBody::empty())));
    assert!(call.as_mut().await.is_err());
    // The future is still there; what it held is not.
    let counts = probe.counts();
    assert_eq!((counts.in_flight, counts.cancelled), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_counts_from_where_it_was_made() {
    let probe = Probe::answering(200);
    probe.then(Answer::Hang);
    let service = TotalTimeoutLayer::new().layer(probe.service());
    let late = request(Some(2 * SECOND), ProbeBody::empty());
    tokio::time::advance(SECOND).await;
    let began = Instant::now();
    service.oneshot(late).await.err().unwrap();
    assert_eq!(began.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_a_request_takes_its_time() {
    let probe = Probe::answering(200);
    let answer = probe.then_when();
    let service = TotalTimeoutLayer::new().layer(probe.service());
    let call = tokio::spawn(service.oneshot(request(None, ProbeBody::empty())));
    tokio::time::sleep(Duration::from_secs(3600)).await;
    answer.send(Answer::status(204)).unwrap();
    assert_eq!(call.await.unwrap().unwrap().status(), 204);
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_time_passes() {
    let probe = Probe::answering(200);
    let answer = probe.then_when();
    let service = ResponseTimeoutLayer::new(SECOND).layer(probe.service());
    let call = tokio::spawn(service.oneshot(request(None, ProbeBody::empty())));
    tokio::time::sleep(Duration::from_millis(900)).await;
    answer.send(Answer::status(204)).unwrap();
    assert_eq!(call.await.unwrap().unwrap().status(), 204);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_ends_at_its_response_timeout() {
    let probe = Probe::answering(200);
    probe.then(Answer::Hang);
    let service = ResponseTimeoutLayer::new(SECOND).layer(probe.service());
    let error = service
        .oneshot(request(None, ProbeBody::empty()))
        .await
        .err()
        .unwrap();
    let expected = Elapsed {
        phase: Phase::Response,
        after: SECOND,
    };
    assert_eq!(elapsed(&error), Some(expected));
}

#[tokio::test(start_paused = true)]
async fn the_head_ends_the_limit_and_the_body_may_follow() {
    let probe = Probe::answering(200);
    probe.then(Answer::with_body(200, ProbeBody::empty().hanging()));
    let service = TotalTimeoutLayer::new().layer(probe.service());
    let answer = service
        .oneshot(request(Some(SECOND), ProbeBody::empty()))
        .await
        .unwrap();
    tokio::time::sleep(10 * SECOND).await;
    assert_eq!(probe.counts().bodies_dropped, 0);
    drop(answer);
}

#[tokio::test(start_paused = true)]
async fn a_span_without_end_overflows_nothing() {
    let now = Instant::now();
    let deadline = Deadline::after(now, Duration::MAX);
    assert!(deadline.remaining(now) > Duration::from_secs(1 << 29));
    assert_eq!(deadline.allowed(), Duration::MAX);

    let probe = Probe::answering(200);
    let answer = probe.then_when();
    let service = ResponseTimeoutLayer::new(Duration::MAX).layer(probe.service());
    let call = tokio::spawn(service.oneshot(request(Some(Duration::MAX), ProbeBody::empty())));
    tokio::time::sleep(SECOND).await;
    answer.send(Answer::status(200)).unwrap();
    call.await.unwrap().unwrap();
}

#[test]
fn what_answers_at_once_touches_no_timer() {
    // This runtime has no timers: making one would panic.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let probe = Probe::answering(200);
    let service = ResponseTimeoutLayer::new(SECOND).layer(probe.service());
    let service = IdleBodyLayer::new(SECOND).layer(service);
    let service = TotalTimeoutLayer::new().layer(service);
    let call = service.oneshot(request(Some(SECOND), ProbeBody::full("up")));
    runtime.block_on(async {
        let answer = call.await.unwrap();
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "");
    });
}
