//! What the tests share.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::header::{ACCEPT, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::BodyExt as _;
use leeward_fallback::{
    Answers, Fallback, FallbackBody, FallbackLayer, Key, Observe, Policy, Served, Settings,
};
use leeward_probe::{Answer, Probe, ProbeBody, ProbeService};
use tokio::time::Instant;
use tower::ServiceExt;
use tower_layer::Layer;

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Errors and 5xx are failures; the account is the request's `x-account`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reads;

fn account(headers: &HeaderMap) -> &str {
    let account = headers.get("x-account");
    account.and_then(|value| value.to_str().ok()).unwrap_or("")
}

impl<B, RB> Policy<B, RB, BoxError> for Reads {
    fn key(&self, request: &Request<B>) -> Option<Key> {
        Key::of(account(request.headers()), &[ACCEPT], request)
    }

    fn changes(&self, request: &Request<B>) -> Option<Key> {
        let (headers, target) = (request.headers(), request.uri().path());
        let read = leeward_fallback::Read::Get;
        Some(Key::new(account(headers), read, target, &[], headers))
    }

    fn failed(&self, result: Result<&Response<RB>, &BoxError>) -> bool {
        result.is_err() || result.is_ok_and(|response| response.status().is_server_error())
    }
}

/// A layer around a probe, over a clock that the test moves.
pub(crate) struct House {
    pub(crate) probe: Probe,
    pub(crate) answers: Answers,
    pub(crate) served: Ages,
    now: Arc<Mutex<Instant>>,
}

impl House {
    pub(crate) fn new(settings: Settings) -> Self {
        let now = Arc::new(Mutex::new(Instant::now()));
        let clock = Arc::clone(&now);
        Self {
            probe: Probe::answering(502),
            answers: Answers::new(settings).clock(move || *clock.lock().unwrap()),
            served: Ages::default(),
            now,
        }
    }

    pub(crate) fn advance(&self, seconds: u64) -> &Self {
        *self.now.lock().unwrap() += Duration::from_secs(seconds);
        self
    }

    pub(crate) fn service(&self) -> Fallback<ProbeService, Reads> {
        FallbackLayer::new(self.answers.clone(), Reads)
            .observe(Arc::new(self.served.clone()))
            .layer(self.probe.service())
    }

    pub(crate) async fn call(
        &self,
        request: Request<ProbeBody>,
    ) -> Result<Response<FallbackBody<ProbeBody>>, BoxError> {
        self.service().oneshot(request).await
    }

    /// One live answer, read to its end.
    pub(crate) async fn answer(&self, request: Request<ProbeBody>, answer: Answer) -> &Self {
        self.probe.then(answer);
        let response = self.call(request).await.unwrap();
        assert_eq!(response.extensions().get::<Served>(), None);
        let _ = response.into_body().collect().await;
        self
    }

    /// What a request gets while the vendor is away: the body of what is served, if anything is.
    pub(crate) async fn away(&self, request: Request<ProbeBody>) -> Option<String> {
        let response = self.call(request).await.unwrap();
        response.extensions().get::<Served>()?;
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Some(String::from_utf8(bytes.to_vec()).unwrap())
    }
}

impl Default for House {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Ages(Arc<Mutex<Vec<Duration>>>);

impl Ages {
    pub(crate) fn seen(&self) -> Vec<u64> {
        let ages = self.0.lock().unwrap();
        ages.iter().map(Duration::as_secs).collect()
    }
}

impl Observe for Ages {
    fn served(&self, age: Duration) {
        self.0.lock().unwrap().push(age);
    }
}

pub(crate) fn get(fields: &[(&'static str, &str)]) -> Request<ProbeBody> {
    request(Method::GET, "/contacts", fields)
}

pub(crate) fn request(
    method: Method,
    target: &str,
    fields: &[(&'static str, &str)],
) -> Request<ProbeBody> {
    let mut request = Request::new(ProbeBody::empty());
    *request.method_mut() = method;
    *request.uri_mut() = target.parse().unwrap();
    *request.headers_mut() = headers(fields);
    request
}

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let value = HeaderValue::from_str(value).unwrap();
        headers.append(HeaderName::from_static(name), value);
    }
    headers
}

pub(crate) fn ok(body: &str, fields: &[(&'static str, &str)]) -> Answer {
    answer(200, ProbeBody::full(body.to_owned()), fields)
}

pub(crate) fn answer(status: u16, body: ProbeBody, fields: &[(&'static str, &str)]) -> Answer {
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    *response.headers_mut() = headers(fields);
    Answer::Response(response)
}
