//! Parser events → tree. Bounded in depth, in nodes and in text, so that neither nesting nor
//! aliases of aliases cost more than the file that they stand in.

use std::collections::HashMap;
use std::sync::Arc;

use serde_saphyr::granit_parser::{self as granit, Event, ScalarStyle};

use super::{Document, Entry, Kind, Node, Scalar, Span, Style, Value, push_segment, resolve};
use crate::fault::{Fault, MAX_FAULTS};

/// The deepest nesting, aliases unfolded.
const MAX_DEPTH: usize = 64;
/// The most nodes of one document, aliases unfolded.
const MAX_NODES: usize = 200_000;
/// The most bytes of scalars of one document, aliases unfolded.
const MAX_TEXT: usize = 16 << 20;

/// Reads one document. The tree is there unless the syntax is broken; faults may come beside it.
pub(crate) fn parse(document: &Arc<Document>) -> (Option<Node>, Vec<Fault>) {
    let mut options = granit::Options::default();
    options.flow_nesting_limit = MAX_DEPTH;
    options.block_nesting_limit = MAX_DEPTH;
    options.set_emit_comments(false);
    let mut builder = Builder::new(document);
    for next in granit::Parser::new_from_str_with_options(&document.text, options) {
        match next {
            Ok((event, span)) => {
                if let Err(fault) = builder.event(event, &span) {
                    builder.faults.push(fault);
                    return (None, builder.faults);
                }
            }
            Err(error) => {
                let message = match error.kind() {
                    granit::ErrorKind::RecursionLimitExceeded => {
                        format!("nested deeper than {MAX_DEPTH} levels")
                    }
                    _ => format!("not valid YAML: {}", error.info()),
                };
                let fault = builder.span(error.marker()).fault("", message);
                builder.faults.push(fault);
                return (None, builder.faults);
            }
        }
    }
    let root = builder.root.unwrap_or_else(|| Node {
        span: Span::start(document),
        value: Value::Scalar(Scalar {
            kind: Kind::Null,
            text: String::new(),
            style: Style::Plain,
            pieces: None,
            broken: false,
        }),
    });
    (Some(root), builder.faults)
}

/// Takes a whole document as one plain scalar.
pub(crate) fn plain(document: &Arc<Document>) -> (Option<Node>, Vec<Fault>) {
    let span = Span::start(document);
    match resolve::plain(&document.text) {
        Ok(kind) => {
            let text = document.text.clone();
            let scalar = Scalar {
                kind,
                text,
                style: Style::Plain,
                pieces: None,
                broken: false,
            };
            (
                Some(Node {
                    span,
                    value: Value::Scalar(scalar),
                }),
                Vec::new(),
            )
        }
        Err(message) => (None, vec![span.fault("", message)]),
    }
}

/// What a subtree costs.
#[derive(Clone, Copy, Default)]
struct Weight {
    nodes: usize,
    text: usize,
    depth: usize,
}

enum Frame {
    Sequence {
        anchor: usize,
        span: Span,
        items: Vec<Node>,
        weight: Weight,
    },
    Mapping {
        anchor: usize,
        span: Span,
        entries: Vec<Entry>,
        /// The lines of the keys, so that one that stands twice is found at once.
        lines: HashMap<String, usize>,
        key: Option<(String, Span)>,
        weight: Weight,
    },
}

struct Builder<'a> {
    document: &'a Arc<Document>,
    stack: Vec<Frame>,
    anchors: HashMap<usize, (Node, Weight)>,
    nodes: usize,
    text: usize,
    documents: usize,
    root: Option<Node>,
    faults: Vec<Fault>,
}

impl<'a> Builder<'a> {
    fn new(document: &'a Arc<Document>) -> Self {
        Self {
            document,
            stack: Vec::new(),
            anchors: HashMap::new(),
            nodes: 0,
            text: 0,
            documents: 0,
            root: None,
            faults: Vec::new(),
        }
    }

    fn span(&self, marker: &granit::Marker) -> Span {
        Span {
            document: Arc::clone(self.document),
            offset: marker.byte_offset().unwrap_or(0),
            line: marker.line().max(1),
            column: marker.col().saturating_add(1),
        }
    }

