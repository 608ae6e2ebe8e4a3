//! What the vendor's answer says.

use std::ops::Range;

use serde_json::Value;

use crate::ask::text;
use crate::cursor::MAX_POSITION;
use crate::error::kind;
use crate::{Ask, Paging, PagingError, Position};

/// What came of an [`Ask`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// How many records came.
    pub count: usize,
    /// What [`Paging::next`] gave.
    pub next: Option<Value>,
    /// What [`Paging::more`] gave.
    pub more: Option<Value>,
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Which of the records that came belong to it; never more than the limit.
    pub records: Range<usize>,
    /// Where the next page begins; `None` is the end.
    pub next: Option<Position>,
}

impl Paging {
    /// What an answer says: which of its records belong to the page, and where the next begins.
    ///
    /// # Errors
    /// A position that came before, or is none.
    pub fn read(&self, ask: &Ask, answer: Answer) -> Result<Page, PagingError> {
        let count = answer.count;
        // A vendor's page may have shrunk since it was begun.
        let skip = usize::try_from(ask.from.skip).map_or(count, |skip| skip.min(count));
        let limit = ask.limit.and_then(|limit| usize::try_from(limit).ok());
        let end = limit.map_or(count, |limit| count.min(skip.saturating_add(limit)));
        let records = skip..end;
        let next = match self {
            Self::Offset(pages) => offset(pages.start, ask, &records, &answer)?,
            // The rest of what came is given first.
            _ if end < count => Some(Position {
                skip: end as u64,
                size: ask.size,
                ..ask.from.clone()
            }),
            Self::Cursor(pages) => cursor(pages.param.is_some(), ask, answer)?,
            Self::Whole(_) => None,
        };
        Ok(Page { records, next })
    }
}

/// The next number of records: offsets lead to any record, so that no page is asked for twice.
fn offset(
    start: u64,
    ask: &Ask,
    records: &Range<usize>,
    answer: &Answer,
) -> Result<Option<Position>, PagingError> {
    let cut = records.end < answer.count;
    let on = match more(answer.more.as_ref())? {
        _ if cut => true,
        Some(more) => more,
        None => answer.count > 0,
    };
    if !on {
        return Ok(None);
    }
    let from = match &ask.position {
        None => start,
        Some(position) => position
            .as_u64()
            .or_else(|| position.as_str()?.parse().ok())
            .ok_or(PagingError::Next(kind(position)))?,
    };
    // By what came; where nothing came and there is more all the same, by what was asked for.
    let by = match (records.end, ask.size) {
        (0, Some(size)) => u64::from(size),
        (given, _) => given as u64,
    };
    let next = from.checked_add(by).ok_or(PagingError::Overflow)?;
    go(ask, Value::from(next)).map(Some)
}

fn cursor(has_param: bool, ask: &Ask, answer: Answer) -> Result<Option<Position>, PagingError> {
    let more = more(answer.more.as_ref())?;
    let next = match answer.next {
        None | Some(Value::Null | Value::Bool(false)) => None,
        Some(Value::String(text)) if text.is_empty() => None,
        Some(next) => Some(next),
    };
    match (more, next) {
        (Some(false), _) | (None, None) => Ok(None),
        (Some(true), None) => Err(PagingError::NoPosition),
        (_, Some(next)) => {
            if has_param {
                text(&next)?;
            } else if next == Value::Bool(true) {
                return Err(PagingError::Next(kind(&next)));
            }
            go(ask, next).map(Some)
        }
    }
}

fn go(ask: &Ask, next: Value) -> Result<Position, PagingError> {
    if ask.position.as_ref() == Some(&next) {
        return Err(PagingError::Repeated);
    }
    let trail = ask.from.trail.step(&next).ok_or(PagingError::Repeated)?;
    let position = Position {
        trail,
        ..Position::at(Some(next))
    };
    if position.to_bytes().len() > MAX_POSITION {
        return Err(PagingError::TooLong);
    }
    Ok(position)
}

/// Whether there is more; nothing and null say nothing.
fn more(value: Option<&Value>) -> Result<Option<bool>, PagingError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(more)) => Ok(Some(*more)),
        Some(other) => Err(PagingError::More(kind(other))),
    }
}
