//! What the names of a template stand for.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

/// What the names of a template stand for: `account`, `credentials`, `client`, `token`, `refresh_token`, `steps`,
/// `request`, `now` in a provider's templates, others elsewhere. Values are borrowed; a name left out is nothing.
///
/// `Debug` shows the names alone, for values may be secrets.
#[derive(Clone, Default)]
pub struct Scope<'a> {
    entries: Vec<(&'a str, Cow<'a, Value>)>,
    now: Option<i64>,
}

impl<'a> Scope<'a> {
    /// No name has a value.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives `name` a value.
    #[must_use]
    pub fn with(self, name: &'a str, value: &'a Value) -> Self {
        self.put(name, Cow::Borrowed(value))
    }

    /// Gives `name` a value made for this scope.
    #[must_use]
    pub fn with_owned(self, name: &'a str, value: Value) -> Self {
        self.put(name, Cow::Owned(value))
    }

    /// Gives `now` the time in milliseconds since 1970, which `$now()` and `$millis()` tell, too.
    #[must_use]
    pub fn at(mut self, millis: i64) -> Self {
        self.now = Some(millis);
        self.with_owned("now", Value::from(millis))
    }

    /// The members of an object as names; anything else gives no name a value.
    #[must_use]
    pub fn of(object: &'a Value) -> Self {
        let mut scope = Self::new();
        if let Value::Object(members) = object {
            scope.entries = members
                .iter()
                .map(|(name, value)| (name.as_str(), Cow::Borrowed(value)))
                .collect();
        }
        scope
    }

    fn put(mut self, name: &'a str, value: Cow<'a, Value>) -> Self {
        match self.entries.iter_mut().find(|(known, _)| *known == name) {
            Some(entry) => entry.1 = value,
            None => self.entries.push((name, value)),
        }
        self
    }

    /// What `name` stands for.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let (_, value) = self.entries.iter().find(|(known, _)| *known == name)?;
        Some(value)
    }

    /// All names with their values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(name, value)| (*name, &**value))
    }

    pub(crate) fn clock(&self) -> Option<i64> {
        self.now
    }
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.entries.iter().map(|(name, _)| name))
            .finish()
    }
}
