//! Names with dots alone are looked up without the engine.

use std::fmt;

use serde_json::Value;

use crate::Scope;

/// `account.vars.host`: a path of members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lookup(Vec<String>);

impl Lookup {
    /// The path, if `text` is one of plain names.
    pub(super) fn of(text: &str) -> Option<Self> {
        text.split('.')
            .map(|name| is_name(name).then(|| name.to_owned()))
            .collect::<Option<Vec<_>>>()
            .map(Self)
    }

    pub(super) fn root(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// The value that JSONata would find; the outer `None` if only the engine can tell: it maps over lists.
    pub(super) fn find<'s>(&self, scope: &'s Scope<'_>) -> Option<Option<&'s Value>> {
        let (root, members) = self.0.split_first()?;
        let Some(mut value) = scope.get(root) else {
            return Some(None);
        };
        for name in members {
            match value {
                Value::Object(object) => match object.get(name) {
                    Some(member) => value = member,
                    None => return Some(None),
                },
                Value::Array(_) => return None,
                _ => return Some(None),
            }
        }
        Some(Some(value))
    }
}

/// A name of letters, digits and `_` that means nothing else in JSONata.
fn is_name(name: &str) -> bool {
    const WORDS: [&str; 7] = ["and", "or", "in", "true", "false", "null", "function"];
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !WORDS.contains(&name)
}

impl fmt::Display for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}
