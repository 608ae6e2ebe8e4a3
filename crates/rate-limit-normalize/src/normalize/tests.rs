use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, response};
use http_body_util::BodyExt;
use leeward_probe::{Answer, Probe, ProbeBody};
use serde_json::json;
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt};

use super::NotLimited;
use crate::{
    By, Gate, Inspect, Limited, Look, LookedBody, NoHooks, NoInspect, NormalizeLayer, OneAccount,
    RateLimited, RuleSpec, Rules, Settings,
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Reply = Result<Response<LookedBody<ProbeBody>>, BoxError>;

const LIMITED: &str = r#"{"code":"SLOW"}"#;

fn rules(specs: serde_json::Value) -> Arc<Rules> {
    let specs: Vec<RuleSpec> = serde_json::from_value(specs).unwrap();
    Arc::new(Rules::compile(&specs, &NoHooks).unwrap())
}

/// A 403 or a 200 with a code in its body means "slow down".
fn slow() -> Arc<Rules> {
    rules(json!([
        {"id": "billing", "when": {"status": 429, "body": {"/code": "UNPAID"}}, "outcome": "not_limited", "retryable": false},
        {"id": "slow", "when": {"status": [200, 403], "body": {"/code": "SLOW"}}, "scope": "burst",
         "wait": [{"header": "Retry-After", "format": "http"}], "fallback": {"seconds": 10}},
    ]))
}

fn answer(status: u16, headers: &[(&str, &str)], body: ProbeBody) -> Answer {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    Answer::Response(response.body(body).unwrap())
}

fn get() -> Request<ProbeBody> {
    Request::new(ProbeBody::empty())
}

async fn through(probe: &Probe, rules: Arc<Rules>, request: Request<ProbeBody>) -> Reply {
    let gate = Gate::new(Settings::default());
    let layer = NormalizeLayer::new(rules, gate, OneAccount::default(), NoInspect);
    layer.layer(probe.service()).oneshot(request).await
}

async fn judged(status: u16, headers: &[(&str, &str)], body: ProbeBody) -> Reply {
    let probe = Probe::answering(200);
    probe.then(answer(status, headers, body));
    through(&probe, slow(), get()).await
}

fn limited(reply: Reply) -> RateLimited {
    let error = reply.expect_err("it was to be refused");
    error.limited().expect("by a limit").clone()
}

async fn text(reply: Reply) -> Bytes {
    reply
        .unwrap()
        .into_body()
        .collect()
        .await
        .unwrap()
        .to_bytes()
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn a_limit_in_disguise_becomes_one_error_and_closes_the_gate() {
    let probe = Probe::answering(200);
    probe.then(answer(403, &[JSON], ProbeBody::full(LIMITED)));
    let gate = Gate::new(Settings::default());
    let layer = NormalizeLayer::new(slow(), gate.clone(), OneAccount::new("acme"), NoInspect);
    let refusal = limited(layer.layer(probe.service()).oneshot(get()).await);
    assert_eq!(refusal.by, By::Vendor);
    assert_eq!(&*refusal.scope, "burst");
    assert_eq!(refusal.rule.as_deref(), Some("slow"));
    assert_eq!(refusal.retry_after, Duration::from_secs(10));
    assert_eq!(refusal.upstream_status, Some(StatusCode::FORBIDDEN));
    assert_eq!(refusal.upstream_body.as_deref(), Some(LIMITED.as_bytes()));
    assert!(gate.check("acme", "/").is_some());
    assert!(gate.check("other", "/").is_none());
    assert!(
        !format!("{refusal:?}").contains("SLOW"),
        "a body is printed"
    );
}

#[tokio::test]
async fn a_generic_429_keeps_its_body_too() {
    let reply = judged(429, &[("retry-after", "7")], ProbeBody::full("go away")).await;
    let refusal = limited(reply);
    assert_eq!(refusal.retry_after, Duration::from_secs(7));
    assert_eq!(refusal.upstream_body.as_deref(), Some(&b"go away"[..]));
    assert_eq!(&*refusal.scope, "default");
}

#[tokio::test]
async fn what_matches_nothing_goes_on_from_its_first_byte() {
    let large = ProbeBody::full(vec![b'x'; 50_000])
        .frame(vec![b'y'; 50_000])
        .frame("z");
    let reply = judged(403, &[JSON], large).await.unwrap();
    let body = reply.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body.len(), 100_001);
    assert!(body.starts_with(b"xx") && body.ends_with(b"yz"));
    let reply = judged(
        403,
        &[JSON],
        ProbeBody::full(r#"{"code":"#).frame("\"NO\"}"),
    )
    .await;
    assert_eq!(
        http_body::Body::size_hint(reply.as_ref().unwrap().body()).exact(),
        Some(13)
    );
    assert_eq!(text(reply).await, r#"{"code":"NO"}"#);
}

#[tokio::test]
async fn a_body_beyond_the_look_matches_no_pointer() {
    let padded = format!(r#"{{"code":"SLOW","pad":"{}"}}"#, "x".repeat(70_000));
    assert_eq!(
        text(judged(403, &[JSON], ProbeBody::full(padded.clone())).await).await,
        padded
    );
    let small = format!(r#"{{"code":"SLOW","pad":"{}"}}"#, "x".repeat(60_000));
    assert_eq!(
        limited(judged(403, &[JSON], ProbeBody::full(small)).await).by,
        By::Vendor
    );
}

#[tokio::test]
async fn only_text_json_xml_and_forms_are_looked_at() {
    for content_type in [
        "text/event-stream",
        "application/octet-stream",
        "application/x-ndjson",
    ] {
        let body = ProbeBody::full(LIMITED).hanging();
        assert!(
            judged(200, &[("content-type", content_type)], body)
                .await
                .is_ok()
        );
    }
    let coded = [JSON, ("content-encoding", "compress")];
    assert!(
        judged(200, &coded, ProbeBody::full(LIMITED).hanging())
            .await
            .is_ok()
    );
    assert_eq!(
        limited(judged(200, &[], ProbeBody::full(LIMITED)).await).by,
        By::Vendor
    );
}

#[tokio::test]
async fn an_answer_without_a_body_is_not_waited_for() {
    let probe = Probe::answering(200);
    probe.then(answer(403, &[JSON], ProbeBody::empty().hanging()));
    let head = Request::head("/").body(ProbeBody::empty()).unwrap();
    assert!(through(&probe, slow(), head).await.is_ok());
    probe.then(answer(429, &[JSON], ProbeBody::empty().hanging()));
    let head = Request::head("/").body(ProbeBody::empty()).unwrap();
    assert_eq!(
        limited(through(&probe, slow(), head).await).upstream_body,
        None
    );
}

#[tokio::test]
async fn compressed_bodies_are_read_and_passed_as_they_came() {
    let pack = |text: &str| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        Bytes::from(gzip.finish().unwrap())
    };
    let headers = [JSON, ("content-encoding", "gzip")];
    let refusal = limited(judged(403, &headers, ProbeBody::full(pack(LIMITED))).await);
    assert_eq!(refusal.upstream_body.as_deref(), Some(LIMITED.as_bytes()));
    let other = pack(r#"{"code":"NO"}"#);
    assert_eq!(
        text(judged(403, &headers, ProbeBody::full(other.clone())).await).await,
        other
    );
    // One that lies about its coding is passed on, too.
    assert_eq!(
        text(judged(403, &headers, ProbeBody::full(LIMITED)).await).await,
        LIMITED
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_within_a_second_matches_nothing() {
    let began = Instant::now();
    let reply = judged(200, &[JSON], ProbeBody::full(LIMITED).hanging()).await;
    assert_eq!(began.elapsed(), Duration::from_secs(1));
    let mut body = reply.unwrap().into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, LIMITED);
    // A 429 is one whatever its body says, and brings what had come.
    let refusal = limited(judged(429, &[JSON], ProbeBody::full("{").hanging()).await);
    assert_eq!(refusal.upstream_body.as_deref(), Some(&b"{"[..]));
}

#[tokio::test]
async fn a_body_that_breaks_goes_on_to_its_break() {
    let reply = judged(403, &[JSON], ProbeBody::full(LIMITED).torn()).await;
    let mut body = reply.unwrap().into_body();
    assert!(body.frame().await.unwrap().is_ok());
    assert_eq!(
        body.frame().await.unwrap().expect_err("broken"),
        leeward_probe::TornBody
    );
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn a_rule_may_say_that_it_is_no_limit() {
    let reply = judged(429, &[JSON], ProbeBody::full(r#"{"code":"UNPAID"}"#))
        .await
        .unwrap();
    assert_eq!(reply.status(), StatusCode::TOO_MANY_REQUESTS);
    let said = reply.extensions().get::<NotLimited>().unwrap();
    assert_eq!(
        (said.rule.as_deref(), said.retryable),
        (Some("billing"), Some(false))
    );
}

#[derive(Clone)]
struct Rejected;

#[derive(Clone, Debug, PartialEq)]
struct Seen(Option<String>);

impl Inspect<ProbeBody> for Rejected {
    type Facts = u8;

    fn facts(&self, _: &Request<ProbeBody>) -> u8 {
        7
    }

    fn wants_body(&self, facts: &u8, parts: &response::Parts) -> bool {
        *facts == 7 && parts.status == StatusCode::OK
    }

    fn inspect(&self, _: &u8, parts: &mut response::Parts, look: Option<&Look>) {
        let text = look.map(|look| String::from_utf8_lossy(look.raw()).into_owned());
        parts.extensions.insert(Seen(text));
    }
}

#[tokio::test]
async fn others_read_from_the_same_look() {
    let probe = Probe::answering(200);
    probe.then(answer(200, &[JSON], ProbeBody::full("{}")));
    probe.then(answer(500, &[JSON], ProbeBody::full("{}")));
    probe.then(answer(
        200,
        &[("content-type", "image/png")],
        ProbeBody::full("{}"),
    ));
    let gate = Gate::new(Settings::default());
    let rules = Arc::new(Rules::generic());
    let layer = NormalizeLayer::new(rules, gate, OneAccount::default(), Rejected);
    let service = layer.layer(probe.service());
    for expected in [Some("{}".to_owned()), None, None] {
        let reply = service.clone().oneshot(get()).await;
        assert_eq!(
            reply.as_ref().unwrap().extensions().get(),
            Some(&Seen(expected))
        );
        assert_eq!(text(reply).await, "{}");
    }
}

#[tokio::test]
async fn a_success_resets_the_backoff() {
    let probe = Probe::answering(200);
    let gate = Gate::new(Settings::default());
    let rules = Arc::new(Rules::generic());
    let layer = NormalizeLayer::new(rules, gate.clone(), OneAccount::default(), NoInspect);
    let service = layer.layer(probe.service());
    probe.then(Answer::status(429));
    let refusal = limited(service.clone().oneshot(get()).await);
    assert!(refusal.retry_after <= Duration::from_secs(1));
    gate.open("", "default");
    assert!(service.oneshot(get()).await.is_ok());
    assert!(gate.is_empty());
}

mod contract {
    use super::*;

    fn layer() -> NormalizeLayer<OneAccount> {
        let gate = Gate::new(Settings::default());
        NormalizeLayer::new(slow(), gate, OneAccount::default(), NoInspect)
    }

    #[tokio::test]
    async fn contract_polled_clone_is_called() {
        let probe = Probe::answering(200);
        let mut service = layer().layer(probe.service());
        let ready = ServiceExt::<Request<ProbeBody>>::ready(&mut service)
            .await
            .unwrap();
        assert!(ready.call(get()).await.is_ok());
        assert_eq!(probe.counts().calls_without_readiness, 0);
        assert_eq!(probe.counts().clones, 0);
    }

    #[tokio::test]
    async fn contract_nothing_waits_in_poll_ready() {
        let probe = Probe::answering(200);
        let mut service = layer().layer(probe.service());
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(Service::<Request<ProbeBody>>::poll_ready(&mut service, &mut cx).is_ready());
        probe.never_ready();
        assert!(Service::<Request<ProbeBody>>::poll_ready(&mut service, &mut cx).is_pending());
    }

    #[tokio::test]
    async fn contract_drop_gives_back() {
        let probe = Probe::answering(200);
        probe.then(Answer::Hang);
        probe.then(answer(200, &[JSON], ProbeBody::full("{").hanging()));
        for _ in 0..2 {
            let mut call = Box::pin(layer().layer(probe.service()).oneshot(get()));
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(std::future::Future::poll(call.as_mut(), &mut cx).is_pending());
            drop(call);
        }
        let counts = probe.counts();
        assert_eq!(
            (counts.cancelled, counts.in_flight, counts.bodies_dropped),
            (1, 0, 1)
        );
    }

    #[tokio::test]
    async fn contract_errors_keep_their_source() {
        let probe = Probe::answering(200);
        probe.then(Answer::Error);
        let error = layer()
            .layer(probe.service())
            .oneshot(get())
            .await
            .expect_err("fails");
        assert!(error.is::<leeward_probe::ProbeError>());
    }
}
