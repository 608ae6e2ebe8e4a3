//! What was read of a body.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

use crate::decode::decode;
use crate::media::codings;

/// The most bytes that a `text` test sees.
const TEXT: usize = 64 * 1024;

/// The most fields of a form that are read.
const FIELDS: usize = 1024;

/// How much more than what was read may come out of a compressed body.
const EXPANSION: usize = 16;

/// The beginning of a body, or all of it, parsed at most once however many rules and layers ask.
///
/// A clone is the same look. What was compressed is undone, a byte order mark is gone.
#[derive(Clone)]
pub struct Look {
    inner: Arc<Inner>,
}

struct Inner {
    raw: Bytes,
    complete: bool,
    json: OnceLock<Option<Value>>,
    form: OnceLock<Vec<(String, String)>>,
}

impl Look {
    /// A look at `raw`; `complete` says whether that is the whole body.
    pub fn new(raw: impl Into<Bytes>, complete: bool) -> Self {
        let raw: Bytes = raw.into();
        let raw = match raw.strip_prefix(b"\xEF\xBB\xBF") {
            Some(rest) => raw.slice(raw.len() - rest.len()..),
            None => raw,
        };
        Self {
            inner: Arc::new(Inner {
                raw,
                complete,
                json: OnceLock::new(),
                form: OnceLock::new(),
            }),
        }
    }

    /// A look at bytes as they were sent: undoes the content codings that `headers` name, to at
    /// most 16 times `limit` bytes. `None` if they are not what the headers say.
    pub fn decoded(headers: &HeaderMap, sent: Bytes, complete: bool, limit: usize) -> Option<Self> {
        let codings = codings(headers)?;
        if codings.is_empty() || sent.is_empty() {
            return Some(Self::new(sent, complete));
        }
        let decoded = decode(sent, complete, &codings, limit.saturating_mul(EXPANSION))?;
        Some(Self::new(decoded.bytes, decoded.complete))
    }

    /// The bytes.
    pub fn raw(&self) -> &Bytes {
        &self.inner.raw
    }

    /// Whether this is the whole body.
    pub fn is_complete(&self) -> bool {
        self.inner.complete
    }

    /// The whole body as JSON; `None` if it is none, was cut off, or is nested deeper than 128.
    pub fn json(&self) -> Option<&Value> {
        let parse = || {
            let whole = self.inner.complete && !self.inner.raw.is_empty();
            whole
                .then(|| serde_json::from_slice(&self.inner.raw).ok())
                .flatten()
        };
        self.inner.json.get_or_init(parse).as_ref()
    }

    /// The first 64 KiB.
    pub fn text(&self) -> &[u8] {
        self.inner.raw.get(..TEXT).unwrap_or(&self.inner.raw)
    }

    /// The whole body as `application/x-www-form-urlencoded` fields, whatever its type; empty if
    /// it was cut off.
    pub fn form(&self) -> &[(String, String)] {
        let parse = || {
            if !self.inner.complete {
                return Vec::new();
            }
            self.inner
                .raw
                .split(|b| *b == b'&')
                .filter(|field| !field.is_empty())
                .take(FIELDS)
                .map(|field| {
                    let equals = field.iter().position(|b| *b == b'=');
                    let (name, value) = field.split_at(equals.unwrap_or(field.len()));
                    (unescape(name), unescape(value.get(1..).unwrap_or_default()))
                })
                .collect()
        };
        self.inner.form.get_or_init(parse)
    }

    /// JSON, else text, else nothing: how an expression sees the body.
    pub(crate) fn value(&self) -> Option<Cow<'_, Value>> {
        self.json().map(Cow::Borrowed).or_else(|| {
            let text = std::str::from_utf8(self.text()).ok()?;
            let text = (self.inner.complete && !text.is_empty()).then_some(text)?;
            Some(Cow::Owned(Value::String(text.to_owned())))
        })
    }
}

/// Never prints what was in the body.
impl std::fmt::Debug for Look {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Look")
            .field("bytes", &self.inner.raw.len())
            .field("complete", &self.inner.complete)
            .finish_non_exhaustive()
    }
}

fn unescape(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let hex = |at: usize| {
            let digit = char::from(*after.get(at)?).to_digit(16)?;
            u8::try_from(digit).ok()
        };
        match (byte, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                rest = after.get(2..).unwrap_or_default();
            }
            (b'+', ..) => out.push(b' '),
            _ => out.push(*byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::Look;

    #[test]
    fn a_byte_order_mark_is_gone() {
        let look = Look::new("\u{feff}{\"a\":1}", true);
        assert_eq!(look.json(), Some(&json!({"a": 1})));
        assert_eq!(look.text(), b"{\"a\":1}");
    }

    #[test]
    fn what_was_cut_off_is_no_json_and_no_form_but_text() {
        let look = Look::new("[1]", false);
        assert_eq!(look.json(), None);
        assert!(look.form().is_empty());
        assert_eq!(look.text(), b"[1]");
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(Look::new(deep, true).json(), None);
    }

    #[test]
    fn forms_are_unescaped() {
        let look = Look::new("oauth_problem=rate%20limit+exceeded&&b&c=%zz%4", true);
        let form: Vec<_> = look
            .form()
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        assert_eq!(
            form,
            [
                ("oauth_problem", "rate limit exceeded"),
                ("b", ""),
                ("c", "%zz%4")
            ]
        );
    }

    #[test]
    fn a_body_is_not_printed() {
        assert!(!format!("{:?}", Look::new("hunter2", true)).contains("hunter2"));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let look = Look::new(bytes, true);
            let _ = (look.json(), look.text(), look.form(), look.value());
        }
    }
}
