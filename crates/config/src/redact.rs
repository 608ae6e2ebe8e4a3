//! What may be shown of a configuration: what a file says and what it leaves to the defaults,
//! without what was put in from outside and without what is a secret by its key.

use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value as Json, json};

use crate::schema::{definitions, resolve};
use crate::tree::{Kind, Node, Value};
use crate::types::{Account, Process, Provider};

/// A configuration without its secrets, as JSON. Empty for one that was not read from a text.
#[derive(Debug, Clone, Default)]
pub struct Redacted(Arc<Json>);

impl Redacted {
    /// The JSON.
    #[must_use]
    pub fn json(&self) -> &Json {
        &self.0
    }
}

/// A configuration that can be shown without its secrets.
pub trait Redact {
    /// What may be shown of it.
    fn redacted(&self) -> Json;
}

impl Redact for Process {
    fn redacted(&self) -> Json {
        self.redacted.json().clone()
    }
}

impl Redact for Provider {
    fn redacted(&self) -> Json {
        self.redacted.json().clone()
    }
}

impl Redact for Account {
    fn redacted(&self) -> Json {
        self.redacted.json().clone()
    }
}

/// What may be shown of `GET /config` and the like.
#[must_use]
pub fn redacted(of: &impl Redact) -> Json {
    of.redacted()
}

const HIDDEN: &str = "[redacted]";

/// Makes it from the tree and the schema, which knows the secret keys and the defaults.
pub(crate) fn dump(root: &Node, definition: &str) -> Redacted {
    let Some(schema) = definitions().get(definition) else {
        return Redacted::default();
    };
    Redacted(Arc::new(show(root, Some(schema))))
}

fn show(node: &Node, schema: Option<&'static Json>) -> Json {
    let secret = is_secret(schema);
    match &node.value {
        Value::Mapping(entries) => {
            let leaves = schema.map(leaves).unwrap_or_default();
            let shape = shape(&leaves, node);
            let mut object = Map::new();
            for entry in entries {
                let property = property(&leaves, shape, &entry.key);
                let value = match property {
                    _ if secret => hide(&entry.value),
                    Some(Property::Known(schema)) => show(&entry.value, Some(schema)),
                    Some(Property::Free(Some(_))) if sounds_secret(&entry.key) => {
                        hide(&entry.value)
                    }
                    Some(Property::Free(schema)) => show(&entry.value, schema),
                    None => show(&entry.value, None),
                };
                object.insert(entry.key.clone(), value);
            }
            if let Some(schema) = shape {
                fill(&mut object, schema);
            }
            Json::Object(object)
        }
        Value::Sequence(items) if secret => Json::Array(items.iter().map(hide).collect()),
        Value::Sequence(items) => {
            let item = schema.and_then(items_of);
            Json::Array(items.iter().map(|node| show(node, item)).collect())
        }
        Value::Scalar(scalar) => match &scalar.kind {
            Kind::Null => Json::Null,
            _ if scalar.interpolated() || scalar.broken || node.span.document.lenient && secret => {
                json!(HIDDEN)
            }
            Kind::Bool(value) => json!(value),
            Kind::Number(_) if secret => json!(HIDDEN),
            Kind::Number(number) => Json::Number(number.clone()),
            Kind::String => text(&scalar.joined(), schema, secret),
        },
    }
}

fn text(text: &str, schema: Option<&'static Json>, secret: bool) -> Json {
    // A template that only says where a credential comes from is no secret: `Bearer {{token}}`.
    static ONLY_A_NAME: LazyLock<Option<regex::Regex>> = LazyLock::new(|| {
        regex::Regex::new(r"^([A-Za-z]+ )?\{\{\s*[A-Za-z_][A-Za-z0-9_.]*\s*\}\}$").ok()
    });
    let format = schema
        .and_then(|schema| schema.get("format"))
        .and_then(Json::as_str);
    match format {
        Some("store-url") => match text
            .split_once("://")
            .and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?)))
        {
            Some((scheme, (_, rest))) => json!(format!("{scheme}://{HIDDEN}@{rest}")),
            None => json!(text),
        },
        _ if secret && !ONLY_A_NAME.as_ref().is_some_and(|name| name.is_match(text)) => {
            json!(HIDDEN)
        }
        _ => json!(text),
    }
}

