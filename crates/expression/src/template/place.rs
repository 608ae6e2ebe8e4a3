//! Where a value stands, and what it must become there.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Where the text of a template stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// Nothing is escaped and nothing refused.
    Raw,
    /// A path, or a segment of one: all but unreserved characters (RFC 3986, 2.3) are percent-encoded, `/` too unless
    /// the expression is `{{+ …}}`. A segment that is `.` or `..` is refused.
    PathSegment,
    /// The name or value of a query parameter: all but unreserved characters are percent-encoded.
    QueryValue,
    /// The name or value of a field in `application/x-www-form-urlencoded`.
    FormValue,
    /// Between the quotes of a JSON string.
    JsonString,
    /// Character data or an attribute's value in XML 1.0. Characters that it cannot hold are refused.
    XmlText,
    /// A host name: anything but `[A-Za-z0-9.-]`, and nothing at all, is refused.
    Host,
    /// A URL: host, path and query are each escaped as such. What begins it must yield `http://…` or `https://…`; one
    /// that begins with `/` is a path with a query.
    Url,
    /// The value of a header: control characters are refused.
    Header,
}

/// All but the unreserved characters of RFC 3986, 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const RESERVED_BUT_SLASH: &AsciiSet = &RESERVED.remove(b'/');
/// The set of the URL standard's form serializer, but for the space.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'*')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b' ');

/// Appends `value` to `out` as `place` needs it, or says why it cannot stand there. `slashes` lets `/` through in a path.
pub(super) fn escape(
    value: &str,
    place: Place,
    slashes: bool,
    out: &mut String,
) -> Result<(), &'static str> {
    match place {
        // A URL is escaped by the position within it, before this is asked.
        Place::Raw | Place::Url => out.push_str(value),
        Place::PathSegment if slashes => out.extend(utf8_percent_encode(value, RESERVED_BUT_SLASH)),
        Place::PathSegment | Place::QueryValue => out.extend(utf8_percent_encode(value, RESERVED)),
        Place::FormValue => {
            for piece in utf8_percent_encode(value, FORM) {
                out.extend(piece.chars().map(|c| if c == ' ' { '+' } else { c }));
            }
        }
        Place::JsonString => {
            let quoted = serde_json::Value::from(value).to_string();
            out.push_str(&quoted[1..quoted.len() - 1]);
        }
        Place::XmlText => xml(value, out)?,
        Place::Host => {
            if value.is_empty() {
                return Err("a host cannot be empty");
            }
            if !value.bytes().all(is_host) {
                return Err("a host holds only letters, digits, `.` and `-`");
            }
            out.push_str(value);
        }
        Place::Header => {
            if value.chars().any(char::is_control) {
                return Err("a header holds no control characters");
            }
            out.push_str(value);
        }
    }
    Ok(())
}

fn is_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-'
}

/// Escapes for character data and for both kinds of quotes; refuses what is no `Char` of XML 1.0.
fn xml(value: &str, out: &mut String) -> Result<(), &'static str> {
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Kept as they are: a parser would otherwise normalize them.
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            c if c < ' ' || c == '\u{FFFE}' || c == '\u{FFFF}' => {
                return Err("XML holds no control characters");
            }
            c => out.push(c),
        }
    }
    Ok(())
}

/// Whether a path, as a server may read it, climbs: a segment that is `.` or `..` once it is percent-decoded, `\` is
/// taken for `/`, and parameters after `;` are cut off.
pub(super) fn has_dot_segment(path: &str) -> bool {
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    decoded
        .split(['/', '\\'])
        .map(|segment| segment.split(';').next().unwrap_or(segment))
        .any(|segment| segment == "." || segment == "..")
}
