//! The rule language, part by part.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, Method, StatusCode};
use leeward_rate_limit_normalize::spec::TestSpec;
use leeward_rate_limit_normalize::{
    Answer, Custom, Hooks, Judgement, Look, NoHooks, RuleSpec, Rules, Test, ZoneOf,
};
use serde_json::{Value, json};

/// 2026-01-01T00:00:00Z.
const NOW: u64 = 1_767_225_600;

/// Expressions that are JSON pointers into their input, enough to see what they are given.
struct Pointers;

impl Hooks for Pointers {
    fn jsonata(&self, source: &str) -> Result<Custom, String> {
        if !source.starts_with('/') {
            return Err("no pointer".to_owned());
        }
        let pointer = source.to_owned();
        Ok(Arc::new(move |input, account| {
            let all = json!({"input": input, "account": account});
            all.pointer(&pointer).cloned()
        }))
    }

    fn time_zone(&self, _: &str) -> Result<ZoneOf, String> {
        Err("no".to_owned())
    }
}

fn rules(rule: Value) -> Rules {
    let spec: RuleSpec = serde_json::from_value(rule).unwrap();
    Rules::compile(&[spec], &Pointers).unwrap()
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

fn headers(list: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in list {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, value.parse().unwrap());
    }
    headers
}

fn judge(rule: Value, status: u16, fields: &[(&str, &str)], body: &str) -> Judgement {
    let look = Look::new(body.to_owned(), true);
    let answer = Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: &headers(fields),
        body: Some(&look),
        method: &Method::POST,
        path: "/v1/jobs/7",
    };
    let account = json!({"id": "acme", "vars": {"limit": 3}});
    rules(rule).judge(&answer, &account, now())
}

/// The hint of a rule with these waits.
fn hint(waits: Value, fields: &[(&str, &str)], body: &str) -> Option<f64> {
    judge(
        json!({"when": {"status": 403}, "wait": waits}),
        403,
        fields,
        body,
    )
    .wait
}

fn holds(when: Value, status: u16, fields: &[(&str, &str)], body: &str) -> bool {
    judge(json!({"id": "own", "when": when}), status, fields, body)
        .rule
        .as_deref()
        == Some("own")
}

#[test]
fn tests_hold_as_written() {
    let none: &[(&str, &str)] = &[];
    assert!(holds(json!({"status": 403}), 403, none, ""));
    assert!(holds(json!({"status": "4xx"}), 499, none, ""));
    assert!(holds(json!({"status": [500, "4xx"]}), 403, none, ""));
    assert!(!holds(json!({"status": [500, "4xx"]}), 501, none, ""));
    let fields: &[(&str, &str)] = &[("X-Left", "3"), ("x-left", "0"), ("x-word", "over")];
    assert!(holds(json!({"header": {"X-LEFT": 0}}), 200, fields, ""));
    assert!(holds(
        json!({"header": {"x-left": {"num": {"lt": 1}}}}),
        200,
        fields,
        ""
    ));
    assert!(holds(
        json!({"header": {"x-word": ["under", "over"], "x-none": {"exists": false}}}),
        200,
        fields,
        ""
    ));
    assert!(!holds(
        json!({"header": {"x-word": {"exists": false}}}),
        200,
        fields,
        ""
    ));
    assert!(!holds(
        json!({"header": {"x-none": {"regex": ""}}}),
        200,
        fields,
        ""
    ));
    let body = r#"{"errors":[{"code":"606"},{"code":7}],"empty":null}"#;
    assert!(holds(
        json!({"body": {"/errors/*/code": "606"}}),
        200,
        none,
        body
    ));
    assert!(!holds(
        json!({"body": {"/errors/*/code": 606}}),
        200,
        none,
        body
    ));
    assert!(holds(
        json!({"body": {"/errors/*/code": 7, "/empty": null}}),
        200,
        none,
        body
    ));
    assert!(holds(
        json!({"body": {"/empty": {"exists": true}, "/none": {"exists": false}}}),
        200,
        none,
        body
    ));
    // What cannot be parsed matches nothing, not even an absence.
    assert!(!holds(
        json!({"body": {"/none": {"exists": false}}}),
        200,
        none,
        "<html>"
    ));
    assert!(holds(
        json!({"text": "Rate (exceeded|hit)"}),
        200,
        none,
        "!! Rate hit !!"
    ));
    assert!(holds(
        json!({"form": {"oauth_problem": "rate limit exceeded"}}),
        200,
        none,
        "a=b&oauth_problem=rate%20limit%20exceeded"
    ));
    assert!(holds(json!({"path": "/jobs/"}), 200, none, ""));
    assert!(!holds(json!({"path": "^/jobs/"}), 200, none, ""));
    assert!(holds(
        json!({"status": 200, "until": "2026-01-01T00:00:01Z"}),
        200,
        none,
        ""
    ));
    assert!(!holds(
        json!({"status": 200, "until": "2026-01-01T00:00:00Z"}),
        200,
        none,
        ""
    ));
    assert!(holds(
        json!({"jsonata": "/input/body/ok"}),
        200,
        none,
        r#"{"ok":true}"#
    ));
    assert!(!holds(
        json!({"jsonata": "/input/body/ok"}),
        200,
        none,
        r#"{"ok":"true"}"#
    ));
}

