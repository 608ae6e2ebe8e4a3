//! When a request is repeated, when it is not, and how long that takes.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method, Response};
use http_body_util::BodyExt as _;
use leeward_deadline::Deadline;
use leeward_probe::{Answer, Probe, ProbeBody};
use leeward_retry::{Attempt, BoxError, ReplayBody, RetryBudget, RetryLayer, Settings};
use tokio::time::Instant;
use tower::ServiceExt;
use tower_layer::Layer;

use crate::support::{Plain, Reasons, around, at_once, get, request, with};

fn slow_down(seconds: u64) -> Answer {
    let mut response = Response::new(ProbeBody::empty());
    *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
    let seconds = HeaderValue::from(seconds);
    response.headers_mut().insert("retry-after", seconds);
    Answer::Response(response)
}

fn until(seconds: u64) -> http::Request<ProbeBody> {
    let mut request = get();
    let deadline = Deadline::after(Instant::now(), Duration::from_secs(seconds));
    request.extensions_mut().insert(deadline);
    request
}

#[tokio::test(start_paused = true)]
async fn a_repeat_comes_after_the_backoff() {
    let probe = Probe::answering(503);
    let settings = Settings {
        max_attempts: 4,
        ..Settings::default()
    };
    let start = Instant::now();
    let response = around(&probe, settings).oneshot(get()).await.unwrap();
    assert_eq!((response.status().as_u16(), probe.counts().calls), (503, 4));
    // 25–50, 50–100 and 100–200 ms; tokio's timers round up to the next millisecond.
    let waited = start.elapsed();
    assert!(waited >= Duration::from_millis(175) && waited <= Duration::from_millis(353));
}

