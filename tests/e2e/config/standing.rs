//! A broken file leaves the last good version of its provider in force, and is visible.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Files, Leeward, Script, json};

async fn standing(leeward: &Leeward, provider: &str) -> Value {
    let listed = leeward.admin(Method::GET, "/providers", None).await.json();
    let providers = listed["providers"].as_array().unwrap();
    providers
        .iter()
        .find(|known| known["provider"] == provider)
        .cloned()
        .unwrap_or_default()
}

async fn echo() -> Script {
    Script::start(|call| {
        let version = call
            .head
            .headers
            .get("x-version")
            .and_then(|value| value.to_str().ok());
        json(200, json!({ "version": version }))
    })
    .await
}

fn file(name: &str, vendor: &Script, version: u32) -> String {
    format!(
        "provider: {name}\nbase_url: {}\nheaders: {{X-Version: '{version}'}}\n",
        vendor.url()
    )
}

async fn serves(leeward: &Leeward, provider: &str, version: u32) -> bool {
    let answer = leeward.get(&format!("/proxy/{provider}/x")).await;
    answer.status == 200 && answer.json()["version"] == *version.to_string()
}

#[tokio::test]
async fn of_that_provider_alone() {
    let vendor = echo().await;
    let leeward = Files::new()
        .write("providers/a.yaml", &file("a", &vendor, 1))
        // A file need not be called as its provider.
        .write("providers/other.yaml", &file("b", &vendor, 1))
        .start()
        .await;
    let good = standing(&leeward, "a").await;
    assert_eq!(good["faults"], json!([]));
    assert_eq!(good["home"], "file");
    assert_eq!(
        leeward.get("/proxy/a/x").await.header("leeward-config"),
        good["version"].as_str()
    );
    let failures = leeward.metric("leeward_config_reload_failures_total").await;
    assert_eq!(failures, 0.0);

    leeward.write(
        "providers/a.yaml",
        &file("a", &vendor, 2).replace("headers", "haeders"),
    );
    leeward.write("providers/other.yaml", &file("b", &vendor, 2));
    leeward.until("b is new", || serves(&leeward, "b", 2)).await;
    assert!(serves(&leeward, "a", 1).await, "a is as it was");
    let broken = standing(&leeward, "a").await;
    assert_eq!(broken["version"], good["version"]);
    let faults = broken["faults"].to_string();
    assert!(
        faults.contains("a.yaml:3:1: unknown key `haeders`; did you mean `headers`?"),
        "{faults}"
    );
    assert_eq!(standing(&leeward, "b").await["faults"], json!([]));
    assert!(leeward.metric("leeward_config_reload_failures_total").await > failures);
    let said = |line: &String| line.contains("haeders") && line.contains("\"ERROR\"");
    assert!(leeward.log().iter().any(said), "{:?}", leeward.log());
    assert_eq!(leeward.telemetry("/readyz").await.status, 200);

    // One whose YAML tells no name any more.
    leeward.write("providers/other.yaml", "provider: b\nbase_url: [\n");
    leeward
        .until("b is at fault", || async {
            standing(&leeward, "b").await["faults"] != json!([])
        })
        .await;
    assert!(serves(&leeward, "b", 2).await);
    assert_eq!(standing(&leeward, "other").await, Value::Null);

    // Mended.
    leeward.write("providers/a.yaml", &file("a", &vendor, 3));
    leeward.write("providers/other.yaml", &file("b", &vendor, 3));
    leeward.until("a is new", || serves(&leeward, "a", 3)).await;
    leeward.until("b is new", || serves(&leeward, "b", 3)).await;
    assert_eq!(standing(&leeward, "a").await["faults"], json!([]));
}

#[tokio::test]
async fn one_that_never_was_good_is_left_out() {
    let vendor = echo().await;
    let leeward = Files::new()
        .write("providers/a.yaml", "provider: a\nbase_urll: x\n")
        .write("providers/b.yaml", &file("b", &vendor, 1))
        .start()
        .await;
    leeward
        .get("/proxy/a/x")
        .await
        .problem(404, "unknown_provider");
    assert!(serves(&leeward, "b", 1).await);
    let shown = standing(&leeward, "a").await;
    assert_eq!(shown["version"], Value::Null);
    assert!(!shown["faults"].as_array().unwrap().is_empty());
    assert!(
        leeward
            .log()
            .join("\n")
            .contains("did you mean `base_url`?")
    );
    leeward.write("providers/a.yaml", &file("a", &vendor, 1));
    leeward
        .until("a is there", || serves(&leeward, "a", 1))
        .await;
}

#[tokio::test]
async fn a_second_file_of_one_name_is_at_fault_and_the_first_serves() {
    let vendor = echo().await;
    let leeward = Files::new()
        .write("providers/1.yaml", &file("a", &vendor, 1))
        .start()
        .await;
    leeward.write("providers/2.yaml", &file("a", &vendor, 2));
    leeward
        .until("it is said", || async {
            leeward
                .log()
                .join("\n")
                .contains("2.yaml:1:11: provider `a` is in ")
        })
        .await;
    assert!(serves(&leeward, "a", 1).await);
    // The first one goes on being followed.
    leeward.write("providers/1.yaml", &file("a", &vendor, 3));
    leeward
        .until("its change", || serves(&leeward, "a", 3))
        .await;
    // And the second takes over when the first is gone.
    std::fs::remove_file(leeward.path("providers/1.yaml")).unwrap();
    leeward
        .until("the second", || serves(&leeward, "a", 2))
        .await;
}
