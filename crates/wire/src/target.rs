//! The request target: the way in `/proxy/…`, and what no target may hold.

/// The longest target in bytes, path and query together: what [`http::Uri`] can hold.
pub const MAX_TARGET: usize = 65_534;

/// Why a request target is refused. None of these repeats the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The path is not `/proxy/…`.
    #[error("the path does not begin with /proxy/")]
    NotProxy,
    /// `/proxy/` with nothing behind it, or with `:base` alone.
    #[error("the path names no provider")]
    NoProvider,
    /// A provider or base has characters that no such name has.
    #[error("a provider or base in the path is not made of letters, digits, `-`, `_`, `.` and `~`")]
    BadName,
    /// A segment that is `.` or `..` in some spelling.
    #[error("the path has a `.` or `..` segment")]
    DotSegment,
    /// A raw backslash in the path: some servers take it for a slash.
    #[error("the path has a backslash")]
    Backslash,
    /// A raw control character or space.
    #[error("the target has a control character or a space")]
    Control,
    /// A `#`: a fragment is no part of a request target (RFC 9112, section 3.2).
    #[error("the target has a fragment")]
    Fragment,
    /// More than [`MAX_TARGET`] bytes.
    #[error("the target is longer than {MAX_TARGET} bytes")]
    TooLong,
    /// Anything else that no request target has, such as a raw `"`, or no leading slash.
    #[error("the target has a character that does not belong there")]
    Malformed,
}

/// A request target of the form `/proxy/{provider}[:{base}]/{path…}[?query]`, taken apart without
/// decoding or copying anything.
///
/// The parts are only taken apart: [`BaseUrl::join`](crate::BaseUrl::join) looks at the tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyTarget<'a> {
    /// The provider's name.
    pub provider: &'a str,
    /// The name of one of the provider's further bases.
    pub base: Option<&'a str>,
    /// What comes after the name, raw: the path with its leading `/` and the query with its `?`.
    /// Empty if nothing comes.
    pub tail: &'a str,
    /// What comes before the tail, `/proxy/{provider}[:{base}]`: where a `Location` leads back to.
    pub mount: &'a str,
}

impl<'a> ProxyTarget<'a> {
    /// Takes a raw path with its query apart.
    ///
    /// # Errors
    ///
    /// [`TargetError::NotProxy`], [`TargetError::NoProvider`] or [`TargetError::BadName`].
    pub fn parse(path_and_query: &'a str) -> Result<Self, TargetError> {
        const PREFIX: &str = "/proxy/";
        let Some(rest) = path_and_query.strip_prefix(PREFIX) else {
            return Err(match path_and_query.strip_prefix("/proxy") {
                Some("") => TargetError::NoProvider,
                Some(rest) if rest.starts_with('?') => TargetError::NoProvider,
                _ => TargetError::NotProxy,
            });
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (name, tail) = rest.split_at(end);
        let (provider, base) = match name.split_once(':') {
            Some((provider, base)) => (provider, Some(base)),
            None => (name, None),
        };
        if provider.is_empty() {
            return Err(TargetError::NoProvider);
        }
        if !is_name(provider) || !base.is_none_or(is_name) {
            return Err(TargetError::BadName);
        }
        let mount = path_and_query
            .get(..PREFIX.len() + end)
            .unwrap_or(path_and_query);
        Ok(Self {
            provider,
            base,
            tail,
            mount,
        })
    }
}

fn is_name(name: &str) -> bool {
    let of_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    !name.is_empty() && name != "." && name != ".." && name.bytes().all(of_name)
}

/// Checks a raw path, with or without its query, for what could lead out of the place it is put.
///
/// Refused are segments that are `.` or `..` once `%2e`, `%2f` and `%5c` are decoded (in either
/// case, mixed with their plain forms) and path parameters (`;` or `%3b` and what follows) are cut
/// off; backslashes; a fragment; and over path and query control characters and spaces. An encoded
/// slash or backslash passes otherwise, and a query may hold any dots and backslashes.
///
/// Decoding is done once, as RFC 3986 section 2.4 asks: `%252e` is the text `%2e`, not a dot.
///
/// # Errors
///
/// The first of the above that is found.
pub fn check_path(path: &str) -> Result<(), TargetError> {
    if path.bytes().any(|b| b.is_ascii_control() || b == b' ') {
        return Err(TargetError::Control);
    }
    if path.contains('#') {
        return Err(TargetError::Fragment);
    }
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    if path.contains('\\') {
        return Err(TargetError::Backslash);
    }
    if has_dot_segment(path.as_bytes()) {
        return Err(TargetError::DotSegment);
    }
    Ok(())
}

/// One segment of a path, as far as it matters whether it is `.` or `..`.
#[derive(Default)]
struct Segment {
    dots: u8,
    other: bool,
    parameters: bool,
}

impl Segment {
    fn push(&mut self, byte: u8) {
        match byte {
            b';' => self.parameters = true,
            _ if self.parameters => {}
            b'.' => self.dots = self.dots.saturating_add(1),
            _ => self.other = true,
        }
    }

    fn is_dots(&self) -> bool {
        !self.other && matches!(self.dots, 1 | 2)
    }
}

fn has_dot_segment(mut path: &[u8]) -> bool {
    let mut segment = Segment::default();
    while let Some((byte, rest)) = next_decoded(path) {
        path = rest;
        if matches!(byte, b'/' | b'\\') {
            if segment.is_dots() {
                return true;
            }
            segment = Segment::default();
        } else {
            segment.push(byte);
        }
    }
    segment.is_dots()
}

/// The next byte, with only those decoded that matter for segments.
fn next_decoded(path: &[u8]) -> Option<(u8, &[u8])> {
    let decoded = match path {
        [] => return None,
        [b'%', b'2', b'e' | b'E', rest @ ..] => (b'.', rest),
        [b'%', b'2', b'f' | b'F', rest @ ..] => (b'/', rest),
        [b'%', b'5', b'c' | b'C', rest @ ..] => (b'\\', rest),
        [b'%', b'3', b'b' | b'B', rest @ ..] => (b';', rest),
        [byte, rest @ ..] => (*byte, rest),
    };
    Some(decoded)
}
