//! The reference of all keys, made from the schema.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::schema::{ROOTS, definitions, resolve};

/// All keys of all files as Markdown: path, type, default, what it is.
#[must_use]
pub fn reference() -> String {
    let mut page = Page {
        out: INTRODUCTION.to_owned(),
        shapes: shapes(),
    };
    for (definition, files, title) in ROOTS {
        if let Some(schema) = definitions().get(definition) {
            let _ = write!(page.out, "\n## {title}: `{files}`\n\n{HEAD}");
            page.members(schema, "", false);
        }
    }
    page.out
        .push_str("\n## Shapes\n\nWhat stands in several places.\n");
    for name in page.shapes.clone() {
        let Some(schema) = definitions().get(name) else {
            continue;
        };
        let text = schema
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let _ = write!(page.out, "\n### {name}\n\n{}\n", paragraph(text));
        let length = page.out.len();
        let _ = write!(page.out, "\n{HEAD}");
        let table = page.out.len();
        page.inside(schema, "", is_planned(schema));
        if page.out.len() == table {
            page.out.truncate(length);
        }
    }
    page.out
}

const INTRODUCTION: &str = "# All keys\n\nGenerated from the types that read them; a test keeps it current.\n\n\
    A key ends in `[]` where a list stands and in `.*` where its name is yours to choose. Durations are `250ms`, `90s`, `15m`, \
    `24h`, `90d`; sizes `64KiB`; a *template* may hold `{{…}}`, an *expression* is JSONata. `${env:NAME}` and `${file:/path}` \
    work in any string. Keys marked † are checked in shape, and do nothing in this version.\n";

const HEAD: &str = "| key | type | default | what |\n| --- | --- | --- | --- |\n";

/// The definitions that several places share: each is written once.
fn shapes() -> Vec<&'static str> {
    fn count(schema: &'static Value, counts: &mut BTreeMap<&'static str, usize>) {
        match schema {
            Value::Object(object) => {
                if let Some(name) = reference_of(schema) {
                    *counts.entry(name).or_default() += 1;
                }
                object.values().for_each(|value| count(value, counts));
            }
            Value::Array(list) => list.iter().for_each(|value| count(value, counts)),
            _ => {}
        }
    }
    let mut counts = BTreeMap::new();
    definitions()
        .values()
        .for_each(|schema| count(schema, &mut counts));
    let has_keys = |name: &str| {
        definitions().get(name).is_some_and(|schema| {
            branches(schema).is_some_and(|b| !all_words(b)) || schema.get("properties").is_some()
        })
    };
    counts
        .into_iter()
        .filter(|(name, count)| *count > 1 && has_keys(name))
        .map(|(name, _)| name)
        .collect()
}

fn reference_of(schema: &'static Value) -> Option<&'static str> {
    schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|name| name.strip_prefix("#/$defs/"))
}

fn all_words(branches: &[Value]) -> bool {
    branches.iter().all(|branch| branch.get("const").is_some())
}

struct Page {
    out: String,
    shapes: Vec<&'static str>,
}

