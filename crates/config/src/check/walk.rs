//! The walk: one tree, one schema, every fault. What comes out is JSON that the types are made of,
//! without the parts that are at fault.

use serde_json::{Map, Value as Json};

use super::assemble::{Assembled, Slot};
use super::words::{either, found, nearest, put_in_from_outside, quoted, shown, unknown_key};
use super::{Out, format};
use crate::schema::definitions;
use crate::tree::{Entry, Kind, Node, Scalar, Value, locate, push_segment};

/// Checks a document against a definition of the schema.
pub(crate) fn check(root: &Node, definition: &str) -> (Option<Json>, Out) {
    let definitions = definitions();
    let mut walk = Walk {
        definitions,
        out: Out::default(),
    };
    let value = match definitions.get(definition) {
        Some(schema) => walk.node(root, schema, &mut String::new()),
        None => None,
    };
    (value, walk.out)
}

pub(super) struct Walk<'s> {
    pub(super) definitions: &'s Map<String, Json>,
    pub(super) out: Out,
}

impl<'s> Walk<'s> {
    /// Follows `$ref` to what it names.
    pub(super) fn resolve(&self, schema: &'s Json) -> &'s Json {
        let mut schema = schema;
        // Definitions do not refer in circles without a node in between; bounded all the same.
        for _ in 0..16 {
            let Some(name) = schema.get("$ref").and_then(Json::as_str) else {
                break;
            };
            let name = name.strip_prefix("#/$defs/").unwrap_or(name);
            match self.definitions.get(name) {
                Some(next) => schema = next,
                None => break,
            }
        }
        schema
    }

    /// Checks one node. `None`: it is at fault, and that is said.
    pub(super) fn node(
        &mut self,
        node: &Node,
        schema: &'s Json,
        pointer: &mut String,
    ) -> Option<Json> {
        let broken = matches!(&node.value, Value::Scalar(scalar) if scalar.broken);
        if broken || self.out.is_full() {
            self.out.pruned.push(pointer.clone());
            return None;
        }
        let schema = self.resolve(schema);
        if let Some(branches) = schema
            .get("oneOf")
            .or_else(|| schema.get("anyOf"))
            .and_then(Json::as_array)
        {
            return self.union(node, branches, pointer);
        }
        if let Some(all) = schema.get("allOf").and_then(Json::as_array) {
            let mut value = Some(any(node));
            for part in all {
                value = value.and(self.node(node, part, pointer));
            }
            return value;
        }
        if let Some(allowed) = allowed(schema) {
            return self.word(node, &allowed, pointer);
        }
        if schema.get("type").is_none() {
            return Some(any(node));
        }
        match &node.value {
            Value::Mapping(entries) if accepts(schema, "object") => {
                self.mapping(node, entries, schema, pointer)
            }
            Value::Sequence(items) if accepts(schema, "array") => {
                self.sequence(node, items, schema, pointer)
            }
            Value::Scalar(scalar) => self.scalar(node, scalar, schema, pointer),
            _ => self.mismatch(node, &[schema], pointer),
        }
    }

    pub(super) fn fault(
        &mut self,
        node: &Node,
        pointer: &str,
        message: impl Into<String>,
    ) -> Option<Json> {
        self.out.faults.push(node.span.fault(pointer, message));
        self.out.pruned.push(pointer.to_owned());
        None
    }

    /// A node of another type than any that is wanted.
    pub(super) fn mismatch(
        &mut self,
        node: &Node,
        wanted: &[&Json],
        pointer: &str,
    ) -> Option<Json> {
        let mut words: Vec<String> = Vec::new();
        for schema in wanted {
            let word = format::describe(schema);
            if !words.contains(&word) {
                words.push(word);
            }
        }
        let message = format!("expected {}, found {}", either(&words), found(node, wanted));
        self.fault(node, pointer, message)
    }

    fn mapping(
        &mut self,
        node: &Node,
        entries: &[Entry],
        schema: &'s Json,
        pointer: &mut String,
    ) -> Option<Json> {
        let properties = schema.get("properties").and_then(Json::as_object);
        let rest = schema.get("additionalProperties");
        let names = schema.get("propertyNames");
        let mut object = Map::new();
        let length = pointer.len();
        for entry in entries {
            push_segment(pointer, &entry.key);
            let property = properties.and_then(|properties| properties.get(&entry.key));
            match (property, rest) {
                (Some(property), _) => {
                    self.planned(entry, property, pointer);
                    if let Some(value) = self.node(&entry.value, property, pointer) {
                        object.insert(entry.key.clone(), value);
                    }
                }
                (None, Some(Json::Bool(false))) if self.out.is_full() => {}
                (None, Some(Json::Bool(false))) => {
                    let known = properties
                        .into_iter()
                        .flat_map(Map::keys)
                        .map(String::as_str);
                    let message = unknown_key(&entry.key, known);
                    self.out.faults.push(entry.span.fault(pointer, message));
                }
                (None, rest) => {
                    let named = names
                        .and_then(|names| names.get("format"))
                        .and_then(Json::as_str);
                    if let Some(Err(wrong)) = named.map(|name| format::check(name, &entry.key)) {
                        self.out
                            .faults
                            .push(entry.span.fault(pointer, wrong.message));
                        self.out.pruned.push(pointer.clone());
                        pointer.truncate(length);
                        continue;
                    }
                    let value = match rest {
                        Some(schema @ Json::Object(_)) => {
                            self.planned(entry, schema, pointer);
                            self.node(&entry.value, schema, pointer)
                        }
                        _ => Some(any(&entry.value)),
                    };
                    if let Some(value) = value {
                        object.insert(entry.key.clone(), value);
                    }
                }
            }
            pointer.truncate(length);
        }
        let required = schema
            .get("required")
            .and_then(Json::as_array)
            .into_iter()
            .flatten();
        let mut whole = true;
        for key in required.filter_map(Json::as_str) {
            if !entries.iter().any(|entry| entry.key == key) {
                self.out
                    .faults
                    .push(node.span.fault(pointer, format!("missing key `{key}`")));
                whole = false;
            } else if !object.contains_key(key) {
                whole = false;
            }
        }
        if !whole {
            self.out.pruned.push(pointer.clone());
            return None;
        }
        Some(Json::Object(object))
    }

    /// A key whose part of Leeward is not there yet.
    fn planned(&mut self, entry: &Entry, schema: &'s Json, pointer: &str) {
        let resolved = self.resolve(schema);
        let planned = [schema, resolved].iter().any(|schema| {
            schema
                .get("x-planned")
                .is_some_and(|p| p == &Json::Bool(true))
        });
        if !planned {
            return;
        }
        if self.says_nothing(&any(&entry.value), schema) {
            return;
        }
        self.out.warnings.push(
            entry
                .span
                .fault(pointer, format!("`{}`: not in this version", entry.key)),
        );
    }

    /// Whether a value is what holds if it is left out.
    fn says_nothing(&self, value: &Json, schema: &'s Json) -> bool {
        if schema
            .get("default")
            .or_else(|| self.resolve(schema).get("default"))
            == Some(value)
        {
            return true;
        }
        match value {
            Json::Null => true,
            Json::Array(list) => list.is_empty(),
            Json::Object(object) => {
                let known = self.resolve(schema).get("properties");
                object.iter().all(|(key, value)| {
                    known
                        .and_then(|known| known.get(key))
                        .is_some_and(|schema| self.says_nothing(value, schema))
                })
            }
            _ => false,
        }
    }

    fn sequence(
        &mut self,
        node: &Node,
        items: &[Node],
        schema: &'s Json,
        pointer: &mut String,
    ) -> Option<Json> {
        let least = schema.get("minItems").and_then(Json::as_u64).unwrap_or(0);
        if u64::try_from(items.len()).is_ok_and(|length| length < least) {
            return self.fault(
                node,
                pointer,
                format!("needs at least {least}, has {}", items.len()),
            );
        }
        let length = pointer.len();
        let mut list = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            push_segment(pointer, &index.to_string());
            let value = match schema.get("items") {
                Some(schema) => self.node(item, schema, pointer),
                None => Some(any(item)),
            };
            list.extend(value);
            pointer.truncate(length);
        }
        Some(Json::Array(list))
    }

