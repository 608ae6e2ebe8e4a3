//! Texts that mean something: compiled where they can be, hidden where they may be secret.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use leeward_expression::{Expression, Template};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, de};

macro_rules! string_schema {
    ($name:ident, $schema:tt) => {
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

macro_rules! template {
    ($(#[$doc:meta])* $name:ident, $format:literal) => {
        $(#[$doc])*
        ///
        /// `Debug` does not show it: it may hold what was put in from a secret.
        #[derive(Clone, PartialEq)]
        pub struct $name(pub Template);

        impl Deref for $name {
            type Target = Template;

            fn deref(&self) -> &Template {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                Template::parse(&text).map(Self).map_err(de::Error::custom)
            }
        }

        string_schema!($name, {"type": "string", "format": $format});
    };
}

template! {
    /// A text in which `{{…}}` may stand.
    Text, "template"
}
template! {
    /// An http(s) URL in which `{{…}}` may stand.
    UrlText, "url-template"
}
template! {
    /// A path, from its `/` on, in which `{{…}}` may stand.
    PathText, "path-template"
}

/// A compiled JSONata expression.
///
/// `Debug` does not show it: it may hold what was put in from a secret.
#[derive(Clone)]
pub struct Expr(pub Expression);

impl Deref for Expr {
    type Target = Expression;

    fn deref(&self) -> &Expression {
        &self.0
    }
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Expr(…)")
    }
}

impl Expr {
    /// An expression of ours. `None` cannot come of one that a test has compiled.
    pub(crate) fn known(source: &str) -> Option<Self> {
        Expression::compile(source).ok().map(Self)
    }
}

impl<'de> Deserialize<'de> for Expr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Expression::compile(&text)
            .map(Self)
            .map_err(de::Error::custom)
    }
}

string_schema!(Expr, {"type": "string", "format": "expression"});

/// A compiled regular expression (linear in time: without look-around and back references).
#[derive(Debug, Clone)]
pub struct Regexp(pub regex::Regex);

impl Deref for Regexp {
    type Target = regex::Regex;

    fn deref(&self) -> &regex::Regex {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Regexp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        regex::Regex::new(&text)
            .map(Self)
            .map_err(de::Error::custom)
    }
}

string_schema!(Regexp, {"type": "string", "format": "regex"});

/// A text that is never shown.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a text into hiding.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text.into())
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

string_schema!(Secret, {"type": "string", "minLength": 1, "writeOnly": true});

/// An HTTP method, in capitals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method(pub http::Method);

impl Deref for Method {
    type Target = http::Method;

    fn deref(&self) -> &http::Method {
        &self.0
    }
}

impl serde::Serialize for Method {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for Method {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map(Self).map_err(de::Error::custom)
    }
}

string_schema!(Method, {"type": "string", "format": "method"});

macro_rules! word {
    ($(#[$doc:meta])* $name:ident, $format:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        string_schema!($name, {"type": "string", "format": $format});
    };
}

word! {
    /// A name of 1 to 64 letters, digits and `._-`, no dot in front.
    Name, "name"
}
word! {
    /// `model/resource`, as `crm/contacts`.
    ResourceName, "resource-name"
}
word! {
    /// An account's id: 1 to 200 letters, digits and `._:@-`.
    AccountId, "account-id"
}
word! {
    /// A host name or IP address, without port.
    HostName, "host"
}
word! {
    /// A host name or IP address without port, `*.` before a name, or `*`.
    HostPattern, "host-pattern"
}
word! {
    /// The name of a header field, case ignored.
    HeaderName, "header-name"
}
