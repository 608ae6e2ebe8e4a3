//! Paging over a simulated list, and cursors in hostile hands.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod circles;
mod cursors;
mod rules;
mod walk;

use leeward_expression::Expression;
use leeward_pagination::{CursorPages, OffsetPages, Paging, Size};

/// Cursor pages, with parameters for position and size.
fn cursor(size: Size) -> Paging {
    Paging::Cursor(CursorPages {
        param: Some("after".into()),
        size,
        ..CursorPages::new(Expression::compile("next").unwrap())
    })
}

/// Offset pages, with parameters for position and size.
fn offset(start: u64, size: Size) -> Paging {
    Paging::Offset(OffsetPages {
        start,
        param: Some("start".into()),
        size,
        ..OffsetPages::default()
    })
}

/// A size that the vendor is asked for.
fn size(value: Option<u32>, max: Option<u32>) -> Size {
    Size {
        param: Some("count".into()),
        value,
        max,
    }
}
