//! When a token is over, told in whatever form.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::DATE;
use serde_json::Value;

/// No lifetime is longer: 100 years.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 86_400);
/// A `Date` further off than this says more about the sender's clock than about the time.
const CREDIBLE: Duration = Duration::from_secs(86_400);

/// A lifetime in seconds, a number or a text of one; zero, negative or endless ones count as not told.
pub(crate) fn seconds(value: &Value) -> Option<Duration> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    positive(seconds)
}

fn positive(seconds: f64) -> Option<Duration> {
    if !seconds.is_finite() || seconds <= 0.0 {
        return None;
    }
    // Bounded first: the conversion fails on what a server may send.
    let seconds = seconds.min(LONGEST.as_secs_f64());
    Duration::try_from_secs_f64(seconds).ok()
}

/// A point in time: from 10¹² a number is milliseconds since 1970, from 10⁹ seconds, below that seconds from now; a text
/// is such a number, ISO 8601 with its zone, or an HTTP date.
pub(crate) fn instant(value: &Value, now: SystemTime) -> Option<SystemTime> {
    match value {
        Value::Number(number) => number_instant(number.as_f64()?, now),
        Value::String(text) => {
            let text = text.trim();
            if let Ok(number) = text.parse() {
                return number_instant(number, now);
            }
            if let Ok(stamp) = text.parse::<jiff::Timestamp>() {
                return Some(stamp.into());
            }
            httpdate::parse_http_date(text).ok()
        }
        _ => None,
    }
}

fn number_instant(number: f64, now: SystemTime) -> Option<SystemTime> {
    let (from, seconds) = if number >= 1e12 {
        (UNIX_EPOCH, number / 1_000.0)
    } else if number >= 1e9 {
        (UNIX_EPOCH, number)
    } else {
        (now, number)
    };
    // Cut to 100 years: a time after 2070 is as good as none.
    from.checked_add(positive(seconds)?)
}

/// How long from `sent_at` until a time that the server told by its own clock: measured from the answer's `Date` where
/// that is credible. `None` if it has passed.
pub(crate) fn until(at: SystemTime, headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let left = at.duration_since(server_time(headers, now)).ok()?;
    (!left.is_zero()).then_some(left.min(LONGEST))
}

/// The time by the server's clock when it answered, or `now`.
pub(crate) fn server_time(headers: &HeaderMap, now: SystemTime) -> SystemTime {
    let date = headers
        .get(DATE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| httpdate::parse_http_date(value).ok());
    date.filter(|date| {
        let off = date
            .duration_since(now)
            .unwrap_or_else(|early| early.duration());
        off <= CREDIBLE
    })
    .unwrap_or(now)
}

/// The `exp` of a JWT (RFC 7519, 4.1.4), read without checking its signature: it is only ours to send.
pub(crate) fn jwt_expiry(token: &str) -> Option<SystemTime> {
    let mut parts = token.split('.');
    let (_, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    let seconds = positive(claims.get("exp")?.as_f64()?)?;
    UNIX_EPOCH.checked_add(seconds)
}

/// `time + distance`, cut to 100 years.
pub(crate) fn after(time: SystemTime, distance: Duration) -> SystemTime {
    time.checked_add(distance.min(LONGEST)).unwrap_or(time)
}
