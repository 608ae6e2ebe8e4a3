//! `/accounts`.

use http::Method;
use serde_json::{Value, json};

use super::{key, oauth2, rotating};
use crate::harness::{Answer, Files, Leeward, Script};

async fn started() -> (Script, Leeward) {
    let vendor = Script::start(rotating).await;
    let leeward = Files::new()
        .provider("o", &oauth2(&vendor.url()))
        .provider("k", &key(&vendor.url()))
        .start()
        .await;
    (vendor, leeward)
}

fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let accounts = answer.json()["accounts"].as_array().unwrap().clone();
    accounts
        .iter()
        .map(|account| account["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn an_account_is_put_shown_and_deleted_without_a_credential_in_sight() {
    let (vendor, leeward) = started().await;
    let body = json!({
        "provider": "o",
        "credentials": { "access_token": "s3cret-at", "refresh_token": "s3cret-rt", "expires_in": 3600, "extra": "s3cret-x" },
        "vars": { "shop": "s-1", "n": 7 },
    });
    let put = leeward
        .admin(Method::PUT, "/accounts/acme:1@x.y_z-", Some(body.clone()))
        .await;
    assert_eq!(put.status, 201);
    let shown = put.json();
    assert_eq!(shown["changed"], true);
    let members: Vec<&str> = shown
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        members,
        [
            "id", "provider", "status", "reason", "since", "vars", "token", "changed"
        ]
    );
    assert_eq!(shown["id"], "acme:1@x.y_z-");
    assert_eq!(shown["vars"], json!({ "shop": "s-1", "n": 7 }));
    let token: Vec<&str> = shown["token"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        token,
        ["expires_at", "refresh_at", "refreshed_at", "version"]
    );
    for time in [
        &shown["since"],
        &shown["token"]["expires_at"],
        &shown["token"]["refresh_at"],
    ] {
        let text = time.as_str().unwrap();
        assert!(
            text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok(),
            "{text}"
        );
    }
    assert_eq!(shown["token"]["refreshed_at"], Value::Null);

    // The same again.
    let again = leeward
        .admin(Method::PUT, "/accounts/acme:1@x.y_z-", Some(body))
        .await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["changed"]),
        (200, &json!(false))
    );
    // Others.
    let other = leeward
        .put(
            "acme:1@x.y_z-",
            "o",
            json!({ "access_token": "s3cret-at2", "refresh_token": "s3cret-rt2" }),
        )
        .await;
    assert_eq!(
        (other.status.as_u16(), &other.json()["changed"]),
        (200, &json!(true))
    );
    leeward.get("/proxy/o/x").await.live();
    assert_eq!(
        vendor.last().header("authorization"),
        Some("Bearer s3cret-at2")
    );

    let mut seen = leeward.log().join("\n");
    for path in [
        "/accounts",
        "/accounts/acme:1@x.y_z-",
        "/providers",
        "/config",
        "/breakers",
        "/limits",
    ] {
        seen += &leeward.admin(Method::GET, path, None).await.text();
    }
    for path in ["/metrics", "/status", "/status.json"] {
        seen += &leeward.telemetry(path).await.text();
    }
    seen += &put.text();
    seen += &other.text();
    for secret in ["s3cret", "hush", "test-admin-token"] {
        assert!(!seen.contains(secret), "{secret} is shown:\n{seen}");
    }

    let path = "/accounts/acme:1@x.y_z-";
    assert_eq!(leeward.admin(Method::DELETE, path, None).await.status, 204);
    leeward
        .admin(Method::DELETE, path, None)
        .await
        .problem(404, "unknown_account");
    leeward
        .admin(Method::GET, path, None)
        .await
        .problem(404, "unknown_account");
    leeward
        .get("/proxy/o/x")
        .await
        .problem(404, "unknown_account");
}

