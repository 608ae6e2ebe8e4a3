//! The rule language as plain types: what an author writes, before it is compiled.

mod rule;
mod test;
#[cfg(feature = "schema")]
mod test_schema;
#[cfg(feature = "serde")]
mod test_serde;
mod text;

pub use rule::{CalendarSpec, FallbackSpec, Format, Multi, Outcome, RuleSpec, WaitSpec, WaitUse};
pub use test::{Literal, NumSpec, StatusPattern, StatusSpec, TestSpec, ValueTest};
pub use text::{DurationSpec, JsonataSource, Pattern, Pointer, SpecError, TimeSpec};
