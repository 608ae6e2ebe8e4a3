//! One file: text → tree → checked → typed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::Source;
use super::files::{File, Files, file_fault};
use super::overrides;
use crate::check::{self, Out, Report};
use crate::fault::{Fault, tidy};
use crate::redact::{Redacted, dump};
use crate::tree::{self, Document, Entry, Lookup, Node, Span, Value, push_segment};
use crate::types::{Account, Destination, Model, Process, Provider};

/// A kind of file.
pub(crate) trait Kind: DeserializeOwned {
    /// Its definition in the schema.
    const DEFINITION: &'static str;
    /// The key that holds its name; none: it has no name.
    const NAME: &'static str;

    /// Takes what may be shown of it.
    fn keep_redacted(&mut self, _: Redacted) {}

    /// Checks what no schema can say.
    fn check(&self, _: &mut Report<'_>) {}
}

impl Kind for Process {
    const DEFINITION: &'static str = "Process";
    const NAME: &'static str = "";

    fn keep_redacted(&mut self, redacted: Redacted) {
        self.redacted = redacted;
    }

    fn check(&self, report: &mut Report<'_>) {
        check::process::check(self, report);
    }
}

impl Kind for Provider {
    const DEFINITION: &'static str = "Provider";
    const NAME: &'static str = "provider";

    fn keep_redacted(&mut self, redacted: Redacted) {
        self.redacted = redacted;
    }

    fn check(&self, report: &mut Report<'_>) {
        check::provider::check(self, report);
    }
}

impl Kind for Account {
    const DEFINITION: &'static str = "Account";
    const NAME: &'static str = "account";

