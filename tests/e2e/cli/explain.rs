//! `leeward explain` on recorded answers.

use serde_json::{Value, json};

use crate::harness::{Ended, Files, leeward, leeward_with};

const CASES: &str = include_str!("../../../crates/rate-limit-normalize/tests/data/cases.json");
const RULES: &str = include_str!("../../../crates/rate-limit-normalize/tests/data/rules.json");

/// The members, in their order.
const MEMBERS: [&str; 10] = [
    "rate_limited",
    "wait",
    "wait_from",
    "clamped",
    "retry_after",
    "scope",
    "rule",
    "retryable",
    "breaker",
    "tried",
];

fn explain(files: &Files, provider: &str, recorded: &Value) -> Ended {
    let dir = files.dir().to_str().unwrap().to_owned();
    let arguments = [
        "explain",
        "--config",
        &dir,
        "--provider",
        provider,
        "--response",
        "-",
    ];
    leeward_with(arguments, &[], &recorded.to_string())
}

/// Which of the recorded answers are asked about: one of each kind of test, wait and outcome.
fn chosen(cases: &[Value]) -> Vec<&Value> {
    let by = |matches: &dyn Fn(&Value) -> bool| cases.iter().find(|case| matches(case));
    let rule_of = |case: &Value, word: &str| {
        let rules: Value = serde_json::from_str(RULES).unwrap();
        case["rules"]
            .as_str()
            .is_some_and(|name| rules[name].to_string().contains(word))
    };
    let limited = |case: &Value| case["expect"]["rate_limited"] == true;
    let kinds: [&dyn Fn(&Value) -> bool; 14] = [
        &|case| case["id"] == "salesforce-403-total",
        &|case| case["id"] == "neg-salesforce-403-api-disabled",
        &|case| case["rules"].is_null() && limited(case),
        &|case| case["rules"].is_null() && !limited(case),
        &|case| case["expect"]["clamped"] == true,
        &|case| case["expect"]["calendar"].is_object(),
        &|case| case["expect"]["fallback_seconds"].is_number(),
        &|case| case["expect"]["retryable"] == false,
        &|case| {
            limited(case)
                && rule_of(case, "jsonata")
                && case["expect"]["retry_after_seconds"].is_number()
        },
        &|case| limited(case) && rule_of(case, "\"sf\""),
        &|case| limited(case) && rule_of(case, "\"multi\""),
        &|case| limited(case) && rule_of(case, "epoch_ms"),
        &|case| limited(case) && rule_of(case, "\"form\""),
        &|case| limited(case) && case["response"]["body"].is_string(),
    ];
    let mut chosen: Vec<&Value> = kinds.iter().filter_map(|kind| by(*kind)).collect();
    chosen.dedup_by_key(|case| &case["id"]);
    assert!(chosen.len() >= 12, "{}", chosen.len());
    chosen
}

#[test]
fn recorded_answers_are_explained_as_expected() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    let rules: Value = serde_json::from_str(RULES).unwrap();
    for case in chosen(&cases) {
        let id = case["id"].as_str().unwrap();
        // JSON is YAML.
        let own = case["rules"]
            .as_str()
            .map_or_else(|| json!([]), |name| rules[name].clone());
        let files = Files::new().provider(
            "v",
            &format!("base_url: https://v.example\nrate_limit: {{\"rules\": {own}}}"),
        );
        let seen = explain(&files, "v", case).json();
        let members: Vec<&str> = seen
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(members, MEMBERS, "{id}");
        let expect = &case["expect"];
        assert_eq!(seen["rate_limited"], expect["rate_limited"], "{id}: {seen}");
        assert_eq!(seen["scope"], expect["scope"], "{id}: {seen}");
        assert_eq!(seen["clamped"], expect["clamped"] == true, "{id}: {seen}");
        match (
            seen["wait"].as_f64(),
            expect["retry_after_seconds"].as_f64(),
        ) {
            (Some(seen), Some(expected)) => assert!((seen - expected).abs() < 1e-6, "{id}: {seen}"),
            (seen, expected) => assert_eq!(seen, expected, "{id}"),
        }
        if seen["wait"].is_number() {
            assert_eq!(
                seen["retry_after"], expect["emit_retry_after"],
                "{id}: {seen}"
            );
            assert!(seen["wait_from"].is_string(), "{id}: {seen}");
        }
        if let Some(seconds) = expect["fallback_seconds"]
            .as_f64()
            .or(expect["calendar"]["seconds"].as_f64())
        {
            assert_eq!(
                seen["retry_after"].as_f64(),
                Some(seconds.ceil()),
                "{id}: {seen}"
            );
        }
        if let Some(retryable) = expect["retryable"].as_bool() {
            assert_eq!(seen["retryable"], retryable, "{id}: {seen}");
        }
        let status = case["response"]["status"].as_u64().unwrap();
        let breaker = match status {
            _ if seen["rate_limited"] == true => "ignored",
            400..=499 => "ignored",
            500..=599 => "failure",
            _ => "success",
        };
        assert_eq!(seen["breaker"], breaker, "{id}");
        let tried = seen["tried"].as_array().unwrap();
        assert!(!tried.is_empty(), "{id}");
        let matched: Vec<&Value> = tried
            .iter()
            .filter(|tried| tried["matched"] == true)
            .collect();
        if seen["rate_limited"] == true {
            // The last that was tried is the one that decided.
            assert_eq!(matched.len(), 1, "{id}: {seen}");
            assert_eq!(matched[0]["rule"], seen["rule"], "{id}");
        }
    }
}

