//! The ways to page.

use leeward_expression::Expression;

/// How a vendor cuts its lists into pages.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Paging {
    /// Each page tells the position of the next.
    Cursor(CursorPages),
    /// Pages begin at a number of records.
    Offset(OffsetPages),
    /// All records come at once, and are cut into pages here.
    Whole(WholePages),
}

/// Each page tells the position of the next.
#[derive(Debug, Clone)]
pub struct CursorPages {
    /// Over the vendor's body: the records. Left out: the body itself.
    pub items: Option<Expression>,
    /// Over the vendor's body: the next position. Nothing, null, false and "" are the end; 0 is a position.
    pub next: Expression,
    /// Over the vendor's body: false ends whatever `next` says, true goes on.
    pub more: Option<Expression>,
    /// The query parameter for the position; left out: the mapping places it.
    pub param: Option<String>,
    /// The size of a page.
    pub size: Size,
}

/// Pages begin at a number of records.
#[derive(Debug, Clone, Default)]
pub struct OffsetPages {
    /// Over the vendor's body: the records. Left out: the body itself.
    pub items: Option<Expression>,
    /// Over the vendor's body: false ends, true goes on even after an empty page.
    pub more: Option<Expression>,
    /// The number of the first record.
    pub start: u64,
    /// The query parameter for the position; left out: the mapping places it.
    pub param: Option<String>,
    /// The size of a page.
    pub size: Size,
}

/// All records come at once.
#[derive(Debug, Clone, Default)]
pub struct WholePages {
    /// Over the vendor's body: the records. Left out: the body itself.
    pub items: Option<Expression>,
}

/// The size of a vendor's page, in records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Size {
    /// The query parameter for it; left out: the mapping places it.
    pub param: Option<String>,
    /// What is asked for if the application says nothing; left out: the vendor's default.
    pub value: Option<u32>,
    /// The most that the vendor allows.
    pub max: Option<u32>,
}

impl CursorPages {
    /// Pages whose next position is found so; the rest left out.
    #[must_use]
    pub fn new(next: Expression) -> Self {
        Self {
            items: None,
            next,
            more: None,
            param: None,
            size: Size::default(),
        }
    }
}

impl Paging {
    /// Over the vendor's body: the records. `None`: the body itself.
    #[must_use]
    pub fn items(&self) -> Option<&Expression> {
        match self {
            Self::Cursor(pages) => pages.items.as_ref(),
            Self::Offset(pages) => pages.items.as_ref(),
            Self::Whole(pages) => pages.items.as_ref(),
        }
    }

    /// Over the vendor's body: the next position, where the type needs one.
    #[must_use]
    pub fn next(&self) -> Option<&Expression> {
        match self {
            Self::Cursor(pages) => Some(&pages.next),
            Self::Offset(_) | Self::Whole(_) => None,
        }
    }

    /// Over the vendor's body: whether there is more.
    #[must_use]
    pub fn more(&self) -> Option<&Expression> {
        match self {
            Self::Cursor(pages) => pages.more.as_ref(),
            Self::Offset(pages) => pages.more.as_ref(),
            Self::Whole(_) => None,
        }
    }

    /// The query parameter for the position.
    #[must_use]
    pub fn param(&self) -> Option<&str> {
        match self {
            Self::Cursor(pages) => pages.param.as_deref(),
            Self::Offset(pages) => pages.param.as_deref(),
            Self::Whole(_) => None,
        }
    }

    /// The size of a page, where the type has one.
    #[must_use]
    pub fn size(&self) -> Option<&Size> {
        match self {
            Self::Cursor(pages) => Some(&pages.size),
            Self::Offset(pages) => Some(&pages.size),
            Self::Whole(_) => None,
        }
    }
}
