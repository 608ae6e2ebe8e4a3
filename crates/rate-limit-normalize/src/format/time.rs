//! Dates and clock times.

use jiff::fmt::temporal::DateTimeParser;

use super::number::decimal;
use super::{Moment, SECOND, nanos};

static ISO: DateTimeParser = DateTimeParser::new();

/// Any of the three dates of RFC 9110 section 5.6.7.
pub(crate) fn http_date(text: &str) -> Option<Moment> {
    let time = httpdate::parse_http_date(text).ok()?;
    Some(Moment::At(nanos(time)))
}

/// ISO 8601 with date, time and zone. jiff knows the calendar; what it would take beyond ISO (a
/// zone's name in brackets, a blank for the `T`) is left out first.
pub(super) fn iso8601(text: &str) -> Option<Moment> {
    let plain = |b: u8| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b':' | b'.' | b'T' | b'Z');
    if !text.bytes().all(plain) || !text.contains('T') {
        return None;
    }
    let time = ISO.parse_timestamp(text).ok()?;
    Some(Moment::At(time.as_nanosecond()))
}

/// .NET's `[d.]hh:mm:ss[.fraction]`, also without seconds.
pub(super) fn timespan(text: &str) -> Option<u128> {
    let mut parts = text.split(':');
    let (first, minutes) = (parts.next()?, parts.next()?);
    let (seconds, None) = (parts.next().unwrap_or("0"), parts.next()) else {
        return None;
    };
    let (days, hours) = first.split_once('.').unwrap_or(("0", first));
    let below = |text: &str, unit: u128, limit: u128| {
        decimal(text, unit).filter(|nanos| *nanos < limit * unit)
    };
    if [days, hours, minutes].iter().any(|part| part.contains('.')) {
        return None;
    }
    Some(
        decimal(days, 86_400 * SECOND)?
            .saturating_add(below(hours, 3_600 * SECOND, 24)?)
            .saturating_add(below(minutes, 60 * SECOND, 60)?)
            .saturating_add(below(seconds, SECOND, 60)?),
    )
}
