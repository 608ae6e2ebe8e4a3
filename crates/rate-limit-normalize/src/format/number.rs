//! Plain numbers: decimals, epochs, and telling one from the other.

use super::{Moment, SECOND};

/// An epoch further off than this from now is none: it is read as a delta.
const NEAR: i128 = 366 * 24 * 60 * 60 * 1_000_000_000;

/// `digits[.digits]` in units of `unit` nanoseconds, without sign, exponent or float arithmetic
/// (`Duration::from_secs_f64` panics on what a server may send). Saturates.
pub(super) fn decimal(text: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !fraction.is_none_or(digits) {
        return None;
    }
    let number = |text: &str| {
        text.bytes().fold(0_u128, |sum, digit| {
            sum.saturating_mul(10)
                .saturating_add(u128::from(digit - b'0'))
        })
    };
    // A unit is at most a day: 18 digits of fraction are finer than a nanosecond and never overflow.
    let fraction = fraction.unwrap_or("");
    let fraction = fraction.get(..18).unwrap_or(fraction);
    let scale = fraction.bytes().fold(1_u128, |scale, _| scale * 10);
    let part = number(fraction) * unit / scale;
    Some(number(whole).saturating_mul(unit).saturating_add(part))
}

pub(super) fn epoch(nanos: u128) -> Moment {
    Moment::At(i128::try_from(nanos).unwrap_or(i128::MAX))
}

/// Seconds to wait, unless the number can only be an epoch: of 1e12 or more one in milliseconds, of
/// 1e9 or more one in seconds, if that lies within 366 days of now.
pub(super) fn delta_or_epoch(text: &str, now: i128) -> Option<Moment> {
    let seconds = decimal(text, SECOND)?;
    let near = |nanos: u128| {
        i128::try_from(nanos)
            .ok()
            .filter(|time| (time.saturating_sub(now)).abs() <= NEAR)
            .map(Moment::At)
    };
    let from = |limit: u128| seconds >= limit * SECOND;
    let millis = from(1_000_000_000_000).then(|| near(seconds / 1_000));
    let epoch = from(1_000_000_000).then(|| near(seconds));
    millis
        .flatten()
        .or(epoch.flatten())
        .or(Some(Moment::After(seconds)))
}
