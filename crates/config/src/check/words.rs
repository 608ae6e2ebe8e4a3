//! The words of faults: what was found, what was probably meant.

use serde_json::Value as Json;

use super::walk::accepts;
use crate::tree::{Kind, Node, Value};

pub(super) fn quoted(word: &Json) -> String {
    match word {
        Json::String(word) => format!("`{word}`"),
        other => format!("`{other}`"),
    }
}

/// A scalar as it may be quoted.
pub(super) fn shown(node: &Node) -> String {
    match &node.value {
        Value::Scalar(scalar) if !scalar.interpolated() && !scalar.text.is_empty() => {
            format!("`{}`", short(&scalar.text))
        }
        _ => found(node, &[]),
    }
}

pub(super) fn put_in_from_outside(node: &Node) -> bool {
    matches!(&node.value, Value::Scalar(scalar) if scalar.interpolated())
}

/// What a node is, in words.
pub(super) fn found(node: &Node, wanted: &[&Json]) -> String {
    let wants = |kind: &str| wanted.iter().any(|schema| accepts(schema, kind));
    match &node.value {
        Value::Mapping(_) => "a mapping".to_owned(),
        Value::Sequence(_) => "a list".to_owned(),
        Value::Scalar(scalar) if scalar.interpolated() => "a text that is put in".to_owned(),
        Value::Scalar(scalar) => {
            let text = short(&scalar.text);
            // Quotes alone make no duration of a number.
            let measured = wanted.iter().any(|schema| {
                matches!(
                    schema.get("format").and_then(Json::as_str),
                    Some("duration" | "size" | "percent")
                )
            });
            let quote = if wants("string") && !measured {
                ": put it in quotes"
            } else {
                ""
            };
            match &scalar.kind {
                Kind::Null => "nothing".to_owned(),
                Kind::Bool(_) => format!("the boolean {text}{quote}"),
                Kind::Number(_) => format!("the number {text}{quote}"),
                Kind::String if wants("boolean") => {
                    format!("the text `{text}`: write true or false")
                }
                Kind::String => format!("the text `{text}`"),
            }
        }
    }
}

/// At most forty characters of a text, on one line.
pub(super) fn short(text: &str) -> String {
    let mut out: String = text
        .chars()
        .take(40)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(40).is_some() {
        out.push('…');
    }
    out
}

pub(super) fn either(words: &[String]) -> String {
    match words {
        [] => "something else".to_owned(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} or {last}", head.join(", ")),
    }
}

pub(super) fn unknown_key<'a>(key: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let shown = short(key);
    if key == "<<" {
        return "`<<`: merge keys are no part of YAML 1.2".to_owned();
    }
    match nearest(key, known.clone()) {
        Some(near) => format!("unknown key `{shown}`; did you mean `{near}`?"),
        None => {
            let known: Vec<String> = known.take(24).map(|key| format!("`{key}`")).collect();
            format!("unknown key `{shown}`; known here: {}", known.join(", "))
        }
    }
}

/// The word that was probably meant.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Only short words are compared: the distance costs the product of both lengths.
    if word.len() > 64 {
        return None;
    }
    let lower = word.to_lowercase().replace('-', "_");
    known
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, candidate)| {
            *distance <= 1 + candidate.chars().count().min(word.chars().count()) / 4
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
