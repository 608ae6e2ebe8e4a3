//! A scope as the engine's input, read only as far as an expression reaches.

use jlens_core::input::{Sink, Source};
use serde_json::Value;

use crate::Scope;

/// A scope as the engine's input: one object, whose members are the scope's names.
pub(super) struct Whole<'a>(pub(super) &'a Scope<'a>);
struct Members<'a>(&'a Scope<'a>);
struct Json<'a>(&'a Value);

impl<'a> Source<'a> for Whole<'a> {
    fn read(&self, sink: &mut Sink<'_, 'a>) -> Result<(), String> {
        sink.object(Members(self.0));
        Ok(())
    }
}

impl<'a> Source<'a> for Members<'a> {
    fn read(&self, sink: &mut Sink<'_, 'a>) -> Result<(), String> {
        for (name, value) in self.0.iter() {
            sink.key(name);
            write(value, sink);
        }
        Ok(())
    }
}

impl<'a> Source<'a> for Json<'a> {
    fn read(&self, sink: &mut Sink<'_, 'a>) -> Result<(), String> {
        match self.0 {
            Value::Array(items) => items.iter().for_each(|item| write(item, sink)),
            Value::Object(members) => {
                for (key, member) in members {
                    sink.key(key);
                    write(member, sink);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn write<'a>(value: &'a Value, sink: &mut Sink<'_, 'a>) {
    match value {
        Value::Null => sink.null(),
        Value::Bool(value) => sink.bool(*value),
        Value::Number(value) => sink.number(value.as_f64().unwrap_or(f64::NAN)),
        Value::String(value) => sink.string(value),
        Value::Array(_) => sink.array(Json(value)),
        Value::Object(_) => sink.object(Json(value)),
    }
}
