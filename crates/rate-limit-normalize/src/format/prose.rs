//! Numbers with units: `6m0s`, `9 minutes`.

use super::SECOND;
use super::number::decimal;

const MINUTE: u128 = 60 * SECOND;
const HOUR: u128 = 60 * MINUTE;
const DAY: u128 = 24 * HOUR;

/// Splits the number off the front.
fn number(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    text.split_at(end)
}

/// Splits the letters off the front.
fn letters(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    text.split_at(end)
}

/// Numbers that each have a unit, without blanks, added up: Go's durations and those of protobuf.
pub(super) fn duration(text: &str) -> Option<u128> {
    let (mut rest, mut sum) = (text, 0_u128);
    while !rest.is_empty() {
        let (value, after) = number(rest);
        let (unit, after) = letters(after);
        let unit = match unit {
            "ns" => 1,
            "us" => SECOND / 1_000_000,
            "ms" => SECOND / 1_000,
            "s" => SECOND,
            "m" => MINUTE,
            "h" => HOUR,
            "d" => DAY,
            _ => return None,
        };
        sum = sum.saturating_add(decimal(value, unit)?);
        rest = after;
    }
    (!text.is_empty()).then_some(sum)
}

/// Numbers and English units, added up: `9 minutes`, `1 hour and 5 minutes`.
pub(super) fn words(text: &str) -> Option<u128> {
    let (mut rest, mut sum) = (text, 0_u128);
    while !rest.is_empty() {
        let (value, after) = number(rest);
        let (unit, after) = letters(after.trim_start());
        let unit = match unit.to_ascii_lowercase().as_str() {
            "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => SECOND / 1_000,
            "s" | "sec" | "secs" | "second" | "seconds" => SECOND,
            "m" | "min" | "mins" | "minute" | "minutes" => MINUTE,
            "h" | "hr" | "hrs" | "hour" | "hours" => HOUR,
            "d" | "day" | "days" => DAY,
            _ => return None,
        };
        sum = sum.saturating_add(decimal(value, unit)?);
        rest = after.trim_start_matches([' ', ',']);
        if let Some(next) = rest.strip_prefix("and ") {
            rest = next.trim_start();
            if rest.is_empty() {
                return None;
            }
        }
    }
    (!text.is_empty()).then_some(sum)
}
