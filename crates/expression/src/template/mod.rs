//! Text with expressions in it: `{{…}}`.

mod lookup;
mod parse;
mod place;
mod render;
mod url;

use std::fmt;

use serde_json::Value;

use crate::{Expression, Fault, Limits, Scope};
use lookup::Lookup;
pub use place::Place;
pub use render::{RenderFault, Rendered};

/// A text in which `{{…}}` stands for the value of an expression. Parsed once, rendered for many scopes.
#[derive(Clone)]
pub struct Template {
    source: String,
    parts: Vec<Part>,
    names: Names,
    limits: Limits,
}

#[derive(Clone, Debug)]
enum Part {
    Literal(String),
    Slot(Slot),
}

/// One `{{…}}`.
#[derive(Clone, Debug)]
struct Slot {
    /// Where the expression begins in the template, in bytes.
    offset: usize,
    /// Whether `/` passes in a path: `{{+ …}}`.
    slashes: bool,
    lookup: Option<Lookup>,
    expression: Expression,
    /// What it may read, for a message that names what is missing.
    paths: Vec<String>,
}

/// The top-level names that a template may read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    names: Vec<String>,
    all: bool,
    impure: bool,
}

impl Names {
    /// Whether it may read `name`.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.all || self.names.iter().any(|known| known == name)
    }

    /// The names it reads, sorted, each once.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Whether an expression may read every name (`$$`, `$lookup($, …)`).
    #[must_use]
    pub fn reads_all(&self) -> bool {
        self.all
    }

    /// Adds the names of another template.
    pub fn extend(&mut self, other: &Self) {
        self.names.extend(other.names.iter().cloned());
        self.names.sort_unstable();
        self.names.dedup();
        self.all |= other.all;
        self.impure |= other.impure;
    }

    /// Whether the value may differ from request to request: `request`, `now`, or the clock or chance of JSONata.
    #[must_use]
    pub fn per_request(&self) -> bool {
        self.impure || self.contains("request") || self.contains("now")
    }
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateFault {
    /// Where in the template, in bytes.
    pub offset: usize,
    /// JSONata's code for a faulty expression, or `S0203` for braces that are not closed, `S0207` for ones that hold
    /// nothing.
    pub code: String,
    /// What is wrong, in words.
    pub message: String,
}

impl Template {
    /// Parses a template and compiles its expressions.
    ///
    /// # Errors
    /// Braces that are not closed or hold nothing, and what [`Expression::compile`] refuses.
    pub fn parse(source: &str) -> Result<Self, TemplateFault> {
        let parts = parse::parts(source)?;
        let mut names = Names::default();
        for part in &parts {
            if let Part::Slot(slot) = part {
                names.extend(&slot.names());
            }
        }
        Ok(Self {
            source: source.to_owned(),
            parts,
            names,
            limits: Limits::default(),
        })
    }

    /// A template that is the text itself: braces in it mean nothing.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self {
            source: text.to_owned(),
            parts: match text {
                "" => Vec::new(),
                text => vec![Part::Literal(text.to_owned())],
            },
            names: Names::default(),
            limits: Limits::default(),
        }
    }

    /// Bounds each evaluation by other limits than the default.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The text that it was parsed from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The text, if no expression is in it.
    #[must_use]
    pub fn is_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The top-level names that its expressions may read.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The members that its expressions may read (`account.vars.host`), as far as is known.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.parts
            .iter()
            .flat_map(|part| match part {
                Part::Slot(slot) => slot.paths.as_slice(),
                Part::Literal(_) => &[],
            })
            .map(String::as_str)
    }

    /// Whether an expression in it does more than to look a name up.
    #[must_use]
    pub fn is_computed(&self) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part, Part::Slot(slot) if slot.lookup.is_none()))
    }

    /// Whether it must be rendered for each request: see [`Names::per_request`].
    #[must_use]
    pub fn per_request(&self) -> bool {
        self.names.per_request()
    }

    /// The value: that of the expression, with its type, if the template is one expression and nothing else; otherwise
    /// the text. `None` if an expression in it has no value.
    ///
    /// # Errors
    /// An expression that fails.
    pub fn value(&self, scope: &Scope<'_>) -> Result<Option<Value>, RenderFault> {
        if let [Part::Slot(slot)] = self.parts.as_slice() {
            return slot.value(scope, &self.limits);
        }
        Ok(match self.render(scope, Place::Raw)? {
            Rendered::Text(text) => Some(Value::String(text)),
            Rendered::Nothing { .. } => None,
        })
    }

    /// The text, each value escaped for `place`, or the names that lack a value.
    ///
    /// # Errors
    /// An expression that fails, or a value that `place` refuses.
    pub fn render(&self, scope: &Scope<'_>, place: Place) -> Result<Rendered, RenderFault> {
        render::render(&self.parts, scope, place, &self.limits)
    }
}

impl Slot {
    /// The value; `None` is nothing.
    fn value(&self, scope: &Scope<'_>, limits: &Limits) -> Result<Option<Value>, RenderFault> {
        if let Some(lookup) = &self.lookup
            && let Some(found) = lookup.find(scope)
        {
            return Ok(found.cloned());
        }
        self.expression
            .evaluate_scope(scope, limits)
            .map_err(|fault| self.failed(fault))
    }

    fn failed(&self, fault: Fault) -> RenderFault {
        RenderFault::Evaluation {
            names: self.paths.clone(),
            offset: self.offset + fault.offset(),
            fault,
        }
    }

    fn names(&self) -> Names {
        let source = self.expression.source();
        let mut names = Names {
            // Told apart by text alone: one that only looks so is rendered more often than it need be.
            impure: ["$now", "$millis", "$random", "$shuffle", "$eval"]
                .iter()
                .any(|name| source.contains(name)),
            ..Names::default()
        };
        match (&self.lookup, self.expression.paths()) {
            (Some(lookup), _) => names.names.push(lookup.root().to_owned()),
            (None, Some(paths)) => names.names.extend(
                paths
                    .iter()
                    .map(|path| path.split('.').next().unwrap_or(path).to_owned()),
            ),
            (None, None) => names.all = true,
        }
        names
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.source).finish()
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.is_literal() == other.is_literal()
    }
}
