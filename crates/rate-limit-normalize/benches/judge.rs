//! What a plain 200 costs: nanoseconds per call of a bare service that answers at once, and of the
//! same service with the layers around it, interleaved in one run.
//!
//! `cargo bench -p leeward-rate-limit-normalize`

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Empty;
use leeward_rate_limit_normalize::{
    Answer, Gate, GateLayer, Look, NoHooks, NoInspect, NormalizeLayer, OneAccount, RateLimited,
    RuleSpec, Rules, Settings,
};
use tower::{Layer, Service};

const ROUNDS: usize = 40;
const CALLS: u32 = 20_000;

/// Answers at once with a 200.
#[derive(Clone)]
struct Bare;

type Reply = Result<Response<Empty<Bytes>>, Failed>;

#[derive(Debug)]
struct Failed;

impl From<RateLimited> for Failed {
    fn from(_: RateLimited) -> Self {
        Self
    }
}

impl leeward_rate_limit_normalize::Limited for Failed {
    fn limited(&self) -> Option<&RateLimited> {
        None
    }
}

impl Service<Request<Empty<Bytes>>> for Bare {
    type Response = Response<Empty<Bytes>>;
    type Error = Failed;
    type Future = Ready<Reply>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Empty<Bytes>>) -> Ready<Reply> {
        let mut response = Response::new(Empty::new());
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        ready(Ok(response))
    }
}

fn calls<S>(service: &mut S) -> f64
where
    S: Service<Request<Empty<Bytes>>>,
{
    time(|| {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(service.poll_ready(&mut cx).is_ready());
        let mut future = pin!(service.call(Request::new(Empty::new())));
        assert!(black_box(future.as_mut().poll(&mut cx)).is_ready());
    })
}

fn time(mut run: impl FnMut()) -> f64 {
    let began = Instant::now();
    for _ in 0..CALLS {
        run();
    }
    began.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn main() {
    let all: serde_json::Value =
        serde_json::from_str(include_str!("../tests/data/rules.json")).unwrap();
    let specs: Vec<RuleSpec> = serde_json::from_value(all["google"].clone()).unwrap();
    let rules = Arc::new(Rules::compile(&specs, &NoHooks).unwrap());
    // The first of these rules is about every status: leave it out for an answer that is not read.
    let few = Arc::new(Rules::compile(&specs[1..], &NoHooks).unwrap());

    let gate = Gate::new(Settings::default());
    let caller = OneAccount::default();
    let normalize = NormalizeLayer::new(few, gate.clone(), caller.clone(), NoInspect);
    let outer = GateLayer::reject(gate.clone(), caller.clone());
    let looking = NormalizeLayer::new(rules.clone(), gate, caller, NoInspect);

    let limited = {
        let mut headers = HeaderMap::new();
        headers.insert(
            RETRY_AFTER,
            HeaderValue::from_static("Fri, 02 Jan 2026 00:00:00 GMT"),
        );
        headers
    };
    let look = Look::new(
        r#"{"error":{"errors":[{"reason":"userRateLimitExceeded"}],"message":"x"}}"#,
        true,
    );
    look.json();
    let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_767_225_600);
    let judge = || {
        let answer = Answer {
            status: StatusCode::FORBIDDEN,
            headers: &limited,
            body: Some(&look),
            method: &Method::GET,
            path: "/",
        };
        black_box(rules.judge(&answer, &(), now));
    };

    let mut bare = Bare;
    let mut normalized = normalize.layer(Bare);
    let mut both = outer.layer(normalize.layer(Bare));
    let mut looked = looking.layer(Bare);
    let mut samples: [Vec<f64>; 6] = Default::default();
    for _ in 0..ROUNDS {
        let round = [
            calls(&mut bare),
            calls(&mut bare),
            calls(&mut normalized),
            calls(&mut both),
            calls(&mut looked),
            time(judge),
        ];
        samples
            .iter_mut()
            .zip(round)
            .for_each(|(all, one)| all.push(one));
    }
    let names = [
        "bare service, 200",
        "bare service again (noise)",
        "normalize, 200 that no rule is about",
        "gate and normalize, the same",
        "normalize, 200 whose (empty) body a rule asks for",
        "judge alone: the seventh rule of a 403, with an HTTP date",
    ];
    println!("median of {ROUNDS} rounds of {CALLS} calls, ns per call");
    for (name, samples) in names.iter().zip(samples) {
        println!("{:>8.1}  {name}", median(samples));
    }
}
