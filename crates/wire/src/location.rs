//! A `Location` that leads to the vendor, turned to the way the request came in.

use http::Uri;

use crate::base_url::BaseUrl;
use crate::target::check_path;

/// Turns a `Location` of a 3xx or a 201 to the way the request came in.
///
/// `request` is the absolute URL that the request went to, against which a relative reference is
/// resolved (RFC 3986, section 5.2); `mount` is what stood before the path there, such as
/// `/proxy/crm:upload`. What lies inside `base` becomes an absolute path beneath `mount`, its bytes,
/// query and fragment kept. A *relative* reference that leads outside becomes an absolute URL at
/// the vendor, since at the application it would otherwise be resolved against the proxy, and
/// could name any other path there.
///
/// Nothing is to be changed (`None`) where an absolute URL lies outside `base`, and where the value
/// is no URI reference (controls, spaces, backslashes).
pub fn rewrite_location(value: &str, base: &BaseUrl, request: &Uri, mount: &str) -> Option<String> {
    if value
        .bytes()
        .any(|b| b.is_ascii_control() || b == b' ' || b == b'\\')
    {
        return None;
    }
    let reference = Reference::split(value);
    let resolved = reference.resolve(request)?;
    if let Some(rest) = resolved.inside(base) {
        let mut out = String::with_capacity(mount.len() + value.len());
        out.push_str(mount);
        out.push_str(rest);
        resolved.push_tail(&mut out);
        return Some(out);
    }
    if reference.scheme.is_some() {
        return None;
    }
    let mut out = format!(
        "{}://{}{}",
        resolved.scheme, resolved.authority, resolved.path
    );
    resolved.push_tail(&mut out);
    Some(out)
}

/// A URI reference, taken apart (RFC 3986, appendix B).
struct Reference<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

impl<'a> Reference<'a> {
    fn split(value: &'a str) -> Self {
        let (rest, fragment) = split_off(value, '#');
        let (rest, query) = split_off(rest, '?');
        let (scheme, rest) = match rest.split_once(':') {
            Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
            _ => (None, rest),
        };
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                (Some(authority), path)
            }
            None => (None, rest),
        };
        Self {
            scheme,
            authority,
            path,
            query,
            fragment,
        }
    }

    /// RFC 3986, section 5.2.2. `None` if it leads elsewhere than to a host over HTTP.
    fn resolve(&self, request: &'a Uri) -> Option<Resolved<'a>> {
        let scheme = self.scheme.or(request.scheme_str())?;
        let nowhere = match self.authority {
            Some(authority) => authority.is_empty(),
            None => self.scheme.is_some(),
        };
        if !is_http(scheme) || nowhere {
            return None;
        }
        if let Some(authority) = self.authority {
            return Some(Resolved {
                scheme,
                authority,
                path: absolute(remove_dot_segments(self.path)),
                query: self.query,
                fragment: self.fragment,
            });
        }
        let (path, query) = if self.path.is_empty() {
            (request.path().to_owned(), self.query.or(request.query()))
        } else if self.path.starts_with('/') {
            (remove_dot_segments(self.path), self.query)
        } else {
            let (folder, _) = request.path().rsplit_once('/').unwrap_or_default();
            let merged = format!("{folder}/{}", self.path);
            (remove_dot_segments(&merged), self.query)
        };
        Some(Resolved {
            scheme,
            authority: request.authority()?.as_str(),
            path: absolute(path),
            query,
            fragment: self.fragment,
        })
    }
}

/// An absolute URL in its parts.
struct Resolved<'a> {
    scheme: &'a str,
    authority: &'a str,
    path: String,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

impl Resolved<'_> {
    /// What of the path comes after the base's, if it lies inside and could be asked for there.
    fn inside(&self, base: &BaseUrl) -> Option<&str> {
        let same_origin = self.scheme.eq_ignore_ascii_case(base.scheme())
            && is_authority_of(self.authority, base);
        let rest = self.path.strip_prefix(base.trimmed())?;
        let at_border = rest.is_empty() || rest.starts_with('/');
        (same_origin && at_border && check_path(rest).is_ok()).then_some(rest)
    }

    fn push_tail(&self, out: &mut String) {
        if let Some(query) = self.query {
            out.push('?');
            out.push_str(query);
        }
        if let Some(fragment) = self.fragment {
            out.push('#');
            out.push_str(fragment);
        }
    }
}

/// Host and port are the base's, the scheme's own port being the same as none. One with a user
/// name is not.
fn is_authority_of(authority: &str, base: &BaseUrl) -> bool {
    let Some(port) = authority.get(base.host().len()..) else {
        return false;
    };
    let host = authority.get(..base.host().len());
    let port = match port.strip_prefix(':') {
        Some("") => Some(if base.is_https() { 443 } else { 80 }),
        Some(digits) => digits.parse().ok(),
        None if port.is_empty() => Some(if base.is_https() { 443 } else { 80 }),
        None => None,
    };
    host.is_some_and(|host| host.eq_ignore_ascii_case(base.host())) && port == Some(base.port())
}

fn split_off(text: &str, mark: char) -> (&str, Option<&str>) {
    match text.split_once(mark) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

fn is_http(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

fn absolute(path: String) -> String {
    if path.is_empty() {
        "/".to_owned()
    } else {
        path
    }
}

/// RFC 3986, section 5.2.4, over a path that begins with a slash.
fn remove_dot_segments(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path.strip_prefix('/');
    while let Some(at) = rest {
        let (segment, next) = split_off(at, '/');
        match segment {
            "." => {}
            ".." => out.truncate(out.rfind('/').unwrap_or(0)),
            _ => {
                out.push('/');
                out.push_str(segment);
            }
        }
        if next.is_none() && matches!(segment, "." | "..") {
            out.push('/');
        }
        rest = next;
    }
    out
}
