//! The same contacts at two vendors: another shape, another way to page, other errors.

use serde_json::{Value, json};

use crate::{Behaviour, Books, Call, Entry, Reply};

const NAMES: [&str; 5] = ["Ada", "Grace", "Edsger", "Barbara", "Donald"];

/// `GET /v3/contacts?limit&after` and `GET /v3/contacts/{id}`: nested properties, opaque cursors,
/// errors by status.
#[derive(Debug)]
pub struct CursorContacts {
    count: usize,
}

/// `GET /api/people?start&count` and `GET /api/people/{id}`: flat, offsets, and failures that
/// come as a 200 with `"ok": false`.
#[derive(Debug)]
pub struct OffsetContacts {
    count: usize,
}

impl CursorContacts {
    /// Keeps this many contacts, numbered from 1.
    pub fn new(count: usize) -> Self {
        Self { count }
    }

    fn contact(number: usize) -> Value {
        json!({
            "id": number.to_string(),
            "properties": {
                "firstname": name(number),
                "email": format!("contact{number}@example.com"),
            },
            "updatedAt": "2026-01-01T00:00:00Z",
        })
    }
}

impl OffsetContacts {
    /// Keeps this many contacts, numbered from 1.
    pub fn new(count: usize) -> Self {
        Self { count }
    }

    fn person(number: usize) -> Value {
        json!({
            "person_id": number,
            "given": name(number),
            "mail": [format!("contact{number}@example.com")],
            "changed": 1_767_225_600_000_u64,
        })
    }
}

fn name(number: usize) -> &'static str {
    NAMES.get(number % NAMES.len()).copied().unwrap_or_default()
}

fn number(call: &Call, name: &str, otherwise: usize) -> usize {
    call.query(name)
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

impl Behaviour for CursorContacts {
    fn reply(&self, call: &Call, books: &Books) -> Reply {
        books.note(Entry::Requests);
        let path = call.head.uri.path();
        if let Some(id) = path.strip_prefix("/v3/contacts/") {
            let id = id.parse().unwrap_or(0);
            return if (1..=self.count).contains(&id) {
                Reply::json(200, &Self::contact(id))
            } else {
                let missing =
                    json!({ "category": "OBJECT_NOT_FOUND", "message": "no such contact" });
                Reply::json(404, &missing)
            };
        }
        if path != "/v3/contacts" {
            return Reply::json(404, &json!({ "message": "no such path" }));
        }
        let limit = number(call, "limit", 10).clamp(1, 100);
        // The cursor is a text that only this vendor understands.
        let after = call
            .query("after")
            .and_then(|cursor| usize::from_str_radix(cursor.strip_prefix("c-")?, 36).ok());
        let start = after.unwrap_or(0);
        let end = (start + limit).min(self.count);
        let results: Vec<Value> = (start..end).map(|i| Self::contact(i + 1)).collect();
        let mut page = json!({ "results": results });
        if end < self.count
            && let Some(page) = page.as_object_mut()
        {
            let next = json!({ "next": { "after": format!("c-{}", base36(end)) } });
            page.insert("paging".into(), next);
        }
        Reply::json(200, &page)
    }
}

impl Behaviour for OffsetContacts {
    fn reply(&self, call: &Call, books: &Books) -> Reply {
        books.note(Entry::Requests);
        let path = call.head.uri.path();
        if let Some(id) = path.strip_prefix("/api/people/") {
            let id = id.parse().unwrap_or(0);
            return if (1..=self.count).contains(&id) {
                Reply::json(200, &json!({ "ok": true, "person": Self::person(id) }))
            } else {
                let failure =
                    json!({ "ok": false, "error": { "kind": "missing", "text": "nobody" } });
                Reply::json(200, &failure)
            };
        }
        if path != "/api/people" {
            return Reply::json(404, &json!({ "ok": false }));
        }
        let start = number(call, "start", 0);
        let end = start
            .saturating_add(number(call, "count", 10))
            .min(self.count);
        let people: Vec<Value> = (start..end).map(|i| Self::person(i + 1)).collect();
        Reply::json(200, &json!({ "ok": true, "people": people }))
    }
}

fn base36(mut number: usize) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut text = Vec::new();
    loop {
        text.push(char::from(DIGITS[number % 36]));
        number /= 36;
        if number == 0 {
            return text.iter().rev().collect();
        }
    }
}
