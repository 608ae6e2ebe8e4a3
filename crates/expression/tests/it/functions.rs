//! `$hash`, `$hmac`, and the two functions of JSONata that have a linear double.

use leeward_expression::{Bindings, Expression, Limits};
use serde_json::{Value, json};

fn evaluate(source: &str, input: Value) -> Result<Option<Value>, String> {
    Expression::compile(source)
        .unwrap()
        .evaluate(&input, &Bindings::new(), &Limits::default())
        .map_err(|fault| fault.code)
}

#[test]
fn hash_knows_five_algorithms_and_three_encodings() {
    // FIPS 180-4 and RFC 1321: digests of "abc".
    for (source, expected) in [
        ("$hash('md5', 'abc')", "900150983cd24fb0d6963f7d28e17f72"),
        (
            "$hash('sha1', 'abc', 'hex')",
            "a9993e364706816aba3e25717850c26c9cd0d89d",
        ),
        (
            "$hash('sha256', 'abc', 'hex')",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            "$hash('sha256', 'abc', 'base64')",
            "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
        ),
        (
            "$hash('sha256', 'abc', 'base64url')",
            "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0",
        ),
        (
            "$hash('sha384', 'abc', 'hex')",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            "$hash('sha512', 'abc', 'hex')",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
    ] {
        assert_eq!(
            evaluate(source, Value::Null),
            Ok(Some(json!(expected))),
            "{source}"
        );
    }
}

#[test]
fn hmac_takes_keys_in_three_forms() {
    // RFC 4231, test case 2, and RFC 2202 for SHA-1 and MD5.
    let tag = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    for key in ["'Jefe'", "{'hex': '4a656665'}", "{'base64': 'SmVmZQ=='}"] {
        let source = format!("$hmac('sha256', {key}, 'what do ya want for nothing?', 'hex')");
        assert_eq!(
            evaluate(&source, Value::Null),
            Ok(Some(json!(tag))),
            "{key}"
        );
    }
    assert_eq!(
        evaluate(
            "$hmac('sha1', 'Jefe', 'what do ya want for nothing?')",
            Value::Null
        ),
        Ok(Some(json!("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")))
    );
    assert_eq!(
        evaluate(
            "$hmac('md5', 'Jefe', 'what do ya want for nothing?')",
            Value::Null
        ),
        Ok(Some(json!("750c783e6ab0b503eaa86e310a5db738")))
    );
}

#[test]
fn what_functions_refuse_has_codes() {
    for (source, code) in [
        ("$hash('crc32', 'abc')", "D4001"),
        ("$hash('sha1', 'abc', 'base32')", "D4001"),
        ("$hash('sha1', 1)", "T0410"),
        ("$hmac('sha1', {'hex': 'zz'}, 'a')", "D4001"),
        ("$hmac('sha1', {'pem': 'x'}, 'a')", "D4001"),
    ] {
        assert_eq!(
            evaluate(source, Value::Null),
            Err(code.to_owned()),
            "{source}"
        );
    }
    assert_eq!(evaluate("$hash('sha1', nothing)", json!({})), Ok(None));
    assert_eq!(evaluate("$hmac('sha1', nothing, 'a')", json!({})), Ok(None));
}

#[test]
fn distinct_and_keys_keep_their_meaning_at_any_length() {
    let long: Vec<Value> = (0..300)
        .map(|i| json!({"k": i % 100, "same": "x", "o": {"a": i % 2, "b": 1}}))
        .collect();
    let input = json!({"items": long, "few": [{"k": 1}, {"k": 1}, {"k": 2}]});
    assert_eq!(
        evaluate("$count($distinct(items.k))", input.clone()),
        Ok(Some(json!(100)))
    );
    assert_eq!(
        evaluate("$distinct(items.same)", input.clone()),
        Ok(Some(json!("x")))
    );
    assert_eq!(
        evaluate("$distinct([items.same])", input.clone()),
        Ok(Some(json!(["x"])))
    );
    assert_eq!(
        evaluate("$count($distinct(items.o))", input.clone()),
        Ok(Some(json!(2)))
    );
    assert_eq!(
        evaluate("$distinct(few.k)", input.clone()),
        Ok(Some(json!([1, 2])))
    );
    assert_eq!(evaluate("$distinct(nothing)", input.clone()), Ok(None));
    assert_eq!(
        evaluate("$eval('$count($dis' & 'tinct(items.k))')", input.clone()),
        Ok(Some(json!(100)))
    );
    assert_eq!(
        evaluate("few[0].$keys()", input.clone()),
        Ok(Some(json!("k")))
    );
    assert_eq!(
        evaluate("$keys(items)", input),
        Ok(Some(json!(["k", "same", "o"])))
    );
    let wide: Value = (0..5_000).map(|i| (format!("k{i}"), json!(i))).collect();
    assert_eq!(
        evaluate("$count($keys($))", wide.clone()),
        Ok(Some(json!(5_000)))
    );
    assert_eq!(evaluate("$keys($)[4999]", wide), Ok(Some(json!("k4999"))));
}

#[test]
fn functions_keep_their_names() {
    for name in ["sum", "distinct", "hash", "hmac", "leeward_distinct"] {
        assert!(Bindings::new().with(name, json!(1)).is_err(), "{name}");
    }
}

#[test]
fn a_fault_is_placed_in_the_source_as_written() {
    // The source runs inside other definitions; its positions do not show that.
    let source = "$distinct(a) + $sum('x' + 1)";
    let fault = Expression::compile(source)
        .unwrap()
        .evaluate(&json!({"a": 1}), &Bindings::new(), &Limits::default())
        .unwrap_err();
    assert_eq!((fault.code.as_str(), fault.position), ("T2001", 25));
    let (start, end) = fault.span.unwrap();
    assert_eq!(&source[start..end], "'x' + 1");
}

#[test]
fn the_clock_can_be_fixed() {
    let bindings = Bindings::new().at(1_700_000_000_123);
    let expression = Expression::compile("[$millis(), $now()]").unwrap();
    assert_eq!(
        expression.evaluate(None, &bindings, &Limits::default()),
        Ok(Some(json!([
            1_700_000_000_123_u64,
            "2023-11-14T22:13:20.123Z"
        ])))
    );
}
