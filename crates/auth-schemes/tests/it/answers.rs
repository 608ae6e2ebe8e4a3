//! What token answers mean.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use leeward_auth_schemes::{Answer, Map, Read, Refusal, Secrets, TokenAnswer, TokenEndpoint, Tree};
use proptest::prelude::*;
use serde_json::json;

use crate::{endpoint, expression, given, map, now, secs, template};

fn read_with(
    endpoint: &TokenEndpoint,
    status: u16,
    headers: &[(&'static str, &str)],
    body: &str,
) -> Result<TokenAnswer, Refusal> {
    let mut head = HeaderMap::new();
    for (name, value) in headers {
        head.append(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    let answer = Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: &head,
        body: body.as_bytes(),
        sent_at: now(),
        now: now() + secs(2),
    };
    endpoint.read_answer(&answer, &secrets(), Some("client-secret"))
}

fn secrets() -> Secrets {
    given(json!({"refresh_token": "refresh-1"}))
}

fn read(status: u16, body: &str) -> Result<TokenAnswer, Refusal> {
    read_with(&endpoint(), status, &[], body)
}

fn lifetime(
    endpoint: &TokenEndpoint,
    headers: &[(&'static str, &str)],
    body: &str,
) -> Option<Duration> {
    let granted = read_with(endpoint, 200, headers, body).unwrap();
    granted
        .expires_at
        .map(|at| at.duration_since(now()).unwrap())
}

#[test]
fn a_plain_answer() {
    let granted = read(
        200,
        r#"{"access_token": "a", "refresh_token": "r2", "expires_in": 1800}"#,
    )
    .unwrap();
    assert_eq!(granted.access_token, "a");
    assert_eq!(granted.refresh_token.as_deref(), Some("r2"));
    // Counted from before the request was sent.
    assert_eq!(granted.expires_at, Some(now() + secs(1_800)));
    assert_eq!(granted.refresh_expires_at, None);
    assert_eq!(granted.vars, Map::new());
}

#[test]
fn lifetimes_in_every_form() {
    let plain = endpoint();
    for (body, expected) in [
        (r#"{"access_token": "a", "expires_in": "1800"}"#, 1_800),
        (r#"{"access_token": "a", "expires_in": 1800.9}"#, 1_800),
        // Not told, not a lifetime, or of no use: what is assumed.
        (r#"{"access_token": "a"}"#, 3_600),
        (r#"{"access_token": "a", "expires_in": null}"#, 3_600),
        (r#"{"access_token": "a", "expires_in": 0}"#, 3_600),
        (r#"{"access_token": "a", "expires_in": -5}"#, 3_600),
        (r#"{"access_token": "a", "expires_in": "soon"}"#, 3_600),
        (r#"{"access_token": "a", "expires_in": "NaN"}"#, 3_600),
        // Bounded: 100 years.
        (
            r#"{"access_token": "a", "expires_in": 1e300}"#,
            100 * 366 * 86_400,
        ),
        (
            r#"{"access_token": "a", "expires_in": 18446744073709551615}"#,
            100 * 366 * 86_400,
        ),
    ] {
        assert_eq!(
            lifetime(&plain, &[], body).unwrap().as_secs(),
            expected,
            "{body}"
        );
    }
    let mut endless = endpoint();
    endless.assume_expires_in = None;
    assert_eq!(lifetime(&endless, &[], r#"{"access_token": "a"}"#), None);
}

#[test]
fn points_in_time_are_measured_from_the_answers_date() {
    let mut endpoint = endpoint();
    endpoint.response.expires_at = Some(Read::Expression(expression("expires")));
    let at = 1_767_225_600_u64 + 7_200;
    // The vendor's clock is an hour ahead of ours.
    let ahead = [("date", "Thu, 01 Jan 2026 01:00:00 GMT")];
    for value in [
        json!(at + 3_600),
        json!((at + 3_600).to_string()),
        json!((at + 3_600) * 1_000),
        json!("2026-01-01T03:00:00Z"),
        json!("2026-01-01T03:00Z"),
        json!("2026-01-01T05:00:00.000+02:00"),
        json!("Thu, 01 Jan 2026 03:00:00 GMT"),
        json!(7_200),
    ] {
        let body = json!({"access_token": "a", "expires": value}).to_string();
        assert_eq!(
            lifetime(&endpoint, &ahead, &body),
            Some(secs(7_200)),
            "{body}"
        );
    }
    let body = json!({"access_token": "a", "expires": at}).to_string();
    // Without a date, or with one that cannot be right, by our own clock, which is 2 s on.
    for headers in [
        [("date", "yesterday")],
        [("date", "Mon, 01 Jan 2024 00:00:00 GMT")],
    ] {
        assert_eq!(lifetime(&endpoint, &headers, &body), Some(secs(7_198)));
    }
    // A time that has passed says nothing; the seconds do.
    let body = json!({"access_token": "a", "expires": 1_000_000_000, "expires_in": 60}).to_string();
    assert_eq!(lifetime(&endpoint, &[], &body), Some(secs(60)));
    let body = json!({"access_token": "a", "expires": "2026-01-01 03:00"}).to_string();
    assert_eq!(lifetime(&endpoint, &[], &body), Some(secs(3_600)));
}

#[test]
fn a_jwt_tells_its_own_end() {
    let jwt = |claims: serde_json::Value| {
        let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims.to_string());
        json!({"access_token": format!("e30.{payload}.sig")}).to_string()
    };
    let date = [("date", "Thu, 01 Jan 2026 00:00:00 GMT")];
    assert_eq!(
        lifetime(
            &endpoint(),
            &date,
            &jwt(json!({"exp": 1_767_225_600 + 900}))
        ),
        Some(secs(900))
    );
    for claims in [json!({}), json!({"exp": "x"}), json!({"exp": 1}), json!([])] {
        assert_eq!(
            lifetime(&endpoint(), &date, &jwt(claims)),
            Some(secs(3_600))
        );
    }
    let told = json!({"access_token": "e30.e30.x", "expires_in": 5}).to_string();
    assert_eq!(lifetime(&endpoint(), &date, &told), Some(secs(5)));
}

#[test]
fn grants_have_ends_too() {
    let body = r#"{"access_token": "a", "refresh_token_expires_in": 86400, "dies": "2026-02-01T00:00:00Z"}"#;
    let granted = read(200, body).unwrap();
    assert_eq!(granted.refresh_expires_at, Some(now() + secs(86_400)));
    let mut endpoint = endpoint();
    endpoint.response.refresh_token_expires_at = Some(Read::Member("dies"));
    let granted = read_with(
        &endpoint,
        200,
        &[("date", "Thu, 01 Jan 2026 00:00:00 GMT")],
        body,
    )
    .unwrap();
    assert_eq!(granted.refresh_expires_at, Some(now() + secs(31 * 86_400)));
    endpoint.refresh_token_idle_expiry = Some(secs(3_600));
    let granted = read_with(&endpoint, 200, &[], r#"{"access_token": "a"}"#).unwrap();
    assert_eq!(granted.refresh_expires_at, Some(now() + secs(3_600)));
    let granted = read_with(&endpoint, 200, &[], body).unwrap();
    assert_eq!(granted.refresh_expires_at, Some(now() + secs(3_600)));
}

#[test]
fn odd_answers_are_read_by_expressions() {
    let mut endpoint = endpoint();
    endpoint.response.access_token =
        Read::Expression(expression("data.tokens[kind='access'].value"));
    endpoint.response.refresh_token = Read::Expression(expression("$response.headers.`x-refresh`"));
    endpoint.response.expires_in = Read::Expression(expression("data.minutes * 60"));
    endpoint.response.vars = [
        ("instance_url".to_owned(), expression("data.url")),
        ("session".to_owned(), expression("$cookies.sid")),
        ("none".to_owned(), expression("data.none")),
        ("null".to_owned(), expression("null")),
        ("fault".to_owned(), expression("1 + 'x'")),
    ]
    .into_iter()
    .collect();
    let body = r#"{"data": {"tokens": [{"kind": "id", "value": "i"}, {"kind": "access", "value": "a"}], "minutes": 5, "url": "https://eu"}}"#;
    let headers = [
        ("x-refresh", "r9"),
        ("set-cookie", "sid=s1; Path=/; HttpOnly"),
        ("set-cookie", "b=2"),
    ];
    let granted = read_with(&endpoint, 200, &headers, body).unwrap();
    assert_eq!(
        (
            granted.access_token.as_str(),
            granted.refresh_token.as_deref()
        ),
        ("a", Some("r9"))
    );
    assert_eq!(granted.expires_at, Some(now() + secs(300)));
    assert_eq!(
        granted.vars,
        map(json!({"instance_url": "https://eu", "session": "s1"}))
    );

    // Text, if it is not JSON.
    endpoint.response.access_token =
        Read::Expression(expression("$match($, /access_token=([^&]*)/).groups[0]"));
    let granted = read_with(&endpoint, 200, &[], "access_token=gho_x&scope=repo").unwrap();
    assert_eq!(granted.access_token, "gho_x");
}

#[test]
fn invalid_grant_alone_refuses_the_grant() {
    for status in [400, 401, 200, 500] {
        let refusal = read(
            status,
            r#"{"error": "invalid_grant", "error_description": "revoked"}"#,
        )
        .unwrap_err();
        assert_eq!(
            refusal,
            Refusal::Grant {
                reason: "invalid_grant: revoked".into()
            }
        );
    }
    for error in ["invalid_client", "unauthorized_client"] {
        let refusal = read(401, &json!({"error": error}).to_string()).unwrap_err();
        assert_eq!(
            refusal,
            Refusal::Client {
                reason: error.into()
            }
        );
    }
    for (status, body, reason) in [
        (401, "", "the token endpoint answered 401"),
        (403, "<html>", "the token endpoint answered 403"),
        (500, "{}", "the token endpoint answered 500"),
        (302, "", "the token endpoint answered 302"),
        (
            400,
            r#"{"error": "invalid_request"}"#,
            "400, invalid_request",
        ),
        (
            400,
            r#"{"error": "invalid_scope", "error_description": "no x"}"#,
            "400, invalid_scope: no x",
        ),
        (200, "{}", "the answer holds no access token"),
        (200, "garbage", "the answer holds no access token"),
        (
            200,
            r#"{"access_token": ""}"#,
            "the answer holds no access token",
        ),
        (200, r#"{"error": "slow_down"}"#, "slow_down"),
        (
            200,
            r#"{"access_token": null, "error": false}"#,
            "the answer holds no access token",
        ),
    ] {
        let refusal = read(status, body).unwrap_err();
        assert_eq!(
            refusal,
            Refusal::Transient {
                reason: reason.into(),
                retry_after: None
            },
            "{status} {body}"
        );
    }
    // A word beside a token changes nothing.
    assert!(read(200, r#"{"access_token": "a", "error": ""}"#).is_ok());
    assert!(read(200, r#"{"access_token": "a", "error": "note"}"#).is_ok());
}

#[test]
fn other_words_for_a_dead_grant_are_settings() {
    let mut endpoint = endpoint();
    endpoint.response.error = Read::Expression(expression(
        "status = 'BAD_REFRESH_TOKEN' or $response.status = 410 ? 'invalid_grant' : error",
    ));
    let dead = r#"{"status": "BAD_REFRESH_TOKEN", "message": "unknown token refresh-1, sent by client-secret"}"#;
    let refusal = read_with(&endpoint, 400, &[], dead).unwrap_err();
    // What the server quotes of our secrets is not passed on.
    assert_eq!(
        refusal,
        Refusal::Grant {
            reason: "invalid_grant: unknown token …, sent by …".into()
        }
    );
    assert!(matches!(
        read_with(&endpoint, 410, &[], "gone").unwrap_err(),
        Refusal::Grant { .. }
    ));
}

#[test]
fn nothing_that_was_sent_and_may_be_secret_is_quoted() {
    let mut endpoint = endpoint();
    let fixed = |text| Some(Tree::Template(template(text)));
    endpoint
        .params
        .insert("partner_key".into(), fixed("p/key+1"));
    endpoint
        .params
        .insert("scope".into(), fixed("contacts.read"));
    let secret = HeaderName::from_static("x-partner");
    endpoint.headers.push((secret, template("partner-header")));
    let said = "you sent partner_key=p%2Fkey%2B1&scope=contacts.read, p/key+1 and partner-header";
    let body = json!({"error": "invalid_grant", "error_description": said}).to_string();
    assert_eq!(
        read_with(&endpoint, 400, &[], &body).unwrap_err(),
        Refusal::Grant {
            reason: "invalid_grant: you sent partner_key=…&scope=contacts.read, … and …".into()
        }
    );
}

#[test]
fn retry_after_is_kept() {
    for (value, expected) in [
        ("7", Some(secs(7))),
        ("Thu, 01 Jan 2026 00:00:12 GMT", Some(secs(10))),
        ("0", None),
        ("later", None),
    ] {
        let refusal = read_with(&endpoint(), 429, &[("retry-after", value)], "").unwrap_err();
        let Refusal::Transient { retry_after, .. } = refusal else {
            panic!("{refusal:?}");
        };
        assert_eq!(retry_after, expected, "{value}");
    }
}

#[test]
fn a_byte_order_mark_is_no_fault() {
    assert!(read(200, "\u{FEFF}{\"access_token\": \"a\"}").is_ok());
}

proptest! {
    #[test]
    fn no_answer_panics(
        status in 100_u16..600,
        body in proptest::collection::vec(any::<u8>(), 0..60),
        date in "[ -~]{0,30}",
        value in prop_oneof![any::<f64>().prop_map(|n| json!(n)), "[ -~]{0,25}".prop_map(|s| json!(s)), any::<u64>().prop_map(|n| json!(n))],
    ) {
        let mut endpoint = endpoint();
        endpoint.response.expires_at = Some(Read::Member("expires_at"));
        endpoint.response.refresh_token_expires_at = Some(Read::Member("expires_in"));
        let json = json!({"access_token": "e30.eyJleHAiOjF9.x", "expires_in": value, "expires_at": value, "error": value}).to_string();
        let mut headers = HeaderMap::new();
        for name in ["date", "retry-after", "set-cookie"] {
            headers.insert(name, HeaderValue::from_str(&date).unwrap());
        }
        for body in [body.as_slice(), json.as_bytes()] {
            for at in [now(), SystemTime::UNIX_EPOCH] {
                let answer = Answer { status: StatusCode::from_u16(status).unwrap(), headers: &headers, body, sent_at: at, now: at };
                let _ = endpoint.read_answer(&answer, &secrets(), None);
            }
        }
    }
}
