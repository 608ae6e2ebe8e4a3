//! From parts to text.

use serde_json::Value;

use super::lookup::Lookup;
use super::place::{Place, escape, has_dot_segment};
use super::url::UrlWriter;
use super::{Part, Slot};
use crate::{Fault, Limits, Scope};

/// What rendering gave.
#[derive(Clone, PartialEq, Eq)]
pub enum Rendered {
    /// The text.
    Text(String),
    /// An expression had no value: what the template stands in falls away, or is incomplete.
    Nothing {
        /// The names that have none, as far as is known (`credentials.api_key`).
        missing: Vec<String>,
    },
}

/// Shows what is missing, never the text, which may hold a secret.
impl std::fmt::Debug for Rendered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(…)"),
            Self::Nothing { missing } => {
                f.debug_struct("Nothing").field("missing", missing).finish()
            }
        }
    }
}

impl Rendered {
    /// The text, if there is one.
    #[must_use]
    pub fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Nothing { .. } => None,
        }
    }
}

/// Why a template cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderFault {
    /// An expression failed.
    #[error("{fault}")]
    Evaluation {
        /// The names that the expression may read.
        names: Vec<String>,
        /// Where in the template, in bytes.
        offset: usize,
        /// What failed.
        fault: Fault,
    },
    /// A value cannot stand in its place. The value itself is not told.
    #[error("{}: {reason}", names.join(", "))]
    Refused {
        /// The names that the expression may read; for a fault of the whole text, those of all its expressions.
        names: Vec<String>,
        /// Where in the template, in bytes.
        offset: usize,
        /// Why.
        reason: &'static str,
    },
}

impl RenderFault {
    /// The names whose values are at fault, as far as is known.
    #[must_use]
    pub fn names(&self) -> &[String] {
        match self {
            Self::Evaluation { names, .. } | Self::Refused { names, .. } => names,
        }
    }
}

pub(super) fn render(
    parts: &[Part],
    scope: &Scope<'_>,
    place: Place,
    limits: &Limits,
) -> Result<Rendered, RenderFault> {
    let mut values = Vec::new();
    let mut missing = Vec::new();
    for part in parts {
        if let Part::Slot(slot) = part {
            // Null is no text; "null" in a header would be a fault that nobody sees.
            match slot.value(scope, limits)?.filter(|value| !value.is_null()) {
                Some(value) => values.push(text(value)),
                None => {
                    for name in slot.missing(scope) {
                        if !missing.contains(&name) {
                            missing.push(name);
                        }
                    }
                }
            }
        }
    }
    if !missing.is_empty() {
        return Ok(Rendered::Nothing { missing });
    }
    let mut values = values.into_iter();
    let filled = parts.iter().map(|part| match part {
        Part::Literal(text) => Filled::Literal(text),
        Part::Slot(slot) => Filled::Value(slot, values.next().unwrap_or_default()),
    });
    let text = if place == Place::Url {
        url(parts, filled)?
    } else {
        flat(parts, filled, place)?
    };
    Ok(Rendered::Text(text))
}

enum Filled<'t> {
    Literal(&'t str),
    Value(&'t Slot, String),
}

fn flat<'t>(
    parts: &[Part],
    filled: impl Iterator<Item = Filled<'t>>,
    place: Place,
) -> Result<String, RenderFault> {
    let mut out = String::new();
    for part in filled {
        match part {
            Filled::Literal(text) => out.push_str(text),
            Filled::Value(slot, value) => escape(&value, place, slot.slashes, &mut out)
                .map_err(|reason| slot.refused(reason))?,
        }
    }
    if place == Place::PathSegment && has_dot_segment(&out) {
        return Err(refused(parts, "a path holds no segment `.` or `..`"));
    }
    Ok(out)
}

fn url<'t>(
    parts: &[Part],
    filled: impl Iterator<Item = Filled<'t>>,
) -> Result<String, RenderFault> {
    let mut writer = UrlWriter::new();
    for part in filled {
        match part {
            Filled::Literal(text) => writer
                .literal(text)
                .map_err(|reason| refused(parts, reason))?,
            Filled::Value(slot, value) => writer
                .value(&value, slot.slashes)
                .map_err(|reason| slot.refused(reason))?,
        }
    }
    writer.finish().map_err(|reason| refused(parts, reason))
}

fn refused(parts: &[Part], reason: &'static str) -> RenderFault {
    let names = parts.iter().flat_map(|part| match part {
        Part::Slot(slot) => slot.reads(),
        Part::Literal(_) => Vec::new(),
    });
    RenderFault::Refused {
        names: names.collect(),
        offset: 0,
        reason,
    }
}

impl Slot {
    fn refused(&self, reason: &'static str) -> RenderFault {
        RenderFault::Refused {
            names: self.reads(),
            offset: self.offset,
            reason,
        }
    }

    /// What to name as missing: of the members that it reads those without a value, or all of them.
    fn missing(&self, scope: &Scope<'_>) -> Vec<String> {
        let absent = |path: &String| {
            let found = Lookup::of(path).and_then(|lookup| lookup.find(scope).flatten().cloned());
            found.is_none_or(|value| value.is_null())
        };
        let mut reads = self.reads();
        if reads.iter().any(absent) {
            reads.retain(absent);
        }
        reads
    }

    /// The members that it reads, or the expression itself if that is not known.
    fn reads(&self) -> Vec<String> {
        if self.paths.is_empty() {
            vec![self.expression.source().to_owned()]
        } else {
            self.paths.clone()
        }
    }
}

/// A value as text: a string itself, anything else as compact JSON.
fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