#[test]
fn expressions_see_their_input_and_the_account() {
    let seconds = |pointer: &str, fields: &[(&str, &str)], body| {
        hint(json!([{"jsonata": pointer}]), fields, body)
    };
    assert_eq!(seconds("/input/status", &[], ""), Some(403.0));
    assert_eq!(seconds("/account/vars/limit", &[], ""), Some(3.0));
    assert_eq!(seconds("/input/body/n", &[], r#"{"n":1.74}"#), Some(1.74));
    for (body, expected) in [
        ("{\"n\":-1}", None),
        ("{\"n\":0}", None),
        ("{\"n\":\"9\"}", None),
        ("{\"n\":1e300}", Some(86_400.0)),
    ] {
        assert_eq!(seconds("/input/body/n", &[], body), expected, "{body}");
    }
    assert!(!holds(json!({"jsonata": "/input/t"}), 403, &[], ""));
}

#[test]
fn waits_are_read_as_written() {
    let body =
        r#"{"parameters":{"retry_after":35},"error":{"message":"Please try again in 4.5s."}}"#;
    assert_eq!(
        hint(
            json!([{"body": "/parameters/retry_after", "format": "seconds"}]),
            &[],
            body
        ),
        Some(35.0)
    );
    let cut = json!([{"body": "/error/message", "regex": "try again in ([0-9.]+)s", "format": "seconds"}]);
    assert_eq!(hint(cut, &[], body), Some(4.5));
    let text = json!([{"text": "banned until (\\d{13})", "format": "epoch_ms"}]);
    assert_eq!(
        hint(text, &[], "IP banned until 1767225660000."),
        Some(60.0)
    );
    let usage = [(
        "X-Usage",
        r#"{"a":[{"minutes":2}],"b":[{"minutes":7},{"minutes":1}]}"#,
    )];
    let json_wait = |multi: &str| json!([{"header": "X-Usage", "json": "/*/*/minutes", "format": "minutes", "multi": multi}]);
    assert_eq!(hint(json_wait("max"), &usage, ""), Some(420.0));
    assert_eq!(hint(json_wait("min"), &usage, ""), Some(60.0));
    let sf = [("RateLimit", "\"burst\";r=10;t=1, \"daily\";r=0;t=5400")];
    assert_eq!(hint(json!([{"sf": "RateLimit"}]), &sf, ""), Some(5400.0));
    let conditional = json!([{"header": "X-Reset-Tokens", "format": "duration",
        "if": {"header": {"X-Remaining-Tokens": {"num": {"eq": 0}}}}}]);
    let spent = [("x-reset-tokens", "6m0s"), ("x-remaining-tokens", "0")];
    assert_eq!(hint(conditional.clone(), &spent, ""), Some(360.0));
    let left = [("x-reset-tokens", "6m0s"), ("x-remaining-tokens", "1")];
    assert_eq!(hint(conditional, &left, ""), None);
    let fraction = json!([{"body": "/n", "format": "seconds"}]);
    assert_eq!(hint(fraction.clone(), &[], r#"{"n":0.25}"#), Some(0.25));
    assert_eq!(hint(fraction.clone(), &[], r#"{"n":1e308}"#), None);
    assert_eq!(hint(fraction, &[], r#"{"n":true}"#), None);
}

#[test]
fn a_guard_lets_a_source_speak_only_if_nothing_is_left() {
    let guarded = json!([{"header": "X-Reset", "format": "epoch_s", "guard": "X-Remaining"}]);
    for (remaining, expected) in [
        (None, Some(60.0)),
        (Some("0"), Some(60.0)),
        (Some("0;w=60"), Some(60.0)),
        (Some("14"), None),
        (Some("-1"), None),
        (Some(""), None),
    ] {
        let mut fields = vec![("X-Reset", "1767225660")];
        fields.extend(remaining.map(|value| ("X-Remaining", value)));
        assert_eq!(
            hint(guarded.clone(), &fields, ""),
            expected,
            "{remaining:?}"
        );
    }
}

#[test]
fn the_first_usable_or_the_longest_wait_counts() {
    let rule = |wait_use: &str| {
        json!({"when": {"status": 403}, "wait_use": wait_use, "wait": [
            {"header": "A", "format": "seconds"}, {"header": "B", "format": "seconds"}, {"header": "C", "format": "seconds"},
        ]})
    };
    let fields = [("a", "soon"), ("b", "5"), ("c", "9")];
    assert_eq!(judge(rule("first"), 403, &fields, "").wait, Some(5.0));
    let longest = judge(rule("longest"), 403, &fields, "");
    assert_eq!(
        (longest.wait, longest.wait_from.as_deref()),
        (Some(9.0), Some("header:C"))
    );
}

#[test]
fn repeated_values_give_the_largest() {
    let fields = [
        ("retry-after", "3"),
        ("retry-after", "soon"),
        ("retry-after", "7"),
        ("retry-after", "5"),
    ];
    assert_eq!(
        hint(
            json!([{"header": "Retry-After", "format": "http"}]),
            &fields,
            ""
        ),
        Some(7.0)
    );
    assert_eq!(
        hint(
            json!([{"header": "Retry-After", "format": "http", "multi": "min"}]),
            &fields,
            ""
        ),
        Some(3.0)
    );
}

#[test]
fn a_longer_wait_is_clamped_never_dropped() {
    let rule = |max: &str| json!({"when": {"status": 403}, "max": max, "wait": [{"header": "Retry-After", "format": "http"}]});
    let long = judge(rule("1h"), 403, &[("retry-after", "315360000")], "");
    assert_eq!((long.wait, long.clamped), (Some(3600.0), true));
    let most = "9".repeat(120);
    let endless = judge(rule("1h"), 403, &[("retry-after", &most)], "");
    assert_eq!((endless.wait, endless.clamped), (Some(3600.0), true));
    let date = judge(
        rule("1h"),
        403,
        &[("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT")],
        "",
    );
    assert_eq!((date.wait, date.clamped), (Some(3600.0), true));
    let short = judge(rule("1h"), 403, &[("retry-after", "3600")], "");
    assert_eq!((short.wait, short.clamped), (Some(3600.0), false));
}

#[test]
fn a_zero_is_no_wait() {
    let zero = judge(
        json!({"when": {"status": 403}, "wait": [{"header": "Retry-After", "format": "http"}]}),
        403,
        &[("retry-after", "0")],
        "",
    );
    assert!(zero.rate_limited);
    assert_eq!((zero.wait, zero.retry_after()), (None, None));
}

#[test]
fn absolute_times_are_measured_by_the_vendors_clock() {
    let wait = json!([{"header": "X-Reset", "format": "epoch_s"}]);
    let reset = ("x-reset", "1767225930");
    let date = |date| hint(wait.clone(), &[reset, ("date", date)], "");
    assert_eq!(date("Thu, 01 Jan 2026 00:05:00 GMT"), Some(30.0));
    // More than 24 h away from ours, or no date at all: ours counts.
    assert_eq!(date("Sun, 04 Jan 2026 00:00:00 GMT"), Some(330.0));
    assert_eq!(date("yesterday"), Some(330.0));
}

#[test]
fn a_fallback_counts_only_without_a_hint() {
    let rule = |fallback: Value| json!({"when": {"status": 403}, "fallback": fallback, "wait": [{"header": "Retry-After", "format": "http"}]});
    let fixed = judge(rule(json!({"seconds": 10})), 403, &[], "");
    assert_eq!((fixed.wait, fixed.retry_after()), (None, Some(10)));
    assert_eq!(fixed.wait_from.as_deref(), Some("fallback:seconds"));
    let told = judge(
        rule(json!({"seconds": 10})),
        403,
        &[("retry-after", "3")],
        "",
    );
    assert_eq!((told.wait, told.retry_after()), (Some(3.0), Some(3)));
    let next = judge(
        rule(json!({"calendar": {"every": "15m", "tz": "UTC"}})),
        403,
        &[],
        "",
    );
    assert_eq!(next.retry_after(), Some(900));
}

#[test]
fn an_own_rule_comes_before_the_generic_one() {
    let own = json!({"id": "billing", "when": {"status": 429, "body": {"/code": 1}}, "outcome": "not_limited", "retryable": false});
    let refused = judge(own.clone(), 429, &[("retry-after", "5")], r#"{"code":1}"#);
    assert!(!refused.rate_limited);
    assert_eq!(refused.retryable, Some(false));
    let other = judge(own, 429, &[("retry-after", "5")], r#"{"code":2}"#);
    assert_eq!(
        (other.rate_limited, other.wait, other.rule.as_deref()),
        (true, Some(5.0), Some("generic"))
    );
}

#[test]
fn nothing_but_a_429_is_touched_without_a_rule() {
    let rules = Rules::generic();
    for status in (100..=999).filter(|status| *status != 429) {
        assert!(
            !rules.concerns(StatusCode::from_u16(status).unwrap()),
            "{status}"
        );
    }
}

#[test]
fn a_body_is_asked_for_only_if_the_head_leaves_it_open() {
    let rules = rules(
        json!({"when": {"status": [403, 429], "header": {"x-kind": "quota"}, "body": {"/code": 1}}}),
    );
    let wants = |status: u16, fields: &[(&str, &str)], method: Method| {
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: &headers(fields),
            body: None,
            method: &method,
            path: "/",
        };
        rules.wants_body(&answer, now())
    };
    assert!(wants(403, &[("x-kind", "quota")], Method::GET));
    assert!(!wants(403, &[("x-kind", "quota")], Method::HEAD));
    assert!(!wants(
        403,
        &[("x-kind", "quota"), ("content-type", "image/png")],
        Method::GET
    ));
    assert!(!wants(
        403,
        &[("x-kind", "quota"), ("content-encoding", "compress")],
        Method::GET
    ));
    assert!(!wants(403, &[], Method::GET));
    assert!(!wants(429, &[], Method::GET));
    assert!(!wants(200, &[("x-kind", "quota")], Method::GET));
}

#[test]
fn a_test_stands_alone() {
    let spec: TestSpec =
        serde_json::from_value(json!({"status": 200, "body": {"/error": "token_expired"}}))
            .unwrap();
    let test = Test::compile(&spec, &NoHooks).unwrap();
    let look = Look::new(r#"{"error":"token_expired"}"#, true);
    let answer = |body| Answer {
        status: StatusCode::OK,
        headers: &EMPTY,
        body,
        method: &Method::GET,
        path: "/",
    };
    static EMPTY: std::sync::LazyLock<HeaderMap> = std::sync::LazyLock::new(HeaderMap::new);
    assert!(test.wants_body(&answer(None), now()));
    assert!(test.holds(&answer(Some(&look)), &(), now()));
    assert!(!test.holds(&answer(None), &(), now()));
}
