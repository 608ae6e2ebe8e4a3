//! What the tests share.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use leeward_probe::{Probe, ProbeBody, ProbeService};
use leeward_retry::{
    Advice, Backoff, BoxError, Observe, Policy, Retry, RetryBudget, RetryLayer, Settings,
};
use tower_layer::Layer;

/// Repeats 503 (no earlier than its `Retry-After`) and every error.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Plain {
    /// Every error is one of a request that was never sent.
    pub(crate) never_sent: bool,
    pub(crate) keeps_body: bool,
}

impl<RB> Policy<RB, BoxError> for Plain {
    fn may_repeat<B>(&self, request: &Request<B>) -> bool {
        request.method().is_idempotent()
    }

    fn keeps_body<B>(&self, _: &Request<B>) -> bool {
        self.keeps_body
    }

    fn advise(&self, repeatable: bool, result: Result<&Response<RB>, &BoxError>) -> Advice {
        match result {
            Ok(response) if repeatable && response.status() == StatusCode::SERVICE_UNAVAILABLE => {
                let seconds = response.headers().get("retry-after");
                let seconds = seconds.and_then(|value| value.to_str().ok()?.parse().ok());
                Advice::Repeat {
                    reason: "503",
                    not_before: seconds.map(Duration::from_secs),
                    never_sent: false,
                }
            }
            Ok(_) => Advice::Done,
            Err(_) => Advice::Repeat {
                reason: "reset",
                not_before: None,
                never_sent: self.never_sent,
            },
        }
    }

    fn torn(&self, source: BoxError) -> BoxError {
        Torn(source).into()
    }
}

/// The policy's own error, so that a test can tell it from the client's.
#[derive(Debug)]
pub(crate) struct Torn(BoxError);

impl std::fmt::Display for Torn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the answer was torn")
    }
}

impl std::error::Error for Torn {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Reasons(Arc<Mutex<Vec<&'static str>>>);

impl Reasons {
    pub(crate) fn seen(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().clone()
    }
}

impl Observe for Reasons {
    fn retry(&self, reason: &'static str) {
        self.0.lock().unwrap().push(reason);
    }
}

pub(crate) fn at_once() -> Settings {
    Settings {
        backoff: Backoff {
            base: Duration::ZERO,
            max: Duration::ZERO,
        },
        ..Settings::default()
    }
}

pub(crate) fn around(probe: &Probe, settings: Settings) -> Retry<ProbeService, Plain> {
    with(probe, settings, Plain::default())
}

pub(crate) fn with(probe: &Probe, settings: Settings, policy: Plain) -> Retry<ProbeService, Plain> {
    RetryLayer::new(settings, policy, RetryBudget::default()).layer(probe.service())
}

pub(crate) fn get() -> Request<ProbeBody> {
    Request::new(ProbeBody::empty())
}

pub(crate) fn request(method: http::Method, body: ProbeBody) -> Request<ProbeBody> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    request
}

pub(crate) async fn ready(
    service: &mut Retry<ProbeService, Plain>,
) -> &mut Retry<ProbeService, Plain> {
    tower::ServiceExt::<Request<ProbeBody>>::ready(service)
        .await
        .unwrap()
}
