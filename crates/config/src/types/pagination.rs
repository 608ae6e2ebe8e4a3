//! `pagination`: how a vendor cuts its lists into pages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Expr, PathMatch};

/// How a vendor cuts its lists into pages. Which keys count depends on `type`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pagination {
    /// The way in which pages follow each other.
    #[serde(rename = "type")]
    pub kind: PaginationType,
    /// The paths that it is about, in a list of several.
    #[serde(default, rename = "match")]
    pub matches: Option<PathMatch>,
    /// The page's records; left out: the answer itself.
    #[serde(default)]
    pub items: Option<Expr>,
    /// `cursor`, `next_url`: the next position or URL. Nothing, null, false and "" are the end; 0
    /// is a position.
    #[serde(default)]
    pub next: Option<Expr>,
    /// false ends whatever `next` says, true goes on even after an empty page.
    #[serde(default)]
    pub more: Option<Expr>,
    /// `keyset`: the key, over the vendor's last record.
    #[serde(default)]
    pub key: Option<Expr>,
    /// `page`: the first page's number (default 1); `offset`: the first position (default 0).
    #[serde(default)]
    pub start: Option<u64>,
    /// The query parameter for the position; left out: the list's mapping places `query.cursor`.
    #[serde(default)]
    pub param: Option<String>,
    /// The size of a page.
    #[serde(default)]
    pub size: PageSize,
}

impl Pagination {
    /// The first page's number or the first position.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.start
            .unwrap_or(u64::from(self.kind == PaginationType::Page))
    }
}

/// The way in which pages follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaginationType {
    /// Each page tells the position of the next.
    Cursor,
    /// Pages begin at a number of records.
    Offset,
    /// Pages are numbered.
    #[schemars(extend("x-planned" = true))]
    Page,
    /// A `Link` header field tells the next page's URL (RFC 8288).
    #[schemars(extend("x-planned" = true))]
    LinkHeader,
    /// Each page tells the next one's URL.
    #[schemars(extend("x-planned" = true))]
    NextUrl,
    /// The next page begins behind the last record's key.
    #[schemars(extend("x-planned" = true))]
    Keyset,
    /// All at once: it is cut into pages here.
    #[schemars(extend("x-planned" = true))]
    None,
}

impl PaginationType {
    /// The word in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cursor => "cursor",
            Self::Offset => "offset",
            Self::Page => "page",
            Self::LinkHeader => "link_header",
            Self::NextUrl => "next_url",
            Self::Keyset => "keyset",
            Self::None => "none",
        }
    }
}

/// The size of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PageSize {
    /// The query parameter for it; left out: the mapping places `query.limit`.
    pub param: Option<String>,
    /// What is asked for; left out: the vendor's default.
    #[schemars(range(min = 1))]
    pub value: Option<u32>,
    /// The most that the vendor allows.
    #[schemars(range(min = 1))]
    pub max: Option<u32>,
}