    fn keep_redacted(&mut self, redacted: Redacted) {
        self.redacted = redacted;
    }
}

impl Kind for Model {
    const DEFINITION: &'static str = "Model";
    const NAME: &'static str = "model";
}

impl Kind for Destination {
    const DEFINITION: &'static str = "Destination";
    const NAME: &'static str = "destination";
}

/// A file that was read, and all that is known of it so far.
pub(super) struct Read<T> {
    path: PathBuf,
    pub(super) name: String,
    pub(super) root: Node,
    pub(super) typed: Option<T>,
    pub(super) out: Out,
    version: String,
}

impl<T> Read<T> {
    /// Hands over what came of it, and says its faults and warnings.
    pub(super) fn finish(
        mut self,
        faults: &mut Vec<Fault>,
        warnings: &mut Vec<Fault>,
    ) -> Source<T> {
        tidy(&mut self.out.faults);
        faults.extend(self.out.faults.iter().cloned());
        warnings.append(&mut self.out.warnings);
        let result = match self.typed {
            Some(typed) if self.out.faults.is_empty() => Ok(Arc::new(typed)),
            _ => Err(self.out.faults),
        };
        Source {
            path: self.path,
            name: self.name,
            result,
            version: self.version,
        }
    }
}

/// Reads one file.
pub(super) fn parse<T: Kind>(file: &File, lookup: &Lookup<'_>) -> Read<T> {
    let mut out = Out::default();
    if let Some(unread) = &file.unread {
        let mut fault = file_fault(&file.path, unread.message.clone());
        (fault.line, fault.column) = unread.at;
        out.faults.push(fault);
        return unreadable(&file.path, &file.document, out);
    }
    let (root, faults) = tree::parse(&file.document);
    out.faults.extend(faults);
    match root {
        Some(root) => examine(&file.path, root, out, lookup),
        None => unreadable(&file.path, &file.document, out),
    }
}

/// Reads `leeward.yaml` with what the command line lays over it.
pub(super) fn process(
    files: &Files,
    over: &[(String, String)],
    lookup: &Lookup<'_>,
) -> Read<Process> {
    let mut out = Out::default();
    let (path, document, root) = match &files.process {
        None => {
            let document = Document {
                name: "leeward.yaml".to_owned(),
                text: String::new(),
                lenient: false,
            };
            (PathBuf::from("leeward.yaml"), Arc::new(document), None)
        }
        Some(file) => {
            if file.unread.is_some() {
                return parse(file, lookup);
            }
            let (root, faults) = tree::parse(&file.document);
            out.faults.extend(faults);
            if root.is_none() {
                return unreadable(&file.path, &file.document, out);
            }
            (file.path.clone(), Arc::clone(&file.document), root)
        }
    };
    // An empty file says nothing; so does none.
    let mut root = root
        .filter(|root| !root.is_null())
        .unwrap_or_else(|| empty(&document));
    overrides::apply(&mut root, over, &mut out.faults);
    examine(&path, root, out, lookup)
}

fn empty(document: &Arc<Document>) -> Node {
    Node {
        span: Span::start(document),
        value: Value::Mapping(Vec::new()),
    }
}

fn unreadable<T>(path: &Path, document: &Arc<Document>, out: Out) -> Read<T> {
    Read {
        path: path.to_owned(),
        name: stem(path),
        root: empty(document),
        typed: None,
        out,
        version: version(document.text.as_bytes()),
    }
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Puts in, checks and types a tree.
fn examine<T: Kind>(path: &Path, mut root: Node, mut out: Out, lookup: &Lookup<'_>) -> Read<T> {
    tree::interpolate(&mut root, lookup, &mut out.faults);
    let (value, found) = check::check(&root, T::DEFINITION);
    out.faults.extend(found.faults);
    out.warnings.extend(found.warnings);
    out.pruned.extend(found.pruned);
    let mut typed = value.and_then(|value| make::<T>(value, &root, &mut out));
    if let Some(typed) = &mut typed {
        typed.check(&mut Report::new(&root, &mut out));
        if out.faults.is_empty() {
            typed.keep_redacted(dump(&root, T::DEFINITION));
        }
    }
    let name = root
        .get(T::NAME)
        .and_then(Node::as_text)
        .unwrap_or_else(|| stem(path));
    let mut content = Vec::new();
    canonical(&root, &mut content);
    Read {
        path: path.to_owned(),
        name,
        root,
        typed,
        out,
        version: version(&content),
    }
}

/// Makes the type. What its reader refuses although the schema let it pass is a fault, too.
fn make<T: Kind>(value: Json, root: &Node, out: &mut Out) -> Option<T> {
    match serde_path_to_error::deserialize(value) {
        Ok(typed) => Some(typed),
        Err(error) => {
            let mut pointer = String::new();
            for segment in error.path() {
                use serde_path_to_error::Segment;
                match segment {
                    Segment::Seq { index } => push_segment(&mut pointer, &index.to_string()),
                    Segment::Map { key } => push_segment(&mut pointer, key),
                    Segment::Enum { .. } | Segment::Unknown => {}
                }
            }
            // Where something was left out already, this may only be its echo. A message of the
            // reader may quote a value.
            if out.faults.is_empty() {
                let message = if interpolated(root.nearest(&pointer)) {
                    "the value that is put in here cannot be read".to_owned()
                } else {
                    error.inner().to_string()
                };
                out.faults
                    .push(root.nearest(&pointer).span.fault(&pointer, message));
            }
            None
        }
    }
}

fn interpolated(node: &Node) -> bool {
    match &node.value {
        Value::Scalar(scalar) => scalar.interpolated(),
        Value::Sequence(items) => items.iter().any(interpolated),
        Value::Mapping(entries) => entries.iter().any(|entry| interpolated(&entry.value)),
    }
}

fn version(content: &[u8]) -> String {
    Sha256::digest(content)
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The content without its writing: comments, quotes and the order of keys change nothing.
fn canonical(node: &Node, into: &mut Vec<u8>) {
    match &node.value {
        Value::Mapping(entries) => {
            let mut sorted: Vec<&Entry> = entries.iter().collect();
            sorted.sort_by(|a, b| a.key.cmp(&b.key));
            into.push(b'{');
            for entry in sorted {
                text(&entry.key, into);
                canonical(&entry.value, into);
            }
            into.push(b'}');
        }
        Value::Sequence(items) => {
            into.push(b'[');
            items.iter().for_each(|item| canonical(item, into));
            into.push(b']');
        }
        Value::Scalar(scalar) => match &scalar.kind {
            tree::Kind::Null => into.push(b'n'),
            tree::Kind::Bool(value) => into.push(if *value { b't' } else { b'f' }),
            tree::Kind::Number(number) => {
                into.push(b'#');
                text(&number.to_string(), into);
            }
            tree::Kind::String => text(&scalar.joined(), into),
        },
    }
}

fn text(text: &str, into: &mut Vec<u8>) {
    into.push(b'"');
    into.extend_from_slice(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
    into.extend_from_slice(text.as_bytes());
}