    fn scalar(
        &mut self,
        node: &Node,
        scalar: &Scalar,
        schema: &'s Json,
        pointer: &str,
    ) -> Option<Json> {
        match &scalar.kind {
            Kind::Null if accepts(schema, "null") => Some(Json::Null),
            Kind::Bool(value) if accepts(schema, "boolean") => Some(Json::Bool(*value)),
            Kind::Number(number) if accepts(schema, "number") || accepts(schema, "integer") => {
                self.number(node, number, schema, pointer)
            }
            Kind::String if accepts(schema, "string") => self.text(node, scalar, schema, pointer),
            // `--set` knows no quotes.
            Kind::Null | Kind::Bool(_) | Kind::Number(_)
                if node.span.document.lenient && accepts(schema, "string") =>
            {
                self.text(node, scalar, schema, pointer)
            }
            // What is put in is read by the key that it stands in, as a duration is.
            Kind::String if scalar.interpolated() => match put_in(scalar) {
                Some(Json::Bool(value)) if accepts(schema, "boolean") => Some(Json::Bool(value)),
                Some(Json::Number(number))
                    if accepts(schema, "number") || accepts(schema, "integer") =>
                {
                    self.number(node, &number, schema, pointer)
                }
                _ => self.mismatch(node, &[schema], pointer),
            },
            _ => self.mismatch(node, &[schema], pointer),
        }
    }

