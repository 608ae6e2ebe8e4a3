#![doc = include_str!("../README.md")]

/// A provider's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The provider's name, and that of its file without `.yaml`.
    pub name: &'static str,
    /// The file, YAML.
    pub text: &'static str,
}

macro_rules! entries {
    ($($name:literal),+ $(,)?) => {
        &[$(Entry { name: $name, text: include_str!(concat!("../providers/", $name, ".yaml")) }),+]
    };
}

const ENTRIES: &[Entry] = entries!["github", "hubspot", "notion", "stripe"];

/// All of them, by name.
#[must_use]
pub const fn entries() -> &'static [Entry] {
    ENTRIES
}

/// The one of this name.
#[must_use]
pub fn entry(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.name == name)
}
