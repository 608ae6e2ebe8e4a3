//! What an expression that cannot be compiled or evaluated says.

use serde::Serialize;

/// Why an expression did not compile, or an evaluation failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[error("{code}: {message}")]
pub struct Fault {
    /// JSONata's stable code: `S…` syntax, `T…` types, `D…` values, `U…` limits.
    pub code: String,
    /// What is wrong, in words. It may quote a value of the input.
    pub message: String,
    /// Where in the source, in UTF-16 units as JSONata counts them, mostly just after the token; 0 if not known.
    pub position: usize,
    /// The same place in bytes of the source, from and to, if known.
    #[serde(skip)]
    pub span: Option<(usize, usize)>,
}

/// A size was passed: of a source, an input, a text, a list or a result.
pub(crate) const TOO_LARGE: &str = "U1001";
/// A line is not the JSON that it should be.
pub(crate) const NOT_JSON: &str = "U2001";
/// The engine failed in itself.
pub(crate) const INTERNAL: &str = "U2004";

impl Fault {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            position: 0,
            span: None,
        }
    }

    /// The byte offset in the source at which the fault lies, 0 if not known.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.span.map_or(0, |(start, _)| start)
    }

    /// Whether a limit was passed, rather than that the expression or its input is wrong.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        matches!(
            self.code.as_str(),
            "D1011" | "D1012" | "U1001" | "U1003" | "U1006" | "D2014" | "D2015" | "D2016"
        )
    }
}
