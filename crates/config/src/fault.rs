//! What is wrong, and where.

use thiserror::Error;

/// A fault (or a warning) at a place in a file. Displays as `file:line:column: message`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct Fault {
    /// The file as it was named when it was read, or `--set KEY` for an override.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong and how to mend it. Never holds a secret's value.
    pub message: String,
    /// JSON pointer (RFC 6901) of the place inside the document.
    pub pointer: String,
}

/// The most faults of one step over one file that are said: who has more mends the first ones first.
pub(crate) const MAX_FAULTS: usize = 1000;

/// Orders faults by place and takes doubles away.
pub(crate) fn tidy(faults: &mut Vec<Fault>) {
    faults.sort();
    faults.dedup_by(|a, b| {
        (&a.file, a.line, a.column, &a.message) == (&b.file, b.line, b.column, &b.message)
    });
}
