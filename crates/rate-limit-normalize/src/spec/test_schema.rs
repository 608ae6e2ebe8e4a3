//! The JSON Schema of what a derive cannot tell.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::test::{NumSpec, StatusSpec, ValueTest};

impl JsonSchema for StatusSpec {
    fn schema_name() -> Cow<'static, str> {
        "StatusSpec".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = json_schema!({"anyOf": [
            {"type": "integer", "minimum": 100, "maximum": 999},
            {"type": "string", "pattern": "^[1-9]([0-9][0-9]|[xX][xX])$"},
        ]});
        json_schema!({
            "description": "One status, a class such as `4xx`, or a list of them.",
            "anyOf": [one, {"type": "array", "items": one, "minItems": 1}],
        })
    }
}

impl JsonSchema for ValueTest {
    fn schema_name() -> Cow<'static, str> {
        "ValueTest".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let literal = json_schema!({"type": ["string", "number", "boolean", "null"]});
        let literals = json_schema!({"type": "array", "items": literal, "minItems": 1});
        let num = generator.subschema_for::<NumSpec>();
        let object = |key: &str, value: Schema| {
            json_schema!({
                "type": "object", "properties": {key: value}, "required": [key],
                "additionalProperties": false,
            })
        };
        json_schema!({
            "description": "A literal (typed), a list of literals (any), or one of `{exists: bool}`, `{regex: …}`, `{in: […]}`, `{num: {eq|lt|le|gt|ge: n}}`.",
            "anyOf": [
                literal,
                literals,
                object("exists", json_schema!({"type": "boolean"})),
                object("regex", json_schema!({"type": "string", "format": "regex"})),
                object("in", literals.clone()),
                object("num", num),
            ],
        })
    }
}
