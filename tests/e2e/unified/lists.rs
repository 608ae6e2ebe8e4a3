//! Pages, limits and cursors.

use leeward_vendors::{Call, Entry, Server};
use serde_json::json as value;

use super::{CURSOR, at, list, page, two_vendors};
use crate::harness::{Files, json, vendor};

#[tokio::test]
async fn a_list_is_walked_whole_with_any_limit() {
    let (_cursor, _offset, files) = two_vendors().await;
    let leeward = files.start().await;
    for account in ["c", "o"] {
        // The default size, and limits that change on the way; larger than the vendor's page, too.
        for limits in [
            vec![""],
            vec!["1"],
            vec!["7", "2", "30", "1"],
            vec!["25"],
            vec!["1000"],
        ] {
            let (mut seen, mut cursor, mut turn) = (Vec::new(), None::<String>, 0);
            loop {
                let limit = limits[turn % limits.len()];
                let mut query = vec![];
                if !limit.is_empty() {
                    query.push(format!("limit={limit}"));
                }
                query.extend(cursor.as_ref().map(|cursor| format!("cursor={cursor}")));
                let (ids, next) =
                    page(&list(&leeward, account, &format!("?{}", query.join("&"))).await);
                if let Ok(limit) = limit.parse::<usize>() {
                    assert!(ids.len() <= limit, "{account} {limits:?}: {}", ids.len());
                }
                seen.extend(ids);
                turn += 1;
                assert!(turn < 60, "{account} {limits:?} does not end");
                cursor = next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(seen, (1..=25).collect::<Vec<_>>(), "{account} {limits:?}");
        }
    }
}

#[tokio::test]
async fn limits_and_cursors_are_checked() {
    let (cursor, offset, files) = two_vendors().await;
    let files = files.account("c2", "provider: cursor");
    let leeward = files.start().await;
    let (_, next) = page(&list(&leeward, "c", "?limit=5").await);
    let next = next.unwrap();
    let asked = |vendor: &Server| vendor.books().read(Entry::Requests);
    let before = asked(&cursor) + asked(&offset);
    for limit in ["0", "-1", "x", "1.5", "99999999999", "1&limit=2"] {
        let answer = list(&leeward, "c", &format!("?limit={limit}")).await;
        answer.problem(400, "invalid_request");
    }
    let mut tampered: Vec<char> = next.chars().collect();
    let middle = tampered.len() / 2;
    tampered[middle] = if tampered[middle] == 'A' { 'B' } else { 'A' };
    let tampered: String = tampered.into_iter().collect();
    for foreign in [
        "",
        "c-a",
        "nonsense",
        &tampered,
        &format!("{next}A"),
        &next[..next.len() - 1],
    ] {
        let answer = list(&leeward, "c", &format!("?cursor={foreign}")).await;
        answer.problem(400, "invalid_request");
    }
    // It belongs to this provider, account and query.
    list(&leeward, "o", &format!("?cursor={next}"))
        .await
        .problem(400, "invalid_request");
    list(&leeward, "c2", &format!("?cursor={next}"))
        .await
        .problem(400, "invalid_request");
    list(&leeward, "c", &format!("?archived=true&cursor={next}"))
        .await
        .problem(400, "invalid_request");
    assert_eq!(
        asked(&cursor) + asked(&offset),
        before,
        "the vendor was asked for what is refused"
    );
    // And to nothing else: another limit, and another process with the same key.
    assert_eq!(
        page(&list(&leeward, "c", &format!("?limit=2&cursor={next}")).await).0,
        [6, 7]
    );
    let leeward = leeward.killed_and_started_again().await;
    assert_eq!(
        page(&list(&leeward, "c", &format!("?limit=2&cursor={next}")).await).0,
        [6, 7]
    );
}

#[tokio::test]
async fn a_page_that_comes_again_is_no_end() {
    let vendor = vendor(|_: &Call| {
        json(
            200,
            value!({ "results": [{ "id": 1 }], "paging": { "next": { "after": "same" } } }),
        )
    })
    .await;
    let leeward = Files::new()
        .provider("cursor", &at(&vendor, CURSOR))
        .start()
        .await;
    let mut query = String::new();
    for turn in 0.. {
        assert!(turn < 5, "it goes in circles");
        let answer = leeward.get(&format!("/unified/crm/contacts{query}")).await;
        if answer.status == 502 {
            answer.problem(502, "pagination_failed");
            break;
        }
        query = format!("?cursor={}", page(&answer).1.unwrap());
    }
}
