use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;

use http::{Request, Response};
use tokio::sync::Semaphore;
use tower::{ServiceBuilder, ServiceExt, service_fn};

use super::*;

fn counter() -> IntCounter {
    IntCounter::new("panics", "panics").unwrap()
}

#[tokio::test]
async fn a_panic_in_a_future_is_an_error_and_gives_back_what_was_held() {
    let (panics, room) = (counter(), Arc::new(Semaphore::new(1)));
    let permits = Arc::clone(&room);
    let service = ServiceBuilder::new()
        .layer(CatchLayer::new(panics.clone()))
        .service(service_fn(move |request: Request<bool>| {
            let permits = Arc::clone(&permits);
            async move {
                let _permit = permits.try_acquire_owned().expect("the permit came back");
                tokio::task::yield_now().await;
                assert!(!request.into_body(), "it panics");
                Ok::<_, Error>(Response::new(()))
            }
        }));
    let error = service
        .clone()
        .oneshot(Request::new(true))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    assert_eq!(panics.get(), 1);
    service.oneshot(Request::new(false)).await.unwrap();
    assert_eq!((panics.get(), room.available_permits()), (1, 1));
}

#[tokio::test]
async fn a_panic_before_there_is_a_future_is_an_error_too() {
    let panics = counter();
    let service = ServiceBuilder::new()
        .layer(CatchLayer::new(panics.clone()))
        .service(service_fn(|request: Request<bool>| {
            assert!(!request.into_body(), "it panics");
            ready(Ok::<_, Error>(Response::new(())))
        }));
    let error = service
        .clone()
        .oneshot(Request::new(true))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    assert_eq!(panics.get(), 1);
    service.oneshot(Request::new(false)).await.unwrap();
}

#[tokio::test]
async fn what_does_not_panic_passes() {
    let service = ServiceBuilder::new()
        .layer(CatchLayer::new(counter()))
        .service(service_fn(|_: Request<()>| {
            ready(Err::<Response<Infallible>, _>(Error::refused(
                Code::HostDenied,
                "no",
            )))
        }));
    let error = service.oneshot(Request::new(())).await.unwrap_err();
    assert_eq!(error.code(), Code::HostDenied);
}
