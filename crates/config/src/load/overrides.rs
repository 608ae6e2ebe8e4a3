//! `--set key.path=value`: what the command line lays over `leeward.yaml`.

use std::sync::Arc;

use crate::fault::Fault;
use crate::tree::{self, Document, Entry, Node, Span, Value};

/// Lays each override over the tree. A value is YAML; one that is a text by its key needs no quotes.
pub(super) fn apply(root: &mut Node, overrides: &[(String, String)], faults: &mut Vec<Fault>) {
    for (key, value) in overrides {
        let document = Arc::new(Document {
            name: format!("--set {key}"),
            text: value.clone(),
            lenient: true,
        });
        // A list, a mapping or a quoted text is YAML; all else is taken as it stands, so that
        // `sqlite::memory:` is no mapping.
        let (node, wrong) = match value.trim_start().chars().next() {
            Some('[' | '{' | '"' | '\'') => tree::parse(&document),
            _ => tree::plain(&document),
        };
        faults.extend(wrong);
        if let Some(node) = node {
            set(root, key, node, &document, faults);
        }
    }
}

fn set(
    root: &mut Node,
    path: &str,
    value: Node,
    document: &Arc<Document>,
    faults: &mut Vec<Fault>,
) {
    let span = Span::start(document);
    let mut node = root;
    let mut segments = path.split('.').peekable();
    while let Some(segment) = segments.next() {
        if segment.is_empty() {
            faults.push(span.fault(
                "",
                format!("`{path}` is no key: write it as `limits.header_size`"),
            ));
            return;
        }
        // What stands in the way of a deeper key gives way to it.
        if !matches!(node.value, Value::Mapping(_)) {
            *node = Node {
                span: span.clone(),
                value: Value::Mapping(Vec::new()),
            };
        }
        let Value::Mapping(entries) = &mut node.value else {
            return;
        };
        let index = entries
            .iter()
            .position(|entry| entry.key == segment)
            .unwrap_or_else(|| {
                let empty = Node {
                    span: span.clone(),
                    value: Value::Mapping(Vec::new()),
                };
                entries.push(Entry {
                    key: segment.to_owned(),
                    span: span.clone(),
                    value: empty,
                });
                entries.len() - 1
            });
        let Some(entry) = entries.get_mut(index) else {
            return;
        };
        if segments.peek().is_none() {
            entry.span = span;
            entry.value = value;
            return;
        }
        node = &mut entry.value;
    }
}
