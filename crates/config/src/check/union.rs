//! A place at which one of several shapes may stand. The shape that was most probably meant is the
//! one whose faults are said.

use serde_json::Value as Json;

use super::Out;
use super::walk::{Walk, accepts, allowed, any};
use super::words::{nearest, short, shown, unknown_key};
use crate::tree::{Kind, Node, Value, push_segment};

impl<'s> Walk<'s> {
    pub(super) fn union(
        &mut self,
        node: &Node,
        branches: &'s [Json],
        pointer: &mut String,
    ) -> Option<Json> {
        let mut flat = Vec::new();
        self.flatten(branches, &mut flat, 0);
        let candidates: Vec<&'s Json> = flat
            .iter()
            .copied()
            .filter(|schema| self.fits(node, schema))
            .collect();
        if candidates.is_empty() {
            let wanted: Vec<&Json> = flat.iter().map(|schema| self.resolve(schema)).collect();
            return self.mismatch(node, &wanted, pointer);
        }
        if let Some(chosen) = self.discriminated(node, &candidates, pointer) {
            return chosen;
        }
        let words: Vec<&'s Json> = candidates
            .iter()
            .filter_map(|schema| allowed(self.resolve(schema)))
            .flatten()
            .collect();
        if words.contains(&&any(node)) {
            self.planned_branch(node, &candidates, pointer);
            return Some(any(node));
        }
        let shapes: Vec<&'s Json> = candidates
            .iter()
            .copied()
            .filter(|schema| allowed(self.resolve(schema)).is_none())
            .collect();
        if shapes.is_empty() {
            return self.word(node, &words, pointer);
        }
        if let Some(said) = self.unknown_to_all(node, &shapes, pointer) {
            return said;
        }
        let mut best: Option<(usize, Out)> = None;
        for schema in shapes {
            let before = std::mem::take(&mut self.out);
            let value = self.node(node, schema, pointer);
            let tried = std::mem::replace(&mut self.out, before);
            if tried.faults.is_empty() && value.is_some() {
                self.out.warnings.extend(tried.warnings);
                return value;
            }
            let score = self.known_keys(node, schema) * 1000 + 999 - tried.faults.len().min(999);
            if best.as_ref().is_none_or(|(least, _)| score > *least) {
                best = Some((score, tried));
            }
        }
        if let Some((_, tried)) = best {
            // A word that is none, where a text of a certain form may stand, too: name the words.
            let words: Vec<&str> = words.iter().filter_map(|word| word.as_str()).collect();
            let words = words.join("`, `");
            self.out
                .faults
                .extend(tried.faults.into_iter().map(|mut fault| {
                    if !words.is_empty() && fault.pointer == *pointer {
                        fault.message = format!("{} (or one of `{words}`)", fault.message);
                    }
                    fault
                }));
            self.out.pruned.extend(tried.pruned);
        }
        self.out.pruned.push(pointer.clone());
        None
    }

    /// Branches that are unions themselves are laid out flat.
    fn flatten(&self, branches: &'s [Json], flat: &mut Vec<&'s Json>, depth: usize) {
        for branch in branches {
            let resolved = self.resolve(branch);
            let inner = resolved
                .get("oneOf")
                .or_else(|| resolved.get("anyOf"))
                .and_then(Json::as_array);
            match inner {
                Some(inner) if depth < 8 => self.flatten(inner, flat, depth + 1),
                _ => flat.push(branch),
            }
        }
    }

    /// Whether the node is of the branch's type at all.
    fn fits(&self, node: &Node, schema: &'s Json) -> bool {
        let schema = self.resolve(schema);
        let kinds: &[&str] = match &node.value {
            Value::Mapping(_) => &["object"],
            Value::Sequence(_) => &["array"],
            Value::Scalar(scalar) => match &scalar.kind {
                Kind::Null => &["null"],
                Kind::Bool(_) => &["boolean"],
                Kind::Number(number) if number.is_f64() => &["number"],
                Kind::Number(_) => &["number", "integer"],
                Kind::String => &["string"],
            },
        };
        if let Some(words) = allowed(schema) {
            return words.iter().any(|word| match word {
                Json::String(_) => kinds.contains(&"string"),
                Json::Number(_) => kinds.contains(&"number"),
                Json::Bool(_) => kinds.contains(&"boolean"),
                Json::Null => kinds.contains(&"null"),
                _ => false,
            });
        }
        schema.get("type").is_none() || kinds.iter().any(|kind| accepts(schema, kind))
    }

