//! From a place in a scalar's value back to line and column in the file.

use super::{Scalar, Span, Style};

/// Line and column (both from 1) of byte `offset` of the scalar's own text.
///
/// Folding, indentation and line breaks only ever change white space, so the characters that are
/// no white space stand in the file in the same order as in the value: the one at `offset` is found
/// by counting those before it.
pub(crate) fn locate(span: &Span, scalar: &Scalar, offset: usize) -> (usize, usize) {
    let text = scalar.text.as_str();
    let offset = floor_boundary(text, offset);
    let (before, after) = text.split_at(offset);
    let solid = before.chars().filter(|c| !c.is_whitespace()).count();
    let target_is_solid = after.chars().next().is_some_and(|c| !c.is_whitespace());
    let source = span.document.text.get(span.offset..).unwrap_or_default();
    let mut units = Units::new(source, scalar.style, span);
    let mut last_solid = None;
    let mut seen = 0usize;
    while let Some(unit) = units.next() {
        if unit.solid {
            if seen == solid && target_is_solid {
                return (unit.line, unit.column);
            }
            seen += 1;
            last_solid = Some((unit.line, unit.after));
            if seen == solid && !target_is_solid {
                break;
            }
        }
    }
    match last_solid {
        // White space, or the end: behind the last character that is none.
        Some((line, column)) => {
            let gap = before
                .chars()
                .rev()
                .take_while(|c| c.is_whitespace() && *c != '\n')
                .count();
            (line, column + gap)
        }
        None => units.begin(),
    }
}

fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// One character of the value as it is written.
struct Unit {
    /// Whether the value's character is no white space.
    solid: bool,
    line: usize,
    column: usize,
    /// The column behind it.
    after: usize,
}

/// Reads a scalar's source into units.
struct Units<'a> {
    chars: std::iter::Peekable<std::str::Chars<'a>>,
    style: Style,
    line: usize,
    column: usize,
    begin: (usize, usize),
}

impl<'a> Units<'a> {
    fn new(source: &'a str, style: Style, span: &Span) -> Self {
        let mut units = Self {
            chars: source.chars().peekable(),
            style,
            line: span.line,
            column: span.column,
            begin: (span.line, span.column),
        };
        match style {
            Style::Plain => {}
            Style::Single | Style::Double => {
                units.bump();
                units.begin = (units.line, units.column);
            }
            // The header (`|`, `>-`, a comment) ends with its line.
            Style::Block => {
                if matches!(units.chars.peek(), Some('|' | '>')) {
                    while units.bump().is_some_and(|c| c != '\n') {}
                }
                units.begin = (units.line, units.column);
            }
        }
        units
    }

    fn begin(&self) -> (usize, usize) {
        self.begin
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.chars.next()?;
        if c == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(c)
    }

    fn next(&mut self) -> Option<Unit> {
        let (line, column) = (self.line, self.column);
        let c = self.bump()?;
        let solid = match (self.style, c) {
            (Style::Single, '\'') => {
                if self.chars.peek() != Some(&'\'') {
                    return None;
                }
                self.bump();
                true
            }
            (Style::Double, '"') => return None,
            (Style::Double, '\\') => self.escape()?,
            (_, c) => !c.is_whitespace(),
        };
        Some(Unit {
            solid,
            line,
            column,
            after: self.column,
        })
    }

    /// What stands behind a backslash; whether it makes a character that is no white space.
    fn escape(&mut self) -> Option<bool> {
        let digits = match self.bump()? {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            // Line breaks, tabs, blanks, next line, no-break space, line and paragraph separator.
            '\n' | '\r' | ' ' | '\t' | 't' | 'n' | 'v' | 'f' | 'r' | 'N' | '_' | 'L' | 'P' => {
                return Some(false);
            }
            _ => return Some(true),
        };
        let mut code = 0u32;
        for _ in 0..digits {
            code = code
                .saturating_mul(16)
                .saturating_add(self.bump()?.to_digit(16).unwrap_or(0));
        }
        Some(!char::from_u32(code).is_some_and(char::is_whitespace))
    }
}
