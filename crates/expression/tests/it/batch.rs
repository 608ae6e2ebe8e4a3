//! Lines in, lines out.

use leeward_expression::{Limits, evaluate_line};
use proptest::prelude::*;
use serde_json::{Value, json};

fn line(line: &Value) -> Value {
    serde_json::from_str(&evaluate_line(&line.to_string(), &Limits::default())).unwrap()
}

#[test]
fn a_line_gives_a_result_nothing_or_an_error() {
    assert_eq!(
        line(&json!({"expr": "a + $b", "input": {"a": 1}, "bindings": {"b": 2}})),
        json!({"result": 3})
    );
    assert_eq!(line(&json!({"expr": "nothing", "input": {}})), json!({}));
    assert_eq!(
        line(&json!({"expr": "$", "input": null})),
        json!({"result": null})
    );
    assert_eq!(line(&json!({"expr": "$"})), json!({}));
    assert_eq!(line(&json!({"expr": "null"})), json!({"result": null}));
    let syntax = line(&json!({"expr": "a +"}));
    assert_eq!(syntax["error"]["code"], "S0207");
    assert_eq!(syntax["error"]["position"], 3);
    assert!(syntax["error"]["message"].is_string());
}

#[test]
fn a_line_that_is_no_line_is_an_error() {
    for text in [
        "",
        "{",
        "[]",
        "{}",
        r#"{"expr": 1}"#,
        r#"{"expr": "1", "inptu": 1}"#,
        "\u{0}",
    ] {
        let answer: Value = serde_json::from_str(&evaluate_line(text, &Limits::default())).unwrap();
        assert_eq!(answer["error"]["code"], "U2001", "{text}");
    }
    let reserved = line(&json!({"expr": "1", "bindings": {"sum": 1}}));
    assert_eq!(reserved["error"]["code"], "U2001");
    let small = Limits {
        input: 10,
        ..Limits::default()
    };
    assert!(evaluate_line(r#"{"expr": "1 + 1"}"#, &small).contains("U1001"));
}

proptest! {
    #[test]
    fn any_line_gives_a_line(text in ".{0,60}") {
        let answer = evaluate_line(&text, &Limits::default());
        prop_assert!(!answer.contains('\n'));
        prop_assert!(serde_json::from_str::<Value>(&answer).is_ok());
    }
}
