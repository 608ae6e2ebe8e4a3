//! Texts of the rule language that have a grammar of their own.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

/// Why a text of a rule cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SpecError(pub(crate) String);

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $format:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
        pub struct $name(pub String);

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "format": $format})
            }
        }
    };
}

text! {
    /// A regular expression in the syntax of the `regex` crate: linear in time, so without
    /// look-around and back references.
    Pattern, "regex"
}
text! {
    /// A JSONata expression, compiled by the caller's [`Hooks`](crate::Hooks).
    JsonataSource, "expression"
}
text! {
    /// A JSON pointer (RFC 6901) in which the segment `*` stands for any element or member.
    Pointer, "json-pointer"
}

/// A length of time such as `250ms`, `90s`, `15m`, `24h`, `90d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DurationSpec(pub Duration);

impl FromStr for DurationSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let wrong = || {
            SpecError(format!(
                "`{}` is no duration: a whole number and one of ms, s, m, h, d, such as 90s",
                text.escape_debug()
            ))
        };
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at_checked(digits).ok_or_else(wrong)?;
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let millis = match unit {
            "ms" => Some(number),
            "s" => number.checked_mul(1_000),
            "m" => number.checked_mul(60_000),
            "h" => number.checked_mul(3_600_000),
            "d" => number.checked_mul(86_400_000),
            _ => None,
        };
        Ok(Self(Duration::from_millis(millis.ok_or_else(wrong)?)))
    }
}

/// An instant in RFC 3339, zone included, such as `2026-09-16T00:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSpec(pub SystemTime);

impl FromStr for TimeSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        text.parse::<jiff::Timestamp>()
            .map(|time| Self(time.into()))
            .map_err(|_| {
                SpecError(format!(
                    "`{}` is no time: RFC 3339 with its zone, such as 2026-09-16T00:00:00Z",
                    text.escape_debug()
                ))
            })
    }
}

macro_rules! parsed_text {
    ($name:ident, $schema:tt) => {
        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    };
}

parsed_text!(DurationSpec, {"type": "string", "format": "duration", "pattern": "^[0-9]+(ms|s|m|h|d)$"});
parsed_text!(TimeSpec, {"type": "string", "format": "date-time"});

#[cfg(feature = "serde")]
impl serde::Serialize for DurationSpec {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let millis = self.0.as_millis();
        let text = [
            (86_400_000, "d"),
            (3_600_000, "h"),
            (60_000, "m"),
            (1_000, "s"),
        ]
        .into_iter()
        .find(|(unit, _)| millis > 0 && millis.is_multiple_of(*unit))
        .map_or_else(
            || format!("{millis}ms"),
            |(unit, name)| format!("{}{name}", millis / unit),
        );
        to.serialize_str(&text)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for TimeSpec {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let time = jiff::Timestamp::try_from(self.0).map_err(serde::ser::Error::custom)?;
        to.collect_str(&time)
    }
}
