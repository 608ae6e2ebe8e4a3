//! A vendor whose tokens live for seconds and whose refresh tokens work once.

use std::sync::Arc;

use serde_json::json;

use crate::{Behaviour, Books, Call, Entry, Grants, Reply};

/// Serves records to bearers of living tokens; `POST /token` renews them.
#[derive(Debug)]
pub struct Rotating {
    grants: Arc<Grants>,
}

impl Rotating {
    /// Who may come in is decided by `grants`.
    pub fn new(grants: Arc<Grants>) -> Self {
        Self { grants }
    }
}

impl Behaviour for Rotating {
    fn reply(&self, call: &Call, books: &Books) -> Reply {
        if call.head.uri.path() == "/token" {
            return self.grants.token_call(call, books);
        }
        books.note(Entry::Requests);
        if !call.bearer().is_some_and(|token| self.grants.admits(token)) {
            return Reply::json(401, &json!({ "error": "token expired" }))
                .header("www-authenticate", http::HeaderValue::from_static("Bearer"));
        }
        call.served(books)
    }
}
