//! From text to literals and expressions.

use super::lookup::Lookup;
use super::{Part, Slot, TemplateFault};
use crate::Expression;

pub(super) fn parts(source: &str) -> Result<Vec<Part>, TemplateFault> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(open) = source[at..].find("{{") {
        let open = at + open;
        if open > at {
            parts.push(Part::Literal(source[at..open].to_owned()));
        }
        let begin = open + 2;
        let Some(length) = source[begin..].find("}}") else {
            return Err(TemplateFault {
                offset: open,
                code: "S0203".into(),
                message: "`{{` without its `}}`; a literal pair of braces is `{{\"{{\"}}`".into(),
            });
        };
        parts.push(Part::Slot(slot(&source[begin..begin + length], begin)?));
        at = begin + length + 2;
    }
    if at < source.len() {
        parts.push(Part::Literal(source[at..].to_owned()));
    }
    Ok(parts)
}

/// Compiles what stands between the braces; `begin` is where that is in the template.
fn slot(between: &str, begin: usize) -> Result<Slot, TemplateFault> {
    let (slashes, rest) = match between.trim_start().strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, between),
    };
    let text = rest.trim();
    let offset = begin + (between.len() - rest.len()) + (rest.len() - rest.trim_start().len());
    if text.is_empty() {
        return Err(TemplateFault {
            offset: begin,
            code: "S0207".into(),
            message: "nothing stands between the braces".into(),
        });
    }
    let expression = Expression::compile(text).map_err(|fault| TemplateFault {
        offset: offset + fault.offset(),
        message: hint(text, fault.message),
        code: fault.code,
    })?;
    let lookup = Lookup::of(text);
    let paths = match &lookup {
        Some(lookup) => vec![lookup.to_string()],
        None => expression.paths().unwrap_or_default(),
    };
    Ok(Slot {
        offset,
        slashes,
        lookup,
        expression,
        paths,
    })
}

/// An expression with an open brace most likely ended too early.
fn hint(text: &str, message: String) -> String {
    if text.matches('{').count() > text.matches('}').count() {
        format!("{message} (the first `}}}}` ends the expression; inside it write `}} }}`)")
    } else {
        message
    }
}
