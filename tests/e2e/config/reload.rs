//! What changes while it runs.

use http::Method;
use leeward_vendors::{Call, Reply};
use serde_json::json;

use crate::harness::{Files, Leeward, Script, json};

fn serving(call: &Call) -> Reply {
    let seen = |name: &str| {
        call.head
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    json(
        200,
        json!({ "version": seen("x-version"), "authorization": seen("authorization") }),
    )
}

/// A provider's file whose requests carry this version.
fn version(vendor: &Script, version: &str) -> String {
    format!(
        "base_url: {}\nheaders: {{X-Version: '{version}'}}",
        vendor.url()
    )
}

fn write(leeward: &Leeward, name: &str, lines: &str) {
    leeward.write(
        &format!("providers/{name}.yaml"),
        &format!("provider: {name}\n{lines}\n"),
    );
}

async fn until_version(leeward: &Leeward, provider: &str, version: &str) {
    leeward
        .until(&format!("{provider} has version {version}"), || async {
            let answer = leeward.get(&format!("/proxy/{provider}/x")).await;
            answer.status == 200 && answer.json()["version"] == version
        })
        .await;
}

#[tokio::test]
async fn files_come_change_and_go() {
    let vendor = Script::start(serving).await;
    let leeward = Files::new()
        .provider("a", &version(&vendor, "1"))
        .start()
        .await;
    let first = leeward.get("/proxy/a/x").await;
    assert_eq!(first.live().json()["version"], "1");
    write(&leeward, "a", &version(&vendor, "2"));
    until_version(&leeward, "a", "2").await;
    let second = leeward.get("/proxy/a/x").await;
    assert_ne!(
        first.header("leeward-config"),
        second.header("leeward-config")
    );
    // The version is that of the content: what it was before has the name that it had before.
    write(&leeward, "a", &version(&vendor, "1"));
    until_version(&leeward, "a", "1").await;
    assert_eq!(
        leeward.get("/proxy/a/x").await.header("leeward-config"),
        first.header("leeward-config")
    );

    leeward
        .get("/proxy/b/x")
        .await
        .problem(404, "unknown_provider");
    write(&leeward, "b", &version(&vendor, "7"));
    until_version(&leeward, "b", "7").await;
    std::fs::remove_file(leeward.path("providers/a.yaml")).unwrap();
    leeward
        .until("a is gone", || async {
            leeward.get("/proxy/a/x").await.status == 404
        })
        .await;
    leeward
        .get("/proxy/a/x")
        .await
        .problem(404, "unknown_provider");
    leeward.get("/proxy/b/x").await.live();
}

#[tokio::test]
async fn a_changed_rule_is_in_force() {
    let vendor = Script::start(|_| json(403, json!({ "code": "TOO_FAST" }))).await;
    let base = format!("base_url: {}", vendor.url());
    let leeward = Files::new().provider("p", &base).start().await;
    assert_eq!(leeward.get("/proxy/p/x").await.status, 403);
    let rule = "rate_limit: {rules: [{when: {status: 403, body: {/code: TOO_FAST}}, scope: burst, fallback: {seconds: 40}}]}";
    write(&leeward, "p", &format!("{base}\n{rule}"));
    leeward
        .until("it is a limit", || async {
            leeward.get("/proxy/p/x").await.status == 429
        })
        .await;
    let problem = leeward.get("/proxy/p/x").await.problem(429, "rate_limited");
    assert_eq!(problem["scope"], "burst");
}

#[tokio::test]
async fn a_config_map_that_is_swapped_counts_as_a_change() {
    let vendor = Script::start(serving).await;
    let files = Files::new();
    let dir = files.dir().join("providers");
    // As a kubelet mounts it: files are links through `..data`, which is swapped whole.
    let revision = |name: &str, text: &str| {
        std::fs::create_dir_all(dir.join(name)).unwrap();
        std::fs::write(
            dir.join(name).join("p.yaml"),
            format!("provider: p\n{text}\n"),
        )
        .unwrap();
    };
    let swap = |name: &str| {
        let beside = dir.join("..data_tmp");
        std::os::unix::fs::symlink(name, &beside).unwrap();
        std::fs::rename(beside, dir.join("..data")).unwrap();
    };
    revision("..2026_01", &version(&vendor, "1"));
    swap("..2026_01");
    std::os::unix::fs::symlink("..data/p.yaml", dir.join("p.yaml")).unwrap();
    let leeward = files.start().await;
    until_version(&leeward, "p", "1").await;
    revision("..2026_02", &version(&vendor, "2"));
    swap("..2026_02");
    std::fs::remove_dir_all(dir.join("..2026_01")).unwrap();
    until_version(&leeward, "p", "2").await;
}

#[tokio::test]
async fn a_secret_in_a_file_is_read_again_when_it_changes() {
    let vendor = Script::start(serving).await;
    let secrets = tempfile::tempdir().unwrap();
    let secret = secrets.path().join("token");
    std::fs::write(&secret, "one\n").unwrap();
    let file = format!(
        "base_url: {}\nauth: {{type: bearer, token: '${{file:{}}}'}}",
        vendor.url(),
        secret.display()
    );
    let leeward = Files::new().provider("p", &file).start().await;
    let bearer = |token: &'static str| {
        let leeward = &leeward;
        async move {
            leeward.get("/proxy/p/x").await.live().json()["authorization"]
                == format!("Bearer {token}")
        }
    };
    assert!(bearer("one").await);
    let before = leeward.get("/proxy/p/x").await;
    std::fs::write(&secret, "two").unwrap();
    leeward.until("the second secret", || bearer("two")).await;
    let after = leeward.get("/proxy/p/x").await;
    assert_ne!(
        before.header("leeward-config"),
        after.header("leeward-config")
    );
    // Gone, the last good one stays.
    let failures = leeward.metric("leeward_config_reload_failures_total").await;
    std::fs::remove_file(&secret).unwrap();
    leeward
        .until("it is missed", || async {
            leeward.metric("leeward_config_reload_failures_total").await > failures
        })
        .await;
    assert!(bearer("two").await);
    std::fs::write(&secret, "three").unwrap();
    leeward.until("the third secret", || bearer("three")).await;
    let log = leeward.log().join("\n");
    assert!(!log.contains("Bearer") && !log.contains("three"), "{log}");
}