    /// The branch that a key such as `type` names. `None`: there is no such key.
    fn discriminated(
        &mut self,
        node: &Node,
        candidates: &[&'s Json],
        pointer: &mut String,
    ) -> Option<Option<Json>> {
        if candidates.len() < 2 || !matches!(node.value, Value::Mapping(_)) {
            return None;
        }
        let word = |walk: &Self, schema: &'s Json| {
            walk.resolve(schema)
                .get("properties")?
                .get("type")?
                .get("const")?
                .as_str()
        };
        let mut words = Vec::new();
        for candidate in candidates {
            words.push(word(self, candidate)?);
        }
        let Some(named) = node.get("type") else {
            let list = words.join("`, `");
            return Some(self.fault(
                node,
                pointer,
                format!("missing key `type`: one of `{list}`"),
            ));
        };
        let text = named.as_text().unwrap_or_default();
        if let Some(index) = words.iter().position(|word| *word == text) {
            let schema = candidates[index];
            self.planned_branch(named, &[schema], pointer);
            return Some(self.node(node, schema, pointer));
        }
        let list = words.join("`, `");
        // A value from outside is not led on to what it resembles.
        let hint = nearest(
            if shown(named).starts_with('`') {
                &text
            } else {
                ""
            },
            words.iter().copied(),
        )
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        let length = pointer.len();
        push_segment(pointer, "type");
        self.fault(
            named,
            pointer,
            format!("{} is not one of `{list}`{hint}", shown(named)),
        );
        pointer.truncate(length);
        self.out.pruned.push(pointer.clone());
        Some(None)
    }

    /// A mapping of which no branch knows a key: the keys of all of them are named.
    fn unknown_to_all(
        &mut self,
        node: &Node,
        shapes: &[&'s Json],
        pointer: &mut String,
    ) -> Option<Option<Json>> {
        let Value::Mapping(entries) = &node.value else {
            return None;
        };
        let closed = |schema: &&&'s Json| {
            self.resolve(schema)
                .get("additionalProperties")
                .is_some_and(|rest| rest == &Json::Bool(false))
        };
        if shapes.len() < 2
            || entries.is_empty()
            || !shapes
                .iter()
                .all(|schema| closed(&schema) && self.known_keys(node, schema) == 0)
        {
            return None;
        }
        let known: Vec<&str> = shapes
            .iter()
            .filter_map(|schema| self.resolve(schema).get("properties")?.as_object())
            .flat_map(|properties| properties.keys().map(String::as_str))
            .collect();
        let length = pointer.len();
        for entry in entries.iter().take(100) {
            push_segment(pointer, &entry.key);
            self.out.faults.push(
                entry
                    .span
                    .fault(pointer, unknown_key(&entry.key, known.iter().copied())),
            );
            pointer.truncate(length);
        }
        self.out.pruned.push(pointer.clone());
        Some(None)
    }

    /// Says that a branch belongs to a part that is not there yet.
    fn planned_branch(&mut self, node: &Node, candidates: &[&'s Json], pointer: &str) {
        let value = any(node);
        for schema in candidates {
            let resolved = self.resolve(schema);
            let planned = resolved.get("x-planned").is_some() || schema.get("x-planned").is_some();
            let chosen = candidates.len() == 1
                || allowed(resolved).is_some_and(|words| words.contains(&&value));
            if planned && chosen {
                let word = short(value.as_str().unwrap_or_default());
                self.out.warnings.push(
                    node.span
                        .fault(pointer, format!("`{word}`: not in this version")),
                );
            }
        }
    }

    /// How many of the node's keys the branch knows.
    fn known_keys(&self, node: &Node, schema: &'s Json) -> usize {
        let Value::Mapping(entries) = &node.value else {
            return 0;
        };
        let properties = self
            .resolve(schema)
            .get("properties")
            .and_then(Json::as_object);
        entries
            .iter()
            .filter(|entry| properties.is_some_and(|known| known.contains_key(&entry.key)))
            .count()
    }
}
