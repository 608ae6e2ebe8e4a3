//! Ways to page as data, and opaque cursors that can be handed to strangers.
//!
//! ```
//! use leeward_expression::Expression;
//! use leeward_pagination::{Answer, Binding, CursorKeys, CursorPages, Paging, open, seal};
//! use serde_json::json;
//!
//! // How the vendor pages, as data.
//! let paging = Paging::Cursor(CursorPages {
//!     param: Some("after".into()),
//!     ..CursorPages::new(Expression::compile("paging.next")?)
//! });
//!
//! // The first page: two records are wanted. This vendor has no parameter for the size, and sends three.
//! let ask = paging.ask(None, Some(2));
//! assert_eq!(ask.params(&paging)?, []);
//! let answer = Answer { count: 3, next: Some(json!("p2")), more: None };
//! let page = paging.read(&ask, answer)?;
//! assert_eq!(page.records, 0..2);
//!
//! // The rest comes on the next page, whose position travels as an opaque text.
//! let keys = CursorKeys::new(vec![[7; 32]]);
//! let binding = Binding { provider: "books", account: "acme", resource: "crm/contacts", query: "" };
//! let text = seal(&keys, &page.next.unwrap(), &binding)?;
//! let position = open(&keys, &text, &binding)?;
//! assert!(open(&keys, &text, &Binding { account: "other", ..binding }).is_err());
//!
//! let ask = paging.ask(Some(&position), Some(2));
//! let answer = Answer { count: 3, next: Some(json!("p2")), more: None };
//! let page = paging.read(&ask, answer)?;
//! assert_eq!(page.records, 2..3);
//! assert_eq!(page.next.and_then(|next| next.vendor), Some(json!("p2")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Paging`] decides, and nothing else: who calls the vendor and evaluates the expressions is the user of this
//! crate. [`Paging::ask`] says what to ask next, [`Paging::read`] which of the records that came belong to the page and
//! where the next one begins.

mod ask;
mod cursor;
mod error;
mod keys;
mod paging;
mod position;
mod read;

pub use ask::Ask;
pub use cursor::{Binding, open, seal};
pub use error::{CursorError, PagingError};
pub use keys::CursorKeys;
pub use paging::{CursorPages, OffsetPages, Paging, Size, WholePages};
pub use position::Position;
pub use read::{Answer, Page};
