//! `leeward check`, `--set`, and a start with faults.

use crate::harness::{Files, json, leeward, leeward_with, vendor};

const PROCESS: &str =
    "listen: {egress: nonsense}\nlimts: {}\nadmin_token: ${env:LEEWARD_TEST_UNSET}\n";
const FIRST: &str = "\
provider: a
base_url: https://a.example
retry: {max_attemps: 3}
breaker:
  by: hosst
auth: {type: bearer, token: '${file:/no/such/file}'}
";
const SECOND: &str = "\
provider: b
base_url: https://b.example
headers: {X-A: 'a{{account.vars.x +}}'}
resources:
  crm/contacts:
    item: |
      {\"id\": id,
       \"name\": }
    list: {path: /c, items: results}
rate_limit:
  rules:
    - when: {status: 429, header: {X-A: {regex: '('}}}
      wait: [{header: Retry-After, format: htpp}]
";
const THIRD: &str = "provider: c\nbase_url: [\n";
const ACCOUNT: &str = "account: x\nprovider: bb\n";

fn check(files: &Files, more: &[&str]) -> crate::harness::Ended {
    let dir = files.dir().to_str().unwrap().to_owned();
    let arguments: Vec<&str> = ["check", "--config", &dir]
        .iter()
        .chain(more)
        .copied()
        .collect();
    leeward(arguments)
}

#[test]
fn every_fault_of_every_file_is_said_in_one_run() {
    let files = Files::new()
        .write("providers/a.yaml", FIRST)
        .write("providers/b.yaml", SECOND)
        .write("providers/c.yaml", THIRD)
        .write("accounts/x.yaml", ACCOUNT);
    let dir = files.dir().to_owned();
    std::fs::write(dir.join("leeward.yaml"), PROCESS).unwrap();
    let ended = leeward(["check", "--config", dir.to_str().unwrap()]);
    assert_eq!(ended.code, Some(1));
    let lines = ended.lines();
    let expected = [
        "accounts/x.yaml:2:11: there is no provider `bb`; did you mean `b`?",
        "leeward.yaml:1:18: `nonsense` is no address: write an IP address and a port as `127.0.0.1:4100`, or `unix:/path`",
        "leeward.yaml:2:1: unknown key `limts`; did you mean `limits`?",
        "leeward.yaml:3:14: environment variable `LEEWARD_TEST_UNSET` is not set",
        "providers/a.yaml:3:9: unknown key `max_attemps`; did you mean `max_attempts`?",
        "providers/a.yaml:5:7: `hosst` is not one of `provider`, `host`, `account`, `operation`; did you mean `host`?",
        "providers/a.yaml:6:30: file `/no/such/file` cannot be read: there is none",
        // At its place inside of the template, of the block.
        "providers/b.yaml:3:36: not a template: ",
        "providers/b.yaml:8:16: not a JSONata expression: ",
        "providers/b.yaml:12:49: not a regular expression: ",
        "providers/b.yaml:13:44: `htpp` is not one of ",
        "providers/c.yaml:2:11: not valid YAML: ",
    ];
    assert_eq!(lines.len(), expected.len(), "{}", ended.out);
    for (line, expected) in lines.iter().zip(expected) {
        let line = line.strip_prefix(&format!("{}/", dir.display())).unwrap();
        assert!(line.starts_with(expected), "{line}\nis not\n{expected}");
    }
    assert!(ended.err.contains("12 faults"), "{}", ended.err);
}

#[test]
fn good_files_are_no_fault_and_parts_that_are_not_there_yet_are_warnings() {
    let files = Files::new().provider(
        "p",
        "base_url: https://p.example\nintercept: [p.example]\nslo: {window: 7d}\nhedge: {after: p95}\nrate_limit: {budget: [{limit: 1, per: 1s}]}",
    );
    let ended = check(&files, &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines = ended.lines();
    for (key, place) in [
        ("intercept", "3:1"),
        ("slo", "4:1"),
        ("hedge", "5:1"),
        ("budget", "6:14"),
    ] {
        let expected = format!("providers/p.yaml:{place}: `{key}`: not in this version (warning)");
        assert!(
            lines.iter().any(|line| line.ends_with(&expected)),
            "{expected}\nis not in\n{}",
            ended.out
        );
    }
    assert_eq!(lines.len(), 4, "{}", ended.out);
    let quiet = Files::new().provider("p", "base_url: https://p.example");
    let ended = check(&quiet, &[]);
    assert_eq!(
        (ended.code, ended.out.as_str(), ended.err.as_str()),
        (Some(0), "", "")
    );
}

#[test]
fn what_comes_from_outside_is_looked_for() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "s3cret\n").unwrap();
    let provider = format!(
        "base_url: https://p.example\nauth: {{type: basic, username: '${{env:LEEWARD_TEST_NAME}}', password: '${{file:{}}}'}}",
        secret.path().display()
    );
    let files = Files::new().provider("p", &provider);
    let dir = files.dir().to_str().unwrap().to_owned();
    let arguments = ["check", "--config", &dir];
    let ended = leeward_with(arguments, &[("LEEWARD_TEST_NAME", "me")], "");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = leeward_with(arguments, &[], "");
    assert_eq!(ended.code, Some(1));
    assert!(
        ended
            .out
            .contains("environment variable `LEEWARD_TEST_NAME` is not set"),
        "{}",
        ended.out
    );
}