    fn number(
        &mut self,
        node: &Node,
        number: &serde_json::Number,
        schema: &Json,
        pointer: &str,
    ) -> Option<Json> {
        if !accepts(schema, "number") && number.is_f64() {
            return self.mismatch(node, &[schema], pointer);
        }
        let bound = |key: &str| schema.get(key).and_then(Json::as_f64);
        let width = match schema.get("format").and_then(Json::as_str) {
            Some("uint8") => Some(f64::from(u8::MAX)),
            Some("uint16") => Some(f64::from(u16::MAX)),
            Some("uint32") => Some(f64::from(u32::MAX)),
            _ => None,
        };
        let value = number.as_f64().unwrap_or(f64::NAN);
        let least = bound("minimum");
        let most = match (bound("maximum"), width) {
            (Some(most), Some(width)) => Some(most.min(width)),
            (most, width) => most.or(width),
        };
        if least.is_some_and(|least| value < least) || most.is_some_and(|most| value > most) {
            let range = match (least, most) {
                (Some(least), Some(most)) => format!("between {least} and {most}"),
                (Some(least), None) => format!("at least {least}"),
                (None, Some(most)) => format!("at most {most}"),
                (None, None) => String::new(),
            };
            return self.fault(
                node,
                pointer,
                format!("{number} is out of range: it must be {range}"),
            );
        }
        Some(Json::Number(number.clone()))
    }

    fn text(&mut self, node: &Node, scalar: &Scalar, schema: &Json, pointer: &str) -> Option<Json> {
        let name = schema.get("format").and_then(Json::as_str);
        let assembled = Assembled::new(scalar, name.map_or(Slot::Text, format::slot));
        let wrong = name
            .and_then(|name| format::check(name, &assembled.text).err())
            .or_else(|| format::limits(schema, &assembled.text).err());
        let Some(wrong) = wrong else {
            return Some(Json::String(assembled.text));
        };
        // A message may quote what it complains about; a value from outside may be a secret.
        let message = if scalar.interpolated() && !wrong.quotes_nothing {
            format!("what is put in here is not {}", format::describe(schema))
        } else {
            wrong.message
        };
        let mut fault = node.span.fault(pointer, message);
        if let Some(at) = wrong.at {
            (fault.line, fault.column) = locate(&node.span, scalar, assembled.raw(at));
        }
        self.out.faults.push(fault);
        self.out.pruned.push(pointer.to_owned());
        None
    }

    /// One of a set of words (or numbers).
    pub(super) fn word(&mut self, node: &Node, allowed: &[&Json], pointer: &str) -> Option<Json> {
        let value = any(node);
        if allowed.contains(&&value) {
            return Some(value);
        }
        let words: Vec<String> = allowed.iter().map(|word| quoted(word)).collect();
        let shown = shown(node);
        let near = match &value {
            Json::String(text) if !put_in_from_outside(node) => {
                nearest(text, allowed.iter().filter_map(|word| word.as_str()))
            }
            _ => None,
        };
        let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        let list = words.join(", ");
        let message = match words.len() {
            1 => format!("{shown} is not allowed here: only {list} is{hint}"),
            _ => format!("{shown} is not one of {list}{hint}"),
        };
        self.fault(node, pointer, message)
    }
}

/// The words of an enumeration, if the schema is one.
pub(super) fn allowed(schema: &Json) -> Option<Vec<&Json>> {
    match (
        schema.get("const"),
        schema.get("enum").and_then(Json::as_array),
    ) {
        (Some(one), _) => Some(vec![one]),
        (None, Some(several)) => Some(several.iter().collect()),
        (None, None) => None,
    }
}

/// Whether a schema names a type.
pub(super) fn accepts(schema: &Json, kind: &str) -> bool {
    match schema.get("type") {
        Some(Json::String(one)) => one == kind,
        Some(Json::Array(several)) => several.iter().any(|one| one == kind),
        _ => false,
    }
}

/// A node as plain JSON.
pub(super) fn any(node: &Node) -> Json {
    match &node.value {
        Value::Mapping(entries) => Json::Object(
            entries
                .iter()
                .map(|entry| (entry.key.clone(), any(&entry.value)))
                .collect(),
        ),
        Value::Sequence(items) => Json::Array(items.iter().map(any).collect()),
        Value::Scalar(scalar) => match &scalar.kind {
            Kind::Null => Json::Null,
            Kind::Bool(value) => Json::Bool(*value),
            Kind::Number(number) => Json::Number(number.clone()),
            Kind::String => Json::String(scalar.joined()),
        },
    }
}

/// A value from outside as the number or boolean that it spells.
fn put_in(scalar: &Scalar) -> Option<Json> {
    serde_json::from_str(scalar.joined().trim()).ok()
}
