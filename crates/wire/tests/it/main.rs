//! What the functions over heads promise, by example and by property.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod base_url;
mod headers;
mod hosts;
mod location;
mod query;
mod target;