#[tokio::test]
async fn a_reload_may_be_asked_for() {
    let vendor = Script::start(serving).await;
    let leeward = Files::new()
        .provider("p", &version(&vendor, "1"))
        .start()
        .await;
    // Answered when it is in force.
    write(&leeward, "p", &version(&vendor, "2"));
    let answer = leeward.admin(Method::POST, "/reload", None).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["providers"][0]["provider"], "p");
    assert_eq!(
        leeward.get("/proxy/p/x").await.live().json()["version"],
        "2"
    );
    // A signal reads the files even if nothing seems to have changed.
    let generation = leeward.metric("leeward_config_generation").await;
    leeward.signal("HUP");
    leeward
        .until("another generation", || async {
            leeward.metric("leeward_config_generation").await > generation
        })
        .await;
    leeward.get("/proxy/p/x").await.live();
}

#[tokio::test]
async fn the_process_own_file_may_break_while_it_runs() {
    let vendor = Script::start(serving).await;
    let leeward = Files::new()
        .provider("p", &version(&vendor, "1"))
        .start()
        .await;
    let good = std::fs::read_to_string(leeward.path("leeward.yaml")).unwrap();
    let failures = leeward.metric("leeward_config_reload_failures_total").await;
    leeward.write("leeward.yaml", "limts: {}\n");
    leeward
        .until("it is said", || async {
            leeward.log().join("\n").contains("did you mean `limits`?")
        })
        .await;
    assert!(leeward.metric("leeward_config_reload_failures_total").await > failures);
    write(&leeward, "p", &version(&vendor, "2"));
    until_version(&leeward, "p", "2").await;
    leeward.write("leeward.yaml", &good);
    write(&leeward, "p", &version(&vendor, "3"));
    until_version(&leeward, "p", "3").await;
}
