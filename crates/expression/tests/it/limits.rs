//! Nothing that is compiled or evaluated ends the process, hangs it, or grows it without bound.

use std::thread;
use std::time::Duration;

use leeward_expression::{Bindings, Expression, Fault, Limits, Scope, Template};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Generous in time, so that a slow machine does not change which limit is met.
fn limits() -> Limits {
    Limits {
        time: Duration::from_secs(60),
        ..Limits::default()
    }
}

fn code(source: &str, input: &Value, limits: &Limits) -> String {
    Expression::compile(source)
        .and_then(|expression| expression.evaluate(input, &Bindings::new(), limits))
        .map_or_else(|fault: Fault| fault.code, |_| "none".to_owned())
}

#[test]
fn each_limit_has_its_code() {
    for (source, expected) in [
        ("($f := function($n){$n + $f($n)}; $f(1))", "D1011"),
        ("($f := function(){$f()}; $f())", "U1006"),
        (
            "$count([1..100000].($ + 1).($ + 1).($ + 1).($ + 1).($ + 1).($ + 1).($ + 1))",
            "U1006",
        ),
        ("[1..1000000]", "U1001"),
        ("[1..100000000]", "D2014"),
        ("$pad('x', 5000000)", "U1001"),
        ("$pad('x', 50000000)", "D2016"),
        (
            "($x := $pad('x', 1000000); $x & $x & $x & $x & $x & $x)",
            "U1001",
        ),
        (
            "($x := $pad('x', 1000000); [$x, $x, $x, $x, $x, $x, $x, $x, $x])",
            "U1001",
        ),
        (
            "($a := [1..1000]; $f := function($l, $n){$n = 0 ? $l : $f([$l, $l], $n - 1)}; $f($a, 20))",
            "U1001",
        ),
    ] {
        assert_eq!(code(source, &Value::Null, &limits()), expected, "{source}");
    }
}

#[test]
fn time_ends_an_evaluation() {
    let limits = Limits {
        time: Duration::from_millis(1),
        steps: u64::MAX,
        ..Limits::default()
    };
    assert_eq!(
        code("($f := function(){$f()}; $f())", &Value::Null, &limits),
        "D1012"
    );
    // Backtracking of a regular expression is counted, too.
    let text = json!({"text": "a".repeat(100)});
    assert_eq!(code("text ~> /^(a|aa|aaa)+$b/", &text, &limits), "D1012");
}

#[test]
fn quadratic_functions_are_replaced() {
    // In the engine's own function 100,000 items take 16 s in one step, which no limit ends.
    let items: Vec<u32> = (0..100_000).collect();
    let input = json!({"items": items});
    assert_eq!(code("$count($distinct(items))", &input, &limits()), "none");
    let members: Value = items.iter().map(|i| (i.to_string(), json!(i))).collect();
    assert_eq!(code("$count($keys($))", &members, &limits()), "none");
    assert_eq!(
        code("$count($keys($merge([$, {'x': 1}])))", &members, &limits()),
        "none"
    );
}

#[test]
fn an_input_that_is_too_large_or_too_deep_is_refused() {
    let small = Limits {
        input: 1_000,
        ..Limits::default()
    };
    assert_eq!(code("1", &json!("x".repeat(2_000)), &small), "U1001");
    let bindings = Bindings::new().with("x", json!("x".repeat(2_000))).unwrap();
    let fault = Expression::compile("1")
        .unwrap()
        .evaluate(None, &bindings, &small)
        .unwrap_err();
    assert_eq!(fault.code, "U1001");
    let deep = (0..600).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(code("$", &deep, &Limits::default()), "U1001");
    assert_eq!(
        Expression::compile(&"1+".repeat(40_000)).unwrap_err().code,
        "U1001"
    );
}

/// The engine grows its stack by itself; this holds it to that, on the smallest stack that a thread here has.
#[test]
fn no_nesting_overflows_a_small_stack() {
    let run = || {
        let nested = |open: &str, inner: &str, close: &str, times: usize| {
            format!("{}{inner}{}", open.repeat(times), close.repeat(times))
        };
        for times in [900, 20_000] {
            for source in [
                nested("(", "1", ")", times),
                nested("[", "1", "]", times),
                nested("{'a':", "1", "}", times),
                nested("$f(", "1", ")", times),
                nested("function($x){", "$x", "}", times),
                nested("a[", "1", "]", times),
                nested("-", "1", "", times),
                nested("a.", "b", "", times),
                nested("1+", "1", "", times),
                nested("a?", "b", "", times),
                nested("a?b:", "b", "", times),
                nested("$a:=", "1", "", times),
                nested("%.", "a", "", times),
                nested("|", "a", "|", times),
                nested("$x~>", "$x", "", times),
            ] {
                let _ = code(&source, &json!({"a": 1}), &Limits::default());
                let _ = Template::parse(&format!("{{{{ {source} }}}}")).map(|template| {
                    let _ = template.value(&Scope::new());
                });
            }
        }
        let deep_text = "$eval('[' & $pad('', 900, '[') & '1' & $pad('', 900, ']') & ']')";
        let _ = code(deep_text, &Value::Null, &Limits::default());
        let regex = format!("'a' ~> /{}a{}/", "(".repeat(10_000), ")".repeat(10_000));
        let _ = code(&regex, &Value::Null, &Limits::default());
        let deep = (0..500).fold(json!(1), |inner, i| match i % 2 {
            0 => json!([inner]),
            _ => json!({"a": inner}),
        });
        for source in [
            "$",
            "**",
            "$string($)",
            "$clone($)",
            "$ = $",
            "$distinct([$, $])",
            "$count(**.a)",
            "$keys($)",
        ] {
            let _ = code(source, &deep, &limits());
        }
        let deep_recursion = Limits {
            depth: 50_000,
            ..limits()
        };
        for source in [
            "($f := function($n){$n = 0 ? 0 : 1 + $f($n - 1)}; $f(10000))",
            "($f := function($n){$map([$n], function($v){$f($v)})}; $f(1))",
            "($f := function($n){{'a': $f($n)}}; $f(1))",
            "($f := function($l){$f([$l])}; $f(1))",
        ] {
            let _ = code(source, &Value::Null, &deep_recursion);
        }
    };
    thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(run)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn a_regular_expression_that_multiplies_itself_is_bounded() {
    for source in [
        "'a' ~> /((((((a{999}){999}){999}){999}){999}){999})/",
        "'a' ~> /(((((((((a?){50}){50}){50}){50}){50}){50}){50}){50})b/",
        "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' ~> /(a*)*(a*)*(a*)*b/",
    ] {
        let _ = code(source, &Value::Null, &Limits::default());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_source_panics(source in ".{0,40}") {
        let code = code(&source, &json!({"a": [1, {"b": "x"}]}), &Limits::default());
        prop_assert_ne!(code, "U2004");
    }

    #[test]
    fn no_near_source_panics(
        source in r#"([a-c$%*.\[\](){}+\-/&|^<>=?:;,@#'"`~! 0-9]|\$[a-z]{2,5}|\?\?|\?:|~>|:=|\.\.|function|in|and){0,20}"#
    ) {
        let code = code(&source, &json!({"a": [1, {"b": "x"}]}), &Limits::default());
        prop_assert_ne!(code, "U2004");
    }
}
