#![doc = include_str!("../README.md")]

/// A provider's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The provider's name, and that of its file without `.yaml`.
    pub name: &'static str,
    /// The file, YAML.
    pub text: &'static str,
}

// Every file of `providers/`, by name: to add a provider is to add its file.
const ENTRIES: &[Entry] = include!(concat!(env!("OUT_DIR"), "/entries.rs"));

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
