//! What the two faces of a closed circuit cost a call that answers at once, beside the bare
//! service in the same run. `cargo bench -p leeward-circuit-breaker`

use std::convert::Infallible;
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::{Request, Response};
use http_body_util::Empty;
use leeward_circuit_breaker::{AdmitLayer, Breakers, RefuseLayer, ServerErrors, Settings, Single};
use tower::{Service, ServiceExt, service_fn};
use tower_layer::Layer;

const CALLS: u32 = 200_000;
const ROUNDS: usize = 21;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Nothing = Empty<&'static [u8]>;

async fn answer(_: Request<Nothing>) -> Result<Response<Nothing>, Infallible> {
    Ok(Response::new(Empty::new()))
}

fn nanos_per_call<S>(service: &mut S) -> f64
where
    S: Service<Request<Nothing>>,
{
    let mut cx = Context::from_waker(Waker::noop());
    let began = std::time::Instant::now();
    for _ in 0..CALLS {
        let _ = black_box(service.poll_ready(&mut cx).is_ready());
        let call = pin!(service.call(Request::new(Empty::new())));
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
    let breakers = Breakers::new(Settings::default());
    let key = Single::new("peer");
    let mut bare = service_fn(answer).map_err(BoxError::from);
    let admit = AdmitLayer::new(breakers.clone(), key.clone(), ServerErrors);
    let mut layered = RefuseLayer::new(breakers, key).layer(admit.layer(bare.clone()));

    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        without.push(nanos_per_call(&mut bare));
        with.push(nanos_per_call(&mut layered));
    }
    let (without, with) = (median(without), median(with));
    println!("bare service      {without:8.1} ns per call");
    println!("with both faces   {with:8.1} ns per call");
    println!(
        "added             {:8.1} ns, ratio {:.2}",
        with - without,
        with / without
    );
}
