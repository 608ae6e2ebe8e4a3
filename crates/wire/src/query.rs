//! Adding query parameters without touching those that are there.

use std::borrow::Cow;

use http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

use crate::base_url::path_and_query;
use crate::target::TargetError;

/// All but the unreserved characters of RFC 3986, section 2.3: right in every dialect of query.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Adds one parameter at the end of a URL's query. Name and value are percent-encoded; what was
/// there stays byte for byte.
///
/// # Errors
///
/// [`TargetError::TooLong`] if the URL grows beyond [`MAX_TARGET`](crate::MAX_TARGET).
pub fn append_query(uri: &Uri, name: &str, value: &str) -> Result<Uri, TargetError> {
    append_query_all(uri, [(name, value)])
}

/// Adds parameters at the end of a URL's query, in their order; see [`append_query`].
///
/// # Errors
///
/// [`TargetError::TooLong`] if the URL grows beyond [`MAX_TARGET`](crate::MAX_TARGET).
pub fn append_query_all<'a>(
    uri: &Uri,
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Uri, TargetError> {
    let mut text = uri
        .path_and_query()
        .map_or_else(|| "/".to_owned(), |target| target.as_str().to_owned());
    let mut has_query = uri.query().is_some();
    let before = text.len();
    for (name, value) in pairs {
        if !has_query {
            text.push('?');
            has_query = true;
        } else if !text.ends_with(['?', '&']) {
            text.push('&');
        }
        text.extend(utf8_percent_encode(name, RESERVED));
        text.push('=');
        text.extend(utf8_percent_encode(value, RESERVED));
    }
    if text.len() == before {
        return Ok(uri.clone());
    }
    if text.starts_with('?') {
        text.insert(0, '/');
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query(text)?);
    Uri::from_parts(parts).map_err(|_| TargetError::Malformed)
}

/// Adds those parameters whose names the URL's query does not have yet.
///
/// A name that comes twice among `pairs` is added twice: it is the caller's own query that counts.
///
/// # Errors
///
/// [`TargetError::TooLong`] if the URL grows beyond [`MAX_TARGET`](crate::MAX_TARGET).
pub fn add_query_unless_set<'a>(
    uri: &Uri,
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Uri, TargetError> {
    let set = uri.query();
    let missing = pairs.into_iter().filter(|(name, _)| !query_has(set, name));
    append_query_all(uri, missing)
}

/// Whether a raw query has a parameter of that name, with or without a value, however encoded.
pub fn query_has(query: Option<&str>, name: &str) -> bool {
    query
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name))
        .any(|raw| raw == name || *decoded(raw) == *name.as_bytes())
}

/// The bytes of a raw name, `+` being a space.
fn decoded(raw: &str) -> Cow<'_, [u8]> {
    if raw.contains('+') {
        let spaced = raw.replace('+', " ");
        Cow::Owned(percent_decode(spaced.as_bytes()).collect())
    } else {
        percent_decode(raw.as_bytes()).into()
    }
}
