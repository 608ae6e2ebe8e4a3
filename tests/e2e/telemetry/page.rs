//! The page of metrics, read strictly.

use std::collections::{BTreeMap, BTreeSet};

/// Every family: its type, and its labels in their order.
const FAMILIES: &[(&str, &str, &[&str])] = &[
    (
        "leeward_requests_total",
        "counter",
        &["operation", "outcome", "provider", "source"],
    ),
    (
        "leeward_request_duration_seconds",
        "histogram",
        &["outcome", "provider", "source"],
    ),
    (
        "leeward_upstream_duration_seconds",
        "histogram",
        &["provider"],
    ),
    ("leeward_overhead_seconds", "histogram", &["provider"]),
    (
        "leeward_upstream_responses_total",
        "counter",
        &["provider", "status"],
    ),
    ("leeward_in_flight", "gauge", &["provider"]),
    ("leeward_wait_seconds", "histogram", &["for", "provider"]),
    ("leeward_retries_total", "counter", &["provider", "reason"]),
    ("leeward_connects_total", "counter", &["provider", "result"]),
    ("leeward_store_up", "gauge", &[]),
    (
        "leeward_listener_refused_total",
        "counter",
        &["listener", "reason"],
    ),
    (
        "leeward_rate_limited_total",
        "counter",
        &["by", "provider", "scope"],
    ),
    ("leeward_retry_after_seconds", "histogram", &["provider"]),
    ("leeward_breakers", "gauge", &["provider", "state"]),
    (
        "leeward_breaker_transitions_total",
        "counter",
        &["provider", "to"],
    ),
    (
        "leeward_token_refreshes_total",
        "counter",
        &["provider", "result"],
    ),
    ("leeward_accounts", "gauge", &["provider", "status"]),
    ("leeward_token_expiry_seconds", "gauge", &["provider"]),
    ("leeward_build_info", "gauge", &["commit", "version"]),
    ("leeward_config_reload_failures_total", "counter", &[]),
    ("leeward_config_generation", "gauge", &[]),
    ("leeward_panics_total", "counter", &[]),
];

/// The page, parsed by the rules of its format: series with their values.
pub fn parse(page: &str) -> BTreeMap<String, f64> {
    let mut help = BTreeSet::new();
    let mut types = BTreeMap::new();
    let mut series = BTreeMap::new();
    let label = regex::Regex::new(r#"^([a-z_]+)="((?:[^"\\\n]|\\.)*)"$"#).unwrap();
    assert!(page.ends_with('\n'));
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, text) = rest.split_once(' ').expect("a text");
            assert!(
                !text.is_empty() && help.insert(name.to_owned()),
                "a second HELP of {name}"
            );
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            assert!(
                types.insert(name.to_owned(), kind.to_owned()).is_none(),
                "a second TYPE of {name}"
            );
            assert!(help.contains(name), "{name} has no HELP");
            continue;
        }
        let (name, value) = line.rsplit_once(' ').expect("a value");
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
        assert!(
            series.insert(name.to_owned(), value).is_none(),
            "{name} twice"
        );
        let (name, labels) = match name.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').expect("a brace")),
            None => (name, ""),
        };
        let labels: Vec<&str> = labels
            .split("\",")
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let whole = if pair.ends_with('"') {
                    pair.to_owned()
                } else {
                    format!("{pair}\"")
                };
                assert!(label.is_match(&whole), "{line}");
                pair.split('=').next().unwrap()
            })
            .collect();
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|suffix| {
                name.strip_suffix(suffix)
                    .filter(|family| types.get(*family).is_some_and(|kind| kind == "histogram"))
            })
            .unwrap_or(name);
        let (_, kind, expected) = FAMILIES
            .iter()
            .find(|(known, ..)| *known == family)
            .unwrap_or_else(|| panic!("{family} is not known"));
        assert_eq!(
            types.get(family).map(String::as_str),
            Some(*kind),
            "{family}"
        );
        let mut seen: Vec<&str> = labels.into_iter().filter(|label| *label != "le").collect();
        seen.sort_unstable();
        assert_eq!(seen, *expected, "{family}");
    }
    assert_eq!(help, types.keys().cloned().collect());
    series
}
