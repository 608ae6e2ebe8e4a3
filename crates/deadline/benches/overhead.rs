//! What the three timeouts cost a call that answers at once, beside the bare service in the same
//! run. `cargo bench -p leeward-deadline`

use std::convert::Infallible;
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::Empty;
use leeward_deadline::{
    BoxError, Deadline, IdleBodyLayer, MovingBody, ResponseTimeoutLayer, TotalTimeoutLayer,
};
use tokio::time::Instant;
use tower::{Service, ServiceExt, service_fn};
use tower_layer::Layer;

const CALLS: u32 = 200_000;
const ROUNDS: usize = 21;

type Nothing = Empty<&'static [u8]>;

async fn answer<B>(_: Request<B>) -> Result<Response<Nothing>, Infallible> {
    Ok(Response::new(Empty::new()))
}

fn nanos_per_call<S, R>(service: &mut S, request: impl Fn() -> R) -> f64
where
    S: Service<R>,
{
    let mut cx = Context::from_waker(Waker::noop());
    let began = std::time::Instant::now();
    for _ in 0..CALLS {
        let _ = black_box(service.poll_ready(&mut cx).is_ready());
        let call = pin!(service.call(request()));
        if let Poll::Ready(answer) = call.poll(&mut cx) {
            black_box(answer.is_ok());
        }
    }
    began.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn main() {
    let deadline = Deadline::after(Instant::now(), Duration::from_secs(3600));
    let request = || {
        let mut request = Request::new(Nothing::new());
        request.extensions_mut().insert(deadline);
        request
    };
    let mut bare = service_fn(answer::<Nothing>).map_err(BoxError::from);
    let inner = service_fn(answer::<MovingBody<Nothing>>).map_err(BoxError::from);
    let inner = IdleBodyLayer::new(Duration::from_secs(30)).layer(inner);
    let inner = ResponseTimeoutLayer::new(Duration::from_secs(30)).layer(inner);
    let mut layered = TotalTimeoutLayer::new().layer(inner);

    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        without.push(nanos_per_call(&mut bare, request));
        with.push(nanos_per_call(&mut layered, request));
    }
    let (without, with) = (median(without), median(with));
    println!("bare service       {without:8.1} ns per call");
    println!("with three limits  {with:8.1} ns per call");
    println!(
        "added              {:8.1} ns, ratio {:.2}",
        with - without,
        with / without
    );
}
