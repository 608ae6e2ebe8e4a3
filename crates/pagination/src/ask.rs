//! What to ask the vendor.

use std::num::NonZeroU32;

use serde_json::Value;

use crate::error::kind;
use crate::{Paging, PagingError, Position};

/// What to ask the vendor for one page, and what to make of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The vendor's own position; `None` asks for its first page without naming it.
    pub position: Option<Value>,
    /// The size to ask for, in records; `None` leaves it to the vendor.
    pub size: Option<u32>,
    pub(crate) from: Position,
    pub(crate) limit: Option<u32>,
}

impl Paging {
    /// What to ask, beginning at `from` (`None`: at the first page) for at most `limit` records.
    #[must_use]
    pub fn ask(&self, from: Option<&Position>, limit: Option<u32>) -> Ask {
        let from = from.cloned().unwrap_or_else(|| Position::at(self.first()));
        let limit = limit.and_then(NonZeroU32::new).map(NonZeroU32::get);
        let size = match self.size() {
            // Of a page that was begun the same page must come again.
            Some(_) if from.skip > 0 => from.size,
            Some(size) => {
                let wanted = limit.or(size.value).filter(|&wanted| wanted > 0);
                match (wanted, size.max.filter(|&max| max > 0)) {
                    (Some(wanted), Some(max)) => Some(wanted.min(max)),
                    (wanted, _) => wanted,
                }
            }
            None => None,
        };
        Ask {
            position: from.vendor.clone(),
            size,
            from,
            limit,
        }
    }

    /// The vendor's first position, where it has a name.
    fn first(&self) -> Option<Value> {
        match self {
            Self::Offset(pages) => Some(Value::from(pages.start)),
            Self::Cursor(_) | Self::Whole(_) => None,
        }
    }
}

impl Ask {
    /// The query parameters that `paging` names for position and size, decoded.
    ///
    /// # Errors
    /// A position that is neither text nor number, where a parameter should hold it.
    pub fn params<'p>(&self, paging: &'p Paging) -> Result<Vec<(&'p str, String)>, PagingError> {
        let mut params = Vec::new();
        if let (Some(param), Some(position)) = (paging.param(), &self.position) {
            params.push((param, text(position)?));
        }
        let size_param = paging.size().and_then(|size| size.param.as_deref());
        if let (Some(param), Some(size)) = (size_param, self.size) {
            params.push((param, size.to_string()));
        }
        Ok(params)
    }
}

/// A position as a parameter's text.
pub(crate) fn text(position: &Value) -> Result<String, PagingError> {
    match position {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(PagingError::Next(kind(other))),
    }
}
