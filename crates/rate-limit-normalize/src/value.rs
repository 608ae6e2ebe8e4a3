//! Tests of one value: typed against JSON, by its text against headers and forms.

use regex::bytes::Regex;
use serde_json::{Number, Value};

use crate::fault::Faults;
use crate::format::readable;
use crate::spec::{Literal, NumSpec, ValueTest};

/// A compiled test of one value.
#[derive(Debug, Clone)]
pub(crate) enum Check {
    AnyOf(Vec<Literal>),
    Exists(bool),
    Regex(Regex),
    Num(NumSpec),
}

impl Check {
    pub(crate) fn compile(spec: &ValueTest, faults: &mut Faults) -> Option<Self> {
        Some(match spec {
            ValueTest::AnyOf(literals) => {
                if literals.is_empty() {
                    faults.add("an empty list of literals never holds");
                    return None;
                }
                Self::AnyOf(literals.clone())
            }
            ValueTest::Exists(there) => Self::Exists(*there),
            ValueTest::Regex(pattern) => Self::Regex(faults.at("regex", |f| f.regex(pattern))?),
            ValueTest::Num(bounds) => Self::Num(*bounds),
        })
    }

    /// Does the absence of the value satisfy the test?
    pub(crate) fn wants_absence(&self) -> bool {
        matches!(self, Self::Exists(false))
    }

    /// A value of a header or a form.
    pub(crate) fn holds_text(&self, text: &[u8]) -> bool {
        match self {
            Self::AnyOf(literals) => literals.iter().any(|literal| match literal {
                Literal::Text(wanted) => wanted.as_bytes() == text,
                Literal::Number(wanted) => number(text)
                    .zip(wanted.as_f64())
                    .is_some_and(|(number, wanted)| same(number, wanted)),
                Literal::Bool(wanted) => text == wanted.to_string().as_bytes(),
                Literal::Null => false,
            }),
            Self::Exists(there) => *there,
            Self::Regex(regex) => regex.is_match(text),
            Self::Num(bounds) => number(text).is_some_and(|number| within(bounds, number)),
        }
    }

    /// A value of a JSON body.
    pub(crate) fn holds_json(&self, value: &Value) -> bool {
        match self {
            Self::AnyOf(literals) => literals.iter().any(|literal| match (literal, value) {
                (Literal::Null, Value::Null) => true,
                (Literal::Bool(wanted), Value::Bool(truth)) => wanted == truth,
                (Literal::Number(wanted), Value::Number(number)) => equal(wanted, number),
                (Literal::Text(wanted), Value::String(text)) => wanted == text,
                _ => false,
            }),
            Self::Exists(there) => *there,
            Self::Regex(regex) => match value {
                Value::String(text) => regex.is_match(text.as_bytes()),
                Value::Number(number) => regex.is_match(number.to_string().as_bytes()),
                _ => false,
            },
            Self::Num(bounds) => value.as_f64().is_some_and(|number| within(bounds, number)),
        }
    }
}

/// A number in a text; infinities and NaN are none.
fn number(text: &[u8]) -> Option<f64> {
    let text = readable(text)?;
    let plain = |b: u8| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E');
    let number: f64 = text.bytes().all(plain).then(|| text.parse().ok())??;
    number.is_finite().then_some(number)
}

#[expect(clippy::float_cmp, reason = "a rule's literal is compared, not a sum")]
fn same(a: f64, b: f64) -> bool {
    a == b
}

fn equal(a: &Number, b: &Number) -> bool {
    // Beyond 2^53 a float would take neighbours for one another.
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => a == b,
        _ => a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| same(a, b)),
    }
}

fn within(bounds: &NumSpec, number: f64) -> bool {
    bounds.eq.is_none_or(|bound| same(number, bound))
        && bounds.lt.is_none_or(|bound| number < bound)
        && bounds.le.is_none_or(|bound| number <= bound)
        && bounds.gt.is_none_or(|bound| number > bound)
        && bounds.ge.is_none_or(|bound| number >= bound)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Check;
    use crate::fault::Faults;
    use crate::spec::ValueTest;

    fn check(spec: serde_json::Value) -> Check {
        let spec: ValueTest = serde_json::from_value(spec).unwrap();
        Check::compile(&spec, &mut Faults::default()).unwrap()
    }

    #[test]
    fn json_is_typed() {
        assert!(check(json!("606")).holds_json(&json!("606")));
        assert!(!check(json!("606")).holds_json(&json!(606)));
        assert!(!check(json!(606)).holds_json(&json!("606")));
        assert!(check(json!(606)).holds_json(&json!(606.0)));
        assert!(
            !check(json!(9_007_199_254_740_993_u64)).holds_json(&json!(9_007_199_254_740_992_u64))
        );
        assert!(check(json!(null)).holds_json(&json!(null)));
        assert!(!check(json!(false)).holds_json(&json!(null)));
        assert!(check(json!(["a", 1])).holds_json(&json!(1)));
        assert!(check(json!({"in": ["a", 1]})).holds_json(&json!("a")));
        assert!(check(json!({"num": {"ge": 3, "lt": 4}})).holds_json(&json!(3.5)));
        assert!(!check(json!({"num": {"ge": 3}})).holds_json(&json!("3")));
        assert!(check(json!({"regex": "^6"})).holds_json(&json!(606)));
        assert!(!check(json!({"regex": ""})).holds_json(&json!([])));
        assert!(check(json!({"exists": true})).holds_json(&json!(null)));
    }

    #[test]
    fn headers_are_texts() {
        assert!(check(json!(0)).holds_text(b"0"));
        assert!(check(json!(0)).holds_text(b"0.0"));
        assert!(!check(json!("0")).holds_text(b"0.0"));
        assert!(check(json!(true)).holds_text(b"true"));
        assert!(check(json!({"num": {"eq": 0}})).holds_text(b" 0 "));
        assert!(!check(json!({"num": {"ge": 0}})).holds_text(b"inf"));
        assert!(!check(json!({"num": {"ge": 0}})).holds_text(b""));
        assert!(!check(json!({"num": {"ge": 0}})).holds_text(b"1, 2"));
    }
}
