//! JSON Schema of the files, made from the types: what checks, editors and the reference read.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::types::{Account, Destination, Model, Process, Provider};

/// The kinds of files: the name of the definition, where such files lie, and what they are.
pub(crate) const ROOTS: [(&str, &str, &str); 5] = [
    ("Process", "leeward.yaml", "The process"),
    ("Provider", "providers/*.yaml", "A provider"),
    ("Account", "accounts/*.yaml", "A static account"),
    ("Model", "models/*.yaml", "A unified model"),
    ("Destination", "destinations/*.yaml", "A receiver of events"),
];

static DEFINITIONS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    generator.subschema_for::<Process>();
    generator.subschema_for::<Provider>();
    generator.subschema_for::<Account>();
    generator.subschema_for::<Model>();
    generator.subschema_for::<Destination>();
    generator.take_definitions(true)
});

/// The definitions as the checks read them.
pub(crate) fn definitions() -> &'static Map<String, Value> {
    &DEFINITIONS
}

/// Follows `$ref`.
pub(crate) fn resolve(schema: &'static Value) -> &'static Value {
    let mut schema = schema;
    for _ in 0..16 {
        let Some(name) = schema.get("$ref").and_then(Value::as_str) else {
            break;
        };
        match DEFINITIONS.get(name.strip_prefix("#/$defs/").unwrap_or(name)) {
            Some(next) => schema = next,
            None => break,
        }
    }
    schema
}

/// The JSON Schema (draft 2020-12) of all files: `$defs` has `Process`, `Provider`, `Account`,
/// `Model` and `Destination`, which an editor is pointed to as `…#/$defs/Provider`.
#[must_use]
pub fn schema() -> Value {
    let any: Vec<Value> = ROOTS
        .iter()
        .map(|(name, ..)| json!({"$ref": format!("#/$defs/{name}")}))
        .collect();
    let mut definitions = Value::Object(DEFINITIONS.clone());
    publish(&mut definitions);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Leeward's configuration files",
        "anyOf": any,
        "$defs": definitions,
    })
}

/// JSON Schema's own `duration` is ISO 8601's: for others ours is a pattern.
fn publish(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object
                .get("format")
                .is_some_and(|format| format == "duration")
            {
                object.remove("format");
                object
                    .entry("pattern")
                    .or_insert_with(|| json!("^([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+$"));
            }
            object.values_mut().for_each(publish);
        }
        Value::Array(list) => list.iter_mut().for_each(publish),
        _ => {}
    }
}
