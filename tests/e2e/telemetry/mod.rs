//! `/metrics`, `/livez`, `/readyz`, `/status`: names, shapes, and what moves when.

mod accounts;
mod counters;
mod health;
mod page;

use std::collections::BTreeMap;

use leeward_vendors::Reply;
use serde_json::json;

use crate::harness::{Files, Leeward, Script, json};

async fn page(leeward: &Leeward) -> BTreeMap<String, f64> {
    let answer = leeward.telemetry("/metrics").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    page::parse(&answer.text())
}

/// The value of a series, 0 if it is not there.
fn value(page: &BTreeMap<String, f64>, series: &str) -> f64 {
    page.get(series).copied().unwrap_or(0.0)
}

#[track_caller]
fn holds(page: &BTreeMap<String, f64>, series: &[(&str, f64)]) {
    for (name, expected) in series {
        let family = name.split('{').next().unwrap_or_default();
        let near: Vec<_> = page
            .iter()
            .filter(|(name, _)| name.starts_with(family))
            .collect();
        assert_eq!(value(page, name), *expected, "{name} of\n{near:#?}");
    }
}

fn ok() -> Reply {
    json(200, json!({}))
}

async fn started(vendor: &Script, more: &str) -> Leeward {
    let file = format!("base_url: {}\n{more}", vendor.url());
    Files::new().provider("p", &file).start().await
}
