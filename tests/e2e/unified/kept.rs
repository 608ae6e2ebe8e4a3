//! What was read before, where the vendor fails.

use leeward_vendors::{Behaviour, Books, Call, CursorContacts, Entry, OffsetContacts, Reply};
use serde_json::json as value;

use super::{CURSOR, OFFSET, at, contact, list, page};
use crate::harness::{Files, json, turns, vendor};

#[tokio::test]
async fn a_kept_answer_says_so_in_its_envelope() {
    let (cursor, offset) = (
        vendor(Failing::new(CursorContacts::new(25))).await,
        vendor(Failing::new(OffsetContacts::new(25))).await,
    );
    let unbroken = "breaker: {consecutive_failures: null, failure_ratio: null}";
    let leeward = Files::new()
        .provider("cursor", &format!("{}{unbroken}", at(&cursor, CURSOR)))
        .provider("offset", &format!("{}{unbroken}", at(&offset, OFFSET)))
        .account("c", "provider: cursor")
        .account("o", "provider: offset")
        .start()
        .await;
    for account in ["c", "o"] {
        let one = leeward.get_as(account, "/unified/crm/contacts/3").await;
        one.live();
        let (_, next) = page(&list(&leeward, account, "?limit=4&q=1").await);
        let second = format!("?q=1&limit=4&cursor={}", next.unwrap());
        let (ids, _) = page(&list(&leeward, account, &second).await);
        assert_eq!(ids, [5, 6, 7, 8]);
    }
    // Both vendors fail from now on, each in its way.
    for vendor in [&cursor, &offset] {
        vendor.books().note(Entry::Torn);
    }
    for account in ["c", "o"] {
        let kept = leeward.get_as(account, "/unified/crm/contacts/3").await;
        assert_eq!(kept.status, 200, "{}", kept.text());
        assert_eq!(kept.header("leeward-source"), Some("cache"));
        assert!(kept.header("age").is_some());
        assert_eq!(
            kept.json(),
            value!({ "data": contact(3), "source": "cache" })
        );
        assert_eq!(
            kept.header("content-length"),
            Some(kept.body.len().to_string().as_str())
        );
        // Whatever the order of the query.
        let kept = list(&leeward, account, "?q=1&limit=4").await;
        assert_eq!(
            (kept.header("leeward-source"), &kept.json()["source"]),
            (Some("cache"), &value!("cache"))
        );
        let next = kept.json()["next_cursor"].as_str().unwrap().to_owned();
        let kept = list(&leeward, account, &format!("?limit=4&cursor={next}&q=1")).await;
        assert_eq!(kept.json()["data"][0], contact(5));
        assert_eq!(kept.json()["source"], "cache");
        // What was never read has nothing to stand in for it.
        let failed = leeward.get_as(account, "/unified/crm/contacts/4").await;
        assert_eq!(
            failed.header("leeward-error"),
            Some("upstream_error"),
            "{}",
            failed.text()
        );
    }
}

#[tokio::test]
async fn a_vendors_own_time_goes_on_and_what_is_gone_is_not_kept() {
    let vendor = vendor(turns(|turn, call| match (call.head.uri.path(), turn) {
        ("/v3/contacts/1", 0) | ("/v3/contacts/2", 1) => json(
            200,
            value!({ "id": 1, "properties": { "firstname": "Ada", "email": "" } }),
        ),
        (_, 2) => json(
            404,
            value!({ "category": "OBJECT_NOT_FOUND", "message": "no such contact" }),
        ),
        _ => json(503, value!({})).header("retry-after", 900),
    }))
    .await;
    let lines = format!(
        "{}retry: {{max_attempts: 1}}\ncache: {{paths: ['^/unified/crm/contacts/[12]$']}}",
        at(&vendor, CURSOR)
    );
    let leeward = Files::new().provider("p", &lines).start().await;
    leeward.get("/unified/crm/contacts/1").await.live();
    leeward.get("/unified/crm/contacts/2").await.live();
    leeward
        .get("/unified/crm/contacts/1")
        .await
        .problem(404, "upstream_error");
    // The first was lost since; the second stands in.
    let problem = leeward
        .get("/unified/crm/contacts/1")
        .await
        .problem(503, "upstream_error");
    assert_eq!(
        (&problem["retry_after"], &problem["upstream_status"]),
        (&value!(900), &value!(503))
    );
    let kept = leeward.get("/unified/crm/contacts/2").await;
    assert_eq!(
        (kept.status.as_u16(), &kept.json()["source"]),
        (200, &value!("cache"))
    );
}

/// Answers 503 once a tear stands in its books.
struct Failing<B>(B);

impl<B: Behaviour> Failing<B> {
    fn new(behaviour: B) -> Self {
        Self(behaviour)
    }
}

impl<B: Behaviour> Behaviour for Failing<B> {
    fn reply(&self, call: &Call, books: &Books) -> Reply {
        if books.read(Entry::Torn) > 0 {
            return json(503, value!({ "message": "down" }));
        }
        self.0.reply(call, books)
    }
}
