//! The `format`s of the schema: what a text must be beyond being a text.

use std::str::FromStr;

use serde_json::Value as Json;

use super::assemble::Slot;
use super::url;
use super::walk::accepts;
use super::words::{either, short};
use crate::units::{parse_duration, parse_percent, parse_size};

/// Why a text does not have its format.
#[derive(Debug)]
pub(super) struct Wrong {
    /// Byte offset in the text, if the fault is at one place of it.
    pub(super) at: Option<usize>,
    pub(super) message: String,
    /// The message shows nothing of the text.
    pub(super) quotes_nothing: bool,
}

impl Wrong {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            at: None,
            message: message.into(),
            quotes_nothing: false,
        }
    }
}

/// How a key of this format reads its text.
pub(super) fn slot(format: &str) -> Slot {
    match format {
        "template" | "url-template" | "path-template" => Slot::Template,
        "expression" => Slot::Expression,
        _ => Slot::Text,
    }
}

/// Checks a text. An unknown format holds everything.
pub(super) fn check(format: &str, text: &str) -> Result<(), Wrong> {
    match format {
        "duration" => parse_duration(text).map(drop).map_err(Wrong::new),
        "size" => parse_size(text).map(drop).map_err(Wrong::new),
        "percent" => parse_percent(text).map(drop).map_err(Wrong::new),
        "expression" => expression(text),
        "template" => template(text).map(drop),
        "url-template" => url::check(&template(text)?),
        "path-template" => url::check_path(&template(text)?),
        "regex" => regex::Regex::new(text).map(drop).map_err(|error| {
            // The last line says what; those before draw the pattern.
            let message = error.to_string();
            let last = message
                .lines()
                .last()
                .unwrap_or_default()
                .trim_start_matches("error: ")
                .to_owned();
            Wrong::new(format!("not a regular expression: {last}"))
        }),
        "json-pointer" => pointer(text),
        "date-time" => jiff::Timestamp::from_str(text).map(drop).map_err(|_| {
            Wrong::new(format!(
                "`{}` is no RFC 3339 time such as `2026-09-16T00:00:00Z`",
                short(text)
            ))
        }),
        "url" => url::check_literal(text).map_err(Wrong::new),
        "header-name" => header_name(text),
        "host-pattern" => host_pattern(text),
        "host" => host(text).map_err(Wrong::new),
        "account-id" => account_id(text),
        "name" => name(text),
        "resource-name" => resource_name(text),
        "method" => method(text),
        "listen-address" => text
            .parse::<crate::types::Address>()
            .map(drop)
            .map_err(|error| Wrong::new(error.0)),
        "store-url" => store_url(text),
        _ => Ok(()),
    }
}

/// `minLength`, `maxLength`, `x-minimum` and `x-maximum` of a text.
pub(super) fn limits(schema: &Json, text: &str) -> Result<(), Wrong> {
    let bound = |key: &str| {
        schema
            .get(key)
            .and_then(Json::as_u64)
            .and_then(|n| usize::try_from(n).ok())
    };
    if bound("minLength").is_some_and(|least| text.chars().count() < least) {
        return Err(Wrong {
            quotes_nothing: true,
            ..Wrong::new("must not be empty")
        });
    }
    if let Some(most) = bound("maxLength").filter(|most| text.chars().count() > *most) {
        return Err(Wrong {
            quotes_nothing: true,
            ..Wrong::new(format!("longer than {most} characters"))
        });
    }
    if let Some(pattern) = schema.get("pattern").and_then(Json::as_str)
        && regex::Regex::new(pattern).is_ok_and(|pattern| !pattern.is_match(text))
    {
        return Err(Wrong::new(format!(
            "`{}` does not match `{pattern}`",
            short(text)
        )));
    }
    let format = schema
        .get("format")
        .and_then(Json::as_str)
        .unwrap_or_default();
    let measure = |text: &str| match format {
        "duration" => parse_duration(text)
            .ok()
            .map(|duration| duration.as_secs_f64()),
        "percent" => parse_percent(text).ok(),
        #[expect(clippy::cast_precision_loss, reason = "bounds are small")]
        "size" => parse_size(text).ok().map(|size| size as f64),
        _ => None,
    };
    let Some(value) = measure(text) else {
        return Ok(());
    };
    let limit = |key: &str| {
        schema
            .get(key)
            .and_then(Json::as_str)
            .and_then(|limit| Some((limit, measure(limit)?)))
    };
    if let Some((limit, _)) = limit("x-minimum").filter(|(_, least)| value < *least) {
        return Err(Wrong::new(format!(
            "`{}` is too little: at least `{limit}`",
            short(text)
        )));
    }
    if let Some((limit, _)) = limit("x-maximum").filter(|(_, most)| value > *most) {
        return Err(Wrong::new(format!(
            "`{}` is too much: at most `{limit}`",
            short(text)
        )));
    }
    Ok(())
}

