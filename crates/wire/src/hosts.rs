//! Which hosts a configuration allows.

use std::net::IpAddr;

/// Why a text is no pattern for hosts. None of these repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostPatternError {
    /// It is empty or has an empty label.
    #[error("a host pattern is a name, `*.` and a name, an IP address, or `*`")]
    Empty,
    /// It has a scheme, a port, a path or a user name.
    #[error("a host pattern has no scheme, port or path")]
    NotAHost,
    /// A `*` stands elsewhere than at its beginning, before a dot.
    #[error("`*` in a host pattern stands for whole labels at its beginning: `*.example.com`")]
    Wildcard,
}

/// How a host is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// A pattern is that host, letter by letter.
    InFull,
    /// Only a pattern with `*` covers it.
    ByWildcard,
    /// No pattern covers it.
    No,
}

/// A list of allowed hosts: exact names, `*.example.com` for all names beneath one (any depth, not
/// the name itself), exact IP addresses, and `*` for everything.
///
/// Names are compared without regard to case, to a trailing dot, and to ports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct HostPatterns {
    names: Vec<Box<str>>,
    addresses: Vec<IpAddr>,
    /// With the leading dot.
    beneath: Vec<Box<str>>,
    any: bool,
}

impl HostPatterns {
    /// Reads patterns; of none, none is allowed.
    ///
    /// # Errors
    ///
    /// [`HostPatternError`] of the first that is no pattern.
    pub fn new<P: AsRef<str>>(
        patterns: impl IntoIterator<Item = P>,
    ) -> Result<Self, HostPatternError> {
        let mut list = Self::default();
        for pattern in patterns {
            list.push(pattern.as_ref())?;
        }
        Ok(list)
    }

    /// `*`: every host, by wildcard.
    pub fn any() -> Self {
        Self {
            any: true,
            ..Self::default()
        }
    }

    /// Adds one more pattern.
    ///
    /// # Errors
    ///
    /// [`HostPatternError`] if it is no pattern.
    pub fn push(&mut self, pattern: &str) -> Result<(), HostPatternError> {
        if pattern == "*" {
            self.any = true;
        } else if let Some(name) = pattern.strip_prefix("*.") {
            let mut beneath = String::from(".");
            beneath.push_str(&lower_name(name)?);
            self.beneath.push(beneath.into());
        } else if let Some(address) = as_address(pattern) {
            self.addresses.push(address);
        } else {
            self.names.push(lower_name(pattern)?.into());
        }
        Ok(())
    }

    /// How `host` is allowed: a name, or an IP address with or without brackets, without a port.
    pub fn matches(&self, host: &str) -> Match {
        let (in_full, beneath) = match as_address(host) {
            Some(address) => (self.addresses.contains(&address), false),
            None => {
                let host = without_dot(host);
                (
                    self.names
                        .iter()
                        .any(|name| name.eq_ignore_ascii_case(host)),
                    self.beneath.iter().any(|dotted| is_beneath(host, dotted)),
                )
            }
        };
        if in_full {
            Match::InFull
        } else if beneath || self.any {
            Match::ByWildcard
        } else {
            Match::No
        }
    }
}

/// Whether `host` ends in `dotted` with at least one label before it.
fn is_beneath(host: &str, dotted: &str) -> bool {
    let (host, dotted) = (host.as_bytes(), dotted.as_bytes());
    host.len() > dotted.len()
        && host
            .get(host.len() - dotted.len()..)
            .is_some_and(|end| end.eq_ignore_ascii_case(dotted))
}

fn as_address(host: &str) -> Option<IpAddr> {
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    bare.parse().ok()
}

fn without_dot(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

fn lower_name(name: &str) -> Result<String, HostPatternError> {
    let name = without_dot(name);
    if name.contains('*') {
        return Err(HostPatternError::Wildcard);
    }
    let of_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if !name.bytes().all(of_name) {
        return Err(HostPatternError::NotAHost);
    }
    if name.split('.').any(str::is_empty) {
        return Err(HostPatternError::Empty);
    }
    Ok(name.to_ascii_lowercase())
}
