//! `/unified`: one shape over vendors of different ones.

use http::Method;
use leeward_vendors::{Behaviour, Books, Call, CursorContacts, Entry, OffsetContacts, Reply, Server};
use serde_json::{Value, json as value};

use crate::harness::{Answer, Files, Leeward, RawVendor, json, turns, vendor};

/// How [`CursorContacts`] is mapped.
const CURSOR: &str = r#"
auth: {type: none}
pagination: {type: cursor, next: paging.next.after, param: after, items: results, size: {param: limit, value: 10, max: 100}}
error: {reason: 'category = "OBJECT_NOT_FOUND" ? "not_found"', message: message}
resources:
  crm/contacts:
    item: '{"id": $string(id), "first_name": properties.firstname, "email": properties.email}'
    list: {path: /v3/contacts}
    get: {path: "/v3/contacts/{{id}}"}
"#;

/// How [`OffsetContacts`] is mapped.
const OFFSET: &str = r#"
auth: {type: none}
pagination: {type: offset, param: start, items: people, size: {param: count, value: 10, max: 20}}
error: {when: 'ok = false', status: 'error.kind = "missing" ? 404', reason: 'error.kind = "missing" ? "not_found"', message: error.text}
resources:
  crm/contacts:
    item: '{"id": $string(person_id), "first_name": given, "email": mail[0]}'
    list: {path: /api/people}
    get: {path: "/api/people/{{id}}", record: person}
"#;

fn at(vendor: &Server, lines: &str) -> String {
    format!("base_url: {}\n{lines}", vendor.url())
}

/// 25 contacts at two vendors, and an account at each.
async fn two_vendors() -> (Server, Server, Files) {
    let (cursor, offset) = (vendor(CursorContacts::new(25)).await, vendor(OffsetContacts::new(25)).await);
    let files = Files::new()
        .provider("cursor", &at(&cursor, CURSOR))
        .provider("offset", &at(&offset, OFFSET))
        .account("c", "provider: cursor")
        .account("o", "provider: offset");
    (cursor, offset, files)
}

fn contact(number: usize) -> Value {
    let names = ["Ada", "Grace", "Edsger", "Barbara", "Donald"];
    value!({
        "id": number.to_string(),
        "first_name": names[number % 5],
        "email": format!("contact{number}@example.com"),
    })
}

async fn list(leeward: &Leeward, account: &str, query: &str) -> Answer {
    leeward.get_as(account, &format!("/unified/crm/contacts{query}")).await
}

/// The ids on a page, and the cursor of the next.
#[track_caller]
fn page(answer: &Answer) -> (Vec<usize>, Option<String>) {
    let page = answer.live().json();
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(page["source"], "live");
    let data = page["data"].as_array().unwrap();
    let id = |record: &Value| record["id"].as_str().unwrap().parse().unwrap();
    let cursor = page.get("next_cursor").expect("a cursor or null");
    (data.iter().map(id).collect(), cursor.as_str().map(str::to_owned))
}