fn hide(node: &Node) -> Json {
    match &node.value {
        Value::Mapping(entries) => Json::Object(
            entries
                .iter()
                .map(|entry| (entry.key.clone(), hide(&entry.value)))
                .collect(),
        ),
        Value::Sequence(items) => Json::Array(items.iter().map(hide).collect()),
        Value::Scalar(scalar) if scalar.kind == Kind::Null => Json::Null,
        Value::Scalar(scalar) if scalar.kind == Kind::String => text(&scalar.joined(), None, true),
        Value::Scalar(_) => json!(HIDDEN),
    }
}

/// Whether the schema, or the one it names, or one of its branches, says that it is a secret.
fn is_secret(schema: Option<&'static Json>) -> bool {
    let says = |schema: &Json| {
        schema
            .get("writeOnly")
            .is_some_and(|secret| secret == &json!(true))
    };
    let Some(schema) = schema else { return false };
    if schema
        .get("format")
        .is_some_and(|format| format == "store-url")
    {
        return false;
    }
    says(schema)
        || leaves(schema)
            .into_iter()
            .any(|leaf| says(leaf) || leaf.get("items").is_some_and(|items| says(resolve(items))))
}

fn sounds_secret(key: &str) -> bool {
    let key = key.to_lowercase().replace('-', "_");
    [
        "authorization",
        "cookie",
        "secret",
        "password",
        "token",
        "api_key",
        "apikey",
        "assertion",
    ]
    .iter()
    .any(|word| key.contains(word))
}

enum Property {
    Known(&'static Json),
    /// A key that the file's author has chosen, as a header's name.
    Free(Option<&'static Json>),
}

fn branches(schema: &'static Json) -> Option<&'static Vec<Json>> {
    schema
        .get("oneOf")
        .or_else(|| schema.get("anyOf"))
        .and_then(Json::as_array)
}

/// The schemas that are no union themselves.
fn leaves(schema: &'static Json) -> Vec<&'static Json> {
    fn collect(schema: &'static Json, depth: usize, into: &mut Vec<&'static Json>) {
        let schema = resolve(schema);
        match branches(schema) {
            Some(branches) if depth < 8 => branches
                .iter()
                .for_each(|branch| collect(branch, depth + 1, into)),
            _ => into.push(schema),
        }
    }
    let mut into = Vec::new();
    collect(schema, 0, &mut into);
    into
}

/// The shape of a mapping: the only one, or the one that its `type` names.
fn shape(leaves: &[&'static Json], node: &Node) -> Option<&'static Json> {
    let maps: Vec<_> = leaves
        .iter()
        .copied()
        .filter(|leaf| leaf.get("properties").is_some())
        .collect();
    let tag = |leaf: &'static Json| leaf.get("properties")?.get("type")?.get("const")?.as_str();
    match maps.as_slice() {
        [one] => Some(one),
        several => {
            let named = node.get("type").and_then(Node::as_text)?;
            several
                .iter()
                .copied()
                .find(|leaf| tag(leaf) == Some(named.as_str()))
        }
    }
}

fn property(leaves: &[&'static Json], shape: Option<&'static Json>, key: &str) -> Option<Property> {
    let known = |leaf: &'static Json| {
        leaf.get("properties")
            .and_then(|properties| properties.get(key))
    };
    let free = |leaf: &'static Json| match leaf.get("additionalProperties") {
        Some(rest @ Json::Object(_)) => Some(Property::Free(Some(rest))),
        Some(Json::Bool(false)) => None,
        _ => Some(Property::Free(None)),
    };
    let known_somewhere = || leaves.iter().copied().find_map(known).map(Property::Known);
    let open = || {
        leaves
            .iter()
            .copied()
            .filter(|leaf| leaf.get("additionalProperties").is_some())
    };
    match shape {
        Some(leaf) => known(leaf).map(Property::Known).or_else(|| free(leaf)),
        None => known_somewhere().or_else(|| open().find_map(free)),
    }
}

fn items_of(schema: &'static Json) -> Option<&'static Json> {
    leaves(schema)
        .into_iter()
        .find_map(|leaf| leaf.get("items"))
}

/// Puts in what the file leaves to the defaults.
fn fill(object: &mut Map<String, Json>, schema: &'static Json) {
    for (key, property) in schema
        .get("properties")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
    {
        if object.contains_key(key) {
            continue;
        }
        if let Some(default) = property.get("default") {
            object.insert(key.clone(), default.clone());
            continue;
        }
        let resolved = resolve(property);
        let optional = resolved.get("required").is_none();
        if optional && resolved.get("properties").is_some() {
            let mut inner = Map::new();
            fill(&mut inner, resolved);
            object.insert(key.clone(), Json::Object(inner));
        }
    }
}