const PROVIDER: &str = "\
base_url: https://p.example
rate_limit:
  rules:
    - {id: other, when: {body: {/code: 2}}}
    - id: mine
      when: {status: 403, path: '^/v1/'}
      scope: burst
      wait: [{header: X-Reset, format: epoch_s}, {header: Retry-After, format: http}]
      max: 5s
    - {id: daily, when: {status: 402}, scope: daily, fallback: {calendar: {every: 1d, tz: '{{account.vars.tz}}'}}}
    - {id: billing, when: {status: 429, header: {X-Why: money}}, outcome: not_limited, retryable: false}
";

#[test]
fn the_whole_of_an_explanation() {
    let files = Files::new().provider("p", PROVIDER);
    let recorded = json!({
        "request": { "method": "POST", "path": "/v1/x" },
        "response": { "status": 403, "headers": { "Retry-After": ["x", "7"] }, "body": { "code": 1 } },
        "now": 1_767_225_600,
    });
    assert_eq!(
        explain(&files, "p", &recorded).json(),
        json!({
            "rate_limited": true, "wait": 5, "wait_from": "header:Retry-After", "clamped": true, "retry_after": 5,
            "scope": "burst", "rule": "mine", "retryable": true, "breaker": "ignored",
            "tried": [
                { "rule": "other", "matched": false, "why": "body /code does not match", "waits": [] },
                { "rule": "mine", "matched": true, "why": "limited", "waits": [
                    { "from": "header:X-Reset", "seconds": null, "why": "not there" },
                    { "from": "header:Retry-After", "seconds": 7, "why": null },
                ] },
            ],
        })
    );
    // No rule matches: the vendor's own answer, a failure for the breaker.
    let down =
        json!({ "response": { "status": 503, "headers": { "Retry-After": "7" }, "body": "down" } });
    let seen = explain(&files, "p", &down).json();
    for (member, value) in [
        ("rate_limited", json!(false)),
        ("wait", Value::Null),
        ("wait_from", Value::Null),
        ("retry_after", Value::Null),
        ("scope", Value::Null),
        ("rule", Value::Null),
        ("breaker", json!("failure")),
    ] {
        assert_eq!(seen[member], value, "{member} in {seen}");
    }
    let billing = json!({ "response": { "status": 429, "headers": { "X-Why": "money" } } });
    let seen = explain(&files, "p", &billing).json();
    assert_eq!(
        (&seen["rate_limited"], &seen["rule"], &seen["retryable"]),
        (&json!(false), &json!("billing"), &json!(false))
    );
    // A 429 without a hint: backoff decides.
    let bare = explain(&files, "p", &json!({ "response": { "status": 429 } })).json();
    assert_eq!(
        (&bare["rate_limited"], &bare["wait"], &bare["retry_after"]),
        (&json!(true), &Value::Null, &Value::Null)
    );
}

#[test]
fn an_account_of_the_files_gives_its_variables() {
    let files = Files::new()
        .provider("p", PROVIDER)
        .account("acme", "provider: p\nvars: {tz: America/New_York}");
    let dir = files.dir().to_str().unwrap().to_owned();
    let recorded = dir.clone() + "/recorded.json";
    let answer = json!({ "response": { "status": 402 }, "now": 1_767_225_600 });
    std::fs::write(&recorded, answer.to_string()).unwrap();
    let explain = |more: &[&str]| {
        let arguments = [
            "explain",
            "--config",
            &dir,
            "--provider",
            "p",
            "--response",
            &recorded,
        ];
        leeward(arguments.iter().chain(more))
    };
    let seen = explain(&["--account", "acme"]).json();
    assert_eq!(
        (&seen["retry_after"], &seen["wait_from"]),
        (&json!(5 * 3600), &json!("fallback:calendar"))
    );
    assert_eq!(explain(&[]).json()["retry_after"], Value::Null);
    let ended = explain(&["--account", "nobody"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("nobody"), "{}", ended.err);
}

#[test]
fn what_cannot_be_explained_is_said() {
    let files = Files::new()
        .provider("p", PROVIDER)
        .provider("broken", "base_urll: x");
    for (provider, recorded, says) in [
        (
            "none",
            json!({}),
            "no provider is called \"none\"; there are: broken, p",
        ),
        ("broken", json!({}), "did you mean `base_url`?"),
        ("p", json!({}), "`response` is missing"),
        (
            "p",
            json!({ "response": { "status": 99 } }),
            "`response.status` must be a status code",
        ),
        (
            "p",
            json!({ "response": { "status": 200, "headers": [] } }),
            "`response.headers` must be an object",
        ),
        (
            "p",
            json!({ "response": { "status": 200, "headers": { "a b": "c" } } }),
            "\"a b\" is no header name",
        ),
        (
            "p",
            json!({ "response": { "status": 200 }, "now": "soon" }),
            "`now` must be unix seconds",
        ),
    ] {
        let ended = explain(&files, provider, &recorded);
        assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{says}");
        assert!(ended.err.contains(says), "{}", ended.err);
    }
}
