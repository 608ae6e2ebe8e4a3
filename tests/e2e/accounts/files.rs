//! `accounts/*.yaml`: added, changed, removed, broken while it runs.

use serde_json::json;

use super::key;
use crate::harness::{Files, Leeward, Script, json};

async fn started() -> (Script, Leeward) {
    let vendor = Script::start(|call| {
        let key = call
            .head
            .headers
            .get("x-key")
            .and_then(|key| key.to_str().ok());
        json(200, json!({ "key": key }))
    })
    .await;
    let leeward = Files::new()
        .provider("k", &key(&vendor.url()))
        .start()
        .await;
    (vendor, leeward)
}

fn file(account: &str, key: &str) -> String {
    format!("account: {account}\nprovider: k\ncredentials: {{api_key: {key}}}\n")
}

async fn until_key(leeward: &Leeward, account: &str, key: &str) {
    leeward
        .until(&format!("{account} has {key}"), || async {
            let answer = leeward.get_as(account, "/proxy/k/x").await;
            answer.status == 200 && answer.json()["key"] == key
        })
        .await;
}

async fn until_gone(leeward: &Leeward, account: &str) {
    leeward
        .until(&format!("{account} is gone"), || async {
            leeward.get_as(account, "/proxy/k/x").await.status == 404
        })
        .await;
}

#[tokio::test]
async fn a_file_comes_changes_and_goes_while_it_runs() {
    let (_vendor, leeward) = started().await;
    // One of the API is no file's business.
    leeward.put("api", "k", json!({ "api_key": "zero" })).await;
    leeward.write("accounts/one.yaml", &file("acme", "one"));
    until_key(&leeward, "acme", "one").await;
    leeward.write("accounts/one.yaml", &file("acme", "two"));
    until_key(&leeward, "acme", "two").await;
    // Another name in the same file: the first one is gone.
    leeward.write("accounts/one.yaml", &file("other", "two"));
    until_key(&leeward, "other", "two").await;
    until_gone(&leeward, "acme").await;
    std::fs::remove_file(leeward.path("accounts/one.yaml")).unwrap();
    until_gone(&leeward, "other").await;
    until_key(&leeward, "api", "zero").await;
}

#[tokio::test]
async fn a_broken_file_takes_nobody_out() {
    let (_vendor, leeward) = started().await;
    leeward.write("accounts/one.yaml", &file("one", "1"));
    leeward.write("accounts/two.yaml", &file("two", "2"));
    until_key(&leeward, "two", "2").await;
    until_key(&leeward, "one", "1").await;
    let failures = leeward.metric("leeward_config_reload_failures_total").await;
    leeward.write("accounts/one.yaml", "account: one\nprovider: [");
    leeward.write("accounts/three.yaml", &file("three", "3"));
    until_key(&leeward, "three", "3").await;
    until_key(&leeward, "one", "1").await;
    leeward
        .until("it is counted", || async {
            leeward.metric("leeward_config_reload_failures_total").await > failures
        })
        .await;
    leeward
        .until("it is said", || async {
            leeward.log().join("\n").contains("accounts/one.yaml:2:")
        })
        .await;
    // Mended otherwise: now its account goes.
    std::fs::remove_file(leeward.path("accounts/one.yaml")).unwrap();
    until_gone(&leeward, "one").await;
    until_key(&leeward, "two", "2").await;
}

#[tokio::test]
async fn an_account_may_come_before_its_provider() {
    let (vendor, leeward) = started().await;
    leeward.write(
        "accounts/early.yaml",
        "account: early\nprovider: late\ncredentials: {api_key: e}\n",
    );
    leeward
        .until("it is said", || async {
            leeward
                .log()
                .join("\n")
                .contains("there is no provider `late`")
        })
        .await;
    leeward.write(
        "providers/late.yaml",
        &format!("provider: late\n{}", key(&vendor.url())),
    );
    leeward
        .until("both are there", || async {
            leeward.get_as("early", "/proxy/late/x").await.status == 200
        })
        .await;
}
