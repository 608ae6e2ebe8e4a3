//! Every recorded answer, under its vendor's rules.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use leeward_rate_limit_normalize::{
    Answer, Custom, Hooks, Judgement, Look, RuleSpec, Rules, ZoneOf,
};
use serde_json::Value;

const CASES: &str = include_str!("../data/cases.json");
const RULES: &str = include_str!("../data/rules.json");

/// The two expressions of the fixtures by hand: the engine is another crate's.
struct ByHand;

impl Hooks for ByHand {
    fn jsonata(&self, source: &str) -> Result<Custom, String> {
        fn seconds(value: Option<f64>) -> Option<Value> {
            value.map(Value::from)
        }
        match source {
            "1 / $number(headers.`x-amzn-ratelimit-limit`)" => Ok(Arc::new(|input, _| {
                let rate = input.pointer("/headers/x-amzn-ratelimit-limit")?.as_str()?;
                seconds(rate.parse::<f64>().ok().map(|rate| 1.0 / rate))
            })),
            s if s.starts_with("(body.extensions.cost.requestedQueryCost") => {
                Ok(Arc::new(|input, _| {
                    let cost = input.pointer("/body/extensions/cost")?;
                    let status = cost.get("throttleStatus")?;
                    let need = cost.get("requestedQueryCost")?.as_f64()?;
                    let have = status.get("currentlyAvailable")?.as_f64()?;
                    seconds(
                        status
                            .get("restoreRate")?
                            .as_f64()
                            .map(|rate| (need - have) / rate),
                    )
                }))
            }
            other => Err(format!("unknown expression {other}")),
        }
    }

    fn time_zone(&self, source: &str) -> Result<ZoneOf, String> {
        assert_eq!(source, "{{account.vars.tz}}");
        Ok(Arc::new(|account| {
            let zone = account.pointer("/vars/tz")?.as_str()?;
            Some(zone.to_owned())
        }))
    }
}

fn compiled() -> BTreeMap<String, Rules> {
    let all: BTreeMap<String, Vec<RuleSpec>> = serde_json::from_str(RULES).unwrap();
    all.into_iter()
        .map(|(vendor, specs)| (vendor, Rules::compile(&specs, &ByHand).unwrap()))
        .collect()
}

struct Case {
    status: StatusCode,
    headers: HeaderMap,
    look: Look,
    method: Method,
    path: String,
    now: std::time::SystemTime,
}

impl Case {
    fn read(case: &Value) -> Self {
        let response = &case["response"];
        let mut headers = HeaderMap::new();
        for (name, value) in response["headers"].as_object().unwrap() {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            let one = std::slice::from_ref(value);
            for value in value.as_array().map_or(one, Vec::as_slice) {
                let bytes = value.as_str().unwrap().as_bytes();
                headers.append(&name, HeaderValue::from_bytes(bytes).unwrap());
            }
        }
        let body = match &response["body"] {
            Value::String(text) => text.clone(),
            json => json.to_string(),
        };
        let request = |name: &str, default: &str| {
            let given = case["request"][name].as_str();
            given.unwrap_or(default).to_owned()
        };
        Self {
            status: StatusCode::from_u16(response["status"].as_u64().unwrap().try_into().unwrap())
                .unwrap(),
            headers,
            look: Look::new(body, true),
            method: request("method", "GET").parse().unwrap(),
            path: request("path", "/"),
            now: UNIX_EPOCH + Duration::from_secs(case["now"].as_u64().unwrap()),
        }
    }

    fn answer<'a>(&'a self, body: Option<&'a Look>) -> Answer<'a> {
        Answer {
            status: self.status,
            headers: &self.headers,
            body,
            method: &self.method,
            path: &self.path,
        }
    }
}

fn differences(judgement: &Judgement, expect: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |what: &str, same: bool, got: String| {
        if !same {
            wrong.push(format!("{what} is {got}, expected {}", expect[what]));
        }
    };
    let limited = judgement.rate_limited;
    check(
        "rate_limited",
        expect["rate_limited"] == limited,
        limited.to_string(),
    );
    let (hint, wanted) = (judgement.wait, expect["retry_after_seconds"].as_f64());
    let same = match (hint, wanted) {
        (Some(got), Some(wanted)) => (got - wanted).abs() < 1e-6,
        (got, wanted) => got.is_none() && wanted.is_none(),
    };
    check("retry_after_seconds", same, format!("{hint:?}"));
    let scope = judgement.scope.as_deref();
    check(
        "scope",
        expect["scope"].as_str() == scope,
        format!("{scope:?}"),
    );
    let emitted = hint.and(judgement.retry_after());
    check(
        "emit_retry_after",
        expect["emit_retry_after"].as_u64() == emitted,
        format!("{emitted:?}"),
    );
    let clamped = expect["clamped"].as_bool().unwrap_or(false);
    check(
        "clamped",
        judgement.clamped == clamped,
        judgement.clamped.to_string(),
    );
    if let Some(retryable) = expect["retryable"].as_bool() {
        let got = judgement.retryable;
        check("retryable", got == Some(retryable), format!("{got:?}"));
    }
    // What the rule falls back on counts only where there is no hint.
    let delay = judgement.delay.map(|delay| delay.as_secs_f64());
    if hint.is_none() {
        let seconds = expect["fallback_seconds"].as_f64();
        check(
            "fallback_seconds",
            seconds.is_none() || delay == seconds,
            format!("{delay:?}"),
        );
        let seconds = expect["calendar"]["seconds"].as_f64();
        check(
            "calendar",
            seconds.is_none() || delay == seconds,
            format!("{delay:?}"),
        );
    }
    wrong
}