#[tokio::test]
async fn two_vendors_give_one_shape() {
    let (_cursor, _offset, files) = two_vendors().await;
    let leeward = files.start().await;
    for account in ["c", "o"] {
        let one = leeward.get_as(account, "/unified/crm/contacts/7").await;
        assert_eq!(one.live().json(), value!({ "data": contact(7), "source": "live" }), "{account}");
        assert_eq!(one.header("leeward-account"), Some(account));
        let all = list(&leeward, account, "?limit=3").await;
        assert_eq!(all.live().json()["data"], value!([contact(1), contact(2), contact(3)]), "{account}");
    }
    let counted = r#"leeward_requests_total{operation="crm/contacts.get",outcome="ok",provider="offset",source="live"}"#;
    assert!((leeward.metric(counted).await - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_list_is_walked_whole_with_any_limit() {
    let (_cursor, _offset, files) = two_vendors().await;
    let leeward = files.start().await;
    for account in ["c", "o"] {
        // The default size, and limits that change on the way; larger than the vendor's page, too.
        for limits in [vec![""], vec!["1"], vec!["7", "2", "30", "1"], vec!["25"], vec!["1000"]] {
            let (mut seen, mut cursor, mut turn) = (Vec::new(), None::<String>, 0);
            loop {
                let limit = limits[turn % limits.len()];
                let mut query = vec![];
                if !limit.is_empty() {
                    query.push(format!("limit={limit}"));
                }
                query.extend(cursor.as_ref().map(|cursor| format!("cursor={cursor}")));
                let (ids, next) = page(&list(&leeward, account, &format!("?{}", query.join("&"))).await);
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
async fn what_is_not_there_is_a_404_with_the_vendors_words() {
    let (_cursor, _offset, files) = two_vendors().await;
    let leeward = files.start().await;
    let told = leeward.get_as("c", "/unified/crm/contacts/99").await;
    let problem = told.problem(404, "upstream_error");
    assert_eq!((&problem["reason"], &problem["detail"]), (&value!("not_found"), &value!("no such contact")));
    assert_eq!((&problem["upstream_status"], &problem["provider"]), (&value!(404), &value!("cursor")));
    assert_eq!(problem["upstream_body"]["category"], "OBJECT_NOT_FOUND");
    // A failure inside a 200.
    let told = leeward.get_as("o", "/unified/crm/contacts/99").await;
    let problem = told.problem(404, "upstream_error");
    assert_eq!((&problem["reason"], &problem["detail"]), (&value!("not_found"), &value!("nobody")));
    assert_eq!((&problem["upstream_status"], &problem["account"]), (&value!(200), &value!("o")));
    assert_eq!(problem["upstream_body"]["ok"], false);
    // What nobody maps, and what is no path.
    for (path, status, code) in [
        ("/unified/crm/deals", 404, "unknown_resource"),
        ("/unified/crm/contacts/1/2/3", 400, "invalid_request"),
        ("/unified/crm/contacts/..", 400, "invalid_request"),
        ("/unified/crm/contacts/%2e%2e", 400, "invalid_request"),
        ("/unified/crm", 400, "invalid_request"),
    ] {
        leeward.get_as("c", path).await.problem(status, code);
    }
    for method in [Method::DELETE, Method::PATCH, Method::PUT] {
        let headers = [("leeward-account", "c")];
        let refused = leeward.call(method, "/unified/crm/contacts/1", &headers, "{}").await;
        refused.problem(405, "unsupported_operation");
        assert_eq!(refused.header("allow"), Some("GET, HEAD"));
    }
}

#[tokio::test]
async fn a_failure_in_disguise_is_seen_by_retry_and_breaker() {
    let vendor = vendor(turns(|turn, _| match turn {
        0 => json(200, value!({ "ok": false, "error": { "kind": "busy" } })),
        1 => json(200, value!({ "ok": true, "person": { "person_id": 1, "given": "Ada", "mail": [] } })),
        _ => json(200, value!({ "ok": false, "error": { "kind": "broken", "text": "at a loss" } })),
    }))
    .await;
    let lines = OFFSET
        .replace(r#"error.kind = "missing" ? 404"#, r#"error.kind = "busy" ? 503 : 500"#)
        .replace(r#""email": mail[0]"#, r#""email": null"#);
    let lines = format!(
        "{}\ncache: null\nbreaker: {{consecutive_failures: 2, open_for: 10m, max_open_for: 10m}}",
        at(&vendor, &lines)
    );
    let leeward = Files::new().provider("p", &lines).start().await;
    let served = leeward.get("/unified/crm/contacts/1").await;
    assert_eq!(served.live().header("leeward-attempts"), Some("2"));
    assert!((leeward.metric(r#"leeward_retries_total{provider="p",reason="503"}"#).await - 1.0).abs() < f64::EPSILON);
    for _ in 0..2 {
        let problem = leeward.get("/unified/crm/contacts/1").await.problem(500, "upstream_error");
        assert_eq!(problem["detail"], "at a loss");
    }
    leeward.get("/unified/crm/contacts/1").await.problem(503, "circuit_open");
    assert_eq!(vendor.books().read(Entry::Requests), 4);
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
    for foreign in ["", "c-a", "nonsense", &tampered, &format!("{next}A"), &next[..next.len() - 1]] {
        let answer = list(&leeward, "c", &format!("?cursor={foreign}")).await;
        answer.problem(400, "invalid_request");
    }
    // It belongs to this provider, account and query.
    list(&leeward, "o", &format!("?cursor={next}")).await.problem(400, "invalid_request");
    list(&leeward, "c2", &format!("?cursor={next}")).await.problem(400, "invalid_request");
    list(&leeward, "c", &format!("?archived=true&cursor={next}")).await.problem(400, "invalid_request");
    assert_eq!(asked(&cursor) + asked(&offset), before, "the vendor was asked for what is refused");
    // And to nothing else: another limit, and another process with the same key.
    assert_eq!(page(&list(&leeward, "c", &format!("?limit=2&cursor={next}")).await).0, [6, 7]);
    let leeward = leeward.killed_and_started_again().await;
    assert_eq!(page(&list(&leeward, "c", &format!("?limit=2&cursor={next}")).await).0, [6, 7]);
}

#[tokio::test]
async fn a_kept_answer_says_so_in_its_envelope() {
    let (cursor, offset) = (vendor(Failing::new(CursorContacts::new(25))).await, vendor(Failing::new(OffsetContacts::new(25))).await);
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
        assert_eq!(kept.json(), value!({ "data": contact(3), "source": "cache" }));
        assert_eq!(kept.header("content-length"), Some(kept.body.len().to_string().as_str()));
        // Whatever the order of the query.
        let kept = list(&leeward, account, "?q=1&limit=4").await;
        assert_eq!((kept.header("leeward-source"), &kept.json()["source"]), (Some("cache"), &value!("cache")));
        let next = kept.json()["next_cursor"].as_str().unwrap().to_owned();
        let kept = list(&leeward, account, &format!("?limit=4&cursor={next}&q=1")).await;
        assert_eq!(kept.json()["data"][0], contact(5));
        assert_eq!(kept.json()["source"], "cache");
        // What was never read has nothing to stand in for it.
        let failed = leeward.get_as(account, "/unified/crm/contacts/4").await;
        assert_eq!(failed.header("leeward-error"), Some("upstream_error"), "{}", failed.text());
    }
}

#[tokio::test]
async fn a_vendors_own_time_goes_on_and_what_is_gone_is_not_kept() {
    let vendor = vendor(turns(|turn, call| match (call.head.uri.path(), turn) {
        ("/v3/contacts/1", 0) | ("/v3/contacts/2", 1) => json(200, value!({ "id": 1, "properties": { "firstname": "Ada", "email": "" } })),
        (_, 2) => json(404, value!({ "category": "OBJECT_NOT_FOUND", "message": "no such contact" })),
        _ => json(503, value!({})).header("retry-after", 900),
    }))
    .await;
    let lines = format!("{}retry: {{max_attempts: 1}}\ncache: {{paths: ['^/unified/crm/contacts/[12]$']}}", at(&vendor, CURSOR));
    let leeward = Files::new().provider("p", &lines).start().await;
    leeward.get("/unified/crm/contacts/1").await.live();
    leeward.get("/unified/crm/contacts/2").await.live();
    leeward.get("/unified/crm/contacts/1").await.problem(404, "upstream_error");
    // The first was lost since; the second stands in.
    let problem = leeward.get("/unified/crm/contacts/1").await.problem(503, "upstream_error");
    assert_eq!((&problem["retry_after"], &problem["upstream_status"]), (&value!(900), &value!(503)));
    let kept = leeward.get("/unified/crm/contacts/2").await;
    assert_eq!((kept.status.as_u16(), &kept.json()["source"]), (200, &value!("cache")));
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

#[tokio::test]
async fn the_provider_is_the_accounts_or_the_one_named() {
    let (_cursor, _offset, files) = two_vendors().await;
    let leeward = files.start().await;
    let path = "/unified/crm/contacts/1";
    let ambiguous = leeward.get(path).await;
    ambiguous.problem(400, "ambiguous_provider");
    let with = async |headers: &[(&str, &str)]| leeward.call(Method::GET, path, headers, "").await;
    for (headers, provider) in [
        (vec![("leeward-account", "o")], "offset"),
        (vec![("leeward-provider", "offset")], "offset"),
        (vec![("leeward-provider", "cursor"), ("leeward-account", "c")], "cursor"),
    ] {
        let served = with(&headers).await;
        assert_eq!(served.live().header("leeward-provider"), Some(provider));
    }
    with(&[("leeward-provider", "cursor"), ("leeward-account", "o")]).await.problem(404, "unknown_account");
    with(&[("leeward-provider", "nobody")]).await.problem(404, "unknown_provider");
    with(&[("leeward-account", "nobody")]).await.problem(404, "unknown_account");
}

#[tokio::test]
async fn where_one_provider_has_the_resource_nobody_need_be_named() {
    let contacts = vendor(CursorContacts::new(3)).await;
    let leeward = Files::new()
        .provider("cursor", &at(&contacts, CURSOR))
        .provider("plain", &format!("base_url: {}\nauth: {{type: none}}", contacts.url()))
        .start()
        .await;
    let served = leeward.get("/unified/crm/contacts?limit=10").await;
    assert_eq!(page(&served), (vec![1, 2, 3], None));
    let elsewhere = [("leeward-provider", "plain")];
    let answer = leeward.call(Method::GET, "/unified/crm/contacts", &elsewhere, "").await;
    answer.problem(404, "unknown_resource");
}

#[tokio::test]
async fn a_page_that_comes_again_is_no_end() {
    let vendor = vendor(|_: &Call| json(200, value!({ "results": [{ "id": 1 }], "paging": { "next": { "after": "same" } } }))).await;
    let leeward = Files::new().provider("cursor", &at(&vendor, CURSOR)).start().await;
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

#[tokio::test]
async fn a_mapping_sets_path_query_and_nothing_of_ours() {
    let raw = RawVendor::start().await;
    let lines = format!(
        "base_url: {}/base\nauth: {{type: api_key, apply: {{header: X-Key, value: '{{{{credentials.api_key}}}}'}}}}\n\
         resources:\n  crm/contacts:\n    item: '{{\"id\": id}}'\n    get: {{path: '/c/{{{{id}}}}', query: '{{\"full\": query.full, \"of\": account.vars.portal, \"none\": null}}', headers: '{{\"X-Own\": headers.`x-app`}}'}}",
        raw.url()
    );
    let leeward = Files::new()
        .provider("p", &lines)
        .account("a", "provider: p\ncredentials: {api_key: secret}\nvars: {portal: '9 & 9'}")
        .start()
        .await;
    let headers = [("x-app", "mine"), ("leeward-debug", "true"), ("x-other", "stays behind"), ("authorization", "Bearer app")];
    let (answer, ()) = tokio::join!(
        leeward.call(Method::GET, "/unified/crm/contacts/a%2Fb%20c?full=yes&x=1", &headers, ""),
        async {
            let call = raw.call().await;
            let head = call.head.to_ascii_lowercase();
            assert!(head.starts_with("get /base/c/a%2fb%20c?full=yes&of=9%20%26%209 http/1.1"), "{head}");
            assert!(head.contains("x-key: secret") && head.contains("x-own: mine"), "{head}");
            for absent in ["x-other", "leeward-", "authorization"] {
                assert!(!head.contains(absent), "{head}");
            }
            call.answer(200, &value!({ "id": "a/b c" })).await;
        }
    );
    assert_eq!(answer.live().json(), value!({ "data": { "id": "a/b c" }, "source": "live" }));
}