impl Page {
    /// The keys of an object.
    fn members(&mut self, schema: &'static Value, path: &str, planned: bool) {
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let below = |key: &str| {
            if path.is_empty() {
                key.to_owned()
            } else {
                format!("{path}.{key}")
            }
        };
        for (key, property) in schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            // Said in the line above it.
            if key != "type" || property.get("const").is_none() {
                self.key(
                    property,
                    &below(key),
                    required.contains(&key.as_str()),
                    planned,
                );
            }
        }
        if let Some(rest @ Value::Object(_)) = schema.get("additionalProperties") {
            self.key(rest, &below("*"), false, planned);
        }
    }

    /// One key, and what lies below it.
    fn key(&mut self, property: &'static Value, path: &str, required: bool, planned: bool) {
        let resolved = resolve(property);
        let planned = planned || is_planned(property) || is_planned(resolved);
        let default = match property.get("default").or_else(|| resolved.get("default")) {
            Some(default) if is_plain(default) => format!("`{}`", written(default)),
            _ if required => "required".to_owned(),
            _ => String::new(),
        };
        let text = property
            .get("description")
            .or_else(|| resolved.get("description"))
            .and_then(Value::as_str);
        let mark = if planned { " †" } else { "" };
        let kind = self.kind(property, 0);
        let _ = writeln!(
            self.out,
            "| `{path}`{mark} | {} | {} | {} |",
            cell(&kind),
            cell(&default),
            cell(text.unwrap_or_default())
        );
        self.below(property, path, planned);
    }

    fn below(&mut self, property: &'static Value, path: &str, planned: bool) {
        if reference_of(property).is_none_or(|name| !self.shapes.contains(&name)) {
            self.inside(resolve(property), path, planned);
        }
    }

    fn inside(&mut self, schema: &'static Value, path: &str, planned: bool) {
        let Some(branches) = branches(schema) else {
            match schema.get("items") {
                Some(items) => self.below(items, &format!("{path}[]"), planned),
                None => self.members(schema, path, planned),
            }
            return;
        };
        let mut written: Vec<&'static Value> = Vec::new();
        for branch in branches {
            let inner = resolve(branch);
            if tag(inner).is_none() {
                // The list of what may also stand alone says nothing new.
                let listed = inner
                    .get("items")
                    .is_some_and(|items| branches.contains(items));
                if !listed {
                    self.below(branch, path, planned);
                }
                continue;
            }
            if written.contains(&inner) {
                continue;
            }
            let same: Vec<&'static Value> = branches
                .iter()
                .map(resolve)
                .filter(|other| alike(other, inner))
                .collect();
            let tags: Vec<String> = same
                .iter()
                .filter_map(|same| tag(same))
                .map(|tag| format!("`{tag}`"))
                .collect();
            written.extend(same);
            let planned = planned || is_planned(branch) || is_planned(inner);
            let text = inner
                .get("description")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let at = if path.is_empty() {
                "type".to_owned()
            } else {
                format!("{path}.type")
            };
            let mark = if planned { " †" } else { "" };
            let _ = writeln!(
                self.out,
                "| **`{at}`** | {}{mark} | | **{}** |",
                tags.join(" or "),
                cell(text)
            );
            self.members(inner, path, planned);
        }
    }

    /// The type of a key in words.
    fn kind(&self, property: &'static Value, depth: usize) -> String {
        if let Some(name) = reference_of(property).filter(|name| self.shapes.contains(name)) {
            return format!("[{name}](#{})", name.to_lowercase());
        }
        let schema = resolve(property);
        if let Some(word) = schema.get("const").and_then(Value::as_str) {
            return format!("`{word}`");
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            return words
                .iter()
                .map(|word| format!("`{}`", written(word)))
                .collect::<Vec<_>>()
                .join(" or ");
        }
        if let Some(branches) = branches(schema) {
            let mut words: Vec<String> = Vec::new();
            for branch in branches {
                let word = match tag(resolve(branch)) {
                    Some(_) => "mapping".to_owned(),
                    None if depth < 4 => self.kind(branch, depth + 1),
                    None => "…".to_owned(),
                };
                if !word.is_empty() && !words.contains(&word) {
                    words.push(word);
                }
            }
            return words.join(" or ");
        }
        if let Some(items) = schema.get("items") {
            return if depth < 4 {
                format!("list of {}", self.kind(items, depth + 1))
            } else {
                "list".to_owned()
            };
        }
        let format = property
            .get("format")
            .or_else(|| schema.get("format"))
            .and_then(Value::as_str);
        match format {
            Some("url-template") => return "URL template".to_owned(),
            Some("path-template") => return "path template".to_owned(),
            Some(word) if !word.starts_with("uint") && word != "double" => {
                return word.replace('-', " ");
            }
            _ => {}
        }
        let kinds: Vec<&str> = match schema.get("type") {
            Some(Value::String(one)) => vec![one.as_str()],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => vec!["anything"],
        };
        let words = kinds
            .into_iter()
            .filter(|kind| *kind != "null")
            .map(|kind| match kind {
                "object" => "mapping",
                "string" => "text",
                "array" => "list",
                other => other,
            });
        words.collect::<Vec<_>>().join(" or ")
    }
}

/// What a branch's `type` must be.
fn tag(schema: &'static Value) -> Option<&'static str> {
    schema
        .pointer("/properties/type/const")
        .and_then(Value::as_str)
}

/// Whether two branches have the same keys.
fn alike(one: &'static Value, other: &'static Value) -> bool {
    let keys = |schema: &'static Value| {
        let mut properties = schema.get("properties")?.as_object()?.clone();
        properties.remove("type");
        Some(properties)
    };
    tag(one).is_some() && keys(one) == keys(other) && is_planned(one) == is_planned(other)
}

fn is_planned(schema: &Value) -> bool {
    schema
        .get("x-planned")
        .is_some_and(|planned| planned == &Value::Bool(true))
}

fn branches(schema: &Value) -> Option<&Vec<Value>> {
    schema
        .get("oneOf")
        .or_else(|| schema.get("anyOf"))
        .and_then(Value::as_array)
}

/// Whether a default is short enough for a cell.
fn is_plain(default: &Value) -> bool {
    match default {
        Value::Null => false,
        Value::Object(object) => object.len() == 1,
        Value::Array(list) => list.len() < 10 && list.iter().all(|item| !item.is_object()),
        _ => true,
    }
}

/// A value as it is written in YAML.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => format!(
            "[{}]",
            list.iter().map(written).collect::<Vec<_>>().join(", ")
        ),
        Value::Object(object) => {
            let members: Vec<String> = object
                .iter()
                .map(|(key, value)| format!("{key}: {}", written(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        other => other.to_string(),
    }
}

fn cell(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}

/// A doc comment's lines as one paragraph each.
fn paragraph(text: &str) -> String {
    text.split("\n\n")
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("\n\n")
}