#[tokio::test(start_paused = true)]
async fn never_before_the_vendors_own_time() {
    let probe = Probe::answering(200);
    probe.then(slow_down(7));
    let start = Instant::now();
    let response = around(&probe, at_once()).oneshot(until(60)).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(start.elapsed() >= Duration::from_secs(7) && start.elapsed() < Duration::from_secs(8));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_does_not_fit_the_deadline_is_not_begun() {
    let probe = Probe::answering(200);
    probe.then(slow_down(7));
    let start = Instant::now();
    let response = around(&probe, at_once()).oneshot(until(7)).await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_no_long_wait_is_begun() {
    let probe = Probe::answering(200);
    for seconds in [3, u64::MAX] {
        probe.then(slow_down(seconds));
        let service = around(&probe, Settings::default());
        let response = service.oneshot(get()).await.unwrap();
        assert_eq!(response.status(), 503);
    }
    probe.then(slow_down(1));
    let service = around(&probe, Settings::default());
    assert_eq!(service.oneshot(get()).await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn the_clock_can_be_moved() {
    let probe = Probe::answering(200);
    probe.then(Answer::status(503));
    let late = Instant::now() + Duration::from_secs(61);
    let service = RetryLayer::new(at_once(), Plain::default(), RetryBudget::default())
        .clock(move || late)
        .layer(probe.service());
    assert_eq!(service.oneshot(until(60)).await.unwrap().status(), 503);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_repeated_is_not() {
    let probe = Probe::answering(200);
    probe.then(Answer::status(503));
    let post = request(Method::POST, ProbeBody::full("{}"));
    let response = around(&probe, at_once()).oneshot(post).await.unwrap();
    assert_eq!((response.status().as_u16(), probe.counts().calls), (503, 1));

    probe.then(Answer::Error);
    let post = request(Method::POST, ProbeBody::full("{}"));
    assert!(around(&probe, at_once()).oneshot(post).await.is_err());
    assert_eq!(probe.counts().calls, 2);
}

#[tokio::test(start_paused = true)]
async fn what_was_never_sent_is_repeated_whatever_its_method_and_size() {
    for (policy, size) in [
        (Plain::default(), 10),
        (Plain::default(), 100_000),
        (
            Plain {
                keeps_body: true,
                ..Plain::default()
            },
            10,
        ),
    ] {
        let probe = Probe::answering(200);
        probe.then(Answer::Error).then(Answer::Error);
        let settings = Settings {
            max_attempts: 3,
            ..at_once()
        };
        let policy = Plain {
            never_sent: true,
            ..policy
        };
        for method in [Method::POST, Method::PUT] {
            let request = request(method, ProbeBody::full(vec![b'x'; size]));
            let service = with(&probe, settings, policy);
            assert_eq!(service.oneshot(request).await.unwrap().status(), 200);
        }
        assert_eq!(probe.counts().calls, 4);
    }
}

/// A vendor that reads so many frames of the body, then fails; the next call echoes.
fn reads_then_fails(
    frames: usize,
) -> impl tower::Service<
    http::Request<ReplayBody<ProbeBody>>,
    Response = Response<ProbeBody>,
    Error = BoxError,
> + Clone {
    tower::service_fn(
        move |request: http::Request<ReplayBody<ProbeBody>>| async move {
            let attempt = Attempt::of(&request);
            let mut body = request.into_body();
            if attempt == Attempt(1) {
                for _ in 0..frames {
                    body.frame().await.unwrap().unwrap();
                }
                return Err(BoxError::from("reset"));
            }
            let bytes = body.collect().await?.to_bytes();
            Ok(Response::new(ProbeBody::full(bytes)))
        },
    )
}

#[tokio::test(start_paused = true)]
async fn a_body_that_has_flowed_is_given_again_from_its_beginning() {
    for (frames, never_sent) in [(0, false), (1, false), (2, false), (3, true)] {
        let policy = Plain {
            never_sent,
            keeps_body: true,
        };
        let service = RetryLayer::new(at_once(), policy, RetryBudget::default())
            .layer(reads_then_fails(frames));
        let body = ProbeBody::full("abc").frame("def").frame("ghi");
        let response = service.oneshot(request(Method::PUT, body)).await.unwrap();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(bytes, "abcdefghi");
    }
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_repeated_a_layer_inside_may_still_copy_what_is_kept() {
    for (keeps_body, body, copied) in [
        (false, ProbeBody::empty(), true),
        (false, ProbeBody::full("abc"), false),
        (true, ProbeBody::full("abc"), true),
    ] {
        let policy = Plain {
            keeps_body,
            ..Plain::default()
        };
        let settings = Settings {
            max_attempts: 1,
            ..at_once()
        };
        let inside = tower::service_fn(async |request: http::Request<ReplayBody<ProbeBody>>| {
            let status = match request.body().try_clone() {
                Some(_) => 200,
                None => 204,
            };
            let mut response = Response::new(ProbeBody::empty());
            *response.status_mut() = http::StatusCode::from_u16(status)?;
            Ok::<_, BoxError>(response)
        });
        let service = RetryLayer::new(settings, policy, RetryBudget::default()).layer(inside);
        let response = service.oneshot(request(Method::POST, body)).await.unwrap();
        assert_eq!(response.status() == 200, copied);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_over_the_cap_is_not_given_again() {
    let settings = Settings {
        replay_cap: 5,
        ..at_once()
    };
    for (never_sent, frames) in [(false, 0), (false, 1), (true, 1)] {
        let policy = Plain {
            never_sent,
            ..Plain::default()
        };
        let service = RetryLayer::new(settings, policy, RetryBudget::default())
            .layer(reads_then_fails(frames));
        let body = ProbeBody::full("abc").frame("def");
        let error = service.oneshot(request(Method::PUT, body)).await;
        assert_eq!(error.unwrap_err().to_string(), "reset");
    }
}

#[tokio::test(start_paused = true)]
async fn one_attempt_means_none_is_repeated_and_nothing_held() {
    let probe = Probe::answering(503);
    let settings = Settings {
        max_attempts: 1,
        ..at_once()
    };
    let body = ProbeBody::full("ab").torn().claiming(4);
    probe.then(Answer::with_body(200, body));
    let response = around(&probe, settings).oneshot(get()).await.unwrap();
    assert!(response.into_body().collect().await.is_err());
    let response = around(&probe, settings).oneshot(get()).await.unwrap();
    assert_eq!((response.status().as_u16(), probe.counts().calls), (503, 2));
    assert_eq!(probe.counts().clones, 0);
}

#[tokio::test(start_paused = true)]
async fn each_repeat_is_told_and_numbered() {
    let (probe, reasons) = (Probe::answering(200), Reasons::default());
    let torn = ProbeBody::full("ab").torn().claiming(4);
    probe
        .then(Answer::status(503))
        .then(Answer::Error)
        .then(Answer::with_body(200, torn))
        .then(Answer::with_body(200, ProbeBody::full("whole")));
    let settings = Settings {
        max_attempts: 5,
        ..at_once()
    };
    let response = RetryLayer::new(settings, Plain::default(), RetryBudget::default())
        .observe(Arc::new(reasons.clone()))
        .layer(probe.service())
        .oneshot(get())
        .await
        .unwrap();
    assert_eq!(response.body().held_bytes().unwrap(), "whole");
    assert_eq!(reasons.seen(), ["503", "reset", "torn"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_dawdles_is_let_go_at_half_of_the_time_left() {
    let probe = Probe::answering(200);
    let dawdling = || ProbeBody::full("ab").hanging().claiming(4);
    probe.then(Answer::with_body(200, dawdling()));
    let start = Instant::now();
    let response = around(&probe, at_once()).oneshot(until(10)).await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    let mut body = response.into_body();
    assert_eq!(body.held_bytes(), None);
    let first = body.frame().await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "ab");
}

#[tokio::test(start_paused = true)]
async fn only_answers_to_what_may_be_repeated_are_held() {
    let probe = Probe::answering(200);
    let torn = || Answer::with_body(200, ProbeBody::full("ab").torn().claiming(4));
    probe.then(torn());
    let post = request(Method::POST, ProbeBody::full("{}"));
    let response = around(&probe, at_once()).oneshot(post).await.unwrap();
    assert!(response.into_body().collect().await.is_err());

    // Of unknown length: it flows, whoever asked.
    probe.then(Answer::with_body(200, ProbeBody::full("ab").torn()));
    let response = around(&probe, at_once()).oneshot(get()).await.unwrap();
    assert!(response.into_body().collect().await.is_err());
    assert_eq!(probe.counts().calls, 2);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_not_ready_is_waited_for_in_the_future() {
    let probe = Probe::answering(200);
    let answer = probe.then_when();
    let service = around(&probe, at_once());
    let call = tokio::spawn(service.oneshot(get()));
    tokio::task::yield_now().await;
    probe.never_ready();
    answer.send(Answer::status(503)).unwrap();
    tokio::task::yield_now().await;
    assert_eq!(probe.counts().calls, 1);
    probe.ready_again();
    assert_eq!(call.await.unwrap().unwrap().status(), 200);
    assert_eq!(probe.counts().calls_without_readiness, 0);
}

#[test]
fn the_future_stays_small() {
    type Inner = leeward_probe::ProbeService;
    type Whole = leeward_retry::ResponseFuture<Inner, Plain, ProbeBody, ProbeBody>;
    // The probe's own future is most of it.
    let own = size_of::<Whole>() - size_of::<leeward_probe::ProbeFuture>();
    assert!(own <= 640, "{own}");
}
