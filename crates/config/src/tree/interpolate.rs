//! `${env:NAME}` and `${file:/path}` in any string; `$${env:` and `$${file:` are the literal text.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Kind, Node, Piece, Value, locate, push_segment};
use crate::fault::{Fault, MAX_FAULTS};

/// The largest file that may be put in.
pub(crate) const MAX_FILE: u64 = 1 << 20;

/// What a file held (or why it could not be read), and a digest of it.
type Held = (Result<String, String>, [u8; 32]);

/// Where what is put in comes from. Each file is read once.
pub(crate) struct Lookup<'a> {
    env: &'a dyn Fn(&str) -> Option<String>,
    files: RefCell<BTreeMap<PathBuf, Held>>,
}

impl<'a> Lookup<'a> {
    pub(crate) fn new(env: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            env,
            files: RefCell::new(BTreeMap::new()),
        }
    }

    /// The files that were asked for, whether there or not.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        self.files.borrow().keys().cloned().collect()
    }

    /// The same with a digest of what each held.
    pub(crate) fn digests(&self) -> Vec<(PathBuf, [u8; 32])> {
        self.files
            .borrow()
            .iter()
            .map(|(path, (_, digest))| (path.clone(), *digest))
            .collect()
    }

    fn value(&self, kind: &str, name: &str) -> Result<String, String> {
        match kind {
            "env" => {
                (self.env)(name).ok_or_else(|| format!("environment variable `{name}` is not set"))
            }
            _ => self.file(name),
        }
    }

    fn file(&self, name: &str) -> Result<String, String> {
        let path = Path::new(name);
        if !path.is_absolute() {
            return Err(format!("the path of `${{file:{name}}}` must be absolute"));
        }
        if let Some((known, _)) = self.files.borrow().get(path) {
            return known.clone();
        }
        let read = read_text(path, MAX_FILE);
        let digest = crate::load::digest_text(read.as_ref().ok());
        let text = read
            .map(|mut text| {
                // A file made with an editor or `echo` ends with a line break that nobody means.
                if text.ends_with('\n') {
                    text.pop();
                    if text.ends_with('\r') {
                        text.pop();
                    }
                }
                text
            })
            .map_err(|unread| format!("file `{name}` cannot be read: {}", unread.message));
        self.files
            .borrow_mut()
            .insert(path.to_owned(), (text.clone(), digest));
        text
    }
}

/// Why a file could not be read, and the place of it in the file (1:1 if it has none).
#[derive(Debug, Clone)]
pub(crate) struct Unread {
    pub(crate) message: String,
    pub(crate) at: (usize, usize),
}

impl From<String> for Unread {
    fn from(message: String) -> Self {
        Self {
            message,
            at: (1, 1),
        }
    }
}

/// A text file of at most `max` bytes.
pub(crate) fn read_text(path: &Path, max: u64) -> Result<String, Unread> {
    use std::io::Read as _;
    // A pipe would hold the opening until somebody writes.
    if !std::fs::metadata(path)
        .map_err(|error| reason(&error))?
        .is_file()
    {
        return Err("it is no regular file".to_owned().into());
    }
    let file = std::fs::File::open(path).map_err(|error| reason(&error))?;
    let mut bytes = Vec::new();
    file.take(max + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| reason(&error))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > max) {
        return Err(format!("it is larger than {max} bytes").into());
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error
            .as_bytes()
            .get(..error.utf8_error().valid_up_to())
            .unwrap_or_default();
        let valid = String::from_utf8_lossy(valid);
        let line = valid.matches('\n').count() + 1;
        let column = valid
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        Unread {
            message: "it is not UTF-8".to_owned(),
            at: (line, column),
        }
    })
}

pub(crate) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is none".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

/// Puts in what the strings of the tree ask for. What is put in is not looked at again.
pub(crate) fn interpolate(node: &mut Node, lookup: &Lookup<'_>, faults: &mut Vec<Fault>) {
    visit(node, lookup, faults, &mut String::new());
}

fn visit(node: &mut Node, lookup: &Lookup<'_>, faults: &mut Vec<Fault>, pointer: &mut String) {
    let length = pointer.len();
    match &mut node.value {
        Value::Sequence(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                push_segment(pointer, &index.to_string());
                visit(item, lookup, faults, pointer);
                pointer.truncate(length);
            }
        }
        Value::Mapping(entries) => {
            for entry in entries {
                push_segment(pointer, &entry.key);
                visit(&mut entry.value, lookup, faults, pointer);
                pointer.truncate(length);
            }
        }
        Value::Scalar(scalar) if scalar.kind == Kind::String && scalar.text.contains("${") => {
            let (pieces, wrong) = pieces(&scalar.text, lookup);
            // Each is looked for from the beginning of the text: the first few are enough.
            scalar.broken = !wrong.is_empty();
            let room = MAX_FAULTS.saturating_sub(faults.len()).min(20);
            for (at, message) in wrong.into_iter().take(room) {
                let mut fault = node.span.fault(pointer, message);
                (fault.line, fault.column) = locate(&node.span, scalar, at);
                faults.push(fault);
            }
            if pieces.len() != 1 || pieces.iter().any(|piece| piece.data || piece.at != 0) {
                scalar.pieces = Some(pieces);
            }
        }
        Value::Scalar(_) => {}
    }
}

/// Cuts a text into its own parts and what is put in between.
fn pieces(text: &str, lookup: &Lookup<'_>) -> (Vec<Piece>, Vec<(usize, String)>) {
    let mut pieces = Vec::new();
    let mut wrong = Vec::new();
    let mut begin = 0;
    let mut from = 0;
    while let Some(found) = text[from..].find("${").map(|at| from + at) {
        let rest = &text[found + 2..];
        let Some(kind) = ["env", "file"].into_iter().find(|kind| {
            rest.strip_prefix(kind)
                .is_some_and(|rest| rest.starts_with(':'))
        }) else {
            from = found + 2;
            continue;
        };
        if text[begin..found].ends_with('$') {
            // `$${env:`: one dollar falls away, the rest is text.
            push_text(&mut pieces, &text[begin..found - 1], begin);
            begin = found;
            from = found + 2;
            continue;
        }
        let name_at = found + 2 + kind.len() + 1;
        let Some(end) = text[name_at..].find('}').map(|at| name_at + at) else {
            wrong.push((found, format!("`${{{kind}:` has no closing `}}`")));
            break;
        };
        let name = &text[name_at..end];
        push_text(&mut pieces, &text[begin..found], begin);
        if name.is_empty() {
            wrong.push((found, format!("`${{{kind}:}}` names nothing")));
        } else {
            match lookup.value(kind, name) {
                Ok(value) => pieces.push(Piece {
                    text: value,
                    data: true,
                    at: found,
                }),
                Err(message) => wrong.push((found, message)),
            }
        }
        begin = end + 1;
        from = begin;
    }
    push_text(&mut pieces, &text[begin..], begin);
    (pieces, wrong)
}

fn push_text(pieces: &mut Vec<Piece>, text: &str, at: usize) {
    if !text.is_empty() {
        pieces.push(Piece {
            text: text.to_owned(),
            data: false,
            at,
        });
    }
}
