//! The `when` of a rule, which `auth.rejected` and a wait's `if` speak, too.

use indexmap::IndexMap;

use super::text::{JsonataSource, Pattern, TimeSpec};

/// A test of an answer: every part that is given must hold.
#[derive(Debug, Clone, Default, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields, default)
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TestSpec {
    /// The status: one, a class such as `4xx`, or a list of them.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub status: Option<StatusSpec>,
    /// Header fields by name, case ignored; of a repeated field any value may hold.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "IndexMap::is_empty"))]
    pub header: IndexMap<String, ValueTest>,
    /// JSON pointers into the body, `*` being any element or member. Typed: `"606"` is not `606`.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "IndexMap::is_empty"))]
    pub body: IndexMap<String, ValueTest>,
    /// A regular expression on the first 64 KiB of the raw body.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub text: Option<Pattern>,
    /// Fields of an urlencoded body.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "IndexMap::is_empty"))]
    pub form: IndexMap<String, ValueTest>,
    /// A regular expression on the path of the request.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub path: Option<Pattern>,
    /// The test fails from this time on.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub until: Option<TimeSpec>,
    /// An expression over `{status, headers, body, request: {method, path}}`; the body is read
    /// for it if its text names `body`, `*` or the bare `$`. Holds if it yields `true`.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub jsonata: Option<JsonataSource>,
}

/// Statuses, any of which holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusSpec(pub Vec<StatusPattern>);

impl From<u16> for StatusSpec {
    fn from(code: u16) -> Self {
        Self(vec![StatusPattern::Code(code)])
    }
}

/// One status or a class of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusPattern {
    /// This status, 100 to 999.
    Code(u16),
    /// The hundred that begins with this digit, 1 to 9: `4xx`.
    Class(u8),
}

/// A value that a rule compares with.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// JSON's `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number; `606` and `606.0` are the same one.
    Number(serde_json::Number),
    /// A text.
    Text(String),
}

/// A test of one value: a literal, a list of literals (any), or one of `{exists: bool}`,
/// `{regex: …}`, `{in: […]}`, `{num: {eq|lt|le|gt|ge: n}}`.
#[derive(Debug, Clone, PartialEq)]
pub enum ValueTest {
    /// Equal to one of them.
    AnyOf(Vec<Literal>),
    /// There, or not there.
    Exists(bool),
    /// A text (or the text of a number) that the expression finds something in.
    Regex(Pattern),
    /// A number within bounds; in a header or a form the text of one.
    Num(NumSpec),
}

impl From<&str> for ValueTest {
    fn from(text: &str) -> Self {
        Self::AnyOf(vec![Literal::Text(text.to_owned())])
    }
}

/// Bounds of a number; all that are given must hold.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields, default)
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NumSpec {
    /// Equal to.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub eq: Option<f64>,
    /// Less than.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub lt: Option<f64>,
    /// Less than or equal to.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub le: Option<f64>,
    /// Greater than.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub gt: Option<f64>,
    /// Greater than or equal to.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub ge: Option<f64>,
}
