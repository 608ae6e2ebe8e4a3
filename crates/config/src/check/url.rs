//! URLs and paths that may be templates.

use http::Uri;
use leeward_expression::Template;

use super::format::Wrong;
use super::words::short;

/// Whether a variable can change the host (or the port) to which a URL leads.
pub(super) fn host_is_templated(template: &Template) -> bool {
    template.is_literal().is_none() && authority(template.source()).contains("{{")
}

/// Scheme and authority: up to the first `/` behind `//` that stands outside of braces.
fn authority(source: &str) -> &str {
    let begin = match source.find("://") {
        Some(at) if !source[..at].contains("{{") => at + 3,
        // A template that begins the URL yields the host, too.
        _ => 0,
    };
    let mut at = begin;
    while let Some(rest) = source.get(at..) {
        if rest.starts_with("{{") {
            at += rest.find("}}").map_or(rest.len(), |end| end + 2);
            continue;
        }
        match rest.chars().next() {
            None | Some('/' | '?' | '#' | '\\') => break,
            Some(c) => at += c.len_utf8(),
        }
    }
    source.get(..at).unwrap_or(source)
}

/// The URL of a provider: absolute, without user, query or fragment where it is literal.
pub(super) fn check(template: &Template) -> Result<(), Wrong> {
    if let Some(literal) = template.is_literal() {
        return check_literal(literal).map_err(Wrong::new);
    }
    let source = template.source();
    if source.starts_with("{{")
        || ["http://", "https://"]
            .iter()
            .any(|scheme| source.starts_with(scheme))
    {
        return Ok(());
    }
    Err(Wrong::new(format!(
        "`{}` must begin with `https://` or `http://`",
        short(source)
    )))
}

/// An absolute http(s) URL without user and fragment.
pub(super) fn check_literal(text: &str) -> Result<(), String> {
    let shown = short(text);
    if !["http://", "https://"].iter().any(|scheme| {
        text.get(..scheme.len())
            .is_some_and(|s| s.eq_ignore_ascii_case(scheme))
    }) {
        return Err(format!("`{shown}` must begin with `https://` or `http://`"));
    }
    let uri: Uri = text.parse().map_err(|_| format!("`{shown}` is no URL"))?;
    let Some(authority) = uri
        .authority()
        .filter(|authority| !authority.host().is_empty())
    else {
        return Err(format!("`{shown}` names no host"));
    };
    if authority.as_str().contains('@') {
        return Err("a URL must not hold a user and password: they belong to `auth`".to_owned());
    }
    if text.contains('#') {
        return Err(format!("`{shown}` must not have a fragment"));
    }
    Ok(())
}

/// The path of an operation: begins with `/`, has no query, no fragment, no dot segment.
pub(super) fn check_path(template: &Template) -> Result<(), Wrong> {
    let source = template.source();
    if !source.starts_with('/') && !source.starts_with("{{") {
        return Err(Wrong::new(format!(
            "the path `{}` must begin with `/`",
            short(source)
        )));
    }
    let mut at = 0;
    let mut segment = String::new();
    while let Some(rest) = source.get(at..) {
        if rest.starts_with("{{") {
            at += rest.find("}}").map_or(rest.len(), |end| end + 2);
            segment.push('x');
            continue;
        }
        let next = rest.chars().next();
        if next.is_none_or(|c| c == '/') {
            if segment == "." || segment == ".." {
                let wrong = Wrong::new("a path must not have `.` or `..` for a segment");
                return Err(Wrong {
                    at: Some(at - segment.len()),
                    ..wrong
                });
            }
            segment.clear();
        }
        let Some(c) = next else { break };
        if matches!(c, '?' | '#' | '\\') || c.is_control() {
            let hint = if c == '?' {
                ": parameters belong into `query`"
            } else {
                ""
            };
            let wrong = Wrong::new(format!(
                "a path must not have `{}`{hint}",
                c.escape_default()
            ));
            return Err(Wrong {
                at: Some(at),
                ..wrong
            });
        }
        if c != '/' {
            segment.push(c);
        }
        at += c.len_utf8();
    }
    Ok(())
}