#[test]
fn exit_codes_tell_the_users_input_from_wrong_usage() {
    let ended = leeward(["check", "--config", "/no/such/folder"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("/no/such/folder"), "{}", ended.err);
    for usage in [
        &["check"][..],
        &["check", "--config"],
        &["check", "--confg", "x"],
        &["run"],
        &["run", "--config", ".", "--role", "king"],
    ] {
        let ended = leeward(usage);
        assert_eq!(ended.code, Some(2), "{usage:?}");
        assert!(ended.out.is_empty() && !ended.err.is_empty(), "{ended:?}");
    }
    // Faults of the process end the start.
    let files = Files::new().process("limts: {}");
    let dir = files.dir().to_str().unwrap().to_owned();
    let ended = leeward(["run", "--config", &dir]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended
            .err
            .contains("leeward.yaml:4:1: unknown key `limts`; did you mean `limits`?"),
        "{}",
        ended.err
    );
}

#[test]
fn set_lays_keys_over_the_process() {
    let files = Files::new();
    let ended = check(
        &files,
        &[
            "--set",
            "limits.max_connections=x",
            "--set",
            "limits.x=1",
            "--set",
            "drain_timeout=5s",
        ],
    );
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.lines().len(), 2, "{}", ended.out);
    assert!(
        ended
            .out
            .contains("--set limits.max_connections:1:1: expected a whole number"),
        "{}",
        ended.out
    );
    assert!(
        ended.out.contains("--set limits.x:1:1: unknown key `x`"),
        "{}",
        ended.out
    );
    assert_eq!(check(&files, &["--set", "nonsense"]).code, Some(2));
}

#[tokio::test]
async fn set_is_in_force_when_it_runs() {
    let vendor = vendor(|_: &leeward_vendors::Call| json(200, serde_json::json!({}))).await;
    let leeward = Files::new()
        .process("egress_token: from-the-file")
        .provider("p", &format!("base_url: {}", vendor.url()))
        .argument("--set=egress_token=from-the-command-line")
        .argument("--set=listen.egress=['127.0.0.1:0', '127.0.0.1:0']")
        .start()
        .await;
    leeward.get("/proxy/p/x").await.problem(401, "unauthorized");
    let token = [("leeward-token", "from-the-command-line")];
    leeward
        .call(http::Method::GET, "/proxy/p/x", &token, "")
        .await
        .live();
    // Both addresses are told in the first line.
    let first: serde_json::Value = leeward
        .log()
        .iter()
        .find_map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).ok()?;
            (line["message"] == "listening").then_some(line)
        })
        .unwrap();
    assert_eq!(first["egress"].as_array().map(Vec::len), Some(2), "{first}");
}
