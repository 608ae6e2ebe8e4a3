//! Durations, sizes and shares as they are written in files.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The longest duration: a hundred years, far from where clocks overflow.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 86_400);

/// A duration: `250ms`, `90s`, `15m`, `24h`, `90d`, or several of them as `1h30m`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Period(pub Duration);

/// A number of bytes: `512B`, `64KiB`, `8MiB`, `1GiB`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Size(pub u64);

/// A share between 0 and 1, written as a percentage: `50%`, `99.99%`.
#[derive(Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct Percent(pub f64);

impl Period {
    /// So many milliseconds.
    #[must_use]
    pub const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// So many seconds.
    #[must_use]
    pub const fn secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }
}

impl Size {
    /// So many times 1,024 bytes.
    #[must_use]
    pub const fn kib(n: u64) -> Self {
        Self(n << 10)
    }

    /// So many times 1,048,576 bytes.
    #[must_use]
    pub const fn mib(n: u64) -> Self {
        Self(n << 20)
    }

    /// As a length of memory: what does not fit is the most that does.
    #[must_use]
    pub fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl Deref for Period {
    type Target = Duration;

    fn deref(&self) -> &Duration {
        &self.0
    }
}

impl From<Period> for Duration {
    fn from(period: Period) -> Self {
        period.0
    }
}

/// In nanoseconds.
const DURATION_UNITS: [(&str, u128); 5] = [
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];
const SIZE_UNITS: [(&str, u64); 7] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
];

/// Reads a duration.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || {
        let shown: String = text.chars().take(40).collect();
        format!("`{shown}` is no duration: write a number and `ms`, `s`, `m`, `h` or `d`, as `90s`")
    };
    let mut rest = text;
    let mut nanos = 0u128;
    let mut last = u128::MAX;
    if rest.is_empty() || text.len() > 64 {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let (number, behind) = split_number(rest);
        let unit_length = behind
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(behind.len());
        let (unit, next) = behind.split_at(unit_length);
        let (_, scale) = DURATION_UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(wrong)?;
        // Larger units come first, each once.
        if *scale >= last {
            return Err(wrong());
        }
        last = *scale;
        nanos = nanos.saturating_add(scaled(number, *scale).ok_or_else(wrong)?);
        rest = next;
    }
    u64::try_from(nanos)
        .ok()
        .map(Duration::from_nanos)
        .filter(|sum| *sum <= LONGEST)
        .ok_or_else(|| {
            let shown: String = text.chars().take(40).collect();
            format!("`{shown}` is longer than a hundred years")
        })
}

/// A decimal number of units, exactly; nothing below the unit of the result is kept.
fn scaled(number: &str, scale: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.len() > 18 || fraction.len() > 18 {
        return None;
    }
    let power = 10u128.pow(u32::try_from(fraction.len()).ok()?);
    let part = fraction.parse::<u128>().ok()? * scale / power;
    Some(whole.parse::<u128>().ok()? * scale + part)
}

/// Reads a size.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || {
        let shown: String = text.chars().take(40).collect();
        format!(
            "`{shown}` is no size: write a whole number and `B`, `KiB`, `MiB` or `GiB`, as `64KiB`"
        )
    };
    let (number, unit) = split_number(text);
    let (_, scale) = SIZE_UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(wrong)?;
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(*scale))
        .ok_or_else(wrong)
}

/// Reads a percentage as a share.
pub(crate) fn parse_percent(text: &str) -> Result<f64, String> {
    let shown: String = text.chars().take(40).collect();
    let number = text
        .strip_suffix('%')
        .filter(|number| split_number(number) == (*number, ""));
    let Some(number) = number.and_then(|number| number.parse::<f64>().ok()) else {
        return Err(format!("`{shown}` is no percentage: write it as `50%`"));
    };
    if !(0.0..=100.0).contains(&number) {
        return Err(format!(
            "`{shown}` is out of range: between `0%` and `100%`"
        ));
    }
    Ok(number / 100.0)
}

/// Digits with at most one dot, and what stands behind them.
fn split_number(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    text.split_at(end)
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        for (unit, scale) in [
            ("d", 86_400_000),
            ("h", 3_600_000),
            ("m", 60_000),
            ("s", 1_000),
        ] {
            // `90s` rather than `1m30s`, `24h` rather than `1d`.
            let tidy = millis.is_multiple_of(scale)
                && millis >= scale
                && (unit != "d" || millis > 2 * scale);
            if tidy {
                return write!(f, "{}{unit}", millis / scale);
            }
        }
        write!(f, "{millis}{}", if millis == 0 { "s" } else { "ms" })
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, scale) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
            if self.0.is_multiple_of(scale) && self.0 >= scale {
                return write!(f, "{}{unit}", self.0 / scale);
            }
        }
        write!(f, "{}B", self.0)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 0.9999 × 100 is not 99.99 in binary: six places are enough.
        let text = format!("{:.6}", self.0 * 100.0);
        write!(f, "{}%", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

macro_rules! unit {
    ($name:ident, $parse:ident, $format:literal, $example:literal) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                $parse(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                $parse(&text).map(Self).map_err(de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "format": $format, "examples": [$example]})
            }
        }
    };
}

unit!(Period, parse_duration, "duration", "90s");
unit!(Size, parse_size, "size", "64KiB");
unit!(Percent, parse_percent, "percent", "50%");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations() {
        for (text, millis) in [
            ("250ms", 250),
            ("90s", 90_000),
            ("15m", 900_000),
            ("24h", 86_400_000),
            ("90d", 7_776_000_000),
            ("1h30m", 5_400_000),
            ("1.5s", 1_500),
            ("0s", 0),
        ] {
            assert_eq!(
                parse_duration(text).map(|d| d.as_millis()),
                Ok(millis),
                "{text}"
            );
        }
        for text in [
            "",
            "90",
            "s",
            "90 s",
            "-1s",
            "1s1s",
            "1s1m",
            "1e9d",
            "99999999d",
            "1.s",
            ".5s",
            "1..5s",
            "１s",
            "NaNs",
            "1S",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_and_shares() {
        assert_eq!(parse_size("64KiB"), Ok(65_536));
        assert_eq!(parse_size("8MiB"), Ok(8 << 20));
        assert_eq!(parse_size("1KB"), Ok(1_000));
        for text in [
            "",
            "64",
            "64kib",
            "1.5MiB",
            "-1B",
            "99999999999999999999B",
            "18446744073709551615GiB",
        ] {
            assert!(parse_size(text).is_err(), "{text}");
        }
        assert_eq!(parse_percent("50%"), Ok(0.5));
        assert_eq!(
            Percent(parse_percent("99.99%").unwrap()).to_string(),
            "99.99%"
        );
        for text in ["", "50", "101%", "-1%", "%", "NaN%", "inf%", "1e1%"] {
            assert!(parse_percent(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(millis in 0u64..10_000_000_000_000, bytes: u64) {
            let period = Period::millis(millis.min(3_000_000_000_000));
            prop_assert_eq!(parse_duration(&period.to_string()), Ok(period.0));
            prop_assert_eq!(parse_size(&Size(bytes).to_string()), Ok(bytes));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = (parse_duration(&text), parse_size(&text), parse_percent(&text));
        }
    }
}
