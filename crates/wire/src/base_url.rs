//! The URL that requests go to, and how a raw target is put beneath it.

use std::fmt;
use std::net::Ipv6Addr;

use http::Uri;
use http::uri::{Authority, Parts, PathAndQuery, Scheme};

use crate::target::{MAX_TARGET, TargetError, check_path};

/// Why a text is no base URL. None of these repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BaseUrlError {
    /// Something else than `http://` or `https://` begins it.
    #[error("a base URL begins with http:// or https://")]
    Scheme,
    /// It carries a user name or password.
    #[error("a base URL has no user name or password")]
    Userinfo,
    /// It has a query.
    #[error("a base URL has no query")]
    Query,
    /// It has a fragment.
    #[error("a base URL has no fragment")]
    Fragment,
    /// The host is missing or is neither a name nor an IP address.
    #[error("the host of a base URL is a name or an IP address")]
    Host,
    /// The port is not a number from 1 to 65535.
    #[error("the port of a base URL is a number from 1 to 65535")]
    Port,
    /// The path is one that no request could have.
    #[error("the path of a base URL is unusable: {0}")]
    Path(#[from] TargetError),
}

/// Where a provider's requests go: scheme, host, port and the path beneath which they stay.
///
/// The path may end in a slash or not; it makes no difference for [`join`](Self::join) with a path.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    scheme: Scheme,
    authority: Authority,
    /// As given; `/` if nothing was.
    path: Box<str>,
}

impl BaseUrl {
    /// Reads an absolute `http` or `https` URL without user name, query or fragment.
    ///
    /// # Errors
    ///
    /// [`BaseUrlError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        let (scheme, rest) = split_scheme(text).ok_or(BaseUrlError::Scheme)?;
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return Err(BaseUrlError::Userinfo);
        }
        if path.contains('#') {
            return Err(BaseUrlError::Fragment);
        }
        if path.contains('?') {
            return Err(BaseUrlError::Query);
        }
        let authority = parse_authority(authority)?;
        check_path(path)?;
        let path = if path.is_empty() { "/" } else { path };
        path_and_query(path.to_owned())?;
        Ok(Self {
            scheme,
            authority,
            path: path.into(),
        })
    }

    /// The URL of a raw `tail`: a path with its leading slash and perhaps a query, a query alone
    /// with its `?`, or nothing.
    ///
    /// The tail's bytes follow the base's path as they came: percent-encoding in either case,
    /// doubled slashes, `;`, `+`, an empty `?`. The result has the base's scheme, host and port,
    /// and a path that begins with the base's.
    ///
    /// # Errors
    ///
    /// What [`check_path`] refuses, a path without its slash, characters that no target has, and
    /// more than [`MAX_TARGET`] bytes.
    pub fn join(&self, tail: &str) -> Result<Uri, TargetError> {
        check_path(tail)?;
        let under = match tail.as_bytes().first() {
            None | Some(b'?') => &*self.path,
            Some(b'/') => self.trimmed(),
            Some(_) => return Err(TargetError::Malformed),
        };
        let mut joined = String::with_capacity(under.len() + tail.len());
        joined.push_str(under);
        joined.push_str(tail);
        let mut parts = Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path_and_query(joined)?);
        Uri::from_parts(parts).map_err(|_| TargetError::Malformed)
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &str {
        self.scheme.as_str()
    }

    /// The host without its port, an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        self.authority.host()
    }

    /// The port, 80 or 443 if none was given.
    pub fn port(&self) -> u16 {
        let habit = if self.is_https() { 443 } else { 80 };
        self.authority.port_u16().unwrap_or(habit)
    }

    /// Host and port as they were given.
    pub fn authority(&self) -> &str {
        self.authority.as_str()
    }

    /// The path as it was given, `/` if none was.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether requests go over TLS.
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// The path without its last slash: empty for the root.
    pub(crate) fn trimmed(&self) -> &str {
        self.path.strip_suffix('/').unwrap_or(&self.path)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.path)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BaseUrl").field(&self.to_string()).finish()
    }
}

fn split_scheme(text: &str) -> Option<(Scheme, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    if scheme.eq_ignore_ascii_case("https") {
        Some((Scheme::HTTPS, rest))
    } else if scheme.eq_ignore_ascii_case("http") {
        Some((Scheme::HTTP, rest))
    } else {
        None
    }
}

fn parse_authority(text: &str) -> Result<Authority, BaseUrlError> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']').ok_or(BaseUrlError::Host)?;
            address
                .parse::<Ipv6Addr>()
                .map_err(|_| BaseUrlError::Host)?;
            (None, after)
        }
        None => {
            let end = text.find(':').unwrap_or(text.len());
            let (host, after) = text.split_at(end);
            (Some(host), after)
        }
    };
    if !host.is_none_or(is_host_name) {
        return Err(BaseUrlError::Host);
    }
    if !port.is_empty() {
        let digits = port.strip_prefix(':').ok_or(BaseUrlError::Host)?;
        let number = digits.bytes().all(|b| b.is_ascii_digit());
        if !number || !digits.parse::<u16>().is_ok_and(|port| port > 0) {
            return Err(BaseUrlError::Port);
        }
    }
    text.parse().map_err(|_| BaseUrlError::Host)
}

/// Letters, digits, `-`, `_` and single dots: names as they stand in the DNS, dotted IPv4, too.
fn is_host_name(host: &str) -> bool {
    let absolute = host.strip_suffix('.').unwrap_or(host);
    !absolute.is_empty()
        && host.len() <= 254
        && absolute.split('.').all(|label| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        })
}

/// A fragment must have been looked for before: this type would drop it silently.
pub(crate) fn path_and_query(text: String) -> Result<PathAndQuery, TargetError> {
    if text.len() > MAX_TARGET {
        return Err(TargetError::TooLong);
    }
    PathAndQuery::try_from(text).map_err(|_| TargetError::Malformed)
}
