//! What can go wrong.

use thiserror::Error;

/// Why a cursor was not made or not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CursorError {
    /// It was changed, cut, made with another key, or made for another provider, account, resource or query. Which of
    /// these is not told, for it cannot be known.
    #[error("the cursor is not one of this list")]
    Foreign,
    /// The position is longer than a cursor can hold, 8 KiB.
    #[error("the position is longer than {} bytes", crate::cursor::MAX_POSITION)]
    TooLong,
    /// The system gave no random bytes for a key, or the cipher failed.
    #[error("no cursor can be sealed")]
    Seal,
}

/// Why the pages cannot be followed: the vendor's fault, or the description's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PagingError {
    /// A position came that was there before: to go on would be to go in circles.
    #[error("the vendor's next position came before: its pages go in circles")]
    Repeated,
    /// `more` is true, and there is no position to go on from.
    #[error("there is more, but no position to go on from")]
    NoPosition,
    /// `more` gave something that is neither true nor false.
    #[error("`more` gave {0}, which is neither true nor false")]
    More(&'static str),
    /// `next` gave something that is no position, or none that its parameter can hold.
    #[error("`next` gave {0}, which is no position")]
    Next(&'static str),
    /// The position is longer than a cursor can hold, 8 KiB.
    #[error(
        "the vendor's next position is longer than {} bytes",
        crate::cursor::MAX_POSITION
    )]
    TooLong,
    /// The number of the next record is too large to be counted.
    #[error("the next offset is too large")]
    Overflow,
}

pub(crate) fn kind(value: &serde_json::Value) -> &'static str {
    use serde_json::Value;
    match value {
        Value::Null => "null",
        Value::Bool(true) => "true",
        Value::Bool(false) => "false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
