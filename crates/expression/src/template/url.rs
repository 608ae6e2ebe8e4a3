//! The position within a URL, told by the text before it.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::Place;
use super::place::escape;

/// What may not stand raw in a URL, wherever.
const NEVER: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    Scheme,
    Authority,
    Path,
    Query,
    Fragment,
}

/// A URL being written.
#[derive(Debug)]
pub(super) struct UrlWriter {
    out: String,
    position: Position,
    /// Where the authority and the path begin.
    authority: usize,
    path: usize,
    path_end: Option<usize>,
}

impl UrlWriter {
    pub(super) fn new() -> Self {
        Self {
            out: String::new(),
            position: Position::Scheme,
            authority: 0,
            path: 0,
            path_end: None,
        }
    }

    /// Appends text that the template's author wrote.
    pub(super) fn literal(&mut self, text: &str) -> Result<(), &'static str> {
        let mut encoded = String::with_capacity(text.len());
        encoded.extend(utf8_percent_encode(text, NEVER));
        self.advance(&encoded);
        Ok(())
    }

    /// Appends a value, escaped for the position.
    pub(super) fn value(&mut self, value: &str, slashes: bool) -> Result<(), &'static str> {
        let place = match self.position {
            Position::Scheme if self.out.is_empty() => return self.beginning(value),
            Position::Scheme => return Err("a URL's scheme is part of its first value or literal"),
            Position::Authority => Place::Host,
            Position::Path => Place::PathSegment,
            Position::Query | Position::Fragment => Place::QueryValue,
        };
        let mut escaped = String::with_capacity(value.len());
        escape(value, place, slashes, &mut escaped)?;
        // What a value becomes never moves the position, except a `/` that was let through in a path.
        self.out.push_str(&escaped);
        Ok(())
    }

    /// A value that begins the URL must be the beginning of an http(s) URL with a host.
    fn beginning(&mut self, value: &str) -> Result<(), &'static str> {
        const NOT_HTTP: &str = "what begins a URL must be an http:// or https:// URL";
        let (scheme, rest) = value.split_once("://").ok_or(NOT_HTTP)?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return Err(NOT_HTTP);
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        if authority.is_empty() {
            return Err("a URL needs a host");
        }
        // With a port, or an IPv6 address in brackets; never with a user name.
        let known = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b);
        if !authority.bytes().all(known) {
            return Err("a host holds only letters, digits, `.` and `-`");
        }
        self.literal(value)
    }

    fn advance(&mut self, text: &str) {
        for c in text.chars() {
            self.out.push(c);
            match (self.position, c) {
                (Position::Scheme, '/') if self.out.ends_with("://") => {
                    self.position = Position::Authority;
                    self.authority = self.out.len();
                }
                (Position::Scheme, '/') if self.out.len() == 1 => {
                    self.position = Position::Path;
                    self.path = 0;
                }
                (Position::Authority, '/') => {
                    self.position = Position::Path;
                    self.path = self.out.len() - 1;
                }
                (Position::Authority | Position::Path, '?' | '#') => {
                    self.path_end = Some(self.out.len() - 1);
                    if self.position == Position::Authority {
                        self.path = self.out.len() - 1;
                    }
                    self.position = if c == '?' {
                        Position::Query
                    } else {
                        Position::Fragment
                    };
                }
                (Position::Query, '#') => self.position = Position::Fragment,
                _ => {}
            }
        }
    }

    /// The finished URL.
    pub(super) fn finish(self) -> Result<String, &'static str> {
        match self.position {
            Position::Scheme => return Err("a URL begins with http://, https:// or /"),
            Position::Authority if self.out.len() == self.authority => {
                return Err("a URL needs a host");
            }
            Position::Authority => return Ok(self.out),
            _ => {}
        }
        if self.authority > 0 && self.path == self.authority {
            return Err("a URL needs a host");
        }
        let path = self
            .out
            .get(self.path..self.path_end.unwrap_or(self.out.len()))
            .unwrap_or("");
        if super::place::has_dot_segment(path) {
            return Err("a path holds no segment `.` or `..`");
        }
        Ok(self.out)
    }
}
