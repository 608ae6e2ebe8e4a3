//! Shapes that several keys share.

use std::borrow::Cow;
use std::ops::Deref;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value, json};

use super::text::Text;

/// One of them, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Deref for OneOrMany<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Serialize> Serialize for OneOrMany<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(serializer),
            several => several.serialize(serializer),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let list = match Value::deserialize(deserializer)? {
            Value::Array(list) => list,
            one => vec![one],
        };
        let items = list
            .into_iter()
            .map(serde_json::from_value)
            .collect::<Result<_, _>>();
        items.map(Self).map_err(de::Error::custom)
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({"anyOf": [one, {"type": "array", "items": one}]})
    }
}

/// JSON in which every text may be a template.
#[derive(Debug, Clone, PartialEq)]
pub enum TemplateValue {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// A text or template.
    Text(Text),
    /// A list.
    List(Vec<TemplateValue>),
    /// An object.
    Map(IndexMap<String, TemplateValue>),
}

impl<'de> Deserialize<'de> for TemplateValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(Value::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl TemplateValue {
    fn of(value: Value) -> Result<Self, serde_json::Error> {
        Ok(match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(number) => Self::Number(number),
            text @ Value::String(_) => Self::Text(serde_json::from_value(text)?),
            Value::Array(list) => {
                Self::List(list.into_iter().map(Self::of).collect::<Result<_, _>>()?)
            }
            Value::Object(map) => Self::Map(
                map.into_iter()
                    .map(|(key, value)| Ok((key, Self::of(value)?)))
                    .collect::<Result<_, serde_json::Error>>()?,
            ),
        })
    }

    /// Calls `each` with every text in it.
    pub(crate) fn texts<'a>(&'a self, each: &mut dyn FnMut(&'a Text)) {
        match self {
            Self::Text(text) => each(text),
            Self::List(list) => list.iter().for_each(|value| value.texts(each)),
            Self::Map(map) => map.values().for_each(|value| value.texts(each)),
            Self::Null | Self::Bool(_) | Self::Number(_) => {}
        }
    }
}

impl JsonSchema for TemplateValue {
    fn schema_name() -> Cow<'static, str> {
        "TemplateValue".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let inner = generator.subschema_for::<Self>();
        json_schema!({
            "description": "JSON in which every text may be a template.",
            "anyOf": [
                {"type": ["null", "boolean", "number"]},
                {"type": "string", "format": "template"},
                {"type": "array", "items": inner},
                {"type": "object", "additionalProperties": inner},
            ],
        })
    }
}

/// The schema of a struct as one branch of an enum that is told apart by its key `type`.
pub(crate) fn tagged<T: JsonSchema>(
    generator: &mut SchemaGenerator,
    tag: &str,
    planned: bool,
) -> Value {
    let mut schema = T::json_schema(generator).to_value();
    let description = schema.get("description").cloned().unwrap_or_default();
    if let Some(object) = schema.as_object_mut() {
        let mut properties = Map::new();
        properties.insert(
            "type".into(),
            json!({"const": tag, "description": description}),
        );
        if let Some(Value::Object(own)) = object.remove("properties") {
            properties.extend(own);
        }
        object.insert("type".into(), json!("object"));
        object.insert("properties".into(), Value::Object(properties));
        object.insert("additionalProperties".into(), json!(false));
        let mut required = vec![json!("type")];
        if let Some(Value::Array(own)) = object.remove("required") {
            required.extend(own);
        }
        object.insert("required".into(), Value::Array(required));
        if planned {
            object.insert("x-planned".into(), json!(true));
        }
    }
    schema
}