#[test]
fn every_recorded_answer_is_judged_as_expected() {
    let (vendors, generic) = (compiled(), Rules::generic());
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    assert_eq!(cases.len(), 128);
    let mut failed = Vec::new();
    for recorded in &cases {
        let case = Case::read(recorded);
        let rules = recorded["rules"]
            .as_str()
            .map_or(&generic, |name| &vendors[name]);
        let explained = rules.explain(&case.answer(Some(&case.look)), &(), case.now);
        let mut wrong = differences(&explained, &recorded["expect"]);
        // The layer reads a body only if the head asks for it: that must change nothing.
        let wanted = rules.wants_body(&case.answer(None), case.now);
        let judged = rules.judge(&case.answer(wanted.then_some(&case.look)), &(), case.now);
        wrong.extend(
            differences(&judged, &recorded["expect"])
                .into_iter()
                .map(|difference| {
                    format!("as the layer sees it (body read: {wanted}), {difference}")
                }),
        );
        if !wrong.is_empty() {
            failed.push(format!("{}: {}", recorded["id"], wrong.join("; ")));
        }
    }
    assert!(
        failed.is_empty(),
        "{} of 128:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

/// A day that ends in the account's own time zone.
#[test]
fn a_calendar_may_be_the_accounts() {
    let vendors = compiled();
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    let recorded = cases
        .iter()
        .find(|case| case["id"] == "hubspot-429-daily")
        .unwrap();
    let case = Case::read(recorded);
    let wait = |account: Value| {
        let answer = case.answer(Some(&case.look));
        let judgement = vendors["hubspot"].explain(&answer, &account, case.now);
        (judgement.retry_after(), judgement.wait_from)
    };
    let in_zone = |zone: &str| wait(serde_json::json!({"id": "acme", "vars": {"tz": zone}}));
    assert_eq!(in_zone("America/New_York").0, Some(5 * 3600));
    assert_eq!(in_zone("Asia/Tokyo").0, Some(15 * 3600));
    assert_eq!(in_zone("UTC").1.as_deref(), Some("fallback:calendar"));
    assert_eq!(in_zone("Atlantis/Capital"), (None, None));
    assert_eq!(wait(Value::Null), (None, None));
}

#[test]
fn an_explanation_has_all_members() {
    let case = Case::read(&serde_json::json!({
        "response": {"status": 403, "headers": {"Retry-After": ["x", "7"]}, "body": {"code": 1}},
        "now": 0,
    }));
    let specs = serde_json::json!([
        {"id": "other", "when": {"body": {"/code": 2}}},
        {"id": "mine", "when": {"status": 403}, "scope": "burst", "wait": [
            {"header": "X-Reset", "format": "epoch_s"},
            {"header": "Retry-After", "format": "http"},
        ]},
    ]);
    let specs: Vec<RuleSpec> = serde_json::from_value(specs).unwrap();
    let rules = Rules::compile(&specs, &ByHand).unwrap();
    let judgement = rules.explain(&case.answer(Some(&case.look)), &(), case.now);
    let explanation = judgement.explanation("ignored");
    let expected = serde_json::json!({
        "rate_limited": true, "wait": 7, "wait_from": "header:Retry-After", "clamped": false,
        "retry_after": 7, "scope": "burst", "rule": "mine", "retryable": true, "breaker": "ignored",
        "tried": [
            {"rule": "other", "matched": false, "why": "body /code does not match", "waits": []},
            {"rule": "mine", "matched": true, "why": "limited", "waits": [
                {"from": "header:X-Reset", "seconds": null, "why": "not there"},
                {"from": "header:Retry-After", "seconds": 7, "why": null},
            ]},
        ],
    });
    assert_eq!(explanation.to_json(), expected);
    let derived = serde_json::to_value(&explanation).unwrap();
    assert_eq!(derived["wait"], 7);
    assert_eq!(derived.as_object().unwrap().len(), 10);
}
