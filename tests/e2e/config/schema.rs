//! `leeward schema`: what editors complete with.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::leeward;

/// Every key of the files, by the definition in which it stands.
const KEYS: &[(&str, &str)] = &[
    (
        "Process",
        "listen store encryption_key admin_token egress_token limits telemetry intercept drain_timeout drain_quiet",
    ),
    ("Listen", "egress admin telemetry webhooks"),
    (
        "Limits",
        "max_connections header_timeout idle_timeout header_size",
    ),
    ("Telemetry", "otlp_endpoint log log_format access_log"),
    ("Intercept", "ca_cert ca_key egress_policy"),
    (
        "Provider",
        "provider base_url hosts bases private_hosts intercept headers query max_buffer auth tls rate_limit breaker timeout concurrency retry hedge cache pagination error resources webhooks sync slo probe tests",
    ),
    (
        "Auth",
        "type token_url client_id client_secret client_auth method body headers params token_response refresh_before refresh_params assume_expires_in refresh_token_idle_expiry refresh_token_max_age timeout on_lost_answer rejected apply request refresh_request token username password signature realm token_secret access_key secret_key session_token region service",
    ),
    (
        "TokenResponse",
        "access_token refresh_token refresh_token_expires_in refresh_token_expires_at expires_in expires_at error vars",
    ),
    ("RefreshBefore", "min max"),
    ("Apply", "header value query body"),
    ("Tls", "ca client_certificate client_key"),
    (
        "RateLimit",
        "rules look budget quota background_share on_limit backoff",
    ),
    (
        "RuleSpec",
        "id when outcome retryable scope wait_use wait fallback max",
    ),
    (
        "TestSpec",
        "status header body text form path until jsonata",
    ),
    (
        "WaitSpec",
        "header body text sf jsonata json regex format guard if multi",
    ),
    ("FallbackSpec", "seconds calendar"),
    ("CalendarSpec", "every tz"),
    ("Budget", "limit per by match cost"),
    ("Quota", "limit remaining reset used restores"),
    (
        "Breaker",
        "by consecutive_failures failure_ratio sampling_duration minimum_calls slow_call open_for max_open_for half_open_requests success_threshold",
    ),
    ("Timeout", "connect response idle_body total pool_idle"),
    (
        "Concurrency",
        "max_in_flight per_account max_waiting max_wait adaptive",
    ),
    (
        "Retry",
        "max_attempts methods after backoff budget idempotency_header hold",
    ),
    ("Hedge", "after budget"),
    ("Cache", "fallback_for paths max_bytes serve_after vary"),
    (
        "Pagination",
        "type items next more key start param size match",
    ),
    ("PageSize", "param value max"),
    ("ErrorTest", "when status reason message"),
    ("Resource", "item body list get create update delete"),
    (
        "Operation",
        "method path base query headers body body_format list_style items item response record on_item_error pagination error idempotent steps expand then",
    ),
    ("Webhooks", "verify challenge account dedupe events enrich"),
    (
        "Sync",
        "resource every incremental full_every max_staleness accounts",
    ),
    ("Slo", "availability window latency"),
    (
        "Probe",
        "account method path headers every expect base_url json form text",
    ),
    ("Account", "account provider credentials vars overrides"),
    ("Model", "model schema"),
    ("Destination", "destination url secret events on_failing"),
];

fn printed() -> Value {
    leeward(["schema"]).json()
}

/// Calls on every schema below this one.
fn each(schema: &Value, see: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    let Value::Object(members) = schema else {
        return;
    };
    see(members);
    for (keyword, below) in members {
        match (keyword.as_str(), below) {
            ("properties" | "$defs", Value::Object(named)) => {
                named.values().for_each(|below| each(below, see))
            }
            ("oneOf" | "anyOf" | "allOf", Value::Array(list)) => {
                list.iter().for_each(|below| each(below, see))
            }
            ("items" | "additionalProperties" | "propertyNames", below) => each(below, see),
            _ => {}
        }
    }
}

#[test]
fn it_names_every_key_and_says_what_it_is() {
    let schema = printed();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    for (definition, keys) in KEYS {
        let mut known = BTreeSet::new();
        let mut undescribed = Vec::new();
        let of = &schema["$defs"][definition];
        assert!(of.is_object(), "no {definition}");
        each(of, &mut |schema| {
            let Some(Value::Object(properties)) = schema.get("properties") else {
                return;
            };
            for (name, property) in properties {
                known.insert(name.clone());
                if property.get("description").is_none() && property.get("const").is_none() {
                    undescribed.push(name.clone());
                }
            }
        });
        for key in keys.split(' ') {
            assert!(known.contains(key), "{definition} has no {key}: {known:?}");
        }
        assert!(
            undescribed.is_empty(),
            "{definition} does not say what {undescribed:?} are"
        );
    }
}

#[test]
fn it_is_well_formed() {
    const TYPES: [&str; 7] = [
        "null", "boolean", "object", "array", "number", "integer", "string",
    ];
    let schema = printed();
    let definitions = schema["$defs"].as_object().unwrap();
    let mut seen = 0;
    each(&schema, &mut |schema| {
        seen += 1;
        if let Some(reference) = schema.get("$ref") {
            let name = reference
                .as_str()
                .unwrap()
                .strip_prefix("#/$defs/")
                .unwrap();
            assert!(definitions.contains_key(name), "{reference} leads nowhere");
        }
        let types = match schema.get("type") {
            Some(Value::Array(types)) => types.clone(),
            Some(one) => vec![one.clone()],
            None => Vec::new(),
        };
        for one in types {
            assert!(TYPES.contains(&one.as_str().unwrap()), "{one} is no type");
        }
        if let Some(pattern) = schema.get("pattern") {
            regex::Regex::new(pattern.as_str().unwrap()).unwrap();
        }
        if let Some(Value::Object(properties)) = schema.get("properties") {
            for name in schema
                .get("required")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                assert!(
                    properties.contains_key(name.as_str().unwrap()),
                    "{name} is required and not there"
                );
            }
        }
    });
    assert!(seen > 300, "{seen}");
}
