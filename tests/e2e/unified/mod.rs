//! `/unified`: one shape over vendors of different ones.

mod failures;
mod kept;
mod lists;
mod writes;

use http::Method;
use leeward_vendors::{CursorContacts, OffsetContacts, Server};
use serde_json::{Value, json as value};

use crate::harness::{Answer, Files, Leeward, RawVendor, vendor};

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
    let (cursor, offset) = (
        vendor(CursorContacts::new(25)).await,
        vendor(OffsetContacts::new(25)).await,
    );
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
    leeward
        .get_as(account, &format!("/unified/crm/contacts{query}"))
        .await
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
    (
        data.iter().map(id).collect(),
        cursor.as_str().map(str::to_owned),
    )
}

#[tokio::test]
async fn two_vendors_give_one_shape() {
    let (_cursor, _offset, files) = two_vendors().await;
    let leeward = files.start().await;
    for account in ["c", "o"] {
        let one = leeward.get_as(account, "/unified/crm/contacts/7").await;
        assert_eq!(
            one.live().json(),
            value!({ "data": contact(7), "source": "live" }),
            "{account}"
        );
        assert_eq!(one.header("leeward-account"), Some(account));
        let all = list(&leeward, account, "?limit=3").await;
        assert_eq!(
            all.live().json()["data"],
            value!([contact(1), contact(2), contact(3)]),
            "{account}"
        );
    }
    let counted = r#"leeward_requests_total{operation="crm/contacts.get",outcome="ok",provider="offset",source="live"}"#;
    assert!((leeward.metric(counted).await - 1.0).abs() < f64::EPSILON);
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
        (
            vec![("leeward-provider", "cursor"), ("leeward-account", "c")],
            "cursor",
        ),
    ] {
        let served = with(&headers).await;
        assert_eq!(served.live().header("leeward-provider"), Some(provider));
    }
    with(&[("leeward-provider", "cursor"), ("leeward-account", "o")])
        .await
        .problem(404, "unknown_account");
    with(&[("leeward-provider", "nobody")])
        .await
        .problem(404, "unknown_provider");
    with(&[("leeward-account", "nobody")])
        .await
        .problem(404, "unknown_account");
}

#[tokio::test]
async fn where_one_provider_has_the_resource_nobody_need_be_named() {
    let contacts = vendor(CursorContacts::new(3)).await;
    let leeward = Files::new()
        .provider("cursor", &at(&contacts, CURSOR))
        .provider(
            "plain",
            &format!("base_url: {}\nauth: {{type: none}}", contacts.url()),
        )
        .start()
        .await;
    let served = leeward.get("/unified/crm/contacts?limit=10").await;
    assert_eq!(page(&served), (vec![1, 2, 3], None));
    let elsewhere = [("leeward-provider", "plain")];
    let answer = leeward
        .call(Method::GET, "/unified/crm/contacts", &elsewhere, "")
        .await;
    answer.problem(404, "unknown_resource");
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
        .account(
            "a",
            "provider: p\ncredentials: {api_key: secret}\nvars: {portal: '9 & 9'}",
        )
        .start()
        .await;
    let headers = [
        ("x-app", "mine"),
        ("leeward-debug", "true"),
        ("x-other", "stays behind"),
        ("authorization", "Bearer app"),
    ];
    let (answer, ()) = tokio::join!(
        leeward.call(
            Method::GET,
            "/unified/crm/contacts/a%2Fb%20c?full=yes&x=1",
            &headers,
            ""
        ),
        async {
            let call = raw.call().await;
            let head = call.head.to_ascii_lowercase();
            assert!(
                head.starts_with("get /base/c/a%2fb%20c?full=yes&of=9%20%26%209 http/1.1"),
                "{head}"
            );
            assert!(
                head.contains("x-key: secret") && head.contains("x-own: mine"),
                "{head}"
            );
            for absent in ["x-other", "leeward-", "authorization"] {
                assert!(!head.contains(absent), "{head}");
            }
            call.answer(200, &value!({ "id": "a/b c" })).await;
        }
    );
    assert_eq!(
        answer.live().json(),
        value!({ "data": { "id": "a/b c" }, "source": "live" })
    );
}
