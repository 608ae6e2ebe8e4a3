//! `leeward demo`: what it prints is counted, and each layer has its use.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;

use serde_json::Value;
use tokio::process::Command;
use tokio::sync::Semaphore;

use crate::harness::binary;

/// Long enough for every trouble to come.
const SECONDS: &str = "10";

async fn demo(arguments: &[&str]) -> Value {
    let output = Command::new(binary())
        .args(["demo", "--seconds", SECONDS, "--seed", "7", "--json"])
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON alone: {complaint}"))
}

/// One side of one vendor.
fn side<'a>(table: &'a Value, vendor: &str, way: &str) -> &'a Value {
    let vendors = table["vendors"].as_array().unwrap();
    let vendor = vendors
        .iter()
        .find(|known| known["name"] == vendor)
        .unwrap();
    &vendor[way]
}

/// Requests that were not available.
fn lost(side: &Value, kind: &str) -> u64 {
    side[kind]["requests"].as_u64().unwrap() - side[kind]["ok"].as_u64().unwrap()
}

#[track_caller]
fn check_side(side: &Value) {
    for counts in [side, &side["reads"], &side["writes"]] {
        let (requests, ok) = (
            counts["requests"].as_f64().unwrap(),
            counts["ok"].as_f64().unwrap(),
        );
        assert!(requests > 0.0 && ok <= requests, "{side}");
        let share = counts["availability"].as_f64().unwrap();
        assert!((share - ok / requests).abs() < 1e-9, "{side}");
    }
    for kind in ["requests", "ok"] {
        let parts = side["reads"][kind].as_u64().unwrap() + side["writes"][kind].as_u64().unwrap();
        assert_eq!(side[kind], parts, "{side}");
    }
    for counted in [
        "writes_of_unknown_fate",
        "unauthorized",
        "limits_not_429",
        "from_cache",
        "token_calls",
    ] {
        assert!(side[counted].is_u64(), "{counted} {side}");
    }
    assert!(side["p50_ms"].as_f64().unwrap() <= side["p99_ms"].as_f64().unwrap());
}

/// The whole table, and what each layer does for it: seven demos, four at a time.
#[tokio::test]
async fn it_counts_and_each_layer_has_its_use() {
    let places = Arc::new(Semaphore::new(4));
    // The layer, the vendor that it is for, and what is lost there without it.
    let uses = [
        ("auth", "rotating", "reads"),
        ("rate-limit", "forbids", "reads"),
        ("breaker", "outage", "writes"),
        ("fallback", "stumbles", "reads"),
        ("retry", "torn", "reads"),
        ("bulkhead", "fragile", "reads"),
    ];
    let layers = std::iter::once(None).chain(uses.map(|(layer, _, _)| Some(layer)));
    let runs: BTreeMap<Option<&str>, _> = layers
        .map(|layer| {
            let places = Arc::clone(&places);
            let run = tokio::spawn(async move {
                let _place = places.acquire_owned().await.unwrap();
                match layer {
                    Some(layer) => demo(&["--without", layer]).await,
                    None => demo(&[]).await,
                }
            });
            (layer, run)
        })
        .collect();
    let mut tables = BTreeMap::new();
    for (layer, run) in runs {
        tables.insert(layer, run.await.unwrap());
    }
    let whole = &tables[&None];

    let vendors = whole["vendors"].as_array().unwrap();
    assert!(vendors.len() >= 5);
    for vendor in vendors {
        let name = vendor["name"].as_str().unwrap();
        check_side(&vendor["direct"]);
        check_side(&vendor["leeward"]);
        assert!(
            lost(&vendor["direct"], "reads") > 0,
            "{name} does no harm: {vendor}"
        );
        // Through Leeward every read is available, and no 401 and no limit in disguise comes through.
        assert_eq!(lost(&vendor["leeward"], "reads"), 0, "{vendor}");
        assert_eq!(vendor["leeward"]["unauthorized"], 0, "{vendor}");
        assert_eq!(vendor["leeward"]["limits_not_429"], 0, "{vendor}");
    }
    let (direct, leeward) = (&whole["total"]["direct"], &whole["total"]["leeward"]);
    check_side(direct);
    check_side(leeward);
    assert!(direct["availability"].as_f64().unwrap() <= 0.99, "{direct}");
    assert!(direct["unauthorized"].as_u64().unwrap() > 0);
    assert!(direct["limits_not_429"].as_u64().unwrap() > 0);
    assert!(leeward["token_calls"].as_u64().unwrap() < direct["token_calls"].as_u64().unwrap());
    // What is lost of writes is torn in most cases, which nobody may repeat.
    assert!(
        lost(leeward, "writes") < lost(direct, "writes") / 4,
        "{leeward}"
    );

    for (layer, vendor, kind) in uses {
        let with = lost(side(whole, vendor, "leeward"), kind);
        let without = lost(side(&tables[&Some(layer)], vendor, "leeward"), kind);
        assert!(
            without > with,
            "without {layer} {vendor} loses {without} {kind}, with it {with}"
        );
    }
    // The other dialect of limits, too.
    let epochs = side(&tables[&Some("rate-limit")], "epochs", "leeward");
    assert!(lost(epochs, "reads") > 0, "{epochs}");
    assert_eq!(
        side(&tables[&Some("fallback")], "outage", "leeward")["from_cache"],
        0
    );
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_said() {
    for arguments in [
        ["--without", "gravity"],
        ["--seconds", "0"],
        ["--seed", "x"],
    ] {
        let output = Command::new(binary())
            .arg("demo")
            .args(arguments)
            .output()
            .await
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            String::from_utf8_lossy(&output.stderr).contains(arguments[1]),
            "{arguments:?}"
        );
    }
}
