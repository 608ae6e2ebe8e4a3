//! Limits and request bodies that still move.

use std::future::Future;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt;
use leeward_deadline::{
    BoxError, MovingBody, Phase, Progress, ResponseTimeoutLayer, TotalTimeoutLayer,
};
use leeward_probe::ProbeBody;
use tokio::time::{Instant, sleep};
use tower::{Service, ServiceExt, service_fn};
use tower_layer::Layer;

use crate::support::{SECOND, elapsed, request};

type Upload = MovingBody<ProbeBody>;

/// Takes one frame of the upload each `step`, then answers after `thinks`.
fn receiver(
    step: Duration,
    thinks: Duration,
) -> impl Service<
    Request<Upload>,
    Response = Response<ProbeBody>,
    Error = BoxError,
    Future: Future<Output = Result<Response<ProbeBody>, BoxError>>,
> {
    service_fn(move |request: Request<Upload>| async move {
        let mut body = request.into_body();
        while let Some(frame) = body.frame().await {
            frame?;
            sleep(step).await;
        }
        sleep(thinks).await;
        Ok(Response::new(ProbeBody::empty()))
    })
}

fn ten_frames() -> ProbeBody {
    (0..10).fold(ProbeBody::empty(), |body, _| body.frame("x"))
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_moves_outlives_both_limits() {
    let inner = receiver(5 * SECOND, SECOND);
    let service = ResponseTimeoutLayer::new(8 * SECOND).layer(inner);
    let service = TotalTimeoutLayer::new().layer(service);
    let began = Instant::now();
    let answer = service
        .oneshot(request(Some(10 * SECOND), ten_frames()))
        .await;
    assert_eq!(answer.unwrap().status(), 200);
    assert_eq!(began.elapsed(), 51 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_stands_still_does_not() {
    let inner = service_fn(|request: Request<Upload>| async move {
        let mut body = request.into_body();
        let _ = body.frame().await;
        std::future::pending::<Result<Response<ProbeBody>, BoxError>>().await
    });
    let service = TotalTimeoutLayer::new().idle(4 * SECOND).layer(inner);
    let began = Instant::now();
    let slow = ProbeBody::full("a").frame("b");
    let error = service.oneshot(request(Some(10 * SECOND), slow)).await;
    assert_eq!(elapsed(&error.unwrap_err()).unwrap().phase, Phase::Total);
    assert_eq!(began.elapsed(), 10 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_short_deadline_allows_no_longer_standstill_than_itself() {
    let inner = service_fn(|request: Request<Upload>| async move {
        let mut body = request.into_body();
        let _ = body.frame().await;
        sleep(SECOND).await;
        let _ = body.frame().await;
        std::future::pending::<Result<Response<ProbeBody>, BoxError>>().await
    });
    let service = TotalTimeoutLayer::new().layer(inner);
    let began = Instant::now();
    let error = service
        .oneshot(request(Some(2 * SECOND), ten_frames()))
        .await;
    error.unwrap_err();
    assert_eq!(began.elapsed(), 3 * SECOND, "2 s after the last movement");
}

#[tokio::test(start_paused = true)]
async fn the_answer_has_its_whole_time_after_the_upload() {
    // 50 s of upload, then an answer that never comes.
    let inner = receiver(5 * SECOND, Duration::from_secs(86_400));
    let service = ResponseTimeoutLayer::new(40 * SECOND)
        .idle(6 * SECOND)
        .layer(inner);
    let service = TotalTimeoutLayer::new().layer(service);
    let began = Instant::now();
    let error = service.oneshot(request(None, ten_frames())).await;
    assert_eq!(elapsed(&error.unwrap_err()).unwrap().phase, Phase::Response);
    // The last frame is taken after 45 s, and is known to be the last.
    assert_eq!(began.elapsed(), 85 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn progress_tells_of_frames_and_of_every_end() {
    let (mut body, progress) = MovingBody::watched(ProbeBody::full("a").frame("b").torn());
    let progress = progress.unwrap();
    let began = Instant::now();
    sleep(SECOND).await;
    assert_eq!(progress.moved_at(), began);
    body.frame().await.unwrap().unwrap();
    assert_eq!(progress.moved_at(), began + SECOND);
    assert!(!progress.is_finished());
    body.frame().await.unwrap().unwrap();
    assert!(!progress.is_finished());
    body.frame().await.unwrap().err().unwrap();
    assert!(progress.is_finished(), "failed");

    let (body, progress) = MovingBody::watched(ProbeBody::full("a"));
    drop(body);
    assert!(progress.unwrap().is_finished(), "dropped");
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_body_carries_nothing() {
    let (body, progress) = MovingBody::watched(ProbeBody::empty());
    assert!(progress.is_none());
    assert_eq!(http_body::Body::size_hint(&body).exact(), Some(0));

    let seen = service_fn(|request: Request<Upload>| async move {
        let seen = request.extensions().get::<Progress>().is_some();
        Ok::<_, BoxError>(Response::new(seen))
    });
    let service = TotalTimeoutLayer::new().layer(seen);
    let empty = request(Some(SECOND), ProbeBody::empty());
    assert!(!service.clone().oneshot(empty).await.unwrap().into_body());
    let full = request(Some(SECOND), ProbeBody::full("a"));
    assert!(service.oneshot(full).await.unwrap().into_body());
}