#[tokio::test]
async fn the_list_is_filtered_and_comes_in_pages() {
    let (_vendor, leeward) = started().await;
    for id in ["b", "d", "a", "c"] {
        leeward.put(id, "k", json!({ "api_key": id })).await;
    }
    leeward.put("e", "o", json!({ "access_token": "x" })).await;
    leeward
        .admin(Method::POST, "/accounts/c/disable", None)
        .await;
    let list = |query: &str| {
        let path = format!("/accounts{query}");
        let leeward = &leeward;
        async move { leeward.admin(Method::GET, &path, None).await }
    };
    assert_eq!(ids(&list("").await), ["a", "b", "c", "d", "e"]);
    assert_eq!(ids(&list("?provider=k").await), ["a", "b", "c", "d"]);
    assert_eq!(ids(&list("?status=disabled").await), ["c"]);
    assert_eq!(
        ids(&list("?status=active&provider=k").await),
        ["a", "b", "d"]
    );
    assert_eq!(
        ids(&list("?status=needs_reauth").await),
        Vec::<String>::new()
    );
    assert_eq!(ids(&list("?status=refreshing").await), Vec::<String>::new());
    assert_eq!(ids(&list("?provider=none").await), Vec::<String>::new());

    let mut all = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let page = list(&query).await;
        let found = ids(&page);
        assert!((1..=2).contains(&found.len()));
        all.extend(found);
        match page.json()["next_cursor"].as_str() {
            Some(cursor) => query = format!("?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(all, ["a", "b", "c", "d", "e"]);

    let faults = list("?status=gone&limit=0")
        .await
        .problem(422, "invalid_request");
    let pointers: Vec<_> = faults["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| &fault["pointer"])
        .collect();
    assert_eq!(pointers, ["/status", "/limit"]);
}

#[tokio::test]
async fn a_body_at_fault_is_refused_with_all_of_its_faults() {
    let (_vendor, leeward) = started().await;
    let put = |id: &str, body: Value| {
        let path = format!("/accounts/{id}");
        let leeward = &leeward;
        async move {
            let problem = leeward
                .admin(Method::PUT, &path, Some(body))
                .await
                .problem(422, "invalid_request");
            let errors = problem["errors"].as_array().unwrap().clone();
            assert!(errors.iter().all(|error| {
                error["message"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty())
            }));
            errors
                .iter()
                .map(|error| error["pointer"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(put("a", json!([])).await, [""]);
    assert_eq!(put("a", json!({})).await, ["/provider"]);
    assert_eq!(put("a", json!({ "provider": "x" })).await, ["/provider"]);
    assert_eq!(
        put("a", json!({ "provider": 1, "credential": {}, "vars": [], "credentials": "x", "account": "b" })).await,
        ["/credential", "/provider", "/account", "/credentials", "/vars"]
    );
    assert_eq!(
        put(
            "a",
            json!({ "provider": "k", "overrides": { "timeout": {} } })
        )
        .await,
        ["/overrides"]
    );
    assert_eq!(
        put("a", json!({ "provider": "o", "credentials": { "access_token": 5, "refresh_token": [], "expires_at": "soon" } })).await,
        ["/credentials/access_token", "/credentials/refresh_token", "/credentials/expires_at"]
    );
    // What is wrong in several places is said in one answer.
    assert_eq!(
        put("a", json!({ "provider": "x", "a/b": 1 })).await,
        ["/a~1b", "/provider"]
    );
    for id in ["a%2Fb", "a%20b", "%C3%A9", &"x".repeat(201), "a%00b"] {
        assert_eq!(put(id, json!({ "provider": "k" })).await, [""], "{id}");
    }
    let long = "x".repeat(200);
    assert_eq!(
        leeward
            .put(&long, "k", json!({ "api_key": "x" }))
            .await
            .status,
        201
    );

    // What is no JSON at all.
    let request = http::Request::put(format!("http://{}/accounts/a", leeward.admin))
        .header("authorization", "bearer test-admin-token")
        .body(bytes::Bytes::from("{nonsense").into());
    let answer = crate::harness::send(&leeward.client, request.unwrap()).await;
    assert_eq!(
        answer.problem(422, "invalid_request")["errors"][0]["pointer"],
        ""
    );
    assert_eq!(
        ids(&leeward.admin(Method::GET, "/accounts", None).await),
        [long]
    );
}

#[tokio::test]
async fn a_disabled_account_rests_until_it_is_enabled() {
    let (vendor, leeward) = started().await;
    let due = json!({ "access_token": "at-0", "refresh_token": "rt-0", "expires_in": 3600 });
    leeward.put("acme", "o", due).await;
    let disabled = leeward
        .admin(Method::POST, "/accounts/acme/disable", None)
        .await;
    assert_eq!(
        (disabled.status.as_u16(), &disabled.json()["status"]),
        (200, &json!("disabled"))
    );
    leeward
        .get("/proxy/o/x")
        .await
        .problem(403, "account_disabled");
    leeward
        .refresh("acme")
        .await
        .problem(403, "account_disabled");
    // A PUT keeps it, even of a token that is over.
    let over = json!({ "access_token": "at-0", "refresh_token": "rt-5", "expires_in": 0 });
    let put = leeward.put("acme", "o", over).await;
    assert_eq!(
        (put.status.as_u16(), &put.json()["status"]),
        (200, &json!("disabled"))
    );
    leeward
        .get("/proxy/o/x")
        .await
        .problem(403, "account_disabled");
    // Over a restart, too.
    let leeward = leeward.killed_and_started_again().await;
    leeward
        .get("/proxy/o/x")
        .await
        .problem(403, "account_disabled");
    assert_eq!((vendor.count("/token"), vendor.count("/x")), (0, 0));
    let enabled = leeward
        .admin(Method::POST, "/accounts/acme/enable", None)
        .await;
    assert_eq!(enabled.status, 200);
    assert_ne!(enabled.json()["status"], "disabled");
    assert_eq!(
        leeward.get("/proxy/o/x").await.live().json()["bearer"],
        "at-6"
    );
    for action in ["refresh", "disable", "enable"] {
        let path = format!("/accounts/nobody/{action}");
        leeward
            .admin(Method::POST, &path, None)
            .await
            .problem(404, "unknown_account");
    }
}

#[tokio::test]
async fn a_refresh_by_hand_joins_the_flight_that_is_under_way() {
    let vendor = Script::start(|call| {
        let reply = rotating(call);
        match call.head.uri.path() {
            "/token" => leeward_vendors::Reply::After(
                std::time::Duration::from_millis(500),
                Box::new(reply),
            ),
            _ => reply,
        }
    })
    .await;
    let leeward = Files::new()
        .provider("o", &oauth2(&vendor.url()))
        .start()
        .await;
    leeward
        .put(
            "acme",
            "o",
            json!({ "access_token": "at-0", "refresh_token": "rt-0", "expires_in": 3600 }),
        )
        .await;
    let three = (0..3).map(|_| leeward.refresh("acme"));
    let seen = async {
        leeward.until_status("acme", "refreshing").await;
        let listed = leeward
            .admin(Method::GET, "/accounts?status=refreshing", None)
            .await;
        assert_eq!(ids(&listed), ["acme"]);
        assert_eq!(
            ids(&leeward
                .admin(Method::GET, "/accounts?status=active", None)
                .await),
            Vec::<String>::new()
        );
    };
    let (answers, ()) = tokio::join!(futures_util::future::join_all(three), seen);
    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["token"]["version"], 2);
    }
    assert_eq!(vendor.count("/token"), 1);
    leeward.until_status("acme", "active").await;
}

#[tokio::test]
async fn what_the_admin_api_does_not_have_is_said() {
    let (_vendor, leeward) = started().await;
    leeward
        .admin(Method::GET, "/nothing", None)
        .await
        .problem(404, "unknown_resource");
    let answer = leeward.admin(Method::PATCH, "/accounts/acme", None).await;
    answer.problem(405, "unsupported_operation");
    assert_eq!(answer.header("allow"), Some("GET, PUT, DELETE"));
    let answer = leeward.admin(Method::GET, "/reload", None).await;
    answer.problem(405, "unsupported_operation");
    assert_eq!(answer.header("allow"), Some("POST"));
}
