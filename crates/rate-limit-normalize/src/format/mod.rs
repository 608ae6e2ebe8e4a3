//! How vendors write a time: pure functions from a text to a [`Moment`].
//!
//! All of them take hostile text: at most 128 bytes of ASCII, exact decimal arithmetic in
//! nanoseconds that saturates in place of overflowing, and no float until the very end.

mod number;
mod prose;
mod time;

use std::time::{Duration, SystemTime};

use crate::spec::Format;

/// Nanoseconds in a second.
pub(crate) const SECOND: u128 = 1_000_000_000;

/// The most bytes of a text that is read as a time.
pub(crate) const MAX_TEXT: usize = 128;

/// What a text told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// So many nanoseconds from now.
    After(u128),
    /// This many nanoseconds after 1970 began (negative: before).
    At(i128),
}

impl Moment {
    /// The nanoseconds until then, if it lies in the future.
    pub(crate) fn wait_from(self, now: i128) -> Option<u128> {
        let wait = match self {
            Self::After(wait) => wait,
            Self::At(time) => u128::try_from(time.saturating_sub(now)).ok()?,
        };
        (wait > 0).then_some(wait)
    }
}

/// Nanoseconds since 1970 began.
pub(crate) fn nanos(time: SystemTime) -> i128 {
    let signed = |gap: Duration| i128::try_from(gap.as_nanos()).unwrap_or(i128::MAX);
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => signed(after),
        Err(before) => -signed(before.duration()),
    }
}

/// Nanoseconds as a [`Duration`], as long as one can be.
pub(crate) fn duration(nanos: u128) -> Duration {
    u64::try_from(nanos / SECOND).map_or(Duration::MAX, |seconds| {
        Duration::new(seconds, u32::try_from(nanos % SECOND).unwrap_or(0))
    })
}

/// The text that may be read as a time: trimmed, not empty, ASCII, at most 128 bytes.
pub(crate) fn readable(bytes: &[u8]) -> Option<&str> {
    let bytes = bytes.trim_ascii();
    let fits = !bytes.is_empty() && bytes.len() <= MAX_TEXT && bytes.is_ascii();
    fits.then_some(bytes)
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
}

/// Reads `text`; `now` (nanoseconds since 1970) tells an epoch from a delta.
pub(crate) fn read(format: Format, text: &str, now: i128) -> Option<Moment> {
    use number::decimal;
    const MILLI: u128 = SECOND / 1_000;
    match format {
        Format::Seconds => decimal(text, SECOND).map(Moment::After),
        Format::Millis => decimal(text, MILLI).map(Moment::After),
        Format::Minutes => decimal(text, 60 * SECOND).map(Moment::After),
        Format::EpochS => decimal(text, SECOND).map(number::epoch),
        Format::EpochMs => decimal(text, MILLI).map(number::epoch),
        Format::Http => number::delta_or_epoch(text, now).or_else(|| time::http_date(text)),
        Format::Iso8601 => time::iso8601(text),
        Format::Duration => prose::duration(text).map(Moment::After),
        Format::Words => prose::words(text).map(Moment::After),
        Format::Timespan => time::timespan(text).map(Moment::After),
        Format::Auto => number::delta_or_epoch(text, now)
            .or_else(|| time::iso8601(text))
            .or_else(|| time::http_date(text)),
    }
}

pub(crate) use time::http_date;

#[cfg(test)]
mod tests;