/// What a schema wants, in words.
pub(super) fn describe(schema: &Json) -> String {
    let format = schema
        .get("format")
        .and_then(Json::as_str)
        .unwrap_or_default();
    let word = match format {
        "duration" => "a duration such as `90s`",
        "size" => "a size such as `64KiB`",
        "percent" => "a percentage such as `50%`",
        "expression" => "a JSONata expression",
        "template" => "a text or template",
        "url-template" => "an http or https URL",
        "path-template" => "a path",
        "regex" => "a regular expression",
        "json-pointer" => "a JSON pointer",
        "date-time" => "a time such as `2026-09-16T00:00:00Z`",
        "url" => "a URL",
        "header-name" => "a header name",
        "host" | "host-pattern" => "a host name",
        "account-id" => "an account id",
        "name" | "resource-name" => "a name",
        "method" => "an HTTP method",
        "listen-address" => "an address such as `127.0.0.1:4100` or `unix:/run/leeward.sock`",
        "store-url" => "a URL such as `sqlite:///var/lib/leeward/leeward.db`",
        _ => "",
    };
    if !word.is_empty() {
        return word.to_owned();
    }
    if let Some(words) = super::walk::allowed(schema) {
        let words: Vec<String> = words
            .iter()
            .map(|word| format!("`{}`", word.as_str().unwrap_or(&word.to_string())))
            .collect();
        return either(&words);
    }
    let kinds = [
        ("object", "a mapping"),
        ("array", "a list"),
        ("string", "a text"),
        ("integer", "a whole number"),
        ("number", "a number"),
        ("boolean", "true or false"),
    ];
    let words: Vec<String> = kinds
        .iter()
        .filter(|(kind, _)| accepts(schema, kind))
        .map(|(_, word)| (*word).to_owned())
        .collect();
    if words.is_empty() && accepts(schema, "null") {
        "null".to_owned()
    } else {
        either(&words)
    }
}

fn expression(text: &str) -> Result<(), Wrong> {
    leeward_expression::Expression::compile(text)
        .map(drop)
        .map_err(|fault| Wrong {
            at: Some(fault.offset()),
            message: format!("not a JSONata expression: {fault}"),
            quotes_nothing: false,
        })
}

fn template(text: &str) -> Result<leeward_expression::Template, Wrong> {
    // As long as an expression may be. What holds no expression may be longer.
    if text.len() > 64 << 10 && text.contains("{{") {
        return Err(Wrong {
            quotes_nothing: true,
            ..Wrong::new("a template must not be longer than 64 KiB")
        });
    }
    leeward_expression::Template::parse(text).map_err(|fault| Wrong {
        at: Some(fault.offset),
        message: format!("not a template: {}: {}", fault.code, fault.message),
        quotes_nothing: false,
    })
}

fn pointer(text: &str) -> Result<(), Wrong> {
    if !text.is_empty() && !text.starts_with('/') {
        return Err(Wrong::new(format!(
            "`{}` is no JSON pointer: it must begin with `/`",
            short(text)
        )));
    }
    let bytes = text.as_bytes();
    for (at, _) in text.match_indices('~') {
        if !matches!(bytes.get(at + 1), Some(b'0' | b'1')) {
            let message = "in a JSON pointer `~` stands only in `~0` (for `~`) and `~1` (for `/`)";
            return Err(Wrong {
                at: Some(at),
                message: message.into(),
                quotes_nothing: true,
            });
        }
    }
    Ok(())
}

fn header_name(text: &str) -> Result<(), Wrong> {
    http::HeaderName::from_bytes(text.as_bytes())
        .map(drop)
        .map_err(|_| Wrong::new(format!("`{}` is no header name", short(text))))
}

/// A name without port, an IP address, `*.` before a name, or `*`.
fn host_pattern(text: &str) -> Result<(), Wrong> {
    if text == "*" {
        return Ok(());
    }
    host_named(text.strip_prefix("*.").unwrap_or(text), text).map_err(Wrong::new)
}

fn host(text: &str) -> Result<(), String> {
    host_named(text, text)
}

fn host_named(text: &str, whole: &str) -> Result<(), String> {
    if text.parse::<std::net::IpAddr>().is_ok() {
        return Ok(());
    }
    let shown = short(whole);
    if text.contains("://") || text.contains('/') {
        return Err(format!(
            "`{shown}` must be a name alone, without scheme and path"
        ));
    }
    if text.contains(':') {
        return Err(format!("`{shown}` must be a name without a port"));
    }
    if text.contains('*') {
        return Err(format!(
            "`{shown}`: `*` stands alone, or as `*.` before a name"
        ));
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.len() <= 253 && name.split('.').all(label) {
        Ok(())
    } else {
        Err(format!("`{shown}` is no host name"))
    }
}

fn account_id(text: &str) -> Result<(), Wrong> {
    let holds = (1..=200).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._:@-".contains(&b));
    if holds {
        return Ok(());
    }
    Err(Wrong::new(format!(
        "`{}` is no account id: 1 to 200 of letters, digits and `._:@-`",
        short(text)
    )))
}

fn name(text: &str) -> Result<(), Wrong> {
    let holds = (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        && !text.starts_with('.');
    if holds {
        return Ok(());
    }
    Err(Wrong::new(format!(
        "`{}` is no name: 1 to 64 of letters, digits and `._-`, no dot in front",
        short(text)
    )))
}

fn resource_name(text: &str) -> Result<(), Wrong> {
    if let Some((model, resource)) = text.split_once('/')
        && name(model).is_ok()
        && name(resource).is_ok()
    {
        return Ok(());
    }
    Err(Wrong::new(format!(
        "`{}` is no resource: it must be `model/resource`, as `crm/contacts`",
        short(text)
    )))
}

fn method(text: &str) -> Result<(), Wrong> {
    let token = http::Method::from_bytes(text.as_bytes()).is_ok();
    if token && !text.bytes().any(|b| b.is_ascii_lowercase()) && text != "CONNECT" {
        return Ok(());
    }
    let upper = text.to_ascii_uppercase();
    Err(Wrong::new(if token && upper != text {
        format!(
            "`{}` is no method: methods are written in capitals, `{}`",
            short(text),
            short(&upper)
        )
    } else {
        format!("`{}` is no method that can be sent", short(text))
    }))
}

fn store_url(text: &str) -> Result<(), Wrong> {
    if ["sqlite:", "postgres://", "postgresql://"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
    {
        return Ok(());
    }
    Err(Wrong {
        quotes_nothing: true,
        ..Wrong::new("the store must be `sqlite:///path` or `postgres://…`")
    })
}
