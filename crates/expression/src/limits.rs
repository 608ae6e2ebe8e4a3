//! The bounds of one evaluation.

use std::time::Duration;

/// The bounds of one evaluation. Passing one fails that evaluation alone, with a stable code.
///
/// ```
/// use leeward_expression::Limits;
///
/// let limits = Limits { steps: 10_000, ..Limits::from_memory(16 << 20) };
/// assert_eq!(limits.result, 2 << 20);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Wall-clock time, looked at every 256 steps. Default 250 ms. `D1012`.
    pub time: Duration,
    /// Steps: nodes evaluated and functions called back; the same on each machine. Default 2,000,000. `U1006`.
    pub steps: u64,
    /// Levels of nested evaluation; a recursive function takes about three for each call. Default 1,000. `D1011`.
    pub depth: usize,
    /// Bytes of a string that the evaluation builds. Default 4 MiB. `U1001`.
    pub text: usize,
    /// Items of a list that the evaluation builds. Default 262,144. `U1001`.
    pub list: usize,
    /// Bytes of the result as compact JSON, and of the arguments of a host function. Default 8 MiB. `U1001`.
    pub result: usize,
    /// Bytes, about, of the input and the bindings together as compact JSON. Default 16 MiB. `U1001`.
    pub input: usize,
}

/// The memory from which the defaults are derived, in bytes.
const DEFAULT_MEMORY: usize = 64 << 20;

impl Limits {
    /// The default limits, with those on sizes derived from a memory in bytes: a text may take a sixteenth of it, the
    /// result an eighth, the input a quarter, and each item of a list is reckoned as 256 bytes.
    #[must_use]
    pub const fn from_memory(bytes: usize) -> Self {
        Self {
            time: Duration::from_millis(250),
            steps: 2_000_000,
            depth: 1_000,
            text: bytes / 16,
            list: bytes / 256,
            result: bytes / 8,
            input: bytes / 4,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::from_memory(DEFAULT_MEMORY)
    }
}
