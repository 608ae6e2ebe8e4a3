//! Arbitrary answers under rules that invite trouble.

use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, Method, StatusCode};
use leeward_rate_limit_normalize::spec::{DurationSpec, TestSpec};
use leeward_rate_limit_normalize::{Answer, Look, NoHooks, RuleSpec, Rules, Test};
use proptest::prelude::*;
use serde_json::json;

fn hostile_rules() -> Rules {
    let specs = json!([
        {"when": {"body": {"/*/*/*/*": {"regex": "(a+)+$"}}}, "wait": [{"body": "/*/*", "format": "auto"}]},
        {"when": {"status": [200, "4xx"], "text": "([a-z]+)*=([0-9]+)"}, "wait_use": "longest", "wait": [
            {"text": "([0-9.:TZ-]+)", "format": "auto"},
            {"text": "([0-9hms.]+)", "format": "duration"},
            {"text": "([0-9]+ \\w+)", "format": "words"},
            {"header": "X-A", "format": "timespan"},
            {"header": "X-A", "json": "/*", "format": "millis"},
            {"header": "Retry-After", "format": "http"},
            {"sf": "X-A"},
        ]},
        {"when": {"form": {"a": {"exists": true}}}, "wait": [{"header": "X-A", "format": "epoch_ms", "guard": "X-B"}]},
    ]);
    let specs: Vec<RuleSpec> = serde_json::from_value(specs).unwrap();
    Rules::compile(&specs, &NoHooks).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Whatever a vendor answers, whatever the clock: a verdict whose wait is positive and within
    /// its bounds, the same from `judge` and `explain`.
    #[test]
    fn any_answer_is_judged(
        status in 100_u16..=999,
        fields in proptest::collection::vec((prop::sample::select(vec!["retry-after", "x-a", "x-b", "date", "ratelimit", "x-ratelimit-reset"]), "[ -~]{0,40}|[0-9]{1,20}"), 0..6),
        body in "\\PC{0,60}|\\{\"a\":\\[[0-9a-z,\"]{0,20}\\]\\}|a=[0-9a-z &=%+.:TZ-]{0,30}|\\[{0,300}",
        complete in any::<bool>(),
        second in -70_000_000_000_i64..300_000_000_000,
    ) {
        thread_local! {
            static RULES: Rules = hostile_rules();
        }
        let mut map = HeaderMap::new();
        for (name, value) in &fields {
            map.append(*name, value.parse().unwrap());
        }
        let look = Look::new(body, complete);
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: &map,
            body: Some(&look),
            method: &Method::GET,
            path: "/",
        };
        let gap = Duration::from_secs(second.unsigned_abs());
        let now = if second < 0 { UNIX_EPOCH - gap } else { UNIX_EPOCH + gap };
        RULES.with(|rules| {
            let (judged, explained) = (rules.judge(&answer, &(), now), rules.explain(&answer, &(), now));
            prop_assert_eq!(judged.delay, explained.delay);
            prop_assert_eq!(&judged.rule, &explained.rule);
            if let Some(wait) = judged.wait {
                prop_assert!(wait > 0.0 && wait <= 86_400.0);
                prop_assert!((1..=86_400).contains(&judged.retry_after().unwrap()));
            }
            prop_assert_eq!(judged.rate_limited || judged.delay.is_none(), true);
            explained.explanation("ignored").to_json();
            Ok(())
        })?;
    }

    #[test]
    fn any_text_may_be_a_rules_part(text in "\\PC{0,30}") {
        let spec: TestSpec = serde_json::from_value(json!({"text": text, "body": {text.clone(): 1}, "header": {text.clone(): {"regex": text}}})).unwrap();
        let _ = Test::compile(&spec, &NoHooks);
        let _ = text.parse::<DurationSpec>();
    }
}
