//! Tests from what an author writes, and back.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use super::test::{Literal, NumSpec, StatusPattern, StatusSpec, ValueTest};
use super::text::{Pattern, SpecError};

fn status(value: &Value) -> Result<StatusPattern, SpecError> {
    let wrong = || {
        SpecError(format!(
            "{value} is no status: 100 to 999, or a class such as \"4xx\""
        ))
    };
    match value {
        Value::Number(number) => number
            .as_u64()
            .and_then(|code| u16::try_from(code).ok())
            .filter(|code| (100..=999).contains(code))
            .map(StatusPattern::Code)
            .ok_or_else(wrong),
        Value::String(text) => match text.as_bytes() {
            [class @ b'1'..=b'9', b'x' | b'X', b'x' | b'X'] => {
                Ok(StatusPattern::Class(class - b'0'))
            }
            [b'1'..=b'9', _, _] => text.parse().map(StatusPattern::Code).map_err(|_| wrong()),
            _ => Err(wrong()),
        },
        _ => Err(wrong()),
    }
}

impl<'de> Deserialize<'de> for StatusSpec {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let patterns = match Value::deserialize(from)? {
            Value::Array(list) if list.is_empty() => {
                Err(SpecError("an empty list of statuses never holds".into()))
            }
            Value::Array(list) => list.iter().map(status).collect(),
            one => status(&one).map(|one| vec![one]),
        };
        patterns.map(Self).map_err(D::Error::custom)
    }
}

fn literal(value: Value) -> Result<Literal, SpecError> {
    match value {
        Value::Null => Ok(Literal::Null),
        Value::Bool(truth) => Ok(Literal::Bool(truth)),
        Value::Number(number) => Ok(Literal::Number(number)),
        Value::String(text) => Ok(Literal::Text(text)),
        other => Err(SpecError(format!("{other} is no literal"))),
    }
}

fn literals(list: Vec<Value>) -> Result<ValueTest, SpecError> {
    if list.is_empty() {
        return Err(SpecError("an empty list of literals never holds".into()));
    }
    let list = list.into_iter().map(literal).collect::<Result<_, _>>()?;
    Ok(ValueTest::AnyOf(list))
}

fn one_of(object: serde_json::Map<String, Value>) -> Result<ValueTest, SpecError> {
    const KEYS: &str =
        "a test is a literal, a list of literals, or one of {exists}, {regex}, {in}, {num}";
    let mut members = object.into_iter();
    let (Some((key, value)), None) = (members.next(), members.next()) else {
        return Err(SpecError(KEYS.into()));
    };
    match (key.as_str(), value) {
        ("exists", Value::Bool(there)) => Ok(ValueTest::Exists(there)),
        ("regex", Value::String(pattern)) => Ok(ValueTest::Regex(Pattern(pattern))),
        ("in", Value::Array(list)) => literals(list),
        ("num", value @ Value::Object(_)) => {
            let bounds: NumSpec =
                serde_json::from_value(value).map_err(|e| SpecError(e.to_string()))?;
            if bounds == NumSpec::default() {
                return Err(SpecError("num needs one of eq, lt, le, gt, ge".into()));
            }
            Ok(ValueTest::Num(bounds))
        }
        ("exists" | "regex" | "in" | "num", value) => {
            Err(SpecError(format!("{value} is not what `{key}` takes")))
        }
        _ => Err(SpecError(format!(
            "unknown test `{}`: {KEYS}",
            key.escape_debug()
        ))),
    }
}

impl<'de> Deserialize<'de> for ValueTest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Value::deserialize(from)? {
            Value::Array(list) => literals(list),
            Value::Object(object) => one_of(object),
            one => literal(one).map(|one| Self::AnyOf(vec![one])),
        }
        .map_err(D::Error::custom)
    }
}

fn one_or_list<S: Serializer>(mut list: Vec<Value>, to: S) -> Result<S::Ok, S::Error> {
    match (list.pop(), list.is_empty()) {
        (Some(one), true) => one.serialize(to),
        (last, _) => {
            list.extend(last);
            list.serialize(to)
        }
    }
}

impl Serialize for StatusSpec {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let list = self.0.iter().map(|pattern| match pattern {
            StatusPattern::Code(code) => json!(code),
            StatusPattern::Class(class) => json!(format!("{class}xx")),
        });
        one_or_list(list.collect(), to)
    }
}

impl Serialize for ValueTest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::AnyOf(list) => {
                let list = list.iter().map(|literal| match literal {
                    Literal::Null => Value::Null,
                    Literal::Bool(truth) => json!(truth),
                    Literal::Number(number) => Value::Number(number.clone()),
                    Literal::Text(text) => json!(text),
                });
                one_or_list(list.collect(), to)
            }
            Self::Exists(there) => json!({"exists": there}).serialize(to),
            Self::Regex(pattern) => json!({"regex": pattern.0}).serialize(to),
            Self::Num(bounds) => json!({"num": bounds}).serialize(to),
        }
    }
}
