//! `leeward eval`.

use serde_json::{Value, json};

use crate::harness::{leeward, leeward_with};

#[test]
fn one_expression_over_an_input_with_bindings() {
    assert_eq!(leeward(["eval", "--expr", "1 + 2"]).json(), json!(3));
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let input = path(
        "input.json",
        r#"{"orders": [{"price": 2.5}, {"price": 4}]}"#,
    );
    let bindings = path("bindings.json", r#"{"rate": 2, "account": {"id": "acme"}}"#);
    let expression = path(
        "total.jsonata",
        "{\n  \"total\": $sum(orders.price) * $rate, /* for */ \"of\": $account.id\n}\n",
    );
    let ended = leeward([
        "eval",
        "--expr",
        &format!("@{expression}"),
        "--input",
        &input,
        "--bindings",
        &bindings,
    ]);
    assert_eq!(ended.json(), json!({ "total": 13, "of": "acme" }));
    // The members keep their order.
    assert!(
        ended.out.find("total") < ended.out.find("of\""),
        "{}",
        ended.out
    );
    let piped = leeward_with(
        ["eval", "--expr", "orders[1].price", "--input", "-"],
        &[],
        r#"{"orders": [0, {"price": 4}]}"#,
    );
    assert_eq!(piped.json(), json!(4));
    // Nothing is no output.
    let nothing = leeward(["eval", "--expr", "missing", "--input", &input]);
    assert_eq!(
        (nothing.code, nothing.out.as_str(), nothing.err.as_str()),
        (Some(0), "", "")
    );
    assert_eq!(leeward(["eval", "--expr", "null"]).json(), Value::Null);
    // Ours beside JSONata's own.
    assert_eq!(
        leeward(["eval", "--expr", r#"$hash("md5", "", "hex")"#]).json(),
        "d41d8cd98f00b204e9800998ecf8427e"
    );
}

#[test]
fn what_is_at_fault_is_said_with_its_place() {
    let ended = leeward(["eval", "--expr", "1 + "]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""));
    assert!(
        ended.err.starts_with("leeward: S0207 at position 4: "),
        "{}",
        ended.err
    );
    let ended = leeward(["eval", "--expr", "1 + 'x'"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("T2002"), "{}", ended.err);
    for (arguments, says) in [
        (["--expr", "@/no/such/file"], "/no/such/file"),
        (["--input", "/no/such/file"], "/no/such/file"),
        (["--bindings", "/dev/null"], "/dev/null is not JSON"),
    ] {
        let expr = if arguments[0] == "--expr" {
            vec![]
        } else {
            vec!["--expr", "1"]
        };
        let ended = leeward(["eval"].iter().chain(&expr).chain(&arguments));
        assert_eq!(ended.code, Some(1));
        assert!(ended.err.contains(says), "{}", ended.err);
    }
    let list = leeward_with(["eval", "--expr", "1", "--bindings", "-"], &[], "[1]");
    assert_eq!(list.code, Some(1));
    // JSONata's own functions cannot be overridden.
    let own = leeward_with(
        ["eval", "--expr", "$sum([1])", "--bindings", "-"],
        &[],
        r#"{"sum": 1}"#,
    );
    assert_eq!(own.code, Some(1), "{own:?}");
}

/// The answers to these lines.
fn batch(more: &[&str], lines: &[&str]) -> Vec<Value> {
    let arguments = ["eval", "--batch"].iter().chain(more);
    let ended = leeward_with(arguments, &[], &(lines.join("\n") + "\n"));
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended:?}");
    let answers: Vec<Value> = ended
        .lines()
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        answers.len(),
        lines.iter().filter(|line| !line.trim().is_empty()).count()
    );
    answers
}

#[test]
fn a_batch_answers_each_line_whatever_the_others_are() {
    let answers = batch(
        &[],
        &[
            r#"{"expr": "a + $b", "input": {"a": 1}, "bindings": {"b": 2}}"#,
            r#"{"expr": "missing", "input": {}}"#,
            r#"{"expr": "$", "input": null}"#,
            "not json",
            "",
            r#"{"expr": "1", "inptu": {}}"#,
            r#"{"input": {}}"#,
            r#"{"expr": "1 +"}"#,
            r#"{"expr": "1 + 'x'"}"#,
            r#"{"expr": "$b", "bindings": {}}"#,
            r#"{"expr": "'last'"}"#,
        ],
    );
    assert_eq!(answers[0], json!({ "result": 3 }));
    assert_eq!(answers[1], json!({}));
    assert_eq!(answers[2], json!({ "result": null }));
    for at in [3, 4, 5] {
        assert_eq!(answers[at]["error"]["code"], "U2001", "{}", answers[at]);
    }
    assert_eq!(answers[6]["error"]["code"], "S0207");
    assert_eq!(answers[6]["error"]["position"], 3);
    assert_eq!(answers[7]["error"]["code"], "T2002");
    for answer in &answers[3..8] {
        let members: Vec<_> = answer["error"].as_object().unwrap().keys().collect();
        assert_eq!(members, ["code", "message", "position"]);
    }
    assert_eq!(answers[8], json!({}), "no line sees another's bindings");
    assert_eq!(answers[9], json!({ "result": "last" }));
}

#[test]
fn each_limit_fails_the_evaluation_that_passes_it_alone() {
    const FOREVER: &str = r#"{"expr": "($f := function($n) {$f($n + 1)}; $f(0))"}"#;
    const DEEP: &str = r#"{"expr": "($f := function($n) {$n = 0 ? 0 : 1 + $f($n - 1)}; $f(200))"}"#;
    const TEXT: &str = r#"{"expr": "$length($join([1..20000].('0123456789')))"}"#;
    const LIST: &str = r#"{"expr": "$count([1..100000])"}"#;
    const GOOD: &str = r#"{"expr": "'good'"}"#;
    for (limits, line, code) in [
        (
            &["--time-limit", "20ms", "--step-limit", "1000000000"][..],
            FOREVER,
            "D1012",
        ),
        (&["--step-limit", "10000"], FOREVER, "U1006"),
        (
            &["--step-limit", "10000", "--time-limit", "10s"],
            FOREVER,
            "U1006",
        ),
        (&["--depth-limit", "100"], DEEP, "D1011"),
        (&["--memory-limit", "1MiB"], TEXT, "U1001"),
        (&["--memory-limit", "1MiB"], LIST, "U1001"),
    ] {
        let answers = batch(limits, &[GOOD, line, GOOD]);
        assert_eq!(
            answers[1]["error"]["code"], code,
            "{limits:?} {line}: {}",
            answers[1]
        );
        assert_eq!(
            (&answers[0], &answers[2]),
            (&json!({ "result": "good" }), &json!({ "result": "good" }))
        );
    }
    // By default none of them is passed, and nothing runs for ever.
    let answers = batch(&["--time-limit", "20s"], &[DEEP, TEXT, LIST]);
    assert_eq!(
        answers,
        [
            json!({ "result": 200 }),
            json!({ "result": 200_000 }),
            json!({ "result": 100_000 })
        ]
    );
    let code = batch(&[], &[FOREVER])[0]["error"]["code"].clone();
    assert!(code == "D1012" || code == "U1006", "{code}");
    // Of one expression, too.
    let ended = leeward([
        "eval",
        "--expr",
        "($f := function($n) {$f($n + 1)}; $f(0))",
        "--step-limit",
        "1000",
    ]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("U1006"), "{}", ended.err);
}
