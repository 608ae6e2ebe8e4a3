//! `resources`: unified shapes and the operations on them.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Expr, Method, Name, Pagination, PathText};

/// A unified resource: how a vendor's records become ours, and what can be done.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("additionalProperties" = {"$ref": "#/$defs/Operation", "x-planned": true}))]
pub struct Resource {
    /// Over one vendor record: one of ours. The default of every operation that returns records.
    pub item: Option<Expr>,
    /// Over `{id, query, headers, body, account}`: the body of create and update.
    #[schemars(extend("x-planned" = true))]
    pub body: Option<Expr>,
    /// `GET /unified/{model}/{resource}`.
    pub list: Option<Operation>,
    /// `GET /unified/{model}/{resource}/{id}`.
    pub get: Option<Operation>,
    /// `POST /unified/{model}/{resource}`.
    #[schemars(extend("x-planned" = true))]
    pub create: Option<Operation>,
    /// `PATCH /unified/{model}/{resource}/{id}`.
    #[schemars(extend("x-planned" = true))]
    pub update: Option<Operation>,
    /// `DELETE /unified/{model}/{resource}/{id}`.
    #[schemars(extend("x-planned" = true))]
    pub delete: Option<Operation>,
    /// Operations of one's own: `POST /unified/{model}/{resource}[/{id}]/{operation}`.
    #[serde(flatten)]
    #[schemars(skip)]
    pub others: IndexMap<String, Operation>,
}

impl Resource {
    /// All operations by name.
    pub fn operations(&self) -> impl Iterator<Item = (&str, &Operation)> {
        let named = [
            ("list", &self.list),
            ("get", &self.get),
            ("create", &self.create),
            ("update", &self.update),
            ("delete", &self.delete),
        ];
        let named = named
            .into_iter()
            .filter_map(|(name, operation)| Some((name, operation.as_ref()?)));
        named.chain(
            self.others
                .iter()
                .map(|(name, operation)| (name.as_str(), operation)),
        )
    }
}

/// What is done to a resource: one call to the vendor, with a mapping on each side.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// The vendor's method; by default GET, POST, PATCH or DELETE, as the operation is.
    #[serde(default)]
    pub method: Option<Method>,
    /// A template over `{id, query, headers, body, account}`, appended to the base URL.
    pub path: PathText,
    /// One of `bases`, in place of `base_url`.
    #[serde(default)]
    pub base: Option<Name>,
    /// The query, an object: null and nothing are left out, a list is repeated.
    #[serde(default)]
    pub query: Option<Expr>,
    /// Header fields, an object.
    #[serde(default)]
    pub headers: Option<Expr>,
    /// The body.
    #[serde(default)]
    pub body: Option<Expr>,
    /// How the body is written.
    #[serde(default)]
    pub body_format: BodyFormat,
    /// How a list in the query is written.
    #[serde(default)]
    pub list_style: ListStyle,
    /// The records of the answer, in place of the pagination's `items`.
    #[serde(default)]
    pub items: Option<Expr>,
    /// Over one vendor record: one of ours, in place of the resource's.
    #[serde(default)]
    pub item: Option<Expr>,
    /// Over the vendor's body: the records or the answer itself. Then `item` is not allowed.
    #[serde(default)]
    pub response: Option<Expr>,
    /// Over the vendor's body: what `item` sees.
    #[serde(default)]
    pub record: Option<Expr>,
    /// What becomes of a list in which one record cannot be mapped.
    #[serde(default)]
    pub on_item_error: OnItemError,
    /// How the list is cut into pages, in place of the provider's.
    #[serde(default)]
    pub pagination: Option<Pagination>,
    /// The vendor's failures, in place of the provider's.
    #[serde(default)]
    pub error: Option<ErrorTest>,
    /// Whether it may be repeated; by default as its kind says.
    #[serde(default)]
    pub idempotent: Option<bool>,
    /// `get` fetches what a bare answer leaves out.
    #[serde(default)]
    #[schemars(extend("x-planned" = true))]
    pub then: Option<Then>,
    /// Calls before its own, whose answers are bound as `$steps.ID`.
    #[serde(default)]
    #[schemars(extend("x-planned" = true))]
    pub steps: Vec<Step>,
    /// One more answer per record of a page.
    #[serde(default)]
    #[schemars(extend("x-planned" = true))]
    pub expand: Option<Expand>,
}

/// How a body is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BodyFormat {
    /// JSON.
    #[default]
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
}

/// How a list in the query is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListStyle {
    /// `a=1&a=2`.
    #[default]
    Repeat,
    /// `a=1,2`.
    Comma,
    /// `a[]=1&a[]=2`.
    Brackets,
}

/// What becomes of a list in which one record cannot be mapped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnItemError {
    /// It fails: `mapping_failed`.
    #[default]
    Fail,
    /// Bad records are reported in `errors` beside the good ones.
    Skip,
}

/// What follows a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// The record is fetched.
    Get,
}

/// The vendor's failures: read where its answer comes in.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ErrorTest {
    /// true on a 2xx makes it a failure.
    pub when: Option<Expr>,
    /// The status, 400 to 599; by default 502 for a disguised one, else the vendor's own.
    pub status: Option<Expr>,
    /// Mapped onto `not_found`, `conflict`, `validation`, `permission`, `gone`, … in `reason`.
    pub reason: Option<Expr>,
    /// Becomes `detail`.
    pub message: Option<Expr>,
}

/// A call before the operation's own.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The name by which its answer is bound.
    pub id: Name,
    /// The vendor's method.
    #[serde(default)]
    pub method: Option<Method>,
    /// A template over `{id, query, headers, body, account}`.
    pub path: PathText,
    /// One of `bases`, in place of `base_url`.
    #[serde(default)]
    pub base: Option<Name>,
    /// The query, an object.
    #[serde(default)]
    pub query: Option<Expr>,
    /// Header fields, an object.
    #[serde(default)]
    pub headers: Option<Expr>,
    /// The body.
    #[serde(default)]
    pub body: Option<Expr>,
    /// How the body is written.
    #[serde(default)]
    pub body_format: BodyFormat,
}

/// One more answer per record of a page.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expand {
    /// The vendor's method.
    #[serde(default)]
    pub method: Option<Method>,
    /// A template over `{id, query, headers, body, account}`.
    pub path: PathText,
    /// One of `bases`, in place of `base_url`.
    #[serde(default)]
    pub base: Option<Name>,
    /// The query, an object.
    #[serde(default)]
    pub query: Option<Expr>,
    /// The most records of one page.
    #[serde(default = "fifty")]
    #[schemars(range(min = 1, max = 1000))]
    pub max: u32,
}

const fn fifty() -> u32 {
    50
}
