//! Where checks put what they find.

use crate::fault::{Fault, MAX_FAULTS};
use crate::tree::{Node, Value, locate};

/// What the walk over one document found.
#[derive(Debug, Default)]
pub(crate) struct Out {
    pub(crate) faults: Vec<Fault>,
    pub(crate) warnings: Vec<Fault>,
    /// JSON pointers of what was left out because it is at fault.
    pub(crate) pruned: Vec<String>,
}

impl Out {
    /// Whether so many faults are known that no more are looked for.
    pub(crate) fn is_full(&self) -> bool {
        self.faults.len() >= MAX_FAULTS
    }
}

/// Faults of checks that look at several keys together. One that depends on a key that is at fault
/// itself is not said: it would only be its echo.
pub(crate) struct Report<'a> {
    root: &'a Node,
    out: &'a mut Out,
}

impl<'a> Report<'a> {
    pub(crate) fn new(root: &'a Node, out: &'a mut Out) -> Self {
        Self { root, out }
    }

    /// A fault at the value under `pointer`, unless one of `depends` (or `pointer`) is at fault.
    pub(crate) fn fault(&mut self, pointer: &str, depends: &[&str], message: impl Into<String>) {
        if self.echoes(pointer) || depends.iter().any(|pointer| self.echoes(pointer)) {
            return;
        }
        let fault = self.root.nearest(pointer).span.fault(pointer, message);
        self.out.faults.push(fault);
    }

    /// A fault at the first place of `word` inside the text under `pointer`.
    pub(crate) fn fault_at(&mut self, pointer: &str, word: &str, message: impl Into<String>) {
        if self.echoes(pointer) {
            return;
        }
        let node = self.root.nearest(pointer);
        let mut fault = node.span.fault(pointer, message);
        if let Value::Scalar(scalar) = &node.value
            && let Some(at) = scalar.text.find(word)
        {
            (fault.line, fault.column) = locate(&node.span, scalar, at);
        }
        self.out.faults.push(fault);
    }

    /// Whether the file says anything under `pointer`.
    pub(crate) fn given(&self, pointer: &str) -> bool {
        let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        let key = pointer.rsplit('/').next().unwrap_or_default();
        self.root.nearest(parent).get(key).is_some()
    }

    /// A warning at the value under `pointer`.
    pub(crate) fn warn(&mut self, pointer: &str, message: impl Into<String>) {
        let warning = self.root.nearest(pointer).span.fault(pointer, message);
        self.out.warnings.push(warning);
    }

    /// Whether a fault there would only be the echo of another, or one of too many.
    fn echoes(&self, pointer: &str) -> bool {
        self.out.is_full()
            || self.out.pruned.iter().any(|pruned| {
                pruned == pointer
                    || pruned
                        .strip_prefix(pointer)
                        .is_some_and(|rest| rest.starts_with('/'))
                    || pointer
                        .strip_prefix(pruned.as_str())
                        .is_some_and(|rest| rest.starts_with('/'))
            })
    }
}
