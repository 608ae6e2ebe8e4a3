//! The text of a scalar as the key that it stands in reads it. What was put in from outside is
//! data: in a template or an expression it is written so that it cannot be read as anything else.

use std::fmt::Write as _;

use crate::tree::Scalar;

/// How a key reads its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// As it is.
    Text,
    /// JSONata between `{{` and `}}`.
    Template,
    /// JSONata as a whole.
    Expression,
}

/// A text, and from where in the scalar each part of it came.
#[derive(Debug)]
pub(super) struct Assembled {
    pub(super) text: String,
    runs: Vec<Run>,
}

#[derive(Debug)]
struct Run {
    out: usize,
    raw: usize,
    data: bool,
}

impl Assembled {
    pub(super) fn new(scalar: &Scalar, slot: Slot) -> Self {
        let mut assembled = Self {
            text: String::new(),
            runs: Vec::new(),
        };
        let Some(pieces) = &scalar.pieces else {
            assembled.text.clone_from(&scalar.text);
            assembled.runs.push(Run {
                out: 0,
                raw: 0,
                data: false,
            });
            return assembled;
        };
        let mut reading = Reading {
            inside: slot == Slot::Expression,
            ends: slot == Slot::Template,
            quote: None,
        };
        for (index, piece) in pieces.iter().enumerate() {
            let run = Run {
                out: assembled.text.len(),
                raw: piece.at,
                data: piece.data,
            };
            if !piece.data {
                assembled.runs.push(run);
                if slot != Slot::Text {
                    reading.feed(&piece.text);
                }
                assembled.text.push_str(&piece.text);
                continue;
            }
            let next = pieces.get(index + 1).map_or("", |next| next.text.as_str());
            match (slot, reading.inside) {
                (Slot::Text, _) => assembled.text.push_str(&piece.text),
                (_, true) => match reading.quote {
                    Some(_) => assembled.text.push_str(&escaped(&piece.text)),
                    None => {
                        let _ = write!(assembled.text, "\"{}\"", escaped(&piece.text));
                    }
                },
                (_, false) if opens_nothing(&assembled.text, &piece.text, next) => {
                    assembled.text.push_str(&piece.text);
                }
                (_, false) => {
                    // Braces before it belong to the text, not to what is opened here.
                    let keep = assembled.text.trim_end_matches('{').len();
                    let braces = assembled.text.split_off(keep);
                    let _ = write!(
                        assembled.text,
                        "{{{{\"{}\"}}}}",
                        escaped(&(braces + &piece.text))
                    );
                }
            }
            assembled.runs.push(Run {
                out: run.out.min(assembled.text.len()),
                ..run
            });
        }
        assembled
    }

    /// The byte offset in the scalar's own text of byte `offset` of this text.
    pub(super) fn raw(&self, offset: usize) -> usize {
        match self.runs.iter().rev().find(|run| run.out <= offset) {
            Some(run) if run.data => run.raw,
            Some(run) => run.raw + (offset - run.out),
            None => 0,
        }
    }
}

/// Whether data put in as it is cannot open a template.
fn opens_nothing(before: &str, data: &str, after: &str) -> bool {
    if data.is_empty() {
        return !(before.ends_with('{') && after.starts_with('{'));
    }
    !data.contains('{')
}

/// The inside of a JSONata string that yields `text`; holds no quote, brace or control character.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' | '\'' | '`' | '{' | '}' | '\u{0}'..='\u{1f}' | '\u{7f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// Where in a template the file's own text has led.
struct Reading {
    inside: bool,
    /// Whether `}}` leads out.
    ends: bool,
    quote: Option<char>,
}

impl Reading {
    fn feed(&mut self, text: &str) {
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            if !self.inside {
                if c == '{' && chars.peek() == Some(&'{') {
                    chars.next();
                    (self.inside, self.quote) = (true, None);
                }
                continue;
            }
            if self.ends && c == '}' && chars.peek() == Some(&'}') {
                chars.next();
                (self.inside, self.quote) = (false, None);
                continue;
            }
            match (self.quote, c) {
                (Some('"' | '\''), '\\') => {
                    chars.next();
                }
                (Some(quote), c) if c == quote => self.quote = None,
                (None, '"' | '\'' | '`') => self.quote = Some(c),
                _ => {}
            }
        }
    }
}