    /// The pointer of the place that is being filled.
    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for frame in &self.stack {
            match frame {
                Frame::Sequence { items, .. } => {
                    push_segment(&mut pointer, &items.len().to_string())
                }
                Frame::Mapping {
                    key: Some((key, _)),
                    ..
                } => push_segment(&mut pointer, key),
                Frame::Mapping { key: None, .. } => {}
            }
        }
        pointer
    }

    fn event(&mut self, event: Event<'_>, at: &granit::Span) -> Result<(), Fault> {
        let span = self.span(&at.start);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(span.fault("", "a second document: one file holds one"));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let scalar = self.scalar(text.into_owned(), style, tag.as_deref(), &span)?;
                let weight = Weight {
                    nodes: 1,
                    text: scalar.text.len(),
                    depth: 0,
                };
                self.count(weight, &span)?;
                let node = Node {
                    span,
                    value: Value::Scalar(scalar),
                };
                self.put(node, anchor, weight)?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.collection_tag(tag.as_deref(), "seq", &span)?;
                self.open(&span)?;
                self.stack.push(Frame::Sequence {
                    anchor,
                    span,
                    items: Vec::new(),
                    weight: Weight::default(),
                });
            }
            Event::MappingStart(_, anchor, tag) => {
                self.collection_tag(tag.as_deref(), "map", &span)?;
                self.open(&span)?;
                self.stack.push(Frame::Mapping {
                    anchor,
                    span,
                    entries: Vec::new(),
                    lines: HashMap::new(),
                    key: None,
                    weight: Weight::default(),
                });
            }
            Event::SequenceEnd | Event::MappingEnd => match self.stack.pop() {
                Some(Frame::Sequence {
                    anchor,
                    span,
                    items,
                    weight,
                }) => {
                    self.put(
                        Node {
                            span,
                            value: Value::Sequence(items),
                        },
                        anchor,
                        weight.deeper(),
                    )?;
                }
                Some(Frame::Mapping {
                    anchor,
                    span,
                    entries,
                    weight,
                    ..
                }) => {
                    self.put(
                        Node {
                            span,
                            value: Value::Mapping(entries),
                        },
                        anchor,
                        weight.deeper(),
                    )?;
                }
                None => {}
            },
            Event::Alias(id) => {
                let Some((_, weight)) = self.anchors.get(&id) else {
                    return Err(
                        span.fault(&self.pointer(), "an alias inside of what it stands for")
                    );
                };
                let weight = *weight;
                self.count(weight, &span)?;
                if self.stack.len() + weight.depth > MAX_DEPTH {
                    let message = format!("nested deeper than {MAX_DEPTH} levels");
                    return Err(span.fault(&self.pointer(), message));
                }
                let node = self.anchors.get(&id).map(|(node, _)| node.clone());
                if let Some(node) = node {
                    self.put(node, 0, weight)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, span: &Span) -> Result<(), Fault> {
        if self.stack.len() >= MAX_DEPTH {
            let message = format!("nested deeper than {MAX_DEPTH} levels");
            return Err(span.fault(&self.pointer(), message));
        }
        self.count(
            Weight {
                nodes: 1,
                text: 0,
                depth: 0,
            },
            span,
        )
    }

    fn count(&mut self, weight: Weight, span: &Span) -> Result<(), Fault> {
        self.nodes = self.nodes.saturating_add(weight.nodes);
        self.text = self.text.saturating_add(weight.text);
        if self.nodes > MAX_NODES || self.text > MAX_TEXT {
            return Err(span.fault(&self.pointer(), "too large once its aliases are unfolded"));
        }
        Ok(())
    }

    fn scalar(
        &self,
        text: String,
        style: ScalarStyle,
        tag: Option<&granit::Tag>,
        span: &Span,
    ) -> Result<Scalar, Fault> {
        let style = match style {
            ScalarStyle::SingleQuoted => Style::Single,
            ScalarStyle::DoubleQuoted => Style::Double,
            ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
            _ => Style::Plain,
        };
        let fault = |message: &str| span.fault(&self.pointer(), message);
        let kind = match tag {
            None if style == Style::Plain => resolve::plain(&text).map_err(fault)?,
            None => Kind::String,
            Some(tag) => match tag.core_suffix() {
                Some("str") => Kind::String,
                Some(wanted @ ("int" | "float" | "bool" | "null")) => {
                    let kind = resolve::plain(&text).map_err(fault)?;
                    let fits = matches!(
                        (wanted, &kind),
                        ("int" | "float", Kind::Number(_))
                            | ("bool", Kind::Bool(_))
                            | ("null", Kind::Null)
                    );
                    if !fits {
                        return Err(fault("the value does not fit its tag"));
                    }
                    kind
                }
                _ if tag.original() == "!" => Kind::String,
                _ => return Err(fault("tags of one's own have no meaning here")),
            },
        };
        Ok(Scalar {
            kind,
            text,
            style,
            pieces: None,
            broken: false,
        })
    }

    fn collection_tag(
        &self,
        tag: Option<&granit::Tag>,
        is: &str,
        span: &Span,
    ) -> Result<(), Fault> {
        match tag {
            Some(tag) if tag.core_suffix() != Some(is) => {
                Err(span.fault(&self.pointer(), "tags of one's own have no meaning here"))
            }
            _ => Ok(()),
        }
    }

    /// Puts a finished node where it belongs.
    fn put(&mut self, node: Node, anchor: usize, weight: Weight) -> Result<(), Fault> {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), weight));
            // The copy that is kept for the aliases is a cost, too.
            self.count(weight, &node.span)?;
        }
        let pointer = self.pointer();
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Frame::Sequence {
                items, weight: sum, ..
            }) => {
                sum.add(weight);
                items.push(node);
            }
            Some(Frame::Mapping {
                entries,
                lines,
                key,
                weight: sum,
                ..
            }) => {
                sum.add(weight);
                match key.take() {
                    None => match node.value {
                        Value::Scalar(scalar) if scalar.kind != Kind::Null => {
                            *key = Some((scalar.text, node.span));
                        }
                        _ => return Err(node.span.fault(&pointer, "a key must be a text")),
                    },
                    Some((key, span)) => match lines.get(&key) {
                        Some(line) if self.faults.len() < MAX_FAULTS => {
                            let message =
                                format!("`{key}` stands here twice (first in line {line})");
                            self.faults.push(span.fault(&pointer, message));
                        }
                        Some(_) => {}
                        None => {
                            lines.insert(key.clone(), span.line);
                            entries.push(Entry {
                                key,
                                span,
                                value: node,
                            });
                        }
                    },
                }
            }
        }
        Ok(())
    }
}

impl Weight {
    fn add(&mut self, other: Weight) {
        self.nodes = self.nodes.saturating_add(other.nodes);
        self.text = self.text.saturating_add(other.text);
        self.depth = self.depth.max(other.depth);
    }

    /// The weight of the collection around it.
    fn deeper(self) -> Self {
        Self {
            nodes: self.nodes.saturating_add(1),
            depth: self.depth.saturating_add(1),
            ..self
        }
    }
}
