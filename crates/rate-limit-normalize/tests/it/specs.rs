//! What an author may write, and what is told of faults.

use std::time::Duration;

use leeward_rate_limit_normalize::spec::DurationSpec;
use leeward_rate_limit_normalize::{NoHooks, RuleSpec, Rules};
use serde_json::{Value, json};

fn faults(rules: Value) -> Vec<(String, String)> {
    let specs: Vec<RuleSpec> = serde_json::from_value(rules).unwrap();
    let faults = Rules::compile(&specs, &NoHooks).unwrap_err();
    faults
        .into_iter()
        .map(|fault| (fault.pointer, fault.message))
        .collect()
}

#[test]
fn all_faults_are_told_at_once_and_where() {
    let found = faults(json!([
        {"when": {"status": 429}},
        {"when": {"text": "(", "header": {"bad name": 1}, "body": {"no-pointer": 1, "/a/~2": {"regex": "["}}},
         "scope": "", "max": "0s", "fallback": {"calendar": {"every": "7h", "tz": "Mars/Olympus"}},
         "wait": [{"header": "A", "body": "/b"}, {"body": "/b", "json": "/c", "if": {}}, {"jsonata": "1"}]},
        {"when": {}, "fallback": {}},
    ]));
    let places: Vec<_> = found.iter().map(|(place, _)| place.as_str()).collect();
    for place in [
        "/1/when/text",
        "/1/when/header/bad name",
        "/1/when/body/no-pointer",
        "/1/when/body/~1a~1~02",
        "/1/wait/0",
        "/1/wait/1/json",
        "/1/wait/1/if",
        "/1/wait/2/jsonata",
        "/1/scope",
        "/1/max",
        "/1/fallback/calendar/every",
        "/1/fallback/calendar/tz",
        "/2/when",
        "/2/fallback",
    ] {
        assert!(places.contains(&place), "{place} is not in {places:?}");
    }
    assert!(!places.iter().any(|place| place.starts_with("/0")));
    let huge = faults(json!([{"when": {"text": "(\\w{1000}){1000}"}}]));
    assert_eq!(huge[0].1, "the regular expression is too large");
}

#[test]
fn what_is_no_rule_is_refused() {
    for wrong in [
        json!({"when": {"status": 429}, "unknown": 1}),
        json!({"when": {"status": 429, "cookie": 1}}),
        json!({"id": "no-when"}),
        json!({"when": {"status": 42}}),
        json!({"when": {"status": "4x"}}),
        json!({"when": {"status": []}}),
        json!({"when": {"header": {"a": {"exists": "yes"}}}}),
        json!({"when": {"header": {"a": {"exists": true, "regex": "x"}}}}),
        json!({"when": {"header": {"a": {"near": 1}}}}),
        json!({"when": {"header": {"a": {"num": {}}}}}),
        json!({"when": {"header": {"a": {"num": {"ne": 1}}}}}),
        json!({"when": {"header": {"a": [[1]]}}}),
        json!({"when": {"header": {"a": []}}}),
        json!({"when": {"status": 429}, "wait": [{"header": "A", "format": "fortnights"}]}),
        json!({"when": {"status": 429}, "max": 60}),
        json!({"when": {"status": 429}, "max": "60"}),
        json!({"when": {"status": 429, "until": "tomorrow"}}),
        json!({"when": {"status": 429}, "outcome": "maybe"}),
    ] {
        assert!(
            serde_json::from_value::<RuleSpec>(wrong.clone()).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn specs_come_back_from_json_as_they_went() {
    let text = include_str!("../data/rules.json");
    let all: std::collections::BTreeMap<String, Vec<RuleSpec>> =
        serde_json::from_str(text).unwrap();
    let again = serde_json::from_value(serde_json::to_value(&all).unwrap()).unwrap();
    assert_eq!(all, again);
}

#[test]
fn durations_have_one_unit() {
    for (text, millis) in [
        ("250ms", 250),
        ("90s", 90_000),
        ("15m", 900_000),
        ("24h", 86_400_000),
        ("90d", 7_776_000_000),
    ] {
        let spec: DurationSpec = text.parse().unwrap();
        assert_eq!(spec.0, Duration::from_millis(millis));
        assert_eq!(
            serde_json::to_value(spec)
                .unwrap()
                .as_str()
                .unwrap()
                .parse(),
            Ok(spec)
        );
    }
    for wrong in [
        "",
        "s",
        "5",
        "1.5h",
        "-1s",
        "1h30m",
        "1 s",
        "99999999999999999999s",
        "18446744073709551615d",
        "5µs",
    ] {
        assert!(wrong.parse::<DurationSpec>().is_err(), "{wrong}");
    }
}

/// Every property has a doc line, and the formats by which a checker knows what to compile.
#[test]
fn the_schema_documents_every_key() {
    let schema = serde_json::to_value(schemars::schema_for!(RuleSpec)).unwrap();
    fn walk(at: &Value, path: &str, bare: &mut Vec<String>) {
        if let Some(properties) = at.get("properties").and_then(Value::as_object)
            && at.get("required") != Some(&json!(["exists"]))
        {
            for (name, property) in properties {
                let documented = property.get("description").is_some();
                let test = ["exists", "regex", "in", "num"].contains(&name.as_str());
                if !documented && !test {
                    bare.push(format!("{path}/{name}"));
                }
            }
        }
        match at {
            Value::Object(map) => map
                .iter()
                .for_each(|(k, v)| walk(v, &format!("{path}/{k}"), bare)),
            Value::Array(list) => list.iter().for_each(|v| walk(v, path, bare)),
            _ => {}
        }
    }
    let mut bare = Vec::new();
    walk(&schema, "", &mut bare);
    assert!(bare.is_empty(), "{bare:?}");
    let text = schema.to_string();
    for format in [
        "regex",
        "expression",
        "json-pointer",
        "date-time",
        "duration",
    ] {
        assert!(
            text.contains(&format!("\"format\":\"{format}\"")),
            "{format}"
        );
    }
}
