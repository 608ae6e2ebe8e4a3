//! A YAML document as a tree whose every node knows its place.

mod build;
mod interpolate;
mod place;
mod resolve;

use std::sync::Arc;

pub(crate) use build::{parse, plain};
pub(crate) use interpolate::{Lookup, MAX_FILE, Unread, interpolate, read_text, reason};
pub(crate) use place::locate;

use crate::fault::Fault;

/// A text that was read, under the name by which faults call it.
#[derive(Debug)]
pub(crate) struct Document {
    /// The name that faults show.
    pub(crate) name: String,
    /// The whole text.
    pub(crate) text: String,
    /// An override from the command line: a number or a word may stand where a text is wanted.
    pub(crate) lenient: bool,
}

/// Where a node begins.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) document: Arc<Document>,
    /// Byte offset in the document's text.
    pub(crate) offset: usize,
    /// From 1.
    pub(crate) line: usize,
    /// In characters, from 1.
    pub(crate) column: usize,
}

impl Span {
    /// The first character of a document.
    pub(crate) fn start(document: &Arc<Document>) -> Self {
        Self {
            document: Arc::clone(document),
            offset: 0,
            line: 1,
            column: 1,
        }
    }

    /// A fault at this place.
    pub(crate) fn fault(&self, pointer: &str, message: impl Into<String>) -> Fault {
        Fault {
            file: self.document.name.clone(),
            line: self.line,
            column: self.column,
            message: message.into(),
            pointer: pointer.to_owned(),
        }
    }
}

/// One node of the tree.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

/// What a node holds.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
}

/// One key and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) span: Span,
    pub(crate) value: Node,
}

/// A scalar by YAML's core schema, with what is needed to find a place inside of it again.
#[derive(Clone)]
pub(crate) struct Scalar {
    pub(crate) kind: Kind,
    /// The value as YAML gives it, before anything is put in.
    pub(crate) text: String,
    pub(crate) style: Style,
    /// The parts, if something was put in (`${env:…}`, `${file:…}`) or an escape was undone.
    pub(crate) pieces: Option<Vec<Piece>>,
    /// Something could not be put in; it is said already.
    pub(crate) broken: bool,
}

impl std::fmt::Debug for Scalar {
    // A scalar may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scalar")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Scalar {
    /// Whether something from outside the file stands in it.
    pub(crate) fn interpolated(&self) -> bool {
        self.pieces
            .as_ref()
            .is_some_and(|pieces| pieces.iter().any(|piece| piece.data))
    }

    /// The value with everything put in.
    pub(crate) fn joined(&self) -> String {
        match &self.pieces {
            None => self.text.clone(),
            Some(pieces) => pieces.iter().map(|piece| piece.text.as_str()).collect(),
        }
    }
}

/// The type of a scalar.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    String,
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Single,
    Double,
    /// `|` or `>`.
    Block,
}

/// A part of a scalar: the file's own text, or data that was put in.
#[derive(Clone)]
pub(crate) struct Piece {
    pub(crate) text: String,
    /// Put in from outside: never parsed further.
    pub(crate) data: bool,
    /// Byte offset in the scalar's own text at which it stands.
    pub(crate) at: usize,
}

impl Node {
    /// The node under a key, if this is a mapping that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Mapping(entries) => entries
                .iter()
                .find(|entry| entry.key == key)
                .map(|entry| &entry.value),
            _ => None,
        }
    }

    /// The node at a JSON pointer's segments, or the nearest that exists above it.
    pub(crate) fn nearest(&self, pointer: &str) -> &Node {
        let mut node = self;
        for segment in pointer.split('/').skip(1) {
            let segment = segment.replace("~1", "/").replace("~0", "~");
            let next = match &node.value {
                Value::Mapping(_) => node.get(&segment),
                Value::Sequence(items) => segment.parse::<usize>().ok().and_then(|i| items.get(i)),
                // One item may stand for a list of one.
                Value::Scalar(_) => None,
            };
            match next {
                Some(next) => node = next,
                None if segment == "0" => {}
                None => break,
            }
        }
        node
    }

    /// The text of a string scalar with everything put in.
    pub(crate) fn as_text(&self) -> Option<String> {
        match &self.value {
            Value::Scalar(scalar) if scalar.kind == Kind::String && !scalar.broken => {
                Some(scalar.joined())
            }
            _ => None,
        }
    }

    /// Whether this is null (or nothing at all).
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.kind == Kind::Null)
    }
}

/// Appends one segment to a JSON pointer.
pub(crate) fn push_segment(pointer: &mut String, segment: &str) {
    pointer.push('/');
    for c in segment.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}
